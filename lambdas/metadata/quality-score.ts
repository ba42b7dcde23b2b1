import { parseTenantId } from '../../core/identifiers.ts'
import type { Fields } from '../input.ts'
import { type Database, rowsOf } from './database.ts'

/** What the gate said of jobs that were measured. */
export interface ScorePart {
  /** Jobs with a score that ended in the window. */
  readonly jobs: number
  /** Of those, jobs that the gate let through and that were loaded. */
  readonly completed: number
  /** Of those, jobs that wait in quarantine. */
  readonly quarantined: number
  /** Mean of the jobs' scores, each the share of rules that passed, 0 to 1; `null` where none was measured. */
  readonly score: number | null
}

export interface TenantScore extends ScorePart {
  readonly tenantId: string
  /** ISO 8601 UTC; `null`: no bound. */
  readonly since: string | null
  readonly until: string | null
  readonly datasets: readonly (ScorePart & { readonly dataset: string })[]
}

/** One row for all datasets, with `dataset` NULL, and one for each. */
const SCORES = `SELECT dataset, count(*)::float8 AS jobs, count(*) FILTER (WHERE status = 'COMPLETED')::float8 AS completed,
  count(*) FILTER (WHERE status = 'QUARANTINED')::float8 AS quarantined, avg(score) AS score
  FROM sluice.ingestion_jobs
  WHERE tenant_id = $1 AND score IS NOT NULL AND closed_at IS NOT NULL
    AND ($2::timestamptz IS NULL OR closed_at >= $2) AND ($3::timestamptz IS NULL OR closed_at < $3)
  GROUP BY GROUPING SETS ((dataset), ()) ORDER BY dataset NULLS FIRST`

const partOf = (row: Fields): ScorePart => ({
  jobs: row.integer('jobs'),
  completed: row.integer('completed'),
  quarantined: row.integer('quarantined'),
  score: row.numberOrNull('score'),
})

/**
 * A tenant's score over a window of time, whole and by dataset, as one query.
 * @throws SluiceError `invalid_tenant`
 */
export async function tenantScore(database: Database, request: Fields): Promise<TenantScore> {
  const tenantId = parseTenantId(request.text('tenantId'))
  const timeOf = (name: string): string | null => (request.textOrNull(name) === null ? null : request.time(name))
  const [since, until] = [timeOf('since'), timeOf('until')]
  const rows = await database.asTenant(tenantId, (sql) => rowsOf(sql, SCORES, [tenantId, since, until]))
  const [whole, ...datasets] = rows
  return {
    tenantId,
    since,
    until,
    ...(whole === undefined ? { jobs: 0, completed: 0, quarantined: 0, score: null } : partOf(whole)),
    datasets: datasets.map((row) => ({ dataset: row.text('dataset'), ...partOf(row) })),
  }
}
