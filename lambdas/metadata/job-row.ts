import { type JobId, parseJobId, type TenantId } from '../../core/identifiers.ts'
import { isReasonCode, type ReasonCode } from '../../core/reason-codes.ts'
import type { Fields } from '../input.ts'
import { parseWaivers, type Waivers } from '../waivers.ts'
import { firstRowOf, type Queryable } from './database.ts'
import { JOB_STATUSES, type JobStatus } from './job-status.ts'

/** What registration needs of a job. */
export interface JobRow {
  readonly jobId: JobId
  readonly status: JobStatus
  readonly refusal: ReasonCode | null
  readonly attempt: number
  readonly attemptKind: string
  readonly redrives: number
  readonly publication: number
  readonly replayId: string | null
  /** Of the current attempt. */
  readonly waivers: Waivers | null
  readonly executionArn: string
  readonly idempotencyKey: string
  readonly registeredAt: string
  /** Of the first job of the source. */
  readonly firstRegisteredAt: string
  readonly deferred: boolean
  readonly leaseExpired: boolean
}

const JOB_COLUMNS = `job_id, status, refusal, attempt, attempt_kind, redrives, publication, replay_id, execution_arn,
  idempotency_key, to_char(registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS registered_at,
  (SELECT to_char(min(o.registered_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') FROM sluice.ingestion_jobs o
   WHERE o.tenant_id = $3 AND o.source_object_id = j.source_object_id) AS first_registered_at,
  deferred_at IS NOT NULL AS deferred, coalesce(lease_expires_at <= $2, false) AS lease_expired,
  (SELECT a.waivers FROM sluice.job_attempts a WHERE a.tenant_id = j.tenant_id AND a.job_id = j.job_id
     AND a.attempt = j.attempt) AS waivers`

const jobRowOf = (row: Fields): JobRow => {
  const refusal = row.textOrNull('refusal')
  return {
    jobId: parseJobId(row.text('job_id')),
    status: row.oneOf('status', JOB_STATUSES),
    refusal: refusal !== null && isReasonCode(refusal) ? refusal : null,
    attempt: row.integer('attempt'),
    attemptKind: row.text('attempt_kind'),
    redrives: row.integer('redrives'),
    publication: row.integer('publication'),
    replayId: row.textOrNull('replay_id'),
    waivers: parseWaivers(row.objectOrNull('waivers')),
    executionArn: row.text('execution_arn'),
    idempotencyKey: row.text('idempotency_key'),
    registeredAt: row.text('registered_at'),
    firstRegisteredAt: row.text('first_registered_at'),
    deferred: row.flag('deferred', false),
    leaseExpired: row.flag('lease_expired', false),
  }
}

/** Reads a job and locks it until the transaction ends. @param now ISO 8601 UTC, for its lease */
export async function readJob(sql: Queryable, tenantId: TenantId, jobId: string, now: string): Promise<JobRow | null> {
  const row = await firstRowOf(
    sql,
    `SELECT ${JOB_COLUMNS} FROM sluice.ingestion_jobs j WHERE tenant_id = $3 AND job_id = $1 FOR UPDATE`,
    [jobId, now, tenantId],
  )
  return row === null ? null : jobRowOf(row)
}
