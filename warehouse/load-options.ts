import type { JobId, TenantId } from '../core/identifiers.ts'

/** A job whose rows the run carries. */
export interface LoadJob {
  readonly jobId: JobId
  /** ISO 8601 UTC; the ledger's `loaded_at`, so that no clock is read. */
  readonly registeredAt: string
  readonly sourceKey: string
  /** ISO 8601 UTC, as in the rows' `_source_modified`. */
  readonly sourceModifiedAt: string
  /** As in the rows' `_sequencer` (`comparableSequencer`). */
  readonly sequencer: string
  readonly mappingVersion: number
}

export interface LoadOptions {
  /** The role with which Redshift reads the curated files. */
  readonly copyRoleArn: string
  readonly tenantId: TenantId
  /** What an operator let the run off, for the ledger; `null` almost always. */
  readonly waivers: string | null
  /** One, or the jobs of a batch; no two of one object key. */
  readonly jobs: readonly LoadJob[]
}
