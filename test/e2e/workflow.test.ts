import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { documentOf, sluice } from '../cli/command.ts'
import { deployedState, imbalanceOf, ingest, type RunningRuntime, rowsOf, scratchFolder, up } from './harness.ts'
import { releaseTests } from './release-cases.ts'

const HEADER = 'OrderId,Customer,Email,State,Qty,Price,Total,Currency,Discount,Express,OrderDate,Updated,Note'
const order = (id: string, total: string, updated = '2026-01-01T10:00:00Z'): string =>
  `${id},c1,A@X.org,paid,1,${total},${total},eur,0.1,true,2026-01-01,${updated},`
const file = (...rows: string[]): string => `${[HEADER, ...rows].join('\n')}\n`
const landing = (name: string) => ({ tenant: 'acme', dataset: 'orders', name })

const scratch = scratchFolder('workflow')
let runtime: RunningRuntime

beforeAll(async () => {
  runtime = await up(await deployedState(scratch.path))
}, 120_000)

afterAll(async () => {
  await runtime.stop()
  await scratch.remove()
})

const rows = () =>
  rowsOf(runtime, 'select order_id, amount, customer_email, currency from orders order by order_id', 'acme')

describe('a dropped file', () => {
  test('TEST-05 WH-01 TRF-01 IN-30 IN-21 becomes rows that analysts see, cleaned and typed', async () => {
    const job = await ingest(runtime, scratch.path, landing('a.csv'), file(order('o1', '10.50'), order('o2', '20')))
    expect(job).toMatchObject({
      status: 'COMPLETED',
      reasonCode: null,
      counts: { input: 2, curated: 2, rejected: 0, duplicates: 0, inserted: 2 },
    })
    expect(imbalanceOf(job)).toBeNull()
    expect(await rows()).toEqual([
      { order_id: 'o1', amount: '10.50', customer_email: 'a@x.org', currency: 'EUR' },
      { order_id: 'o2', amount: '20.00', customer_email: 'a@x.org', currency: 'EUR' },
    ])
  })

  test('TEST-07 VAL-24 IN-31 QUA-02 keeps its broken rows with their record numbers', async () => {
    const job = await ingest(
      runtime,
      scratch.path,
      landing('partial.csv'),
      file(...Array.from({ length: 40 }, (_, index) => order(`p${index}`, index === 6 ? 'many' : '1'))),
    )
    expect(job).toMatchObject({ status: 'COMPLETED', counts: { input: 40, curated: 39, rejected: 1 } })
    expect(job).toMatchObject({ errors: [{ recordNumber: 7, codes: expect.arrayContaining(['type_mismatch']) }] })
    expect(imbalanceOf(job)).toBeNull()
  })

  test('WH-03 WH-06 IN-07 TEST-17 corrects only the keys it holds', async () => {
    const job = await ingest(runtime, scratch.path, landing('a.csv'), file(order('o2', '25', '2026-02-01T00:00:00Z')))
    expect(job).toMatchObject({ status: 'COMPLETED', counts: { updated: 1, inserted: 0 } })
    expect((await rows()).filter((row) => String(row.order_id).startsWith('o')).map((row) => row.amount)).toEqual([
      '10.50',
      '25.00',
    ])
  })

  test('WH-23 brings no old value back when it is older than what is there', async () => {
    const job = await ingest(runtime, scratch.path, landing('late.csv'), file(order('o2', '1', '2025-12-01T00:00:00Z')))
    expect(job).toMatchObject({ status: 'COMPLETED', counts: { stale: 1, updated: 0 } })
    expect((await rows()).find((row) => row.order_id === 'o2')?.amount).toBe('25.00')
  })

  test('is traced over services, and its execution is a tree of states', async () => {
    const job = await ingest(runtime, scratch.path, landing('traced.csv'), file(order('t1', '1')))
    const at = ['--state', runtime.state]
    const traced = await sluice(['trace', job.jobId, '--json', ...at])
    const { entries } = documentOf(traced) as { entries: { service: string; operation: string; subject: string }[] }
    expect(entries[0]).toMatchObject({
      service: 's3',
      operation: 'ObjectCreated',
      subject: expect.stringContaining('traced.csv'),
    })
    const seen = new Set(entries.map(({ service, operation }) => `${service} ${operation}`))
    for (const call of [
      'states startExecution',
      'lambda invoke',
      's3 copyObject',
      'glue startJobRun.sync',
      'redshift-data batchExecuteStatement',
      'events putEvents',
    ])
      expect(seen).toContain(call)
    const tree = await sluice(['executions', job.jobId, ...at])
    expect(tree).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/✓ RegisterJob +Task {2}lambda:invoke/) })
    const listed = await sluice(['executions', '--machine', 'ingest', '--json', ...at])
    expect(documentOf(listed)).toContainEqual(
      expect.objectContaining({ executionArn: job.executionArn, status: 'SUCCEEDED', machine: 'ingest' }),
    )
  })
})

describe('a quarantined file', () => releaseTests(() => runtime, scratch.path))
