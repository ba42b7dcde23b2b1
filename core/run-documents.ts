import type { Digest } from './digest.ts'
import type { DatasetName, JobId, RunId, TenantId } from './identifiers.ts'
import type { ReasonCode } from './reason-codes.ts'
import type { SourceVersion } from './source.ts'

/**
 * The id of the run that an attempt starts with, for the log lines of what happens before: one search for it then finds every
 * stage. A run that is tried again ends in another number; a search for the job finds those too.
 */
export const firstRunIdOf = ({ jobId, attempt }: { readonly jobId: string; readonly attempt: number }): string =>
  `${jobId}-${attempt}-0`

/** Folder of the documents of a run in the work bucket, without a slash at its end; it names the tenant, as every key of a run does. */
export const runFolder = (tenantId: string, runId: string): string => `runs/${tenantId}/${runId}`

/** `input = curated + rejected + duplicates`, from independent counts. */
export interface RowCounts {
  readonly input: number
  readonly curated: number
  readonly rejected: number
  readonly duplicates: number
}

/** One input of a run; a batch of small files has several. */
export interface RunInput extends SourceVersion {
  readonly jobId: JobId
  readonly sizeBytes: number
  /** ISO 8601 UTC; the source's last-modified. */
  readonly modifiedAt: string
  /** Padded, see `comparableSequencer`. */
  readonly sequencer: string
}

/**
 * `runs/{tenantId}/{runId}/manifest.json` in the work bucket: a run's last act. It is a COPY manifest as UNLOAD ... MANIFEST VERBOSE
 * writes them (entries with content lengths, schema, meta, author).
 */
export interface RunManifest {
  readonly entries: readonly {
    readonly url: string
    readonly mandatory: true
    readonly meta: { readonly content_length: number; readonly record_count: number }
  }[]
  /** Columns in file order; types as the Glue catalog spells them (`printPhysicalType(…, 'glue')`). */
  readonly schema: { readonly elements: readonly { readonly name: string; readonly type: string }[] }
  readonly meta: { readonly content_length: number; readonly record_count: number }
  readonly author: {
    readonly name: 'sluice'
    readonly runId: RunId
    readonly tenantId: TenantId
    readonly dataset: DatasetName
    readonly schemaHash: Digest
    /** Of the contract's columns, `_rescued` and record numbers: equal for any run of the same source and configuration. */
    readonly contentHash: string
  }
}

/** `runs/{tenantId}/{runId}/summary.json`, at most 8 KB: what the state machine branches on. */
export interface RunSummary {
  readonly runId: RunId
  readonly tenantId: TenantId
  readonly dataset: DatasetName
  /** `refused`: bad data; the Glue run still succeeds. */
  readonly outcome: 'ok' | 'refused'
  readonly reasonCode: ReasonCode | null
  readonly message: string | null
  readonly counts: RowCounts
  readonly jobs: readonly { readonly jobId: JobId; readonly counts: RowCounts }[]
  /** Reject codes with their number of rows, most frequent first, at most 10. */
  readonly rejectCodes: readonly { readonly code: string; readonly column: string | null; readonly rows: number }[]
  readonly files: number
  readonly bytes: number
  readonly contentHash: string | null
  readonly manifest: { readonly bucket: string; readonly key: string } | null
  readonly curatedUri: string | null
  readonly rejectsUri: string | null
  /** Set where the transform evaluated the quality plan in its own run. */
  readonly quality: { readonly verdict: { readonly bucket: string; readonly key: string } } | null
  readonly stages: readonly { readonly name: string; readonly millis: number }[]
}

export type RuleResult = 'PASS' | 'FAIL' | 'ERROR'
export type Severity = 'gate' | 'warn'

/** `verdict.json` in dq-results, at most 4 KB: what the gate branches on. */
export interface Verdict {
  /** `FAIL`: a gate rule was not met. `ERROR`: a gate rule could not be evaluated (and none failed). */
  readonly gate: RuleResult
  readonly score: number
  readonly rules: {
    readonly passed: number
    readonly failed: number
    readonly errors: number
    readonly warnings: number
  }
  /** The first 20 rules that did not pass, texts cut to 120 characters. */
  readonly notPassed: readonly {
    readonly name: string
    readonly rule: string
    readonly result: RuleResult
    readonly severity: Severity
    readonly message: string | null
  }[]
  readonly result: { readonly bucket: string; readonly key: string }
}
