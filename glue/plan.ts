import type { TypeCoercion } from '../core/contract.ts'
import type { Digest } from '../core/digest.ts'
import type { DatasetName, TenantId } from '../core/identifiers.ts'
import type { RunInput } from '../core/run-documents.ts'
import type { QualityPlan } from '../dqdl/quality-plan.ts'
import type { IntermediateForm } from './intermediate.ts'
import type { Program } from './program.ts'

/**
 * What one run will do: compiled from contract, mapping and what validation saw; stored as JSON in the work bucket under
 * `plans/`. Executors (in process, Python shell, Spark) hold no business rule: they run the printed SQL.
 * `{runId}` in destinations is the run's id, given as the job argument `--run_id`.
 */
export interface Plan {
  readonly planVersion: 1
  readonly tenantId: TenantId
  readonly dataset: DatasetName
  readonly pinned: {
    readonly configurationHash: string
    readonly contract: { readonly version: number; readonly hash: string }
    readonly mapping: { readonly version: number; readonly hash: string }
    readonly ruleset: { readonly hash: string }
    readonly compilerVersion: string
  }
  readonly inputs: readonly RunInput[]
  /** Where the bytes of `inputs[i]` are read: the validated copy. */
  readonly reads: readonly { readonly bucket: string; readonly key: string }[]
  readonly ingestedAt: string
  readonly replayId: string | null
  readonly engine: 'small' | 'large'
  readonly destinations: {
    /** `s3://{curated}/{dataset}/tenant=…/ingest_date=…/run={runId}/` */
    readonly curated: string
    readonly rejects: string
    readonly manifest: string
    readonly summary: string
    /** JSON array of the first 10,000 rejects, at most 12 MB (record number, codes, columns, at most 1,024 characters of the raw text, the hash of all of it, errors). */
    readonly rejectSample: string
    readonly qualityResult: string
    readonly qualityVerdict: string
    /** Where a result that passed the gate is kept for later runs to compare with; absent for replays. */
    readonly qualityHistory?: string
  }
  /** The intermediate form the program was printed from: readers, fields and operators; for people and for `plan` views. */
  readonly intermediate: IntermediateForm
  readonly program: Program
  readonly quality: QualityPlan
  /** Columns of the curated files in order; types as the Glue catalog spells them (`printPhysicalType(…, 'glue')`). */
  readonly schema: readonly { readonly name: string; readonly type: string }[]
  readonly schemaHash: Digest
  readonly rejectTolerance: number
  /** `none`: one value that does not fit its type refuses the file (`type_drift`). */
  readonly typeCoercion: TypeCoercion
}
