import type { TenantId } from '../../core/identifiers.ts'
import { COMPILER_VERSION } from '../compiler-version.ts'
import type { Queryable } from './database.ts'
import type { JobRow } from './job-row.ts'

/** An attempt whose slot ran out is given up before the next one opens. */
export async function giveUp(sql: Queryable, tenantId: TenantId, job: JobRow, now: string): Promise<void> {
  await sql.query(
    `UPDATE sluice.ingestion_jobs SET status = 'FAILED', reason_code = 'execution_timed_out', closed_at = $3, updated_at = $3
     WHERE tenant_id = $1 AND job_id = $2`,
    [tenantId, job.jobId, now],
  )
  await sql.query(
    `UPDATE sluice.job_attempts SET status = 'FAILED', reason_code = 'execution_timed_out', closed_at = $4
     WHERE tenant_id = $1 AND job_id = $2 AND attempt = $3`,
    [tenantId, job.jobId, job.attempt, now],
  )
}

/** A job that waits and never ran ends, as another one runs its source instead. @param now ISO 8601 UTC */
export async function replaceJob(
  sql: Queryable,
  tenantId: TenantId,
  { jobId, attempt }: JobRow,
  insteadJobId: string,
  now: string,
): Promise<void> {
  await sql.query(
    `UPDATE sluice.ingestion_jobs SET status = 'SKIPPED', reason_code = 'already_processed', duplicate_of = $3, deferred_at = NULL,
       message = 'Compiler version ' || compiler_version || ' is not deployed any more (deployed is ' || $4 || '): job ' || $3 || ' takes its place',
       closed_at = $5, updated_at = $5
     WHERE tenant_id = $1 AND job_id = $2`,
    [tenantId, jobId, insteadJobId, COMPILER_VERSION, now],
  )
  await sql.query(
    `UPDATE sluice.job_attempts SET status = 'SKIPPED', reason_code = 'already_processed', closed_at = $4
     WHERE tenant_id = $1 AND job_id = $2 AND attempt = $3`,
    [tenantId, jobId, attempt, now],
  )
}
