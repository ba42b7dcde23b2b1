import { reasonOf } from '../../core/reason-codes.ts'
import type { ObjectPointer, QuarantineRequest, QuarantineResult } from '../messages.ts'
import type { ObjectStore } from '../object-store.ts'
import { readRejectSample, type SampledReject } from '../reject-sample.ts'
import { errorsCsv, errorsParquet } from './error-files.ts'
import { type ErrorRow, errorRows } from './error-rows.ts'
import { type FailedRule, readFailedRules } from './failed-rules.ts'

export interface QuarantineDeps {
  readonly objects: ObjectStore
  readonly quarantineBucket: string
  readonly workBucket: string
  readonly dqResultsBucket: string
}

interface Evidence {
  readonly rejects: readonly SampledReject[]
  readonly quality: { readonly result: ObjectPointer; readonly notPassed: readonly FailedRule[] } | null
}

async function readEvidence(request: QuarantineRequest, deps: QuarantineDeps): Promise<Evidence> {
  const { status, runId, stage, job } = request
  // No record is at fault for what infrastructure did.
  if (runId === null || status === 'FAILED') return { rejects: [], quality: null }
  const rejects = await readRejectSample(deps.objects, deps.workBucket, job.tenantId, runId)
  if (stage !== 'DATA_QUALITY') return { rejects, quality: null }
  const key = `${job.dataset}/tenant=${job.tenantId}/run=${runId}/result.json`
  const notPassed = await readFailedRules(deps.objects, deps.dqResultsBucket, key)
  return { rejects, quality: notPassed === null ? null : { result: { bucket: deps.dqResultsBucket, key }, notPassed } }
}

/** What runs it again. */
const commandOf = ({ status, job }: QuarantineRequest): string =>
  status === 'FAILED' ? `npx sluice replay jobs ${job.jobId}` : `npx sluice quarantine release ${job.jobId}`

/**
 * What stands in `manifest.json`. The source itself stays where it landed: the manifest points at its version. Nothing here comes
 * from a clock, so writing it again gives the same bytes.
 */
function manifestOf(request: QuarantineRequest, { quality }: Evidence, rows: readonly ErrorRow[], keys: ErrorKeys) {
  const { status, job, source, stage, reasonCode, message, details, objects, runId, executionArn } = request
  const reason = reasonOf(reasonCode)
  return {
    quarantineVersion: 1,
    tenantId: job.tenantId,
    dataset: job.dataset,
    jobId: job.jobId,
    attempt: job.attempt,
    replayId: job.replayId,
    runId,
    executionArn,
    registeredAt: job.registeredAt,
    status,
    stage,
    reasonCode,
    meaning: reason.meaning,
    message,
    details,
    source,
    objects,
    quality,
    errors: { parquet: keys.parquet, csv: keys.csv, rows: rows.length },
    replay: { helps: reason.replay, command: commandOf(request) },
  }
}

interface ErrorKeys {
  readonly manifest: string
  readonly parquet: string
  readonly csv: string
}

/** Writes manifest and error report of a source that must not proceed, or whose job failed for good; the manifest last, as what it names is then there. */
export async function quarantine(request: QuarantineRequest, deps: QuarantineDeps): Promise<QuarantineResult> {
  const { job } = request
  const evidence = await readEvidence(request, deps)
  const rows = errorRows(request, evidence.rejects)
  const folder = `${job.tenantId}/${job.dataset}/job=${job.jobId}`
  const keys = {
    manifest: `${folder}/manifest.json`,
    parquet: `${folder}/errors.parquet`,
    csv: `${folder}/errors.csv`,
  }
  const { objects, quarantineBucket: bucket } = deps
  await Promise.all([
    objects.put(bucket, keys.parquet, await errorsParquet(job, rows), 'application/vnd.apache.parquet'),
    objects.put(bucket, keys.csv, errorsCsv(rows), 'text/csv; charset=utf-8'),
  ])
  const manifest = manifestOf(request, evidence, rows, keys)
  await objects.put(bucket, keys.manifest, `${JSON.stringify(manifest, null, 2)}\n`, 'application/json')
  return { manifest: { bucket, key: keys.manifest } }
}
