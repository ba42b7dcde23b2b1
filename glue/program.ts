import type { Compression, InputFormat } from '../core/mapping.ts'

/**
 * How text is cut into records, before any engine sees it (docs/operators.md, "Framing"). A record ends at LF, CRLF or CR
 * outside of quotes; a quote opens only at the start of a field; empty lines are no records. Records are numbered from 1, the
 * header not counted.
 */
export interface Framing {
  readonly delimiter: string
  /** `null`: nothing is quoted (JSON lines). */
  readonly quote: string | null
  readonly escape: string | null
  readonly header: boolean
  readonly columns: number
  readonly maxRecordBytes: number
  /** Bytes of a malformed record that are kept. */
  readonly maxRawBytes: number
  /** Code of a record whose number of columns is wrong. */
  readonly columnCode: 'column_count' | 'malformed_json'
}

/** How the stored bytes become what `parse` reads. */
export interface ProgramInput {
  readonly format: InputFormat
  readonly compression: Compression
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin-1' | 'windows-1252'
  /** Largest ratio of decompressed to stored bytes. */
  readonly compressionRatio: number
  /** `null` for formats that are not framed as lines (JSON arrays, Parquet). */
  readonly framing: Framing | null
}

/**
 * The printed SQL of a run, in DuckDB's dialect. Executors run these texts and hold no rule of their own.
 *
 * 1. per input or split: `parse` with `{input}` replaced by the string literal of a file of well-framed records (malformed
 *    ones replaced by records of empty fields, so that positions stay true); its rows come in input order.
 * 2. over all rows of the run: a relation `sluice_parsed` (the columns of `parse`, then `input_index INTEGER` from 0 and
 *    `record_number BIGINT`) and a table `sluice_malformed` (`input_index INTEGER, record_number BIGINT, code VARCHAR,
 *    message VARCHAR, raw VARCHAR, raw_sha256 VARCHAR`) stand; the statements of `resolve` (`marks`, `rows`, `duplicates`, `output`) run in order,
 *    `{records_0}`, `{records_1}`, … replaced by the number of records of each input, and leave views `sluice_curated` and
 *    `sluice_rejects` and a table `sluice_duplicates (input_index, record_number)`.
 *    A part of the rows may be resolved on its own where all rows of one key stand together. `segments` says which rows may
 *    have a row of the same key elsewhere: a table `sluice_repeated_hashes (h)` holds the `keyHashes` that more than one row
 *    has. After `resolve.rows` stand, `alone` are the curated rows that no other row can take the place of; what else there is
 *    of the part's rows is `sluice_parsed` when `setApart` (in the place of `duplicates`) and `output` run, and `rowsApart`
 *    are its rows to be resolved together with those of all other parts.
 * 3. `curated` and `rejects` are SELECTs to be written, in record order; the others are SELECTs of small facts.
 */
export interface Program {
  readonly programVersion: 1
  readonly inputs: readonly ProgramInput[]
  /** Statements of every session, before anything else. */
  readonly session: readonly string[]
  readonly parse: string
  readonly parsedColumns: readonly { readonly name: string; readonly type: string }[]
  /** Statement that creates `sluice_malformed`. */
  readonly malformedTable: string
  readonly resolve: {
    /** Of the contents of `sluice_malformed`. */
    readonly marks: readonly string[]
    /** Views only. */
    readonly rows: readonly string[]
    readonly duplicates: readonly string[]
    readonly output: readonly string[]
  }
  readonly segments: {
    /** SELECT of a hash (h UINTEGER) of each row's key, `{rows}` replaced by a relation with the columns of `parse` or `parseKeys`; `null` for `key: none`. */
    readonly keyHashes: string | null
    /** As `parse`, with the columns of the key only; `null` for `key: none`. */
    readonly parseKeys: string | null
    readonly alone: string
    readonly setApart: readonly string[]
    /** SELECT with the columns of `sluice_parsed`. */
    readonly rowsApart: string
  }
  readonly curated: string
  readonly rejects: string
  /** (input_index, duplicates) */
  readonly duplicateCounts: string
  /** One row: content_hash VARCHAR over the relation `sluice_written` (the written curated rows). */
  readonly contentHash: string
  /** (code, column, rows), most frequent first, over `sluice_rejects_written`. */
  readonly rejectCodes: string
  /** One row: document VARCHAR, the reject sample. */
  readonly rejectSample: string
  /** One row: type_errors BIGINT. */
  readonly typeErrors: string
  /** Key columns by which rows are told apart, and the order of versions (most significant first); empty for `key: none`. */
  readonly key: readonly { readonly name: string; readonly text: boolean }[]
  readonly versionOrder: readonly string[]
}
