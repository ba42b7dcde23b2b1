import type { ColumnType } from '../core/column-type.ts'
import type { Transform } from '../core/mapping.ts'

/**
 * The intermediate form of a plan: what is done to each field, as operators with specified semantics (docs/operators.md).
 * A field starts as the text of its source column (NULL is "no value"), passes `text` operators in order, is converted
 * once, and is then checked. Every operator maps NULL to NULL, `default` and `constant` aside.
 */
export interface FieldPlan {
  readonly target: string
  readonly type: ColumnType
  readonly required: boolean
  /** Positions in the source's columns, from 0; `null` where the file lacks the column. */
  readonly sources: readonly (number | null)[]
  readonly text: readonly TextOperator[]
  readonly conversion: Conversion
  readonly checks: readonly Check[]
  /** What happens to a value that does not fit: the row is a reject, or the value is kept in `_rescued`. */
  readonly misfit: 'reject' | 'rescue'
}

/** Text in, text out. */
export type TextOperator =
  | Extract<
      Transform,
      {
        name:
          | 'trim'
          | 'uppercase'
          | 'lowercase'
          | 'collapse_whitespace'
          | 'null_if'
          | 'normalize_currency'
          | 'map_values'
          | 'lookup'
          | 'default'
          | 'constant'
          | 'concat'
          | 'regex_extract'
          | 'hash'
          | 'mask'
      }
    >
  | { readonly name: 'null_texts'; readonly values: readonly string[] }

export interface NumberForm {
  /** The decimal mark, one character. */
  readonly decimal: string
  /** The grouping mark, one character, or `null` where digits are never grouped. */
  readonly group: string | null
}

/** Text in, typed value out: the grammar first, then the conversion. */
export type Conversion =
  | { readonly name: 'keep_text' }
  | { readonly name: 'parse_integer'; readonly bits: 32 | 64; readonly form: NumberForm; readonly rounding: Rounding }
  | {
      readonly name: 'parse_decimal'
      readonly precision: number
      readonly scale: number
      readonly form: NumberForm
      readonly rounding: Rounding
    }
  | { readonly name: 'parse_double'; readonly form: NumberForm }
  | { readonly name: 'parse_boolean'; readonly true: readonly string[]; readonly false: readonly string[] }
  | { readonly name: 'parse_date'; readonly format: string }
  | {
      readonly name: 'parse_timestamp'
      readonly format: string
      readonly timezone: string | null
      readonly into: 'timestamp' | 'date'
    }
  | { readonly name: 'parse_iso8601'; readonly timezone: string | null; readonly into: 'timestamp' | 'date' }
  | { readonly name: 'parse_json' }

export type Rounding = 'half_even' | 'half_up' | null

export type Check =
  | { readonly name: 'length'; readonly maxCharacters: number; readonly maxBytes: number }
  | { readonly name: 'pattern'; readonly pattern: string }
  | { readonly name: 'values'; readonly values: readonly string[] }

/** Codes of rejects, per value or per record. Public: docs/operators.md lists them. */
export const REJECT_CODES = {
  required_missing: 'A required column has no value.',
  type_mismatch: 'The text does not have the form of the type.',
  scale_exceeded: 'The number has more decimals than the column.',
  out_of_range: 'The number or time lies outside of what the type holds.',
  offset_missing: 'The time has no offset, and the mapping names no time zone.',
  time_nonexistent: 'The local time was skipped by the clocks of its zone.',
  value_too_long: 'The text has more characters than the column, or more than 65,535 bytes.',
  pattern_mismatch: 'The text does not match the pattern of the column.',
  not_in_values: 'The value is not one of those allowed.',
  not_in_map: 'The value is not one that the mapping translates.',
  reference_miss: 'The value is not in the reference table.',
  column_count: 'The record has fewer or more columns than the header.',
  malformed_quote: 'Text follows a closing quote.',
  unclosed_quote: 'A quote is open at the end of the file.',
  bad_encoding: 'The record holds bytes that are not valid text.',
  row_too_long: 'The record is longer than the contract allows.',
  malformed_json: 'The record or value is not valid JSON.',
} as const
export type RejectCode = keyof typeof REJECT_CODES

/** Codes that say a value does not fit its type: what `typeCoercion` decides on. */
export const TYPE_CODES: readonly RejectCode[] = [
  'type_mismatch',
  'scale_exceeded',
  'out_of_range',
  'offset_missing',
  'time_nonexistent',
]

export interface IntermediateForm {
  /** Names of the source's columns in order. */
  readonly sourceColumns: readonly string[]
  readonly fields: readonly FieldPlan[]
  /** Positions of source columns that no rule consumes and `_rescued` keeps. */
  readonly rescued: readonly number[]
  /** Texts that mean "no value". */
  readonly nullValues: readonly string[]
  readonly additive: 'rescue' | 'ignore' | 'reject'
}
