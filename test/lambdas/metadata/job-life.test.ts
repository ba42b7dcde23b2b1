import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Fields } from '../../../lambdas/input.ts'
import type { CloseJobRequest, IngestInput, RegisterJobResult } from '../../../lambdas/messages.ts'
import { closeExecution, parseEndedExecution } from '../../../lambdas/metadata/close-execution.ts'
import { type CloseDeps, closeJob } from '../../../lambdas/metadata/close-job.ts'
import { rowsOf } from '../../../lambdas/metadata/database.ts'
import { getJob, listErrors, listJobs, MAX_LIMIT, parseJobsRequest } from '../../../lambdas/metadata/jobs.ts'
import { tenantScore } from '../../../lambdas/metadata/quality-score.ts'
import { registerJob } from '../../../lambdas/metadata/register-job.ts'
import { seedDatabase } from '../../../lambdas/metadata/seed.ts'
import { sweep } from '../../../lambdas/metadata/sweep.ts'
import { ENGINES, type TestDatabase } from './databases.ts'
import { AT, COUNTS, closing, inputOf, LEDGER, MemoryObjects, SEED, sourceOf } from './fixtures.ts'

const LATER = '2026-03-01T10:30:00.000Z'

describe.each(ENGINES)('the life of a job on $name', ({ open }) => {
  let opened: TestDatabase
  let objects: MemoryObjects
  let deps: CloseDeps
  let count = 0
  beforeAll(async () => {
    opened = await open()
    await seedDatabase(opened.database, SEED, AT)
  })
  afterAll(() => opened.close())
  beforeEach(() => {
    objects = new MemoryObjects()
    deps = { database: opened.database, objects, workBucket: 'work' }
  })

  const register = async (more: Partial<IngestInput> = {}): Promise<RegisterJobResult & { executionArn: string }> => {
    count += 1
    const executionArn = `arn:life:${count}`
    const input = inputOf(sourceOf(`landing/acme/orders/${count}.csv`), more)
    const { result } = await registerJob(opened.database, { input, executionArn, at: AT, now: AT })
    return { ...result, executionArn }
  }
  const close = async (
    job: RegisterJobResult,
    status: CloseJobRequest['status'],
    more: Partial<CloseJobRequest> = {},
  ) => (await closeJob(closing(job, status, more), deps)).result
  const setStatus = ({ job }: RegisterJobResult, assignments: string) =>
    opened.database.asTenant(job.tenantId, (sql) =>
      sql.query(`UPDATE sluice.ingestion_jobs SET ${assignments} WHERE job_id = $1`, [job.jobId]),
    )

  test('JOB-06: each transition is recorded with its time', async () => {
    const job = await register()
    await close(job, 'COMPLETED')
    expect((await getJob(opened.database, job.job.jobId)).transitions).toEqual([
      { from: null, to: 'PENDING', attempt: 1, at: AT },
      { from: 'PENDING', to: 'PROCESSING', attempt: 1, at: AT },
      { from: 'PROCESSING', to: 'COMPLETED', attempt: 1, at: '2026-03-01T10:00:05.000Z' },
    ])
  })

  test("DQ-02: a tenant's score over a window is one query, whole and by dataset", async () => {
    const at = (hour: number) => `2026-06-01T${hour}:00:00.000Z`
    for (const [hour, score] of [
      [10, 1],
      [11, 0.5],
      [12, 0.9],
    ] as const)
      await close(await register(), score === 0.5 ? 'QUARANTINED' : 'COMPLETED', { score, at: at(hour) })
    await close(await register(), 'QUARANTINED', { score: null, at: at(11) })
    const scoreOf = (request: object) => tenantScore(opened.database, new Fields({ tenantId: 'acme', ...request }))
    const part = { jobs: 2, completed: 1, quarantined: 1, score: 0.75 }
    const window = { since: at(10), until: at(12) }
    expect(await scoreOf(window)).toEqual({
      tenantId: 'acme',
      ...window,
      ...part,
      datasets: [{ dataset: 'orders', ...part }],
    })
    expect((await scoreOf({ since: at(11), until: null })).score).toBeCloseTo(0.7)
    expect(await scoreOf({ tenantId: 'globex', ...window })).toMatchObject({ jobs: 0, score: null, datasets: [] })
  })

  const ILLEGAL = [
    { from: 'COMPLETED', change: `status = 'FAILED'` },
    { from: 'COMPLETED', change: `status = 'PROCESSING'` },
    { from: 'COMPLETED', change: `status = 'PROCESSING', attempt = 2` },
    { from: 'COMPLETED', change: `status = 'PENDING', attempt = 2, publication = 2` },
    { from: 'QUARANTINED', change: `status = 'COMPLETED'` },
    { from: 'QUARANTINED', change: `status = 'PROCESSING'` },
    { from: 'FAILED', change: `status = 'COMPLETED', attempt = 2` },
    { from: 'SKIPPED', change: `status = 'PROCESSING', redrives = 1` },
    { from: 'SKIPPED', change: `status = 'COMPLETED'` },
    { from: 'FAILED', change: `status = 'DELETED'` },
    { from: 'FAILED', change: `configuration_hash = 'x'` },
    { from: 'FAILED', change: `registered_at = now()` },
  ] as const
  for (const { from, change } of ILLEGAL)
    test(`JOB-06: the database refuses ${change} of a job that is ${from}`, async () => {
      const job = await register()
      await close(job, from)
      await expect(setStatus(job, change)).rejects.toMatchObject({ code: '23514' })
    })

  test('JOB-06: a job cannot be registered in any state but PENDING', async () => {
    const { job } = await register()
    await expect(
      opened.admin.query(
        `INSERT INTO sluice.ingestion_jobs (tenant_id, job_id, source_object_id, dataset, status, refusal, source_type, trigger,
           idempotency_key, configuration_hash, attempt, attempt_kind, execution_arn, registered_at, updated_at)
         SELECT tenant_id, 'j' || repeat('f', 24), source_object_id, dataset, 'COMPLETED', 'unknown_dataset', source_type, trigger,
           'k', 'h', 1, 'initial', 'arn', registered_at, updated_at FROM sluice.ingestion_jobs WHERE job_id = '${job.jobId}'`,
      ),
    ).rejects.toMatchObject({ code: '23514' })
  })

  test('JOB-04: a job points at an existing mapping version of its tenant and dataset, or is refused by the database', async () => {
    const job = await register()
    await expect(setStatus(job, `mapping_hash = repeat('0', 64)`)).rejects.toMatchObject({ code: '23503' })
    await expect(setStatus(job, 'mapping_hash = NULL')).rejects.toMatchObject({ code: '23514' })
    const [mapping] = await opened.database.asTenant('acme', (sql) =>
      rowsOf(
        sql,
        `SELECT m.tenant_id, m.dataset, m.contract_version, m.document FROM sluice.ingestion_mappings m
         JOIN sluice.ingestion_jobs j ON j.mapping_hash = m.hash WHERE j.job_id = $1`,
        [job.job.jobId],
      ),
    )
    expect([mapping?.text('dataset'), mapping?.integer('contract_version')]).toEqual(['orders', 1])
    expect(mapping?.unknown('document')).toEqual(SEED.mappings[0])
  })

  test('IDEM-07: closing a job again changes nothing, and a late failure does not undo a success', async () => {
    const job = await register()
    await close(job, 'COMPLETED')
    const closed = await getJob(opened.database, job.job.jobId)
    expect(await close(job, 'COMPLETED', { at: LATER })).toEqual({ status: 'COMPLETED', reasonCode: null })
    expect(await close(job, 'FAILED', { reasonCode: 'load_failed', at: LATER })).toMatchObject({ status: 'COMPLETED' })
    expect(await getJob(opened.database, job.job.jobId)).toEqual(closed)
  })

  test('JOB-02: counts that do not reconcile make a job FAILED instead of COMPLETED', async () => {
    const first = await register()
    expect(await close(first, 'COMPLETED', { counts: { ...COUNTS, input: 11 } })).toEqual({
      status: 'FAILED',
      reasonCode: 'counts_do_not_reconcile',
    })
    const second = await register()
    expect(await close(second, 'COMPLETED', { ledger: { ...LEDGER, stale: 1 } })).toMatchObject({ status: 'FAILED' })
    expect((await getJob(opened.database, second.job.jobId)).message).toBe(
      'curated 8 is not inserted 7 + updated 1 + unchanged 0 + stale 1',
    )
  })

  test('JOB-16: a closed job has counts, score, objects and stages as the command line prints them', async () => {
    const job = await register()
    const curated = 's3://curated/orders/tenant=acme/'
    await close(job, 'COMPLETED', {
      objects: { validated: null, plan: null, curated, rejects: null, quarantine: null, quality: null },
    })
    expect(await getJob(opened.database, job.job.jobId)).toMatchObject({
      jobId: job.job.jobId,
      tenantId: 'acme',
      dataset: 'orders',
      status: 'COMPLETED',
      reasonCode: null,
      executionArn: job.executionArn,
      source: { bucket: 'sluice-raw', versionId: 'v1', sizeBytes: 120 },
      counts: { input: 10, curated: 8, rejected: 1, duplicates: 1, inserted: 7, updated: 1, unchanged: 0, stale: 0 },
      quality: { score: 1 },
      objects: { curated, quarantine: null },
      stages: [{ name: 'ValidateFile', startedAt: AT, millis: 12 }],
      runId: `${job.job.jobId}-1-0`,
      contractVersion: 1,
      mappingVersion: 1,
    })
  })

  test('JOB-03: the rejects of a run are kept with number, codes and a bounded piece of the record', async () => {
    const job = await register()
    const rejects = Array.from({ length: 600 }, (_, index) => ({
      record_number: index + 2,
      codes: 'type_mismatch,required_missing',
      columns: 'quantity,status',
      errors: [{ code: 'type_mismatch', column: 'quantity', value: 'x', message: 'expected an integer' }],
      raw: `{"Qty":"${'x'.repeat(5000)}"}`,
    }))
    await objects.put('work', `runs/acme/${job.job.jobId}-1-0/reject-sample.json`, JSON.stringify(rejects))
    await close(job, 'COMPLETED')
    const page = await listErrors(opened.database, new Fields({ jobId: job.job.jobId, limit: 500 }))
    expect(page.errors).toHaveLength(500)
    expect(page.errors[0]).toMatchObject({
      recordNumber: 2,
      codes: ['type_mismatch', 'required_missing'],
      columns: ['quantity', 'status'],
    })
    expect(page.errors[0]?.raw).toHaveLength(1024)
    const rest = await listErrors(
      opened.database,
      new Fields({ jobId: job.job.jobId, limit: 500, token: page.nextToken }),
    )
    expect([rest.errors.length, rest.errors[0]?.recordNumber, rest.nextToken]).toEqual([100, 502, null])
    expect((await getJob(opened.database, job.job.jobId)).errors).toHaveLength(100)
  })

  const ended = (executionArn: string, status: string, input: unknown = null) =>
    parseEndedExecution(
      {
        'detail-type': 'Step Functions Execution Status Change',
        source: 'aws.states',
        detail: {
          executionArn,
          status,
          input: input === null ? null : JSON.stringify(input),
          startDate: Date.parse(AT),
          error: null,
          cause: null,
        },
      },
      LATER,
    )

  test.each([
    ['FAILED', 'infrastructure_failed'],
    ['TIMED_OUT', 'execution_timed_out'],
    ['ABORTED', 'execution_aborted'],
  ])('QUA-09: an execution that ends as %s closes its job as FAILED with %s', async (status, reasonCode) => {
    const job = await register()
    const result = await closeExecution(ended(job.executionArn, status), LATER, deps)
    expect(result).toEqual({ jobId: job.job.jobId, tenantId: 'acme', closed: { status: 'FAILED', reasonCode } })
    expect(await closeExecution(ended(job.executionArn, status), LATER, deps)).toEqual(result)
  })

  test('QUA-09: an execution that ended before it registered leaves a job that says so', async () => {
    const input = inputOf(sourceOf('landing/acme/orders/early.csv'))
    const result = await closeExecution(ended('arn:early', 'ABORTED', input), LATER, deps)
    expect(result.closed).toEqual({ status: 'FAILED', reasonCode: 'execution_aborted' })
    expect(await getJob(opened.database, String(result.jobId))).toMatchObject({
      executionArn: 'arn:early',
      registeredAt: AT,
    })
    expect(await closeExecution(ended('arn:nothing', 'FAILED', { no: 'source' }), LATER, deps)).toMatchObject({
      jobId: null,
    })
  })

  test('an execution that was told "duplicate" closes nobody else’s job when it ends', async () => {
    const job = await register()
    const input = inputOf(sourceOf(`landing/acme/orders/${count}.csv`))
    await registerJob(opened.database, { input, executionArn: 'arn:attached', at: AT, now: AT })
    expect(await closeExecution(ended('arn:attached', 'ABORTED', input), LATER, deps)).toMatchObject({ jobId: null })
    expect((await getJob(opened.database, job.job.jobId)).status).toBe('PROCESSING')
  })

  test('a redriven execution may still complete the job that its failure had closed', async () => {
    const job = await register()
    await closeExecution(ended(job.executionArn, 'FAILED'), LATER, deps)
    expect(await close(job, 'COMPLETED')).toEqual({ status: 'COMPLETED', reasonCode: null })
    const { transitions, attempts } = await getJob(opened.database, job.job.jobId)
    expect(transitions.map(({ to }) => to)).toEqual(['PENDING', 'PROCESSING', 'FAILED', 'PROCESSING', 'COMPLETED'])
    expect(attempts).toMatchObject([{ attempt: 1, status: 'COMPLETED' }])
  })

  test('the sweep starts what landed without a job, leaves what is fresh, and asks after what is silent', async () => {
    const job = await register()
    const version = (key: string, landedAt: string) => ({ key, versionId: 'v1', sizeBytes: 3, etag: 'e', landedAt })
    const request = {
      operation: 'sweep' as const,
      bucket: 'sluice-raw',
      landed: [
        version(`landing/acme/orders/${count}.csv`, AT),
        version('landing/acme/orders/lost.csv', AT),
        version('landing/acme/orders/fresh.csv', LATER),
      ],
      page: 1,
      at: LATER,
    }
    const first = await sweep(opened.database, request)
    expect(first.start.map(({ source, trigger }) => [source.key, trigger])).toEqual([
      ['landing/acme/orders/lost.csv', 'sweep'],
    ])
    expect(first.check).toContainEqual({ executionArn: job.executionArn })
    const again = await sweep(opened.database, request)
    expect(again.check).toEqual([])
    expect((await sweep(opened.database, { ...request, page: 2 })).check).toEqual([])
  })

  test('JOB-08: listing by tenant and by status reads an index', async () => {
    const plan = async (where: string): Promise<string> => {
      await opened.admin.query('BEGIN; SET LOCAL enable_seqscan = off')
      const rows = await rowsOf(
        opened.admin,
        `EXPLAIN SELECT * FROM sluice.ingestion_jobs WHERE ${where} ORDER BY sequence DESC LIMIT 10`,
        [],
      )
      await opened.admin.query('ROLLBACK')
      return rows.map((row) => row.text('QUERY PLAN')).join('\n')
    }
    expect(await plan(`tenant_id = 'acme'`)).toMatch(/ingestion_jobs_by_tenant/)
    expect(await plan(`tenant_id = 'acme' AND status = 'FAILED'`)).toMatch(
      /Index Scan using ingestion_jobs_by_(tenant_)?status/,
    )
    expect(await plan(`status = 'FAILED'`)).toMatch(/ingestion_jobs_by_status/)
  })

  test('jobs are listed newest first, page by page, of one tenant or of all', async () => {
    const globex = inputOf(sourceOf('landing/globex/orders/z.csv'))
    await registerJob(opened.database, { input: globex, executionArn: 'arn:globex', at: AT, now: AT })
    const last = await register()
    const page = await listJobs(opened.database, parseJobsRequest(new Fields({ limit: 2 })))
    expect(page.jobs.map(({ jobId }) => jobId)[0]).toBe(last.job.jobId)
    expect(page.jobs.map(({ tenantId }) => tenantId)).toEqual(['acme', 'globex'])
    const next = await listJobs(opened.database, parseJobsRequest(new Fields({ limit: 2, token: page.nextToken })))
    expect(new Set([...page.jobs, ...next.jobs].map(({ jobId }) => jobId)).size).toBe(4)
    const mine = await listJobs(opened.database, parseJobsRequest(new Fields({ tenantId: 'globex', limit: MAX_LIMIT })))
    expect(mine).toMatchObject({ jobs: [{ tenantId: 'globex' }], nextToken: null })
  })
})
