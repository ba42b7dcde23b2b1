import type { DatasetName, TenantId } from './identifiers.ts'

export type InputFormat = 'csv' | 'tsv' | 'json_lines' | 'json_array' | 'parquet'
export type Compression = 'auto' | 'none' | 'gzip' | 'zstd'

/** How the bytes are read. Delimiter, quote and escape are one character each. */
export interface InputOptions {
  readonly format: InputFormat
  readonly compression: Compression
  readonly encoding: 'auto' | 'utf-8' | 'utf-16' | 'latin-1' | 'windows-1252'
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  readonly header: boolean
  /** Column names in order when `header` is false. */
  readonly columns: readonly string[]
  /** Texts that mean "no value", compared after nothing else was done to the field; the empty field always is one. */
  readonly nullValues: readonly string[]
  /** IANA zone in which times without an offset are read; `null`: such times are rejects. */
  readonly timezone: string | null
}

/** The closed registry of transforms. Options are data; nothing is evaluated. */
export type Transform =
  | { readonly name: 'trim' | 'uppercase' | 'lowercase' | 'collapse_whitespace' }
  | { readonly name: 'null_if'; readonly values: readonly string[] }
  /** `format` in strftime letters: %Y %y %m %d %-m %-d %b %B. */
  | { readonly name: 'parse_date'; readonly format: string }
  /** `format` as for dates with %H %-H %I %-I %p %M %S %f %z; `timezone` for texts without %z. */
  | { readonly name: 'parse_timestamp'; readonly format: string; readonly timezone: string | null }
  | { readonly name: 'parse_iso8601'; readonly timezone: string | null }
  /** `group` characters are removed only where they stand in groups of three; `rounding: null` refuses more decimals than the column has. */
  | {
      readonly name: 'parse_number'
      readonly decimal: string
      readonly group: string | null
      readonly rounding: 'half_even' | 'half_up' | null
    }
  | { readonly name: 'parse_boolean'; readonly true: readonly string[]; readonly false: readonly string[] }
  | {
      readonly name: 'normalize_currency'
      readonly part: 'amount' | 'code'
      readonly symbols: Readonly<Record<string, string>>
    }
  /** `otherwise`: `reject` (not_in_map), `keep` or `null`. */
  | {
      readonly name: 'map_values'
      readonly values: Readonly<Record<string, string>>
      readonly otherwise: 'reject' | 'keep' | 'null'
    }
  | { readonly name: 'default'; readonly value: string }
  | { readonly name: 'constant'; readonly value: string }
  | { readonly name: 'concat'; readonly separator: string }
  /** RE2; the group's text, or no value when the pattern does not match. */
  | { readonly name: 'regex_extract'; readonly pattern: string; readonly group: number }
  | { readonly name: 'hash' }
  | { readonly name: 'mask'; readonly keepLast: number }
  | {
      readonly name: 'lookup'
      readonly table: Readonly<Record<string, string>>
      readonly otherwise: 'reject' | 'keep' | 'null'
    }

/** One target column. `sources` is empty for `constant`, has several names for `concat`, else one. */
export interface MappingField {
  readonly sources: readonly string[]
  readonly target: string
  readonly transforms: readonly Transform[]
}

/** A parsed, checked mapping of one tenant's columns to one contract's columns. */
export interface Mapping {
  readonly tenantId: TenantId
  readonly dataset: DatasetName
  readonly version: number
  readonly contractVersion: number
  readonly sourceSystem: string
  readonly input: InputOptions
  readonly fields: readonly MappingField[]
}
