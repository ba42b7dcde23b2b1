import { SluiceError } from '../../core/errors.ts'
import type { SourceVersion } from '../../core/source.ts'
import type { Fields } from '../input.ts'
import { parseWaivers, type Waivers } from '../waivers.ts'
import { type Database, firstRowOf, type Queryable, rowsOf, utc } from './database.ts'
import { ownerOf, sourceObjectIdOf } from './ingest-input.ts'
import { JOB_STATUSES } from './job-status.ts'
import { type QuarantineRecord, recordsOfJob } from './quarantine-list.ts'
import { tenantOfJob } from './tenant-of-job.ts'

/** A job as `sluice jobs --json` prints it. Counts are null until a run and a load gave them. */
export interface JobSummary {
  readonly jobId: string
  readonly tenantId: string
  readonly dataset: string
  readonly status: string
  readonly reasonCode: string | null
  readonly message: string | null
  readonly executionArn: string
  readonly source: {
    readonly bucket: string
    readonly key: string
    readonly versionId: string
    readonly sizeBytes: number
  }
  readonly counts: Readonly<Record<CountName, number | null>> | null
  readonly quality: { readonly score: number | null } | null
  readonly objects: Readonly<Record<ObjectName, string | null>>
  readonly duplicateOf: string | null
  readonly attempt: number
  readonly attemptKind: string
  readonly publication: number
  readonly replayId: string | null
  readonly runId: string | null
  readonly trigger: string
  readonly contractVersion: number | null
  readonly mappingVersion: number | null
  readonly configurationHash: string
  readonly idempotencyKey: string
  readonly drift: unknown
  readonly deferred: boolean
  readonly registeredAt: string
  readonly closedAt: string | null
}

export interface JobError {
  readonly recordNumber: number
  readonly codes: readonly string[]
  readonly columns: readonly string[]
  /** JSON array of {code, column, value, message}. */
  readonly errors: string
  readonly raw: string | null
}

export interface JobDetails extends JobSummary {
  readonly stages: readonly { readonly name: string; readonly startedAt: string; readonly millis: number }[]
  readonly transitions: readonly {
    readonly from: string | null
    readonly to: string
    readonly attempt: number
    readonly at: string
  }[]
  readonly attempts: readonly {
    readonly attempt: number
    readonly kind: string
    readonly status: string
    readonly reasonCode: string | null
    readonly executionArn: string
    readonly runId: string | null
    readonly replayId: string | null
    /** `manual`: a person asked for it. */
    readonly trigger: 'event' | 'manual' | 'sweep'
    /** Who asked for a replay, and why. */
    readonly requestedBy: string | null
    readonly why: string | null
    /** What the attempt was let off; shown for ever. */
    readonly waivers: Waivers | null
  }[]
  /** Each time the source was quarantined, latest first, and how that ended. */
  readonly quarantine: readonly QuarantineRecord[]
  /** The first {@link ERRORS_SHOWN}. */
  readonly errors: readonly JobError[]
}

const COUNTS = ['input', 'curated', 'rejected', 'duplicates', 'inserted', 'updated', 'unchanged', 'stale'] as const
type CountName = (typeof COUNTS)[number]
const OBJECTS = ['validated', 'plan', 'curated', 'rejects', 'quarantine', 'quality'] as const
type ObjectName = (typeof OBJECTS)[number]
export const ERRORS_SHOWN = 100

/** bigint columns arrive as float8, which is exact up to 2^53. */
const COLUMNS = `j.tenant_id, j.job_id, j.sequence::float8 AS sequence, j.dataset, j.status, j.reason_code, j.message,
  j.execution_arn, s.bucket, s.object_key, s.version_id, s.size_bytes::float8 AS size_bytes,
  j.input_rows::float8 AS input, j.curated_rows::float8 AS curated, j.rejected_rows::float8 AS rejected,
  j.duplicate_rows::float8 AS duplicates, j.inserted_rows::float8 AS inserted, j.updated_rows::float8 AS updated,
  j.unchanged_rows::float8 AS unchanged, j.stale_rows::float8 AS stale, j.score, j.objects, j.drift, j.duplicate_of,
  j.attempt, j.attempt_kind, j.publication, j.replay_id, j.run_id, j.trigger, j.contract_version, j.mapping_version,
  j.configuration_hash, j.idempotency_key, j.deferred_at IS NOT NULL AS deferred,
  ${utc('j.registered_at', 'registered_at')}, ${utc('j.closed_at', 'closed_at')}`

const countsOf = (row: Fields): JobSummary['counts'] => {
  if (COUNTS.every((name) => !row.has(name))) return null
  const { input, curated, rejected, duplicates, inserted, updated, unchanged, stale } = Object.fromEntries(
    COUNTS.map((name) => [name, row.numberOrNull(name)]),
  ) as Record<CountName, number | null>
  return { input, curated, rejected, duplicates, inserted, updated, unchanged, stale }
}

const objectsOf = (objects: Fields | null): JobSummary['objects'] => {
  const uri = (name: ObjectName): string | null => objects?.textOrNull(name) ?? null
  return {
    validated: uri('validated'),
    plan: uri('plan'),
    curated: uri('curated'),
    rejects: uri('rejects'),
    quarantine: uri('quarantine'),
    quality: uri('quality'),
  }
}

const jobOf = (row: Fields): JobSummary => {
  const score = row.numberOrNull('score')
  return {
    jobId: row.text('job_id'),
    tenantId: row.text('tenant_id'),
    dataset: row.text('dataset'),
    status: row.text('status'),
    reasonCode: row.textOrNull('reason_code'),
    message: row.textOrNull('message'),
    executionArn: row.text('execution_arn'),
    source: {
      bucket: row.text('bucket'),
      key: row.text('object_key'),
      versionId: row.text('version_id'),
      sizeBytes: row.integer('size_bytes'),
    },
    counts: countsOf(row),
    quality: score === null ? null : { score },
    objects: objectsOf(row.objectOrNull('objects')),
    duplicateOf: row.textOrNull('duplicate_of'),
    attempt: row.integer('attempt'),
    attemptKind: row.text('attempt_kind'),
    publication: row.integer('publication'),
    replayId: row.textOrNull('replay_id'),
    runId: row.textOrNull('run_id'),
    trigger: row.text('trigger'),
    contractVersion: row.numberOrNull('contract_version'),
    mappingVersion: row.numberOrNull('mapping_version'),
    configurationHash: row.text('configuration_hash'),
    idempotencyKey: row.text('idempotency_key'),
    drift: row.unknown('drift') ?? null,
    deferred: row.flag('deferred', false),
    registeredAt: row.text('registered_at'),
    closedAt: row.textOrNull('closed_at'),
  }
}

const OF_TENANT = `SELECT ${COLUMNS} FROM sluice.ingestion_jobs j
  JOIN sluice.source_objects s USING (tenant_id, source_object_id)
  WHERE j.tenant_id = $4 AND ($1::text IS NULL OR j.status = $1) AND ($2::bigint IS NULL OR j.sequence < $2)
  ORDER BY j.sequence DESC LIMIT $3`

const OF_ALL = `WITH j AS MATERIALIZED (SELECT * FROM sluice.admin_list_jobs($1, $2, $3))
  SELECT ${COLUMNS} FROM j
  JOIN sluice.admin_sources((SELECT array_agg(source_object_id) FROM j)) s USING (tenant_id, source_object_id)
  ORDER BY j.sequence DESC`

export const MAX_LIMIT = 10_000
/** Jobs of one answer; with keys and URIs of full length they stay below {@link PAGE_BYTES} or are cut there. */
const PAGE_JOBS = 2000
/** A Lambda may answer 6 MB. */
const PAGE_BYTES = 4 * 1024 * 1024

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly JobSummary[]
  /** Give it back as `token` for the next page; `null` at the end. */
  readonly nextToken: string | null
}

export interface JobsRequest {
  readonly tenantId: string | null
  readonly status: string | null
  /** 1 to {@link MAX_LIMIT}; an answer may hold fewer and a token. */
  readonly limit: number
  readonly token: string | null
}

/** @throws SluiceError `invalid_input` */
export function parseJobsRequest(request: Fields): JobsRequest {
  const limit = request.integerOr('limit', 100)
  const token = request.textOrNull('token')
  if (limit < 1 || limit > MAX_LIMIT)
    throw new SluiceError('invalid_input', `Cannot list ${limit} jobs: limit must be from 1 to ${MAX_LIMIT}`)
  if (token !== null && !/^\d{1,18}$/.test(token))
    throw new SluiceError('invalid_input', 'Cannot go on listing: token must be one that an answer gave')
  return {
    tenantId: request.textOrNull('tenantId'),
    status: request.has('status') ? request.oneOf('status', JOB_STATUSES) : null,
    limit,
    token,
  }
}

/** As many rows as fit an answer. */
function fitting(rows: readonly Fields[]): readonly { readonly job: JobSummary; readonly sequence: number }[] {
  const page: { job: JobSummary; sequence: number }[] = []
  let bytes = 0
  for (const row of rows) {
    const job = jobOf(row)
    bytes += Buffer.byteLength(JSON.stringify(job))
    if (bytes > PAGE_BYTES && page.length > 0) break
    page.push({ job, sequence: row.integer('sequence') })
  }
  return page
}

/** Jobs of one tenant, or of all. */
export async function listJobs(database: Database, request: JobsRequest): Promise<JobPage> {
  const count = Math.min(request.limit, PAGE_JOBS)
  const values = [request.status, request.token, count + 1]
  const { tenantId } = request
  const rows =
    tenantId === null
      ? await database.asOperator((sql) => rowsOf(sql, OF_ALL, values))
      : await database.asTenant(tenantId, (sql) => rowsOf(sql, OF_TENANT, [...values, tenantId]))
  const page = fitting(rows.slice(0, count))
  const last = page.at(-1)
  const more = last !== undefined && page.length < rows.length
  return { jobs: page.map(({ job }) => job), nextToken: more ? String(last.sequence) : null }
}

const splitList = (text: string): readonly string[] => (text === '' ? [] : text.split(','))

async function readErrors(sql: Queryable, key: readonly string[], after: number, atMost: number) {
  const rows = await rowsOf(
    sql,
    `SELECT e.ordinal, e.record_number::float8 AS record_number, e.codes, e.columns, e.errors, e.raw_payload
     FROM sluice.ingestion_errors e JOIN sluice.ingestion_jobs j USING (tenant_id, job_id, attempt)
     WHERE e.tenant_id = $1 AND e.job_id = $2 AND e.ordinal > $3 ORDER BY e.ordinal LIMIT $4`,
    [...key, after, atMost],
  )
  return rows.map((row): { ordinal: number; error: JobError } => ({
    ordinal: row.integer('ordinal'),
    error: {
      recordNumber: row.integer('record_number'),
      codes: splitList(row.textOrNull('codes') ?? ''),
      columns: splitList(row.textOrNull('columns') ?? ''),
      errors: row.textOrNull('errors') ?? '[]',
      raw: row.textOrNull('raw_payload'),
    },
  }))
}

async function readParts(sql: Queryable, key: readonly string[]) {
  const stages = await rowsOf(
    sql,
    `SELECT s.name, ${utc('s.started_at', 'started_at')}, s.millis::float8 AS millis
     FROM sluice.job_stages s JOIN sluice.ingestion_jobs j USING (tenant_id, job_id, attempt)
     WHERE s.tenant_id = $1 AND s.job_id = $2 ORDER BY s.ordinal`,
    key,
  )
  const transitions = await rowsOf(
    sql,
    `SELECT from_status, to_status, attempt, ${utc('at', 'at')} FROM sluice.job_transitions
     WHERE tenant_id = $1 AND job_id = $2 ORDER BY ordinal`,
    key,
  )
  const attempts = await rowsOf(
    sql,
    `SELECT attempt, kind, status, reason_code, execution_arn, run_id, replay_id, trigger, requested_by, requested_why, waivers
     FROM sluice.job_attempts
     WHERE tenant_id = $1 AND job_id = $2 ORDER BY attempt`,
    key,
  )
  return {
    stages: stages.map((row) => ({
      name: row.text('name'),
      startedAt: row.text('started_at'),
      millis: row.integer('millis'),
    })),
    transitions: transitions.map((row) => ({
      from: row.textOrNull('from_status'),
      to: row.text('to_status'),
      attempt: row.integer('attempt'),
      at: row.text('at'),
    })),
    attempts: attempts.map((row) => ({
      attempt: row.integer('attempt'),
      kind: row.text('kind'),
      status: row.text('status'),
      reasonCode: row.textOrNull('reason_code'),
      executionArn: row.text('execution_arn'),
      runId: row.textOrNull('run_id'),
      replayId: row.textOrNull('replay_id'),
      trigger: row.oneOf('trigger', ['event', 'manual', 'sweep']),
      requestedBy: row.textOrNull('requested_by'),
      why: row.textOrNull('requested_why'),
      waivers: parseWaivers(row.objectOrNull('waivers')),
    })),
  }
}

/** One job with its stages, transitions, attempts and first errors. @throws SluiceError `unknown_job` */
export async function getJob(database: Database, jobId: string): Promise<JobDetails> {
  const tenantId = await tenantOfJob(database, jobId)
  return database.asTenant(tenantId, async (sql) => {
    const key = [tenantId, jobId]
    const row = await firstRowOf(
      sql,
      `SELECT ${COLUMNS} FROM sluice.ingestion_jobs j JOIN sluice.source_objects s USING (tenant_id, source_object_id)
       WHERE j.tenant_id = $1 AND j.job_id = $2`,
      key,
    )
    if (row === null) throw new SluiceError('unknown_job', `There is no job ${jobId}`, { found: jobId })
    const errors = await readErrors(sql, key, 0, ERRORS_SHOWN)
    const parts = { ...(await readParts(sql, key)), quarantine: await recordsOfJob(sql, tenantId, jobId) }
    return { ...jobOf(row), ...parts, errors: errors.map(({ error }) => error) }
  })
}

/** The job that an execution ran, or was told to be a duplicate of. @throws SluiceError `unknown_job` */
export async function getJobOfExecution(database: Database, executionArn: string): Promise<JobDetails> {
  const row = await database.asOperator((sql) =>
    firstRowOf(sql, 'SELECT job_id FROM sluice.admin_job_of_execution($1)', [executionArn]),
  )
  if (row !== null) return getJob(database, row.text('job_id'))
  throw new SluiceError('unknown_job', `Execution ${executionArn} has registered no job`, { found: executionArn })
}

/**
 * The latest job of an object version, whatever its state.
 * @throws SluiceError `unknown_job` when none is registered yet
 */
export async function getJobOfSource(database: Database, source: SourceVersion): Promise<JobDetails> {
  const { tenantId } = ownerOf(source.key)
  const row = await database.asTenant(tenantId, (sql) =>
    firstRowOf(
      sql,
      `SELECT job_id FROM sluice.ingestion_jobs WHERE tenant_id = $1 AND source_object_id = $2
       ORDER BY sequence DESC LIMIT 1`,
      [tenantId, sourceObjectIdOf(source)],
    ),
  )
  if (row !== null) return getJob(database, row.text('job_id'))
  throw new SluiceError('unknown_job', `There is no job for version ${source.versionId} of "${source.key}" yet`, {
    found: source.versionId,
  })
}

export interface ErrorPage {
  readonly errors: readonly JobError[]
  readonly nextToken: string | null
}

/** The recorded rejects of a job's current attempt, in the order of the source. @throws SluiceError `unknown_job` */
export async function listErrors(database: Database, request: Fields): Promise<ErrorPage> {
  const jobId = request.text('jobId')
  const limit = Math.min(Math.max(request.integerOr('limit', 200), 1), 500)
  const after = Number(request.textOrNull('token') ?? 0)
  const tenantId = await tenantOfJob(database, jobId)
  const rows = await database.asTenant(tenantId, (sql) => readErrors(sql, [tenantId, jobId], after, limit + 1))
  const page = rows.slice(0, limit)
  return {
    errors: page.map(({ error }) => error),
    nextToken: rows.length > limit ? String(page.at(-1)?.ordinal) : null,
  }
}
