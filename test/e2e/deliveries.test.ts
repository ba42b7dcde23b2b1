import { join } from 'node:path'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { executionArnOf } from '../../cli/follow.ts'
import type { JobDocument } from '../../cli/job-document.ts'
import { addQueue, editedAssembly, fixturesAssembly } from './assembly.ts'
import { EVENTS } from './faulty-assembly.ts'
import { ingestInput, type Landed, land, s3Event, start } from './faulty-runtime.ts'
import { deployedState, imbalanceOf, jobOf, type RunningRuntime, rowsOf, scratchFolder, up } from './harness.ts'
import { executionsOf } from './history.ts'
import { objectOf } from './json.ts'
import { endOf, eventually, machineArn, openQueue } from './operator.ts'

const scratch = scratchFolder('deliveries')
let runtime: RunningRuntime

const csv = (...rows: string[]): string => `${['id,amount,at,note', ...rows].join('\n')}\n`

beforeAll(async () => {
  const assembly = await editedAssembly(await fixturesAssembly({}), join(scratch.path, 'assembly'), (template) =>
    addQueue(template, EVENTS, 'events'),
  )
  runtime = await up(await deployedState(scratch.path, assembly), { assembly })
}, 120_000)

afterAll(async () => {
  await runtime.stop()
  await scratch.remove()
})

async function ingest(key: string, content: string, checksum = false): Promise<{ job: JobDocument; source: Landed }> {
  const source = await land(runtime, key, content, checksum)
  return { source, job: await jobOf(runtime, await executionArnOf(runtime.clients.states, source)) }
}

const events: Record<string, unknown>[] = []

/** Detail-types of a job's events in the order of their arrival, once the last one is there. */
async function eventsOf(jobId: string, last: string): Promise<readonly Record<string, unknown>[]> {
  const queue = await openQueue(runtime.connection, EVENTS)
  const own = () => events.filter((event) => objectOf(event.detail).jobId === jobId)
  await eventually(`the event ${last} of ${jobId}`, async () => {
    events.push(...(await queue.receive()))
    return own().some((event) => event['detail-type'] === last) ? true : null
  })
  events.push(...(await queue.receive()))
  queue.close()
  return own()
}

const typesOf = (found: readonly Record<string, unknown>[]) => found.map((event) => event['detail-type']).sort()
const executions = async (machine: string) =>
  executionsOf(runtime.clients.states, await machineArn(runtime.clients.states, machine))

describe('a delivery that comes again', () => {
  test('IDEM-03 IDEM-07 starts nothing: the event names the execution that was started before', async () => {
    const { source, job } = await ingest('acme/events/once.csv', csv('once,1.00,2026-01-01T00:00:00Z,'))
    expect(job).toMatchObject({ status: 'COMPLETED' })
    const before = await executions('ingest')
    await start(runtime, 'intake', s3Event(source))
    await start(runtime, 'intake', s3Event(source))
    const { job: other } = await ingest('acme/events/other.csv', csv('other,1.00,2026-01-01T00:00:00Z,'))
    expect(other.status).toBe('COMPLETED')
    expect(await executions('ingest')).toHaveLength(before.length + 1)
  })

  test('IDEM-02 IDEM-08 ends as already processed with the first job when another execution gets the source', async () => {
    const { source, job } = await ingest('acme/events/again.csv', csv('again,1.00,2026-01-01T00:00:00Z,'))
    const executionArn = await start(runtime, 'ingest', ingestInput(source))
    const { status, output = '' } = await endOf(runtime.clients.states, executionArn)
    expect(status).toBe('SUCCEEDED')
    expect(JSON.parse(output)).toEqual({ jobId: job.jobId, status: 'SKIPPED', duplicateOf: job.jobId })
    const rows = await rowsOf(runtime, "select count(*) as n from events where id = 'again'", 'acme')
    expect(rows).toEqual([{ n: '1' }])
  })

  test('TEST-17 IDEM-08 IDEM-12 the same content under another key changes nothing', async () => {
    const content = csv('same,1.00,2026-01-01T00:00:00Z,')
    const { job: first } = await ingest('acme/events/same-1.csv', content, true)
    const { job: second } = await ingest('acme/events/same-2.csv', content, true)
    expect(second).toMatchObject({ status: 'SKIPPED', reasonCode: 'already_processed', duplicateOf: first.jobId })
  })
})

describe('the events of a job', () => {
  test('OBS-35 ORC-17 NOTE-05 come once each, with the run and the counts', async () => {
    const { job } = await ingest('acme/events/told.csv', csv('told,1.00,2026-01-01T00:00:00Z,'))
    const found = await eventsOf(job.jobId, 'IngestionJobCompleted')
    expect(typesOf(found)).toEqual(['DQPassed', 'GlueJobSucceeded', 'IngestionJobCompleted', 'ValidationPassed'])
    for (const event of found)
      expect(event.detail).toMatchObject({
        tenantId: 'acme',
        dataset: 'events',
        jobId: job.jobId,
        runId: expect.any(String),
      })
    const completed = found.find((event) => event['detail-type'] === 'IngestionJobCompleted')
    expect(completed?.detail).toMatchObject({ counts: job.counts, completedAt: expect.any(String) })
  })

  test('OBS-35 say what stopped it', async () => {
    const { job } = await ingest('acme/events/stopped.csv', '')
    const found = await eventsOf(job.jobId, 'IngestionJobQuarantined')
    expect(typesOf(found)).toEqual(['IngestionJobQuarantined', 'ValidationFailed'])
    const { job: gate } = await ingest('acme/events/gate.csv', csv('gate,1.00,2026-01-01T00:00:00Z,gate'))
    expect(typesOf(await eventsOf(gate.jobId, 'IngestionJobQuarantined'))).toEqual([
      'DQFailed',
      'GlueJobSucceeded',
      'IngestionJobQuarantined',
      'ValidationPassed',
    ])
  })
})

describe('a file that breaks its contract', () => {
  test('SCH-34 is quarantined, or fails its job and tells operators, as the contract says; raw keeps it either way', async () => {
    const { job: quarantined } = await ingest('acme/events/broken.csv', 'id,at\na,2026-01-01T00:00:00Z\n')
    expect(quarantined).toMatchObject({ status: 'QUARANTINED', reasonCode: 'missing_required_column' })
    const content = 'id,other\na,1\n'
    const { job: failed, source } = await ingest('acme/alerted/broken.csv', content)
    expect(failed).toMatchObject({
      status: 'FAILED',
      reasonCode: 'breaking_change',
      message: expect.stringContaining('missing_required_column'),
      drift: {
        class: 'missing',
        changes: [
          { column: 'reading', kind: 'absent', old: 'integer', new: null },
          { column: 'other', kind: 'new', old: null, new: 'integer' },
        ],
      },
      objects: { quarantine: expect.stringMatching(/\/manifest\.json$/) },
    })
    const [told] = (await eventsOf(failed.jobId, 'IngestionJobFailed')).slice(-1)
    expect(told?.detail).toMatchObject({ tenantId: 'acme', dataset: 'alerted', reasonCode: 'breaking_change' })
    const { Body } = await runtime.clients.s3.send(
      new GetObjectCommand({ Bucket: source.bucket, Key: source.key, VersionId: source.versionId }),
    )
    expect(await Body?.transformToString()).toBe(content)
  })
})

/** Each item first, in the middle and last once; test/local/redshift-data/load-order.test.ts loads every order. */
const rotations = <T>(items: readonly T[]): T[][] =>
  items.map((_, index) => [...items.slice(index), ...items.slice(0, index)])

describe('any order of loading', () => {
  test('WH-23 three files of one key end in the same table', async () => {
    const files = [
      { id: 'a', at: 1, amount: '1.00' },
      { id: 'a', at: 3, amount: '3.00' },
      { id: 'a', at: 2, amount: '2.00' },
    ]
    const orders = rotations(files)
    // Each order has keys of its own, so that all of them run in one table.
    await Promise.all(
      orders.map(async (order, number) => {
        for (const [position, { id, at, amount }] of order.entries()) {
          const row = `p${number}-${id},${amount},2026-01-0${at}T00:00:00Z,`
          const { job } = await ingest(`acme/events/p${number}-${position}.csv`, csv(row))
          expect(job.status).toBe('COMPLETED')
          expect(imbalanceOf(job)).toBeNull()
        }
      }),
    )
    const rows = await rowsOf(runtime, "select id, amount from events where id like 'p%' order by id", 'acme')
    expect(rows).toEqual(
      orders
        .flatMap((_, number) => [{ id: `p${number}-a`, amount: '3.00' }])
        .sort((one, other) => (one.id < other.id ? -1 : 1)),
    )
  }, 180_000)

  test('IDEM-09 a dataset without a key keeps the newest version of each object, whatever was loaded last', async () => {
    const line = (id: string, reading: number): string => `${JSON.stringify({ id, reading })}\n`
    const { source: first, job } = await ingest('acme/lines/a.json', line('x', 1) + line('y', 1))
    await ingest('acme/lines/a.json', line('x', 2))
    await ingest('acme/lines/b.json', line('z', 1))
    expect(job.status).toBe('COMPLETED')
    const again = await start(runtime, 'ingest', ingestInput(first))
    await endOf(runtime.clients.states, again)
    expect(await rowsOf(runtime, 'select id, reading from lines order by id', 'acme')).toEqual([
      { id: 'x', reading: 2 },
      { id: 'z', reading: 1 },
    ])
  })
})

describe('a file with a header and no row', () => {
  test('DQ-16 completes with 0 rows where no rule asks for any, and is stopped by the gate where one does', async () => {
    const { job } = await ingest('acme/alerted/header.csv', 'id,reading\n')
    const none = { input: 0, curated: 0, rejected: 0, duplicates: 0, inserted: 0, updated: 0, unchanged: 0, stale: 0 }
    expect(job).toMatchObject({ status: 'COMPLETED', reasonCode: null, counts: none })
    const { job: large } = await ingest('acme/strict/header.csv', 'id,reading\n')
    expect(large).toMatchObject({ status: 'QUARANTINED', reasonCode: 'gate_failed' })
  })
})

describe('what ends a job', () => {
  test('JOB-06 ORC-18 its execution says the same as its row', async () => {
    const { job } = await ingest('acme/events/trail.csv', csv('trail,1.00,2026-01-01T00:00:00Z,'))
    const { output = '' } = await runtime.clients.states.send(
      new DescribeExecutionCommand({ executionArn: job.executionArn ?? '' }),
    )
    expect(JSON.parse(output)).toMatchObject({ jobId: job.jobId, status: job.status })
  })
})
