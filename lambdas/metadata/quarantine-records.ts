import { SluiceError } from '../../core/errors.ts'
import { type ReasonCode, reasonOf } from '../../core/reason-codes.ts'
import { type Database, firstRowOf, type Queryable } from './database.ts'
import { tenantOfJob } from './tenant-of-job.ts'

/** Where a quarantine record stands; every state but `open` is final. */
export const QUARANTINE_STATES = ['open', 'released', 'discarded', 'superseded'] as const
export type QuarantineState = (typeof QUARANTINE_STATES)[number]

/** The attempt of a job that ended now. */
export interface EndedAttempt {
  readonly tenantId: string
  readonly jobId: string
  readonly attempt: number
  readonly status: 'COMPLETED' | 'QUARANTINED' | 'FAILED' | 'SKIPPED' | 'DEFERRED'
  readonly reasonCode: ReasonCode | null
  readonly message: string | null
  /** ISO 8601 UTC */
  readonly at: string
}

/** Of the stored `message`. */
const MAX_MESSAGE_CHARACTERS = 2000

/** Who stands behind an attempt: the person who asked for its replay, or the trigger that started it. */
const ACTOR = `coalesce(a.requested_by, j.trigger)`

async function openRecord(sql: Queryable, end: EndedAttempt, reasonCode: ReasonCode): Promise<void> {
  await sql.query(
    `UPDATE sluice.quarantine_records q SET state = 'superseded', closed_at = $4, closed_by = ${ACTOR},
       why = 'Quarantined again: ' || $5::text, closing_job_id = j.job_id
     FROM sluice.ingestion_jobs j JOIN sluice.job_attempts a USING (tenant_id, job_id)
     WHERE j.tenant_id = $1 AND j.job_id = $2 AND a.attempt = $3
       AND q.tenant_id = j.tenant_id AND q.source_object_id = j.source_object_id AND q.state = 'open'
       AND (q.job_id, q.attempt) <> (j.job_id, a.attempt)`,
    [end.tenantId, end.jobId, end.attempt, end.at, reasonCode],
  )
  await sql.query(
    `INSERT INTO sluice.quarantine_records
       (tenant_id, job_id, attempt, source_object_id, dataset, stage, reason_code, message, opened_at)
     SELECT j.tenant_id, j.job_id, $3, j.source_object_id, j.dataset, $4, $5, $6, $7
     FROM sluice.ingestion_jobs j WHERE j.tenant_id = $1 AND j.job_id = $2
     ON CONFLICT DO NOTHING`,
    [
      end.tenantId,
      end.jobId,
      end.attempt,
      reasonOf(reasonCode).stage,
      reasonCode,
      end.message?.slice(0, MAX_MESSAGE_CHARACTERS) ?? null,
      end.at,
    ],
  )
}

/** The content is in the table: what waited for this source is released, what waited for earlier versions of its key superseded. */
async function closeRecords(sql: Queryable, { tenantId, jobId, attempt, at }: EndedAttempt): Promise<void> {
  await sql.query(
    `UPDATE sluice.quarantine_records q SET
       state = CASE WHEN waiting.source_object_id = loaded.source_object_id THEN 'released' ELSE 'superseded' END,
       closed_at = $4, closed_by = ${ACTOR}, closing_job_id = j.job_id,
       why = CASE WHEN waiting.source_object_id <> loaded.source_object_id THEN 'A later version of the object was loaded'
             ELSE coalesce(a.requested_why, 'The source was loaded') END
     FROM sluice.ingestion_jobs j
     JOIN sluice.job_attempts a USING (tenant_id, job_id)
     JOIN sluice.source_objects loaded USING (tenant_id, source_object_id)
     JOIN sluice.source_objects waiting USING (tenant_id, bucket, object_key)
     WHERE j.tenant_id = $1 AND j.job_id = $2 AND a.attempt = $3
       AND q.tenant_id = j.tenant_id AND q.source_object_id = waiting.source_object_id AND q.state = 'open'
       AND (waiting.source_object_id = loaded.source_object_id
            OR (waiting.landed_at, waiting.sequencer) < (loaded.landed_at, loaded.sequencer))`,
    [tenantId, jobId, attempt, at],
  )
}

/**
 * Opens or closes quarantine records as an attempt ends; in the transaction that closes the job, so that neither is without
 * the other. Repeating it changes nothing.
 */
export async function settleQuarantine(sql: Queryable, end: EndedAttempt): Promise<void> {
  if (end.status === 'QUARANTINED') await openRecord(sql, end, end.reasonCode ?? 'infrastructure_failed')
  if (end.status === 'COMPLETED' || end.status === 'SKIPPED') await closeRecords(sql, end)
}

/** A decision of a person to give a quarantined source up. */
export interface Discard {
  readonly jobId: string
  readonly by: string
  readonly why: string
  /** ISO 8601 UTC */
  readonly at: string
}

/**
 * Gives a quarantined source up. Its record, its manifest and the source stay.
 * @throws SluiceError `unknown_job`; `invalid_transition` when nothing of the job is open
 */
export async function discardQuarantine(database: Database, { jobId, by, why, at }: Discard) {
  const tenantId = await tenantOfJob(database, jobId)
  return database.asTenant(tenantId, async (sql) => {
    const record = await firstRowOf(
      sql,
      `SELECT state, attempt FROM sluice.quarantine_records WHERE tenant_id = $1 AND job_id = $2
       ORDER BY attempt DESC LIMIT 1 FOR UPDATE`,
      [tenantId, jobId],
    )
    const state = record?.oneOf('state', QUARANTINE_STATES) ?? null
    if (record === null || state !== 'open')
      throw new SluiceError(
        'invalid_transition',
        state === null
          ? `Cannot discard job ${jobId} as it was never quarantined`
          : `Cannot discard job ${jobId} as its quarantine record is ${state}`,
        { expected: 'open', found: state ?? 'no record', hint: 'sluice quarantine list' },
      )
    const attempt = record.integer('attempt')
    await sql.query(
      `UPDATE sluice.quarantine_records SET state = 'discarded', closed_at = $4, closed_by = $5, why = $6
       WHERE tenant_id = $1 AND job_id = $2 AND attempt = $3`,
      [tenantId, jobId, attempt, at, by, why],
    )
    return { tenantId, jobId, attempt, state: 'discarded' as const, by, why, at }
  })
}
