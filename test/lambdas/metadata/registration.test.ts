import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { parseJobId } from '../../../core/identifiers.ts'
import { isReasonCode } from '../../../core/reason-codes.ts'
import { COMPILER_VERSION } from '../../../lambdas/compiler-version.ts'
import { Fields } from '../../../lambdas/input.ts'
import type { CloseJobRequest, IngestInput, RegisterJobResult, ReplayOrder } from '../../../lambdas/messages.ts'
import { claimContent } from '../../../lambdas/metadata/claim-content.ts'
import { type CloseDeps, closeJob } from '../../../lambdas/metadata/close-job.ts'
import { getJob, listJobs, parseJobsRequest } from '../../../lambdas/metadata/jobs.ts'
import { LEASE_SECONDS, registerJob } from '../../../lambdas/metadata/register-job.ts'
import { seedDatabase } from '../../../lambdas/metadata/seed.ts'
import { setTenantStatus } from '../../../lambdas/metadata/tenants.ts'
import { ENGINES, type TestDatabase } from './databases.ts'
import { AT, closing, inputOf, MemoryObjects, orderOf, SEED, sourceOf } from './fixtures.ts'

const KEY = 'landing/acme/orders/a.csv'
const replayOf = (more: Partial<ReplayOrder> = {}): Partial<IngestInput> => ({
  trigger: 'replay',
  replay: orderOf(more),
})

describe.each(ENGINES)('jobs on $name', ({ open }) => {
  let opened: TestDatabase
  let deps: CloseDeps
  beforeAll(async () => {
    opened = await open()
  })
  beforeEach(async () => {
    await opened.reset()
    deps = { database: opened.database, objects: new MemoryObjects(), workBucket: 'work' }
    await seedDatabase(opened.database, SEED, AT)
  })
  afterAll(() => opened.close())

  const register = async (
    executionArn: string,
    input: IngestInput = inputOf(sourceOf(KEY)),
    now = AT,
  ): Promise<RegisterJobResult> => (await registerJob(opened.database, { input, executionArn, at: now, now })).result
  const close = async (
    job: RegisterJobResult,
    status: CloseJobRequest['status'],
    more: Partial<CloseJobRequest> = {},
  ) => (await closeJob(closing(job, status, more), deps)).result
  const slots = (count: number) =>
    opened.admin.query(`UPDATE sluice.tenants SET max_active_jobs = ${count} WHERE tenant_id = 'acme'`)

  test('IDEM-01: a source runs once, its job carries all that a run needs, and asking again gives the same answer', async () => {
    const first = await register('arn:1')
    expect(first).toMatchObject({
      decision: 'run',
      reasonCode: null,
      job: {
        jobId: expect.stringMatching(/^j[0-9a-f]{24}$/),
        tenantId: 'acme',
        dataset: 'orders',
        attempt: 1,
        attemptKind: 'initial',
        publication: 1,
        registeredAt: AT,
        ingestDate: '2026-03-01',
        replayId: null,
      },
      configuration: { contract: { version: 1 }, mapping: { version: 1 }, ruleset: { version: 1 } },
    })
    expect(await register('arn:1')).toEqual(first)
  })

  test('JOB-10: a registered run has source, mapping version, contract version and execution', async () => {
    const { job } = await register('arn:1')
    expect(await getJob(opened.database, job.jobId)).toMatchObject({
      source: { bucket: 'sluice-raw', key: KEY, versionId: 'v1' },
      mappingVersion: 1,
      contractVersion: 1,
      configurationHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      executionArn: 'arn:1',
    })
  })

  test('IDEM-03: a second delivery while the job runs attaches to it', async () => {
    const first = await register('arn:1')
    const second = await register('arn:2')
    expect(second).toMatchObject({ decision: 'duplicate', duplicateOf: first.job.jobId, configuration: null })
  })

  test('IDEM-02: a second delivery of a completed source is already processed, with the first job', async () => {
    const first = await register('arn:1')
    expect(await close(first, 'COMPLETED')).toEqual({ status: 'COMPLETED', reasonCode: null })
    expect(await register('arn:2')).toMatchObject({
      decision: 'duplicate',
      reasonCode: 'already_processed',
      duplicateOf: first.job.jobId,
    })
    expect((await getJob(opened.database, first.job.jobId)).status).toBe('COMPLETED')
  })

  test('IDEM-09: an overwritten key is a new source with a job of its own', async () => {
    const first = await register('arn:1')
    const second = await register('arn:2', inputOf(sourceOf(KEY, 'v2')))
    expect(second.decision).toBe('run')
    expect(second.job.jobId).not.toBe(first.job.jobId)
    expect(second.job.idempotencyKey).not.toBe(first.job.idempotencyKey)
  })

  test('VAL-31: the identity of a source does not contain its ETag', async () => {
    const first = await register('arn:1')
    const other = { ...sourceOf(KEY), etag: 'another-etag-7' }
    expect(await register('arn:2', inputOf(other))).toMatchObject({ duplicateOf: first.job.jobId })
  })

  test('IDEM-08: many deliveries at the same time leave one job and one run', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => register(`arn:${index}`)))
    expect(answers.filter(({ decision }) => decision === 'run')).toHaveLength(1)
    expect(new Set(answers.map(({ job }) => job.jobId)).size).toBe(1)
  })

  test('IDEM-04: a failed job runs again only for a replay, as a new attempt with the configuration it had', async () => {
    const first = await register('arn:1')
    await close(first, 'FAILED', { reasonCode: 'transform_failed' })
    expect((await register('arn:2')).decision).toBe('duplicate')
    const replayed = await register('arn:3', inputOf(sourceOf(KEY), replayOf()))
    expect(replayed).toMatchObject({
      decision: 'run',
      job: {
        jobId: first.job.jobId,
        attempt: 2,
        attemptKind: 'replay:r1',
        publication: 1,
        registeredAt: AT,
        replayId: 'r1',
      },
      configuration: first.configuration,
    })
    expect(await close(replayed, 'COMPLETED')).toMatchObject({ status: 'COMPLETED' })
  })

  test('IDEM-10: a completed job is published again only by force, with the next publication number', async () => {
    const first = await register('arn:1')
    await close(first, 'COMPLETED')
    expect((await register('arn:2', inputOf(sourceOf(KEY), replayOf()))).decision).toBe('duplicate')
    const forced = await register('arn:3', inputOf(sourceOf(KEY), replayOf({ force: true })))
    expect(forced).toMatchObject({ decision: 'run', job: { attempt: 2, publication: 2 } })
    expect(await register('arn:3', inputOf(sourceOf(KEY), replayOf({ force: true })))).toEqual(forced)
    await close(forced, 'COMPLETED')
    expect((await register('arn:3', inputOf(sourceOf(KEY), replayOf({ force: true })))).decision).toBe('duplicate')
  })

  test('SCH-35: an edited contract is pinned by the next job, and a replay has the old one or the new one as it asks', async () => {
    const first = await register('arn:1')
    await close(first, 'QUARANTINED', { reasonCode: 'too_many_rejects' })
    const [orders] = SEED.contracts
    if (orders === undefined) throw new Error('no contract')
    const edited = { ...SEED, contracts: [{ ...orders, rejectTolerance: 0.5 }] }
    const changed = await seedDatabase(opened.database, edited, AT)
    expect(changed).toMatchObject({ contracts: ['orders@1'], mappings: [], rulesets: [] })
    const original = await register('arn:2', inputOf(sourceOf(KEY), replayOf()))
    expect(original.configuration).toEqual(first.configuration)
    expect(original.job).toMatchObject({ jobId: first.job.jobId, attempt: 2 })
    const current = await register(
      'arn:3',
      inputOf(sourceOf(KEY), replayOf({ replayId: 'r2', configuration: 'current' })),
    )
    expect(current.job.jobId).not.toBe(first.job.jobId)
    expect(current.configuration?.contract.hash).not.toBe(first.configuration?.contract.hash)
    expect(current.configuration?.mapping).toEqual(first.configuration?.mapping)
  })

  const REFUSED = [
    { why: 'an unknown tenant', key: 'landing/nobody/orders/a.csv', reasonCode: 'unknown_tenant', tenantId: 'nobody' },
    { why: 'an unknown dataset', key: 'landing/acme/parcels/a.csv', reasonCode: 'unknown_dataset', tenantId: 'acme' },
    {
      why: 'a dataset that the tenant has no mapping for',
      key: 'landing/acme/flights/a.csv',
      reasonCode: 'unknown_dataset',
      tenantId: 'acme',
    },
    { why: 'a key without dataset', key: 'landing/acme/a.csv', reasonCode: 'invalid_key_prefix', tenantId: 'acme' },
    {
      why: 'a key with an unreadable tenant',
      key: 'landing/ACME!/orders/a.csv',
      reasonCode: 'invalid_key_prefix',
      tenantId: 'unknown',
    },
    { why: 'a key elsewhere', key: 'inbox/a.csv', reasonCode: 'invalid_key_prefix', tenantId: 'unknown' },
  ] as const
  for (const { why, key, reasonCode, tenantId } of REFUSED)
    test(`TEN-07: ${why} stops in the first state, with a job that says why`, async () => {
      const refused = await register('arn:1', inputOf(sourceOf(key)))
      expect(refused).toMatchObject({ decision: 'refuse', reasonCode, configuration: null, job: { tenantId } })
      expect(await register('arn:1', inputOf(sourceOf(key)))).toEqual(refused)
      expect(isReasonCode(String(refused.reasonCode)) && (await close(refused, 'QUARANTINED', { reasonCode }))).toEqual(
        {
          status: 'QUARANTINED',
          reasonCode,
        },
      )
      expect(await getJob(opened.database, refused.job.jobId)).toMatchObject({
        status: 'QUARANTINED',
        reasonCode,
        tenantId,
      })
    })

  test('JOB-01: a suspended tenant is refused, and runs again once resumed', async () => {
    await setTenantStatus(opened.database, 'acme', 'suspended', AT)
    const refused = await register('arn:1')
    expect(refused).toMatchObject({ decision: 'refuse', reasonCode: 'tenant_suspended' })
    await close(refused, 'QUARANTINED', { reasonCode: 'tenant_suspended' })
    await setTenantStatus(opened.database, 'acme', 'active', AT)
    expect(await register('arn:2', inputOf(sourceOf(KEY), replayOf()))).toMatchObject({ decision: 'run' })
  })

  test('over its quota a tenant waits, goes on when a slot is free, and another tenant is not held up', async () => {
    await slots(1)
    const first = await register('arn:1')
    const second = inputOf(sourceOf(KEY, 'v2'))
    const waiting = await register('arn:2', second)
    expect(waiting).toMatchObject({ decision: 'wait', configuration: null, message: expect.stringContaining('acme') })
    expect((await register('arn:3', inputOf(sourceOf('landing/globex/orders/b.csv')))).decision).toBe('run')
    expect((await register('arn:2', second)).decision).toBe('wait')
    await close(first, 'COMPLETED')
    expect(await register('arn:2', second)).toMatchObject({
      decision: 'run',
      job: { jobId: waiting.job.jobId, attempt: 1 },
    })
  })

  test('a slot is a lease: a job that died keeps it no longer than it may run', async () => {
    await slots(1)
    await register('arn:1')
    const later = new Date(Date.parse(AT) + (LEASE_SECONDS + 1) * 1000).toISOString()
    expect((await register('arn:2', inputOf(sourceOf(KEY, 'v2')), later)).decision).toBe('run')
  })

  test('a job put off for want of a slot is PENDING, and the sweep resumes it under its configuration', async () => {
    await slots(1)
    const first = await register('arn:1')
    const waiting = await register('arn:2', inputOf(sourceOf(KEY, 'v2')))
    expect(await close(waiting, 'DEFERRED')).toEqual({ status: 'DEFERRED', reasonCode: null })
    expect(await getJob(opened.database, waiting.job.jobId)).toMatchObject({ status: 'PENDING', deferred: true })
    await close(first, 'COMPLETED')
    const resumed = await register('arn:4', inputOf(sourceOf(KEY, 'v2'), { trigger: 'sweep' }))
    expect(resumed).toMatchObject({ decision: 'run', job: { jobId: waiting.job.jobId, attempt: 1 } })
  })

  /** As if another release of the compiler had been deployed since the job was registered. Answers the id that it has then. */
  async function compiledBefore({ job: { jobId } }: RegisterJobResult): Promise<string> {
    const id = `j${'0'.repeat(24)}`
    const children = ['job_attempts', 'job_executions', 'job_transitions', 'job_stages'].map(
      (table) => `UPDATE sluice.${table} SET job_id = '${id}' WHERE job_id = '${jobId}';`,
    )
    await opened.admin.query(`SET session_replication_role = replica;
      UPDATE sluice.ingestion_jobs SET job_id = '${id}', compiler_version = '0.0.1', configuration_hash = repeat('0', 64)
      WHERE job_id = '${jobId}';
      ${children.join('\n')}
      SET session_replication_role = DEFAULT`)
    return id
  }

  test('a job that waited while another compiler was deployed is not resumed under it: a job of the same documents takes its place, once, and says so', async () => {
    await slots(1)
    const first = await register('arn:1')
    const waiting = await register('arn:2', inputOf(sourceOf(KEY, 'v2')))
    await close(waiting, 'DEFERRED')
    await close(first, 'COMPLETED')
    const before = await compiledBefore(waiting)
    const swept = inputOf(sourceOf(KEY, 'v2'), { trigger: 'sweep' })
    const instead = await register('arn:3', swept)
    expect(instead).toMatchObject({ decision: 'run', configuration: { compilerVersion: COMPILER_VERSION } })
    expect(instead.job.jobId).toBe(waiting.job.jobId)
    expect(await getJob(opened.database, before)).toMatchObject({
      status: 'SKIPPED',
      duplicateOf: instead.job.jobId,
      deferred: false,
      message: expect.stringContaining('Compiler version 0.0.1 is not deployed any more'),
    })
    expect(await register('arn:4', swept)).toMatchObject({ decision: 'duplicate', duplicateOf: instead.job.jobId })
  })

  test('a replay planned before another compiler was deployed runs the same documents as a job of their own, and what is published stays', async () => {
    const first = await register('arn:1')
    await close(first, 'COMPLETED')
    const before = await compiledBefore(first)
    const order = { jobId: parseJobId(before), configuration: 'original', force: true } as const
    const again = await register('arn:2', inputOf(sourceOf(KEY), replayOf(order)))
    expect(again).toMatchObject({ decision: 'run', configuration: { compilerVersion: COMPILER_VERSION } })
    expect(again.job.jobId).toBe(first.job.jobId)
    expect(await getJob(opened.database, before)).toMatchObject({ status: 'COMPLETED', publication: 1 })
    const swept = await register('arn:3', inputOf(sourceOf(KEY), { trigger: 'sweep' }))
    expect(swept.decision).toBe('duplicate')
  })

  test('a job whose lease ran out is given up and run anew by a sweep', async () => {
    const first = await register('arn:1')
    const later = new Date(Date.parse(AT) + (LEASE_SECONDS + 1) * 1000).toISOString()
    expect((await register('arn:2', inputOf(sourceOf(KEY), { trigger: 'sweep' }))).decision).toBe('duplicate')
    const again = await register('arn:3', inputOf(sourceOf(KEY), { trigger: 'sweep' }), later)
    expect(again).toMatchObject({ decision: 'run', job: { jobId: first.job.jobId, attempt: 2 } })
    const { attempts } = await getJob(opened.database, first.job.jobId)
    expect(attempts).toMatchObject([
      { attempt: 1, status: 'FAILED', reasonCode: 'execution_timed_out' },
      { attempt: 2, status: 'PROCESSING' },
    ])
    expect(await close(first, 'COMPLETED')).toEqual({ status: 'FAILED', reasonCode: 'execution_timed_out' })
  })

  test('VAL-30: content that a completed job had is a duplicate of it, by its SHA-256 under the same configuration', async () => {
    const sha256 = 'a'.repeat(64)
    const claim = (job: RegisterJobResult, force = false) =>
      claimContent(opened.database, {
        operation: 'claimContent',
        tenantId: job.job.tenantId,
        jobId: job.job.jobId,
        sha256,
        force,
      })
    const first = await register('arn:1')
    expect(await claim(first)).toEqual({ decision: 'run', duplicateOf: null })
    const early = await register('arn:2', inputOf(sourceOf(KEY, 'v2')))
    expect((await claim(early)).decision).toBe('run')
    await close(first, 'COMPLETED')
    const late = await register('arn:3', inputOf(sourceOf('landing/acme/orders/b.csv')))
    expect(await claim(late)).toEqual({ decision: 'duplicate', duplicateOf: first.job.jobId })
    expect(await claim(late, true)).toEqual({ decision: 'run', duplicateOf: null })
    const other = await register('arn:4', inputOf(sourceOf('landing/globex/orders/b.csv')))
    expect((await claim(other)).decision).toBe('run')
    await close(late, 'SKIPPED', { reasonCode: 'already_processed', duplicateOf: first.job.jobId })
    const { jobs } = await listJobs(opened.database, parseJobsRequest(new Fields({ status: 'SKIPPED' })))
    expect(jobs).toMatchObject([{ jobId: late.job.jobId, duplicateOf: first.job.jobId }])
  })
})
