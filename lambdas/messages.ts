import type { DatasetName, JobId, TenantId } from '../core/identifiers.ts'
import type { ReasonCode, Stage } from '../core/reason-codes.ts'
import type { RowCounts } from '../core/run-documents.ts'
import type { LandedSource } from '../core/source.ts'
import type { ReplayConfiguration, ReplayOverrides } from '../replay/manifest.ts'

/** What the ingest machine is started with, by intake, the sweep, an operator or a replay. */
export interface IngestInput {
  readonly source: LandedSource
  readonly sourceType: 's3'
  readonly trigger: 'event' | 'manual' | 'sweep' | 'replay'
  readonly replay: ReplayOrder | null
}

/** How a replay wants one source run; made by the plan and carried by the input of the ingest machine. */
export interface ReplayOrder extends ReplayOverrides {
  readonly replayId: string
  /** Who asked for it and why, as the manifest says. */
  readonly requestedBy: string
  readonly reason: string
  readonly configuration: ReplayConfiguration
  readonly force: boolean
  /** The job that the plan found, which runs again as it is pinned; `null` when it found none. */
  readonly jobId: JobId | null
  /** The configuration that the plan chose for a new job, so that a change after planning changes nothing; `null` leaves it to registration. */
  readonly pinned: PlannedConfiguration | null
  /** ISO 8601 UTC: when the plan was made, which is the clock of a job that the replay makes; `null` leaves it to registration. */
  readonly plannedAt: string | null
}

/** A configuration by what it is made of; all parts stay in Postgres. */
export interface PlannedConfiguration {
  readonly contractHash: string
  readonly contractVersion: number
  readonly mappingHash: string
  readonly rulesetHash: string
}

/** An object of the work bucket, content-addressed: `config/{tenantId}/{kind}/{hash}.json`. */
export interface PinnedDocument {
  readonly key: string
  readonly hash: string
  readonly version: number
}

/** The configuration that RegisterJob pins; `hash` is over all members. */
export interface PinnedConfiguration {
  readonly hash: string
  readonly contract: PinnedDocument
  readonly mapping: PinnedDocument
  readonly ruleset: PinnedDocument
  readonly compilerVersion: string
}

export interface RegisteredJob {
  readonly jobId: JobId
  readonly tenantId: TenantId
  readonly dataset: DatasetName
  /** Counted from 1. */
  readonly attempt: number
  /** `initial`, `redrive` or `replay:<replayId>`. */
  readonly attemptKind: string
  /** ISO 8601 UTC; the clock of every path and row of the job. */
  readonly registeredAt: string
  /** ISO 8601 UTC; of the source's first job: rules that compare with earlier runs look at what there was then, also when a replay runs it. */
  readonly firstRegisteredAt: string
  /** `YYYY-MM-DD`, the day of `registeredAt`. */
  readonly ingestDate: string
  readonly idempotencyKey: string
  readonly replayId: string | null
  /** What an operator let this attempt off; `null` almost always. */
  readonly waivers: ReplayOverrides | null
  /** Number of the load into the warehouse: 1, and one more for each forced replay. */
  readonly publication: number
}

/** metadata: `registerJob` */
export interface RegisterJobRequest {
  readonly operation: 'registerJob'
  readonly input: unknown
  readonly executionArn: string
  /** ISO 8601 UTC, the execution's start. */
  readonly at: string
}
export interface RegisterJobResult {
  /** `run`; `duplicate` (completed before, or attached to a running one: nothing to do); `wait` (over quota); `refuse` (quarantine). */
  readonly decision: 'run' | 'duplicate' | 'wait' | 'refuse'
  readonly job: RegisteredJob
  readonly source: LandedSource
  readonly duplicateOf: JobId | null
  readonly reasonCode: ReasonCode | null
  readonly message: string | null
  /** Set when `decision` is `run`. */
  readonly configuration: PinnedConfiguration | null
}

/** validate: one request form, no operation */
export interface ValidateRequest {
  readonly job: RegisteredJob
  readonly source: LandedSource
  readonly configuration: PinnedConfiguration
  /** For log lines only. */
  readonly executionArn?: string
}
export interface ObjectPointer {
  readonly bucket: string
  readonly key: string
}
export type ValidateResult =
  | {
      readonly valid: true
      readonly plan: ObjectPointer
      /** `load.json`: the SQL of LoadWarehouse with placeholders, see warehouse/load-plan.ts. */
      readonly load: ObjectPointer
      readonly engine: 'small' | 'large'
      /** Where StageValidated copies the version to. */
      readonly validated: ObjectPointer
      readonly sizeBytes: number
      /** Hex SHA-256 of the whole content, where S3 holds one of type FULL_OBJECT. */
      readonly sha256: string | null
      readonly drift: Drift
      /** What becomes of a breaking change that the transform finds. */
      readonly breaking: 'quarantine' | 'fail'
    }
  | {
      readonly valid: false
      readonly reasonCode: ReasonCode
      /** `fail`: it is a breaking change, and the contract says that it fails the job. */
      readonly breaking: 'quarantine' | 'fail'
      readonly message: string
      /** Small facts, no row values; at most 2 KB. */
      readonly details: Readonly<Record<string, unknown>>
      readonly drift: Drift | null
    }
export interface Drift {
  readonly class: 'none' | 'additive' | 'reordered' | 'retyped' | 'missing' | 'structural'
  /** At most 20 names each. */
  readonly added: readonly string[]
  readonly missing: readonly string[]
  /** Each column that differs, at most 20: absent ones first, then retyped, then new ones. */
  readonly changes: readonly DriftChange[]
}
export interface DriftChange {
  /** Of the source, as its header names it. */
  readonly column: string
  readonly kind: 'absent' | 'retyped' | 'new'
  /** The type of the contract that the column is for; `null` for a new column, and where the mapping names a column the contract lacks. */
  readonly old: string | null
  /** The type that the sampled values have; `null` for an absent column. */
  readonly new: string | null
}

/** metadata: `claimContent`, asked when validation saw a SHA-256 of the content. */
export interface ClaimContentRequest {
  readonly operation: 'claimContent'
  readonly tenantId: string
  readonly jobId: string
  readonly sha256: string
  readonly force: boolean
}
export interface ClaimContentResult {
  readonly decision: 'run' | 'duplicate'
  readonly duplicateOf: JobId | null
}

export interface StageRecord {
  readonly name: string
  readonly startedAt: string
  readonly millis: number
}

/** quarantine */
export interface QuarantineRequest {
  /** `FAILED`: infrastructure failed the job for good; the data is not at fault. */
  readonly status: 'QUARANTINED' | 'FAILED'
  readonly job: RegisteredJob
  readonly source: LandedSource
  readonly stage: Stage
  readonly reasonCode: ReasonCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
  /** URIs of what the job had come to. */
  readonly objects: Readonly<Record<string, string | null>>
  /** `runs/{tenantId}/{runId}/` documents where a run exists; the Lambda reads the bounded reject sample and the verdict there. */
  readonly runId: string | null
  readonly executionArn: string
}
export interface QuarantineResult {
  readonly manifest: ObjectPointer
}

/** metadata: `closeJob`, the end of a job that a state of the machine knows of. */
export interface CloseJobRequest {
  readonly operation: 'closeJob'
  readonly tenantId: string
  readonly jobId: string
  readonly attempt: number
  readonly status: 'COMPLETED' | 'QUARANTINED' | 'FAILED' | 'SKIPPED' | 'DEFERRED'
  readonly reasonCode: ReasonCode | null
  readonly message: string | null
  readonly duplicateOf: string | null
  readonly runId: string | null
  readonly counts: RowCounts | null
  /** The ledger row of the load. */
  readonly ledger: {
    readonly inserted: number
    readonly updated: number
    readonly unchanged: number
    readonly stale: number
  } | null
  /** `s3://` URIs. */
  readonly objects: Readonly<
    Record<'validated' | 'plan' | 'curated' | 'rejects' | 'quarantine' | 'quality', string | null>
  >
  readonly score: number | null
  readonly drift: Drift | null
  readonly stages: readonly StageRecord[]
  readonly at: string
}
export interface CloseJobResult {
  /** FAILED instead of COMPLETED when the counts do not reconcile. */
  readonly status: CloseJobRequest['status']
  readonly reasonCode: ReasonCode | null
}

/** A version under `landing/` as the sweep lists it; the bucket is the request's. Its sequencer is unknown. */
export interface LandedVersion {
  readonly key: string
  readonly versionId: string
  readonly sizeBytes: number
  readonly etag: string
  /** ISO 8601 UTC. */
  readonly landedAt: string
}

/** metadata: `sweep`, asked once for each page of landed versions. */
export interface SweepRequest {
  readonly operation: 'sweep'
  readonly bucket: string
  /** At most 100: keys have up to 1,024 bytes, and a state 256 KiB. */
  readonly landed: readonly LandedVersion[]
  /** Counted from 1; deferred and stalled jobs are answered with page 1 only. */
  readonly page: number
  /** How long an event or an execution may be under way before the sweep asks after it; 900 unless given. */
  readonly graceSeconds?: number
  /** ISO 8601 UTC. */
  readonly at: string
}
export interface SweepResult {
  /** Executions to start: versions without a job that landed longer ago than an event may be under way (sequencer: see `sequencerOfListed`), and deferred jobs; `trigger` is `sweep`. At most 120. */
  readonly start: readonly IngestInput[]
  /** Open jobs that nothing was heard of for the grace time, longest unchecked first: the machine describes each execution, and closes those that ended by `closeExecution`. At most 100. */
  readonly check: readonly { readonly executionArn: string }[]
}

/** metadata: `planReplay`, asked by the replay machine for a manifest that was dropped. */
export interface PlanReplayRequest {
  readonly operation: 'planReplay'
  /** The version that the event named. */
  readonly manifest: { readonly bucket: string; readonly key: string; readonly versionId: string }
  readonly executionArn: string
  /** An execution that carried the replay on and is known to have ended; `null` on the first try. */
  readonly takeOver: string | null
  readonly ingestMachineArn: string
  /** ISO 8601 UTC, the execution's start. */
  readonly at: string
}
export interface PlanReplayResult {
  /**
   * `refused`, `dry_run`, `reported`: the result lies beside the manifest, nothing is to be done. `owned`: another execution carries the
   * replay on. `run`: the sources of `runsAt` are to be run.
   */
  readonly decision: 'refused' | 'dry_run' | 'reported' | 'owned' | 'run'
  readonly replayId: string | null
  /** The other execution, where there is one. */
  readonly owner: string | null
  readonly runs: number
  readonly maxConcurrency: number
  /** JSON lines of {name, executionArn, input}, one an execution to start. */
  readonly runsAt: ObjectPointer | null
}

/** metadata: `closeReplay`, asked when every source of the plan was followed to its end. */
export interface CloseReplayRequest {
  readonly operation: 'closeReplay'
  readonly replayId: string
  readonly manifest: PlanReplayRequest['manifest']
  readonly executionArn: string
  /** ISO 8601 UTC, the execution's start. */
  readonly at: string
}
export interface CloseReplayResult {
  /** Sources by outcome. */
  readonly totals: Readonly<Record<string, number>>
  readonly result: ObjectPointer
}
