import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Fields } from '../../../lambdas/input.ts'
import type { CloseJobRequest, RegisterJobResult, ReplayOrder } from '../../../lambdas/messages.ts'
import { type CloseDeps, closeJob } from '../../../lambdas/metadata/close-job.ts'
import { getJob } from '../../../lambdas/metadata/jobs.ts'
import { listQuarantine, parseQuarantineRequest } from '../../../lambdas/metadata/quarantine-list.ts'
import { discardQuarantine } from '../../../lambdas/metadata/quarantine-records.ts'
import { registerJob } from '../../../lambdas/metadata/register-job.ts'
import { putMapping, seedDatabase } from '../../../lambdas/metadata/seed.ts'
import { showQuarantine } from '../../../lambdas/metadata/show-quarantine.ts'
import { ENGINES, type TestDatabase } from './databases.ts'
import { AT, closing, inputOf, MemoryObjects, mappingOf, orderOf, SEED, sourceOf } from './fixtures.ts'

const LATER = '2026-03-02T08:00:00.000Z'
const TOO_MANY = { reasonCode: 'too_many_rejects', message: '100 of 200 records are rejects' } as const

describe.each(ENGINES)('quarantine on $name', ({ open }) => {
  let opened: TestDatabase
  let deps: CloseDeps
  let count = 0
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.close())
  beforeEach(async () => {
    await opened.reset()
    await seedDatabase(opened.database, SEED, AT)
    deps = { database: opened.database, objects: new MemoryObjects(), workBucket: 'work' }
  })

  const order = (more: Partial<ReplayOrder>): ReplayOrder =>
    orderOf({ replayId: 'mend-1', requestedBy: 'olga', reason: 'the mapping is mended', ...more })
  const register = async (key: string, more: Partial<ReplayOrder> | null = null, source = sourceOf(key)) => {
    count += 1
    const replay = more === null ? null : order(more)
    const input = inputOf(source, { trigger: replay === null ? 'event' : 'replay', replay })
    const registering = { input, executionArn: `arn:quarantine:${count}`, at: AT, now: AT }
    return (await registerJob(opened.database, registering)).result
  }
  const close = (job: RegisterJobResult, status: CloseJobRequest['status'], more: Partial<CloseJobRequest> = {}) =>
    closeJob(closing(job, status, more), deps)
  const quarantined = async (key = 'landing/acme/orders/a.csv', more: Partial<CloseJobRequest> = TOO_MANY) => {
    const result = await register(key)
    await close(result, 'QUARANTINED', more)
    return result
  }
  const list = (filter: Record<string, unknown> = {}) =>
    listQuarantine(opened.database, parseQuarantineRequest(new Fields(filter)))
  const setState = ({ job }: RegisterJobResult, assignments: string) =>
    opened.database.asTenant(job.tenantId, (sql) =>
      sql.query(`UPDATE sluice.quarantine_records SET ${assignments} WHERE job_id = $1`, [job.jobId]),
    )
  const CLOSED = `closed_at = now(), closed_by = 'x', why = 'y'`

  test('QUA-17: a quarantined source has an open record with stage, reason code and message', async () => {
    const { job } = await quarantined()
    const { records, reasons } = await list({ state: 'open' })
    expect(reasons).toEqual({ too_many_rejects: 1 })
    expect(records).toEqual([
      {
        jobId: job.jobId,
        attempt: 1,
        tenantId: 'acme',
        dataset: 'orders',
        state: 'open',
        stage: 'TRANSFORM',
        reasonCode: 'too_many_rejects',
        message: '100 of 200 records are rejects',
        openedAt: '2026-03-01T10:00:05.000Z',
        closedAt: null,
        closedBy: null,
        why: null,
        closingJobId: null,
        source: { bucket: 'sluice-raw', key: 'landing/acme/orders/a.csv', versionId: 'v1', sizeBytes: 120 },
      },
    ])
  })

  test('REP-17: a quarantined file that is loaded after a fix closes its record with the job, who asked and why', async () => {
    const first = await quarantined()
    const again = await register('landing/acme/orders/a.csv', {})
    await close(again, 'COMPLETED', { at: LATER })
    expect((await list({})).records).toMatchObject([
      {
        state: 'released',
        closedAt: LATER,
        closedBy: 'olga',
        why: 'the mapping is mended',
        closingJobId: first.job.jobId,
      },
    ])
    const found = await getJob(opened.database, first.job.jobId)
    expect(found.quarantine).toHaveLength(1)
    expect(found.attempts).toMatchObject([
      { requestedBy: null, waivers: null },
      { requestedBy: 'olga', why: 'the mapping is mended', replayId: 'mend-1', waivers: null },
    ])
  })

  test('REP-17: a job of another configuration that loads the source closes the record of the first job', async () => {
    const first = await quarantined()
    const changed = { ...mappingOf('acme', 'orders'), version: 2 }
    await opened.database.asTenant('acme', (sql) => putMapping(sql, changed, 'tenant', LATER))
    const second = await register('landing/acme/orders/a.csv', { configuration: 'current' })
    expect(second.job.jobId).not.toBe(first.job.jobId)
    await close(second, 'COMPLETED')
    expect((await list()).records).toMatchObject([
      { jobId: first.job.jobId, state: 'released', closingJobId: second.job.jobId },
    ])
  })

  test('REP-09: a replayed file that is invalid again has a new record, and the earlier one is superseded', async () => {
    const first = await quarantined()
    const again = await register('landing/acme/orders/a.csv', {})
    await close(again, 'QUARANTINED', { reasonCode: 'gate_failed', message: 'RowCount > 0' })
    expect((await list()).records).toMatchObject([
      { attempt: 2, state: 'open', reasonCode: 'gate_failed', stage: 'DATA_QUALITY' },
      { attempt: 1, state: 'superseded', why: 'Quarantined again: gate_failed', closingJobId: first.job.jobId },
    ])
  })

  test('a corrected file of the same key supersedes the record, an earlier version or another key does not', async () => {
    const key = 'landing/acme/orders/a.csv'
    await quarantined(key)
    const earlier = { ...sourceOf(key, 'v0'), landedAt: '2026-02-28T09:59:58.000Z' }
    await close(await register(key, null, earlier), 'COMPLETED')
    await close(await register('landing/acme/orders/b.csv'), 'COMPLETED')
    expect((await list({ state: 'open' })).records).toHaveLength(1)
    const corrected = await register(key, null, { ...sourceOf(key, 'v2'), landedAt: LATER })
    await close(corrected, 'COMPLETED', { at: LATER })
    expect((await list()).records).toMatchObject([
      { state: 'superseded', closedBy: 'event', closingJobId: corrected.job.jobId, closedAt: LATER },
    ])
  })

  test('a failed attempt leaves the record open', async () => {
    await quarantined()
    await close(await register('landing/acme/orders/a.csv', {}), 'FAILED', { reasonCode: 'load_failed' })
    expect((await list()).records).toMatchObject([{ state: 'open', attempt: 1 }])
  })

  test('a record is discarded once, with who, when and why', async () => {
    const { job } = await quarantined()
    const discard = { jobId: job.jobId, by: 'olga', why: 'a test file', at: LATER }
    expect(await discardQuarantine(opened.database, discard)).toMatchObject({ state: 'discarded', attempt: 1 })
    expect((await list()).records).toMatchObject([
      { state: 'discarded', closedAt: LATER, closedBy: 'olga', why: 'a test file', closingJobId: null },
    ])
    await expect(discardQuarantine(opened.database, discard)).rejects.toMatchObject({
      code: 'invalid_transition',
      found: 'discarded',
    })
  })

  for (const [from, change] of [
    ['discarded', `state = 'open', closed_at = NULL, closed_by = NULL, why = NULL`],
    ['discarded', `state = 'released', closing_job_id = job_id`],
    ['discarded', `why = 'another reason'`],
    ['open', `state = 'released', ${CLOSED}`],
    ['open', `state = 'discarded'`],
    ['open', `state = 'lost', ${CLOSED}`],
    ['open', `state = 'discarded', ${CLOSED}, reason_code = 'gate_failed'`],
  ] as const)
    test(`the database refuses ${change} of a record that is ${from}`, async () => {
      const result = await quarantined()
      if (from === 'discarded') await setState(result, `state = 'discarded', ${CLOSED}`)
      await expect(setState(result, change)).rejects.toMatchObject({ code: '23514' })
    })

  test('records are listed by tenant, dataset, state, reason and time, newest first, a page at a time', async () => {
    await quarantined('landing/acme/orders/1.csv')
    await quarantined('landing/acme/orders/2.csv', { ...TOO_MANY, at: LATER })
    await quarantined('landing/globex/orders/3.csv', { reasonCode: 'bad_encoding', message: null })
    const keys = async (filter: Record<string, unknown>) =>
      (await list(filter)).records.map(({ source }) => source.key.replace(/^.*\//, ''))
    expect(await keys({})).toEqual(['3.csv', '2.csv', '1.csv'])
    expect(await keys({ tenantId: 'acme' })).toEqual(['2.csv', '1.csv'])
    expect(await keys({ dataset: 'refunds' })).toEqual([])
    expect(await keys({ reasonCode: 'bad_encoding', state: 'open' })).toEqual(['3.csv'])
    expect(await keys({ since: LATER })).toEqual(['2.csv'])
    expect(await keys({ until: LATER, tenantId: 'acme' })).toEqual(['1.csv'])
    expect((await list({})).reasons).toEqual({ too_many_rejects: 2, bad_encoding: 1 })
    expect((await list({ tenantId: 'acme', until: LATER })).reasons).toEqual({ too_many_rejects: 1 })
    const first = await list({ limit: 2 })
    const second = await list({ limit: 2, token: first.nextToken })
    expect([second.records.length, second.reasons, second.nextToken]).toEqual([1, null, null])
  })

  test('what is shown says whether a replay can help, by what changed since', async () => {
    const { job } = await quarantined()
    const before = await showQuarantine(opened.database, job.jobId)
    expect(before.remedy).toMatchObject({ changed: [], replay: 'after_change' })
    expect(before.remedy.advice).toContain('--accept-rejects')
    expect(before.configuration.pinned).toEqual(before.configuration.current)
    const changed = { ...mappingOf('acme', 'orders'), version: 2 }
    await opened.database.asTenant('acme', (sql) => putMapping(sql, changed, 'tenant', LATER))
    const after = await showQuarantine(opened.database, job.jobId)
    expect(after.remedy).toMatchObject({ changed: ['mapping'], replay: 'can_help' })
    expect(after.configuration.current?.mapping.version).toBe(2)
  })

  test('a file that is broken itself cannot be helped by a replay; a source that had no configuration can, once it has one', async () => {
    const broken = await quarantined('landing/acme/orders/e.csv', { reasonCode: 'empty_object', message: null })
    expect((await showQuarantine(opened.database, broken.job.jobId)).remedy.replay).toBe('cannot_help')
    const refused = await quarantined('landing/acme/refunds/r.csv', { reasonCode: 'unknown_dataset', message: null })
    const shown = await showQuarantine(opened.database, refused.job.jobId)
    expect(shown.remedy).toMatchObject({ replay: 'after_change' })
    expect(shown.configuration).toEqual({ pinned: null, current: null })
  })

  test('what an attempt was let off goes with its job, and stays when the job is asked for again', async () => {
    const { job } = await quarantined()
    const waivers = { acceptRejects: true, overrideGate: ['Rule_3'] }
    const again = await register('landing/acme/orders/a.csv', waivers)
    expect(again.job).toMatchObject({ jobId: job.jobId, attempt: 2, waivers })
    await close(again, 'COMPLETED')
    const forced = await register('landing/acme/orders/a.csv', { replayId: 'again', force: true })
    expect(forced.job).toMatchObject({ attempt: 3, publication: 2, waivers: null })
    await close(forced, 'COMPLETED')
    const { attempts } = await getJob(opened.database, job.jobId)
    expect(attempts.map((attempt) => attempt.waivers)).toEqual([null, waivers, null])
  })
})
