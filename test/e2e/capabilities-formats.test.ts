import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { invokeMetadata } from '../../cli/deployment.ts'
import type { JobDocument } from '../../cli/job-document.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { printGenerator } from '../../glue/generate.ts'
import { type DatasetForm, writeDataset } from '../../scripts/dataset-files.ts'
import { openEngine } from '../dqdl/engine.ts'
import { readContract, readMapping } from '../glue/harness.ts'
import { mappingText } from '../lambdas/metadata/fixtures.ts'
import {
  deployedState,
  dropFile,
  imbalanceOf,
  ingest,
  jobOf,
  type RunningRuntime,
  rowsOf,
  scratchFolder,
  up,
} from './harness.ts'
import { objectOf } from './json.ts'
import { readObject } from './observed.ts'

const scratch = scratchFolder('formats')
let runtime: RunningRuntime

beforeAll(async () => {
  runtime = await up(await deployedState(scratch.path))
}, 120_000)

afterAll(async () => {
  await runtime.stop()
  await scratch.remove()
})

const metadata = (request: Record<string, unknown>) => invokeMetadata(runtime.clients.lambda, request)

/** A tenant whose orders come as those of acme, in another format. */
async function createTenant(tenantId: string, format: string): Promise<void> {
  await metadata({ operation: 'createTenant', tenantId })
  await metadata({ operation: 'putMapping', mapping: mappingOf(tenantId, format) })
}

const mappingOf = (tenantId: string, format: string): string =>
  mappingText('acme', 'orders')
    .replace('tenant: acme', `tenant: ${tenantId}`)
    .replace('format: csv, delimiter: ","', `format: ${format}`)

/** A record as a producer knows it: names of acme's mapping, numbers and booleans as such. */
const recordOf = (index: number) => ({
  OrderId: `r${index}`,
  Customer: `c${index % 7}`,
  Email: index % 3 === 0 ? null : ` C${index}@Example.org `,
  State: ['new', 'Paid', 'shipped'][index % 3] ?? 'new',
  Qty: 1 + (index % 9),
  Price: 2.5,
  Total: 2.5 * (1 + (index % 9)),
  Currency: 'eur',
  Discount: index % 4 === 0 ? 0.25 : null,
  Express: index % 2 === 0,
  OrderDate: '2026-02-01',
  Updated: `2026-02-01T10:00:${String(index % 60).padStart(2, '0')}Z`,
  Note: index % 5 === 0 ? 'says "wait", then rings' : null,
})
type OrderRecord = ReturnType<typeof recordOf>

const cell = (value: unknown): string => (value === null ? '' : `"${String(value).replaceAll('"', '""')}"`)
const csvOf = (records: readonly OrderRecord[]): string =>
  [Object.keys(recordOf(0)).join(','), ...records.map((record) => Object.values(record).map(cell).join(',')), ''].join(
    '\n',
  )

const COLUMNS =
  'order_id, customer_id, customer_email, status, quantity, unit_price, amount, currency, discount, express, ordered_on, updated_at, note, record_number'

describe('formats', () => {
  test('IN-38 IN-21: the same 1,000 records as csv, JSON and JSON lines give the same rows, with no further command', async () => {
    const records = Array.from({ length: 1000 }, (_, index) => recordOf(index))
    const files = [
      { tenant: 'fmt-csv', format: 'csv', name: 'a.csv', content: csvOf(records) },
      { tenant: 'fmt-json', format: 'json_array', name: 'a.json', content: JSON.stringify(records) },
      {
        tenant: 'fmt-jsonl',
        format: 'json_lines',
        name: 'a.jsonl',
        content: records.map((r) => JSON.stringify(r)).join('\n'),
      },
    ]
    const tables: unknown[] = []
    for (const { tenant, format, name, content } of files) {
      await createTenant(tenant, format)
      const job = await ingest(runtime, scratch.path, { tenant, dataset: 'orders', name }, content)
      expect(job).toMatchObject({ status: 'COMPLETED', counts: { input: 1000, curated: 1000, inserted: 1000 } })
      tables.push(
        await rowsOf(runtime, `select ${COLUMNS} from orders where tenant_id = '${tenant}' order by record_number`),
      )
    }
    const [csv, json, jsonLines] = tables
    expect(csv).toHaveLength(1000)
    expect(json).toEqual(csv)
    expect(jsonLines).toEqual(csv)
  }, 60_000)
})

describe('mappings', () => {
  test('SCH-01 SCH-02: a changed mapping changes the next run with no deploy, and the old run still shows its own', async () => {
    const tenant = 'fmt-edited'
    await createTenant(tenant, 'csv')
    const drop = (name: string, record: OrderRecord) =>
      ingest(runtime, scratch.path, { tenant, dataset: 'orders', name }, csvOf([record]))
    const before = await drop('before.csv', recordOf(0))
    const edited = mappingOf(tenant, 'csv')
      .replace('version: 1', 'version: 2')
      .replace('{ source: Note, target: note }', '{ source: Note, target: note, transform: [uppercase] }')
    await metadata({ operation: 'putMapping', mapping: edited })
    const after = await drop('after.csv', recordOf(5))
    expect(await rowsOf(runtime, `select note from orders where tenant_id = '${tenant}' order by order_id`)).toEqual([
      { note: 'says "wait", then rings' },
      { note: 'SAYS "WAIT", THEN RINGS' },
    ])
    expect([before, after]).toMatchObject([{ mappingVersion: 1 }, { mappingVersion: 2 }])
    const pinnedBy = async (uri: string | null | undefined) => {
      const plan = objectOf(JSON.parse(await readObject(runtime.clients.s3, uri)))
      const { hash } = objectOf(objectOf(plan.pinned).mapping)
      const bucket = /^s3:\/\/[^/]+/.exec(uri ?? '')?.[0]
      return readObject(runtime.clients.s3, `${bucket}/config/${tenant}/mapping/${hash}.json`)
    }
    expect(await pinnedBy(before.objects.plan)).not.toContain('"uppercase"},{"name":"trim"')
    expect(JSON.parse(await pinnedBy(before.objects.plan))).toMatchObject({ tenantId: tenant, version: 1 })
    expect(JSON.parse(await pinnedBy(after.objects.plan))).toMatchObject({ tenantId: tenant, version: 2 })
  })
})

/** Lets the engine write a file in the scratch folder, and ingests it. */
async function ingestWritten(
  { tenant, dataset, name }: { readonly tenant: string; readonly dataset: string; readonly name: string },
  write: (engine: Duckdb, out: string) => Promise<unknown>,
): Promise<JobDocument> {
  const out = join(scratch.path, name)
  const engine = await openEngine()
  try {
    await write(engine, out)
  } finally {
    engine.close()
  }
  const { executionArn } = await dropFile(runtime, { tenant, dataset, name }, out)
  return jobOf(runtime, executionArn)
}

describe('public datasets', () => {
  const ingestStrikes = (form: DatasetForm, tenant: string) =>
    ingestWritten({ tenant, dataset: 'birdstrikes', name: `${form}.csv` }, (engine, out) =>
      writeDataset(engine, { form, out, rows: null }),
    )

  test('birdstrikes in the form of the FAA’s own tables end in the same rows as in the package’s form', async () => {
    const counts = { input: 10_000, curated: 10_000, rejected: 0, duplicates: 0, inserted: 10_000 }
    const own = await ingestStrikes('birdstrikes', 'skywatch')
    const faa = await ingestStrikes('birdstrikes-faa', 'fieldbook')
    expect([own, faa]).toMatchObject([
      { status: 'COMPLETED', counts },
      { status: 'COMPLETED', counts, drift: { class: 'additive', added: ['Remarks'] } },
    ])
    const columns = readContract('birdstrikes')
      .columns.map(({ name }) => name)
      .join(', ')
    const of = (tenant: string) => `select ${columns} from birdstrikes where tenant_id = '${tenant}'`
    const [difference] = await rowsOf(
      runtime,
      `select count(*) as n from ((${of('skywatch')}) except (${of('fieldbook')})) d`,
    )
    expect(difference).toEqual({ n: '0' })
    expect(
      await rowsOf(
        runtime,
        "select count(distinct flight_date) as days, sum(cost_total) as cost from birdstrikes where tenant_id = 'fieldbook'",
      ),
    ).toEqual(
      await rowsOf(
        runtime,
        "select count(distinct flight_date) as days, sum(cost_total) as cost from birdstrikes where tenant_id = 'skywatch'",
      ),
    )
  }, 60_000)
})

describe('volume', () => {
  test('WH-24: 500,000 orders with broken rows and repeated keys go from end to end, each accounted for', async () => {
    const [contract, mapping] = [readContract('orders'), readMapping('acme', 'orders')]
    const job = await ingestWritten({ tenant: 'acme', dataset: 'orders', name: 'orders.csv' }, async (engine, path) => {
      for (const sql of printGenerator({ contract, mapping, rows: 500_000, seed: 7, defects: 0.001, path }))
        await engine.run(sql)
    })
    expect(job.status).toBe('COMPLETED')
    expect(job.counts?.input).toBe(500_000)
    expect(job.counts?.rejected).toBeGreaterThan(300)
    expect(job.counts?.duplicates).toBeGreaterThan(3000)
    expect(imbalanceOf(job)).toBeNull()
    expect(await rowsOf(runtime, "select count(*) as n from orders where tenant_id = 'acme'")).toEqual([
      { n: String(job.counts?.inserted) },
    ])
  }, 120_000)

  test('WH-25: a file of 5 million rows reconciles exactly', async () => {
    const flights = `SELECT strftime(TIMESTAMP '2001-01-01' + to_minutes(i // 10), '%Y-%m-%d %H:%M:%S') AS date,
      i % 90 - 20 AS delay, 100 + i % 3000 AS distance, 'LAS' AS origin, 'PHL' AS destination FROM range(5_000_000) t(i)`
    const job = await ingestWritten({ tenant: 'skywatch', dataset: 'flights', name: 'flights.csv' }, (engine, out) =>
      engine.run(`COPY (${flights}) TO '${out}' (FORMAT csv, HEADER true)`),
    )
    expect(job).toMatchObject({ status: 'COMPLETED', counts: { input: 5_000_000, rejected: 0, inserted: 5_000_000 } })
    expect(imbalanceOf(job)).toBeNull()
    expect(await rowsOf(runtime, 'select count(*) as n, sum(delay_minutes) as delays from flights')).toEqual([
      { n: '5000000', delays: '122499000' },
    ])
  }, 120_000)
})
