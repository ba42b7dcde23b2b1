import { SluiceError } from '../../core/errors.ts'
import { isReasonCode, type ReasonCode } from '../../core/reason-codes.ts'
import type { CloseJobRequest, CloseJobResult } from '../messages.ts'
import type { ObjectStore } from '../object-store.ts'
import { readRejectSample, type SampledReject } from '../reject-sample.ts'
import { type Database, firstRowOf, type Queryable } from './database.ts'
import { type CloseStep, decideClose } from './decide-close.ts'
import { JOB_STATUSES, type JobStatus } from './job-status.ts'
import { settleQuarantine } from './quarantine-records.ts'
import { contradictionIn } from './reconcile.ts'

export interface CloseDeps {
  readonly database: Database
  readonly objects: ObjectStore
  readonly workBucket: string
}

/** Of `message`; longer ones are causes of failures that carry whole responses. */
const MAX_MESSAGE_CHARACTERS = 2000

/** Of a job's rejects, in Postgres; all of them are in the curated zone. */
const KEPT_REJECTS = 1000

interface StoredJob {
  readonly status: JobStatus
  readonly reasonCode: ReasonCode | null
  readonly attempt: number
  /** The execution that owns the job's current attempt. */
  readonly executionArn: string
}

async function lockJob(sql: Queryable, { tenantId, jobId }: CloseJobRequest): Promise<StoredJob> {
  const row = await firstRowOf(
    sql,
    `SELECT status, reason_code, attempt, execution_arn FROM sluice.ingestion_jobs
     WHERE tenant_id = $1 AND job_id = $2 FOR UPDATE`,
    [tenantId, jobId],
  )
  if (row === null) throw new SluiceError('unknown_job', `Tenant "${tenantId}" has no job ${jobId}`, { found: jobId })
  return {
    status: row.oneOf('status', JOB_STATUSES),
    reasonCode: reasonCodeOf(row.textOrNull('reason_code')),
    attempt: row.integer('attempt'),
    executionArn: row.text('execution_arn'),
  }
}

const reasonCodeOf = (text: string | null): ReasonCode | null => (text !== null && isReasonCode(text) ? text : null)

/** How a closed job answers; one that is still open counts as given up. */
const answerOf = ({ status, reasonCode }: Pick<StoredJob, 'status' | 'reasonCode'>): CloseJobResult => ({
  status: status === 'PENDING' || status === 'PROCESSING' ? 'FAILED' : status,
  reasonCode,
})

async function answerOfAttempt(sql: Queryable, { tenantId, jobId, attempt }: CloseJobRequest): Promise<CloseJobResult> {
  const row = await firstRowOf(
    sql,
    'SELECT status, reason_code FROM sluice.job_attempts WHERE tenant_id = $1 AND job_id = $2 AND attempt = $3',
    [tenantId, jobId, attempt],
  )
  if (row === null) throw new SluiceError('unknown_attempt', `Job ${jobId} has no attempt ${attempt}`)
  return answerOf({
    status: row.oneOf('status', JOB_STATUSES),
    reasonCode: reasonCodeOf(row.textOrNull('reason_code')),
  })
}

/** The end to record: COMPLETED only when the counts reconcile. */
function endOf(request: CloseJobRequest): Pick<CloseJobRequest, 'status' | 'reasonCode' | 'message'> {
  if (request.status !== 'COMPLETED') return request
  const contradiction = contradictionIn(request.counts, request.ledger)
  if (contradiction === null) return { status: 'COMPLETED', reasonCode: null, message: null }
  return { status: 'FAILED', reasonCode: 'counts_do_not_reconcile', message: contradiction }
}

async function reopen(sql: Queryable, { tenantId, jobId, at }: CloseJobRequest): Promise<void> {
  await sql.query(
    `UPDATE sluice.ingestion_jobs SET status = 'PROCESSING', redrives = redrives + 1, attempt_kind = 'redrive',
       closed_at = NULL, reason_code = NULL, message = NULL, updated_at = $3
     WHERE tenant_id = $1 AND job_id = $2`,
    [tenantId, jobId, at],
  )
}

async function writeEnd(sql: Queryable, request: CloseJobRequest, end: ReturnType<typeof endOf>): Promise<void> {
  const { tenantId, jobId, attempt, counts, ledger, at } = request
  await sql.query(
    `UPDATE sluice.ingestion_jobs SET status = $3, reason_code = $4, message = $5, duplicate_of = $6, run_id = $7,
       input_rows = $8, curated_rows = $9, rejected_rows = $10, duplicate_rows = $11,
       inserted_rows = $12, updated_rows = $13, unchanged_rows = $14, stale_rows = $15,
       score = $16, drift = $17, objects = $18, lease_expires_at = NULL, deferred_at = NULL, closed_at = $19, updated_at = $19
     WHERE tenant_id = $1 AND job_id = $2`,
    [
      tenantId,
      jobId,
      end.status,
      end.reasonCode,
      end.message?.slice(0, MAX_MESSAGE_CHARACTERS) ?? null,
      request.duplicateOf,
      request.runId,
      counts?.input ?? null,
      counts?.curated ?? null,
      counts?.rejected ?? null,
      counts?.duplicates ?? null,
      ledger?.inserted ?? null,
      ledger?.updated ?? null,
      ledger?.unchanged ?? null,
      ledger?.stale ?? null,
      request.score,
      request.drift === null ? null : JSON.stringify(request.drift),
      JSON.stringify(request.objects),
      at,
    ],
  )
  await sql.query(
    `UPDATE sluice.job_attempts SET status = $4, reason_code = $5, run_id = $6, closed_at = $7
     WHERE tenant_id = $1 AND job_id = $2 AND attempt = $3`,
    [tenantId, jobId, attempt, end.status, end.reasonCode, request.runId, at],
  )
}

/** Replaces what an earlier close of the same attempt left. */
async function writeStages(sql: Queryable, { tenantId, jobId, attempt, stages }: CloseJobRequest): Promise<void> {
  const key = [tenantId, jobId, attempt]
  await sql.query('DELETE FROM sluice.job_stages WHERE tenant_id = $1 AND job_id = $2 AND attempt = $3', key)
  if (stages.length === 0) return
  await sql.query(
    `INSERT INTO sluice.job_stages (tenant_id, job_id, attempt, ordinal, name, started_at, millis)
     SELECT $1, $2, $3, ordinality, name, "startedAt", millis
     FROM ROWS FROM (jsonb_to_recordset($4) AS (name text, "startedAt" timestamptz, millis bigint)) WITH ORDINALITY`,
    [...key, JSON.stringify(stages)],
  )
}

async function writeErrors(
  sql: Queryable,
  { tenantId, jobId, attempt }: CloseJobRequest,
  rejects: readonly SampledReject[],
): Promise<void> {
  const key = [tenantId, jobId, attempt]
  await sql.query('DELETE FROM sluice.ingestion_errors WHERE tenant_id = $1 AND job_id = $2 AND attempt = $3', key)
  if (rejects.length === 0) return
  await sql.query(
    `INSERT INTO sluice.ingestion_errors
       (tenant_id, job_id, attempt, ordinal, record_number, codes, columns, errors, raw_payload)
     SELECT $1, $2, $3, ordinality, "recordNumber", codes, columns, errors, raw
     FROM ROWS FROM (jsonb_to_recordset($4)
       AS ("recordNumber" bigint, codes text, columns text, errors text, raw text)) WITH ORDINALITY`,
    [...key, JSON.stringify(rejects).replaceAll('\\u0000', '\\ufffd')],
  )
}

async function carryOut(
  sql: Queryable,
  step: CloseStep,
  request: CloseJobRequest,
  rejects: readonly SampledReject[],
): Promise<CloseJobResult> {
  if (step === 'defer') {
    await sql.query(
      `UPDATE sluice.ingestion_jobs SET deferred_at = coalesce(deferred_at, $3), updated_at = $3
       WHERE tenant_id = $1 AND job_id = $2`,
      [request.tenantId, request.jobId, request.at],
    )
    return { status: 'DEFERRED', reasonCode: null }
  }
  if (step === 'reopen') await reopen(sql, request)
  const end = endOf(request)
  await writeEnd(sql, request, end)
  await writeStages(sql, request)
  await writeErrors(sql, request, rejects)
  await settleQuarantine(sql, { ...request, ...end })
  return { status: end.status, reasonCode: end.reasonCode }
}

export interface ClosedJob {
  readonly result: CloseJobResult
  readonly executionArn: string
}

/**
 * Records how an attempt ended. Repeating it changes nothing; the counts are reconciled first.
 * @throws SluiceError `unknown_job`, `unknown_attempt`, `illegal_close`
 */
export async function closeJob(request: CloseJobRequest, deps: CloseDeps): Promise<ClosedJob> {
  const rejects =
    request.runId === null || request.counts?.rejected === 0
      ? []
      : (await readRejectSample(deps.objects, deps.workBucket, request.tenantId, request.runId)).slice(0, KEPT_REJECTS)
  return deps.database.asTenant(request.tenantId, async (sql) => {
    const job = await lockJob(sql, request)
    const { executionArn } = job
    const step = decideClose(job, request.attempt, request.status)
    if (step === 'superseded') return { result: await answerOfAttempt(sql, request), executionArn }
    if (step !== 'answer') return { result: await carryOut(sql, step, request, rejects), executionArn }
    return { result: answerOf(job), executionArn }
  })
}
