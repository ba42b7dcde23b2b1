import { SluiceError } from '../../core/errors.ts'
import type { Fields } from '../input.ts'
import { type Database, firstRowOf, type Queryable, rowsOf, utc } from './database.ts'
import { QUARANTINE_STATES, type QuarantineState } from './quarantine-records.ts'

/** One time that a source was quarantined, as `sluice quarantine list --json` prints it. */
export interface QuarantineRecord {
  readonly jobId: string
  readonly attempt: number
  readonly tenantId: string
  readonly dataset: string
  readonly state: QuarantineState
  readonly stage: string
  readonly reasonCode: string
  readonly message: string | null
  /** ISO 8601 UTC, as `closedAt`. */
  readonly openedAt: string
  /** How a record that is not open was closed: when, by whom, why, and which job loaded the source or took its place. */
  readonly closedAt: string | null
  readonly closedBy: string | null
  readonly why: string | null
  readonly closingJobId: string | null
  readonly source: {
    readonly bucket: string
    readonly key: string
    readonly versionId: string
    readonly sizeBytes: number
  }
}

export interface QuarantineFilter {
  readonly tenantId: string | null
  readonly dataset: string | null
  readonly state: QuarantineState | null
  readonly reasonCode: string | null
  /** ISO 8601 UTC: opened at or after, and before. */
  readonly since: string | null
  readonly until: string | null
}

export interface QuarantineRequest extends QuarantineFilter {
  /** 1 to {@link MAX_RECORDS} */
  readonly limit: number
  readonly token: string | null
}

export interface QuarantinePage {
  /** Newest first. */
  readonly records: readonly QuarantineRecord[]
  /** Records of the whole filter by reason code, most first; on the first page only. */
  readonly reasons: Readonly<Record<string, number>> | null
  readonly nextToken: string | null
}

/** Of one answer: with keys and messages of full length it stays below what a Lambda may answer. */
export const MAX_RECORDS = 1000

/** @throws SluiceError `invalid_input` */
export function parseQuarantineRequest(request: Fields): QuarantineRequest {
  const limit = request.integerOr('limit', 100)
  const token = request.textOrNull('token')
  if (limit < 1 || limit > MAX_RECORDS)
    throw new SluiceError('invalid_input', `Cannot list ${limit} records: limit must be from 1 to ${MAX_RECORDS}`)
  if (token !== null && !/^\d{1,18}$/.test(token))
    throw new SluiceError('invalid_input', 'Cannot go on listing: token must be one that an answer gave')
  return {
    tenantId: request.textOrNull('tenantId'),
    dataset: request.textOrNull('dataset'),
    state: request.has('state') ? request.oneOf('state', QUARANTINE_STATES) : null,
    reasonCode: request.textOrNull('reasonCode'),
    since: request.has('since') ? request.time('since') : null,
    until: request.has('until') ? request.time('until') : null,
    limit,
    token,
  }
}

const COLUMNS = `q.sequence::float8 AS sequence, q.job_id, q.attempt, q.tenant_id, q.dataset, q.state, q.stage, q.reason_code,
  q.message, ${utc('q.opened_at', 'opened_at')}, ${utc('q.closed_at', 'closed_at')}, q.closed_by, q.why, q.closing_job_id,
  s.bucket, s.object_key, s.version_id, s.size_bytes::float8 AS size_bytes`

const FILTERS = `($1::text IS NULL OR q.state = $1) AND ($2::text IS NULL OR q.dataset = $2)
  AND ($3::text IS NULL OR q.reason_code = $3) AND ($4::timestamptz IS NULL OR q.opened_at >= $4)
  AND ($5::timestamptz IS NULL OR q.opened_at < $5)`

const LIST_OF_TENANT = `SELECT ${COLUMNS} FROM sluice.quarantine_records q
  JOIN sluice.source_objects s USING (tenant_id, source_object_id)
  WHERE ${FILTERS} AND ($6::bigint IS NULL OR q.sequence < $6) AND q.tenant_id = $8
  ORDER BY q.sequence DESC LIMIT $7`

const LIST_OF_ALL = `WITH q AS MATERIALIZED (SELECT * FROM sluice.admin_list_quarantine($1, $2, $3, $4, $5, $6, $7))
  SELECT ${COLUMNS} FROM q
  JOIN sluice.admin_sources((SELECT array_agg(source_object_id) FROM q)) s USING (tenant_id, source_object_id)
  ORDER BY q.sequence DESC`

const COUNT_OF_TENANT = `SELECT q.reason_code, count(*)::float8 AS records FROM sluice.quarantine_records q
  WHERE ${FILTERS} AND q.tenant_id = $6 GROUP BY q.reason_code ORDER BY records DESC, q.reason_code`

const COUNT_OF_ALL = `SELECT reason_code, records::float8 AS records FROM sluice.admin_count_quarantine($1, $2, $3, $4, $5)
  ORDER BY records DESC, reason_code`

const recordOf = (row: Fields): QuarantineRecord => ({
  jobId: row.text('job_id'),
  attempt: row.integer('attempt'),
  tenantId: row.text('tenant_id'),
  dataset: row.text('dataset'),
  state: row.oneOf('state', QUARANTINE_STATES),
  stage: row.text('stage'),
  reasonCode: row.text('reason_code'),
  message: row.textOrNull('message'),
  openedAt: row.text('opened_at'),
  closedAt: row.textOrNull('closed_at'),
  closedBy: row.textOrNull('closed_by'),
  why: row.textOrNull('why'),
  closingJobId: row.textOrNull('closing_job_id'),
  source: {
    bucket: row.text('bucket'),
    key: row.text('object_key'),
    versionId: row.text('version_id'),
    sizeBytes: row.integer('size_bytes'),
  },
})

async function readPage(sql: Queryable, request: QuarantineRequest): Promise<QuarantinePage> {
  const { tenantId, limit, token } = request
  const filter = [request.state, request.dataset, request.reasonCode, request.since, request.until]
  const own = tenantId === null ? [] : [tenantId]
  const list = tenantId === null ? LIST_OF_ALL : LIST_OF_TENANT
  const rows = await rowsOf(sql, list, [...filter, token, limit + 1, ...own])
  const page = rows.slice(0, limit)
  const count = tenantId === null ? COUNT_OF_ALL : COUNT_OF_TENANT
  const counts = token === null ? await rowsOf(sql, count, [...filter, ...own]) : null
  return {
    records: page.map(recordOf),
    reasons:
      counts === null
        ? null
        : Object.fromEntries(counts.map((row) => [row.text('reason_code'), row.integer('records')])),
    nextToken: rows.length > limit ? String(page.at(-1)?.integer('sequence')) : null,
  }
}

/** Quarantine records of one tenant, or of all. */
export const listQuarantine = (database: Database, request: QuarantineRequest): Promise<QuarantinePage> =>
  request.tenantId === null
    ? database.asOperator((sql) => readPage(sql, request))
    : database.asTenant(request.tenantId, (sql) => readPage(sql, request))

/** The records of a job, latest attempt first. @param sql a transaction of that tenant */
export async function recordsOfJob(
  sql: Queryable,
  tenantId: string,
  jobId: string,
): Promise<readonly QuarantineRecord[]> {
  const rows = await rowsOf(
    sql,
    `SELECT ${COLUMNS} FROM sluice.quarantine_records q JOIN sluice.source_objects s USING (tenant_id, source_object_id)
     WHERE q.tenant_id = $1 AND q.job_id = $2 ORDER BY q.attempt DESC`,
    [tenantId, jobId],
  )
  return rows.map(recordOf)
}

/** Whether the tenant is registered and active. @param sql a transaction of that tenant */
export const tenantStatusOf = async (sql: Queryable, tenantId: string): Promise<string | null> =>
  (await firstRowOf(sql, 'SELECT status FROM sluice.tenants WHERE tenant_id = $1', [tenantId]))?.text('status') ?? null
