import type { S3Client } from '@aws-sdk/client-s3'
import type { Contract } from '../../core/contract.ts'
import { digestOf, digestOfJson } from '../../core/digest.ts'
import { type DatasetName, type JobId, parseJobId, type TenantId } from '../../core/identifiers.ts'
import { isJsonObject } from '../../core/json.ts'
import { isBreakingChange, type ReasonCode } from '../../core/reason-codes.ts'
import type { RowCounts } from '../../core/run-documents.ts'
import type { LandedSource } from '../../core/source.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { runQuality, runTransform } from '../../glue/executor.ts'
import { uriOf } from '../../glue/object-access.ts'
import type { PinnedConfiguration, RegisteredJob } from '../../lambdas/messages.ts'
import { checkSource } from '../../lambdas/validate/check-source.ts'
import { compileRun } from '../../lambdas/validate/compile-run.ts'
import type { PinnedDocuments } from '../../lambdas/validate/pinned-documents.ts'
import { qualityHistoryReader } from '../../lambdas/validate/quality-history.ts'
import { isRefusal } from '../../lambdas/validate/refusal.ts'
import { s3SourceReader } from '../../lambdas/validate/s3-source-reader.ts'
import type { ReplayOverrides } from '../../replay/manifest.ts'
import type { LoadPlan } from '../../warehouse/load-plan.ts'
import type { Scratch } from './scratch.ts'

/** What a source runs under: the documents and how they would be pinned. */
export interface BacktestConfiguration {
  readonly pinned: PinnedConfiguration
  readonly documents: PinnedDocuments
}

export interface BacktestRequest {
  readonly source: LandedSource
  readonly tenantId: TenantId
  readonly dataset: DatasetName
  readonly configuration: BacktestConfiguration
  readonly waivers: ReplayOverrides | null
  /** ISO 8601 UTC: what `now()` of a rule means; as the replay's job has it, or would have it if it were made now. */
  readonly registeredAt: string
  /** ISO 8601 UTC: rules that compare with earlier runs look at what there was then. */
  readonly firstRegisteredAt: string
}

/** What became of a source in the scratch area. */
export interface RanSource {
  /** The reason it would be quarantined with, or that its job would fail with; `null`: it would be loaded. */
  readonly reasonCode: ReasonCode | null
  readonly message: string | null
  readonly counts: RowCounts | null
  /** Its curated rows and the load that would take them; `null` where nothing would be loaded. */
  readonly load: {
    readonly plan: LoadPlan
    readonly manifestUri: string
    readonly runId: string
    readonly jobId: JobId
  } | null
}

export const COPY_ROLE = 'arn:aws:iam::000000000000:role/backtest'

const BUCKETS = { validated: 'validated', curated: 'curated', work: 'work-zone', dqResults: 'dq-results' } as const
const MEMORY_BYTES = 512 * 1024 ** 2

/** A job that is nowhere: its id differs from every registered one's, so that its rows can be told apart in a table. */
function scratchJob({ source, tenantId, dataset, configuration, waivers, ...clock }: BacktestRequest): RegisteredJob {
  const idempotencyKey = digestOfJson({ backtest: true, source, configuration: configuration.pinned.hash, ...clock })
  return {
    jobId: parseJobId(`j${idempotencyKey.slice(0, 24)}`),
    tenantId,
    dataset,
    attempt: 1,
    attemptKind: 'initial',
    ...clock,
    ingestDate: clock.registeredAt.slice(0, 10),
    idempotencyKey,
    replayId: null,
    waivers,
    publication: 1,
  }
}

const stopped = (reasonCode: ReasonCode, message: string, counts: RowCounts | null = null): RanSource => ({
  reasonCode,
  message,
  counts,
  load: null,
})

/** As the workflow does: a file that breaks the contract fails its job where the contract says so. */
const refused = (contract: Contract, code: ReasonCode, message: string, counts: RowCounts | null = null): RanSource =>
  isBreakingChange(code) && contract.drift.quarantineOnBreakingChange === false
    ? stopped('breaking_change', `${code}: ${message}`, counts)
    : stopped(code, message, counts)

/** What the gate says of a run: `null`, or why it stops. */
async function gateOf(
  scratch: Scratch,
  verdictUri: string,
): Promise<{ reasonCode: ReasonCode; message: string } | null> {
  const verdict: unknown = JSON.parse(await scratch.readText(verdictUri))
  const { gate, notPassed } = isJsonObject(verdict) ? verdict : {}
  if (gate === 'PASS') return null
  const rules = (Array.isArray(notPassed) ? notPassed : []).flatMap((rule: unknown) =>
    isJsonObject(rule) && rule.severity === 'gate' ? [String(rule.rule)] : [],
  )
  return { reasonCode: gate === 'FAIL' ? 'gate_failed' : 'gate_error', message: rules.join('; ') }
}

export interface RunSourceDeps {
  readonly s3: S3Client
  readonly scratch: Scratch
  /** Holds the results that `last(k)` of a rule means. */
  readonly dqResultsBucket: string
}

/**
 * Runs one source for real, as the workflow would, into a scratch folder: the same checks, the same plan, the same engine.
 * Reads the object version and earlier quality results of the deployment; writes nothing to it.
 */
export async function runSource(
  request: BacktestRequest,
  { s3, scratch, dqResultsBucket }: RunSourceDeps,
): Promise<RanSource> {
  const { source, configuration } = request
  const { contract, mapping } = configuration.documents
  const checked = await checkSource(source, { contract, mapping, reader: s3SourceReader(s3) })
  if (isRefusal(checked)) return refused(contract, checked.reasonCode, checked.message)
  const job = scratchJob(request)
  const compiling = { job, source, configuration: configuration.pinned }
  const earlier = await qualityHistoryReader(s3, dqResultsBucket)(job, configuration.documents.ruleset.dqdl)
  const { plan, load } = compileRun(compiling, checked, configuration.documents, BUCKETS, COPY_ROLE, earlier)
  const [read] = plan.reads
  if (read === undefined) throw new Error('the plan reads nothing')
  await scratch.fetch(s3, source, uriOf(read))
  const planUri = `s3://work-zone/plans/${digestOf(JSON.stringify(plan))}/plan.json`
  await scratch.putText(planUri, JSON.stringify(plan))
  const runId = `${job.jobId}-1-0`
  const settings = { threads: 2, memoryLimitBytes: MEMORY_BYTES, tempDirectory: scratch.folder }
  const deps = { objects: scratch, openDuckdb, now: () => performance.now(), settings }
  const summary = await runTransform({ planUri, runId }, deps)
  if (summary.outcome === 'refused')
    return refused(contract, summary.reasonCode ?? 'transform_failed', summary.message ?? '', summary.counts)
  const verdict = summary.quality?.verdict ?? (await runQuality({ planUri, runId }, deps))
  const gate = await gateOf(scratch, uriOf(verdict))
  if (gate !== null) return stopped(gate.reasonCode, gate.message, summary.counts)
  const manifestUri = plan.destinations.manifest.replaceAll('{runId}', runId)
  return {
    reasonCode: null,
    message: null,
    counts: summary.counts,
    load: { plan: load, manifestUri, runId, jobId: job.jobId },
  }
}
