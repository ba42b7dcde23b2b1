import { type JobId, parseJobId } from '../../../core/identifiers.ts'
import type { JobFacts } from '../../../replay/plan-source.ts'
import { type Queryable, rowsOf, utc } from '../database.ts'
import { JOB_STATUSES } from '../job-status.ts'

/** A job of a source, as planning sees it. */
export interface SourceJob extends JobFacts {
  readonly jobId: JobId
  /** Set when it was refused before any configuration could be pinned. */
  readonly refusal: string | null
  readonly configurationHash: string
  readonly compilerVersion: string | null
  /** An attempt of it was loaded. */
  readonly published: boolean
  /** ISO 8601 UTC: the job's clock. */
  readonly registeredAt: string
}

/** The jobs of each source, in the order of registration. @param now ISO 8601 UTC, for leases */
export async function readSourceJobs(
  sql: Queryable,
  sourceObjectIds: readonly string[],
  now: string,
): Promise<(sourceObjectId: string) => readonly SourceJob[]> {
  const rows = await rowsOf(
    sql,
    `SELECT source_object_id, job_id, status, refusal, attempt, publication, deferred, configuration_hash, compiler_version,
       published, coalesce(lease_expires_at <= $2, false) AS lease_expired, ${utc('registered_at', 'registered_at')}
     FROM sluice.admin_jobs_of_sources($1)`,
    [sourceObjectIds, now],
  )
  const jobs = new Map<string, SourceJob[]>()
  for (const row of rows) {
    const id = row.text('source_object_id')
    const job: SourceJob = {
      jobId: parseJobId(row.text('job_id')),
      status: row.oneOf('status', JOB_STATUSES),
      refusal: row.textOrNull('refusal'),
      attempt: row.integer('attempt'),
      publication: row.integer('publication'),
      deferred: row.flag('deferred', false),
      leaseExpired: row.flag('lease_expired', false),
      configurationHash: row.text('configuration_hash'),
      compilerVersion: row.textOrNull('compiler_version'),
      published: row.flag('published', false),
      registeredAt: row.text('registered_at'),
    }
    jobs.set(id, [...(jobs.get(id) ?? []), job])
  }
  return (id) => jobs.get(id) ?? []
}
