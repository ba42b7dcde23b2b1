import type { ColumnType } from './column-type.ts'
import type { DatasetName } from './identifiers.ts'

/** A column of a contract. Rows that break `required`, `pattern` or `values` are rejects. */
export interface ContractColumn {
  readonly name: string
  readonly type: ColumnType
  readonly required: boolean
  readonly description: string | null
  /** A regular expression (RE2) that the whole text must match. */
  readonly pattern: string | null
  /** The allowed values, as text. */
  readonly values: readonly string[] | null
}

/** What happens to columns that no rule consumes: kept in `_rescued`, dropped, or the file is quarantined. */
export type AdditiveDrift = 'rescue' | 'ignore' | 'reject'
/**
 * What a value that does not fit its type does. `none`: the row is a reject and one such row quarantines the file
 * (`type_drift`). `limited`: the row is a reject, counted against the tolerance. `full`: in an optional column the value
 * becomes NULL and its text is kept in `_rescued`; in a required one the row is a reject.
 */
export type TypeCoercion = 'none' | 'limited' | 'full'

export interface ContractLimits {
  /** Largest source as stored, in bytes. */
  readonly bytes: number
  /** Smallest source that can be one, in bytes; a smaller one that is not empty is `file_too_small`. */
  readonly minBytes: number
  /** Longest record in bytes. */
  readonly rowBytes: number
  readonly columns: number
  /** Longest text of a rejected record that is kept, in characters; beside it stands the hash of the whole. */
  readonly rawCharacters: number
  /** Largest ratio of decompressed to stored bytes. */
  readonly compressionRatio: number
}

export type Distribution =
  | { readonly style: 'auto' | 'even' | 'all' }
  | { readonly style: 'key'; readonly column: string }

/** `merge`: rows replace those of the same key. `replace_source`: a source's rows replace those of an earlier version of its object key. */
export type LoadMode = 'merge' | 'replace_source'

/** A parsed, checked contract. Column, key and sort names are lower_snake_case and unique. */
export interface Contract {
  readonly dataset: DatasetName
  readonly version: number
  readonly description: string | null
  readonly columns: readonly ContractColumn[]
  /** Key columns in order; empty for `key: none`. All are required columns. */
  readonly key: readonly string[]
  readonly load: LoadMode
  /** A timestamp or date column; newer rows win. */
  readonly eventTime: string | null
  readonly drift: {
    readonly additive: AdditiveDrift
    /** A required column that the file lacks always quarantines the file. */
    readonly missingRequired: 'quarantine'
    readonly typeCoercion: TypeCoercion
    /**
     * Whether a file that breaks the contract (a required column is gone, a column is rejected, a value does not fit under
     * `typeCoercion: none`) is quarantined; otherwise its job fails as `breaking_change` and operators are told.
     */
    readonly quarantineOnBreakingChange: boolean
  }
  /** Share of rows (0 to 1) that may be rejects; above it the file is quarantined (`too_many_rejects`). */
  readonly rejectTolerance: number
  readonly limits: ContractLimits
  readonly warehouse: { readonly distribution: Distribution; readonly sort: readonly string[] }
  /** Sources at least this large (bytes as stored) run on `transform-large`. */
  readonly largeFromBytes: number
}
