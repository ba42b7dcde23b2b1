import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { executionArnOf } from '../../cli/follow.ts'
import type { JobDocument } from '../../cli/job-document.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { writeDataset } from '../../scripts/dataset-files.ts'
import { synthesize } from './assembly.ts'
import { ingestInput, type Landed, land, start } from './faulty-runtime.ts'
import { dropFile, imbalanceOf, jobOf, type RunningRuntime, rowsOf, scratchFolder, up } from './harness.ts'

/** Real files, whole: `data/flights-3m.parquet` and `data/birdstrikes.csv` of the package vega-datasets. */
const FLIGHTS = 3_000_000
const REPORTS = 10_000

const scratch = scratchFolder('datasets')
let runtime: RunningRuntime

/** Everything that a fourth dataset is: three files beside those of the repository. */
const FOURTH: Readonly<Record<string, string>> = {
  'contracts/customers.yaml': `contract: 1
dataset: customers
version: 1
description: People who order
columns:
  - { name: customer_id, type: string(20), required: true }
  - { name: city, type: string(40) }
  - { name: changed_on, type: date, required: true }
key: [customer_id]
event_time: changed_on
`,
  'contracts/mappings/acme.customers.yaml': `mapping: 1
tenant: acme
dataset: customers
version: 1
contract_version: 1
source_system: crm
input: { format: csv, delimiter: ";" }
fields:
  - { source: Nummer, target: customer_id, transform: [trim] }
  - { source: Ort, target: city, transform: [trim] }
  - { source: Stand, target: changed_on, transform: [parse_date: { format: "%d.%m.%Y" }] }
`,
  'dq-rules/customers.dqdl': 'Rules = [ RowCount > 0, IsPrimaryKey "customer_id" ]\n',
}

beforeAll(async () => {
  for (const folder of ['contracts', 'dq-rules']) cpSync(folder, join(scratch.path, folder), { recursive: true })
  for (const [file, text] of Object.entries(FOURTH)) writeFileSync(join(scratch.path, file), text)
  const assembly = join(scratch.path, 'assembly')
  synthesize(assembly, { contracts: join(scratch.path, 'contracts'), rules: join(scratch.path, 'dq-rules') })
  runtime = await up(join(scratch.path, 'state'), { assembly })
}, 180_000)

afterAll(async () => {
  await runtime.stop()
  await scratch.remove()
})

const landing = (dataset: string) => ({ tenant: 'skywatch', dataset, name: `${dataset}.csv` })

async function writeFile(form: 'flights' | 'birdstrikes'): Promise<string> {
  const out = join(scratch.path, `${form}.csv`)
  const engine = await openDuckdb({ threads: 2, memoryLimitBytes: 512 << 20, tempDirectory: scratch.path })
  try {
    await writeDataset(engine, { form, out, rows: null })
  } finally {
    engine.close()
  }
  return out
}

const ingestFile = async (dataset: string, file: string): Promise<JobDocument> =>
  jobOf(runtime, (await dropFile(runtime, landing(dataset), file)).executionArn)

/** Without a SHA-256, so that nothing tells the runtime that it knows the bytes. */
async function dropPlainly(key: string, content: string | Uint8Array): Promise<{ job: JobDocument; source: Landed }> {
  const source = await land(runtime, key, content, false)
  return { source, job: await jobOf(runtime, await executionArnOf(runtime.clients.states, source)) }
}

/** Loads a version again, whatever was loaded since. */
async function replay(source: Landed, landedAt: Date, replayId: string): Promise<JobDocument> {
  const order = { replayId, configuration: 'current', force: true }
  const input = { ...ingestInput(source, landedAt), trigger: 'replay', replay: order }
  return jobOf(runtime, await start(runtime, 'ingest', input))
}

describe('real datasets without a key', () => {
  test('TEST-06 TEST-16 three million flights load completely, their exact repeats included', async () => {
    const job = await ingestFile('flights', await writeFile('flights'))
    expect(job).toMatchObject({ status: 'COMPLETED', counts: { input: FLIGHTS, curated: FLIGHTS, inserted: FLIGHTS } })
    expect(imbalanceOf(job)).toBeNull()
    expect(await rowsOf(runtime, 'select count(*) as flights from flights', 'skywatch')).toEqual([
      { flights: String(FLIGHTS) },
    ])
  }, 240_000)

  test('TEST-17 WH-27 the same reports again, in a new version, change no row and keep the first job', async () => {
    const file = await writeFile('birdstrikes')
    const first = await ingestFile('birdstrikes', file)
    expect(first).toMatchObject({
      status: 'COMPLETED',
      counts: { input: REPORTS, curated: REPORTS, inserted: REPORTS },
    })
    const content = readFileSync(file)
    const landedAt = new Date()
    const { job: again, source } = await dropPlainly('skywatch/birdstrikes/birdstrikes.csv', content)
    expect(again).toMatchObject({
      status: 'COMPLETED',
      counts: { input: REPORTS, inserted: 0, updated: 0, unchanged: REPORTS },
    })
    const rows = await rowsOf(
      runtime,
      'select count(*) as reports, min(job_id) as first_job, max(job_id) as last_job from birdstrikes',
      'skywatch',
    )
    expect(rows).toEqual([{ reports: String(REPORTS), first_job: first.jobId, last_job: first.jobId }])

    const corrected = content.toString('utf8').replace(',Turkey vulture,', ',Turkey vulture and one more,')
    const { job: correction } = await dropPlainly('skywatch/birdstrikes/birdstrikes.csv', corrected)
    expect(correction.counts).toMatchObject({ input: REPORTS, inserted: 0, updated: 1, unchanged: REPORTS - 1 })
    expect(imbalanceOf(correction)).toBeNull()

    const older = await replay(source, landedAt, 'older-birdstrikes')
    expect(older.counts).toMatchObject({ input: REPORTS, inserted: 0, updated: 0, unchanged: 0, stale: REPORTS })
    expect(
      await rowsOf(
        runtime,
        "select count(*) as reports from birdstrikes where wildlife_species = 'Turkey vulture and one more'",
        'skywatch',
      ),
    ).toEqual([{ reports: '1' }])
  }, 120_000)
})

describe('a fourth dataset', () => {
  const table = () => rowsOf(runtime, 'select customer_id, city, job_id from customers order by customer_id', 'acme')
  const file = (...rows: readonly string[]): string => `${['Nummer;Ort;Stand', ...rows].join('\n')}\n`

  test('SCH-15: takes three files and no code, from a synth to the rows of a file in its view', async () => {
    const { job } = await dropPlainly('acme/customers/a.csv', file('1;Ulm;02.01.2026', '2;Bonn;02.01.2026'))
    expect(job).toMatchObject({ status: 'COMPLETED', counts: { input: 2, inserted: 2 } })
    expect(await table()).toEqual([
      { customer_id: '1', city: 'Ulm', job_id: job.jobId },
      { customer_id: '2', city: 'Bonn', job_id: job.jobId },
    ])
  }, 60_000)

  test('WH-23 IDEM-09: a corrected file updates only its keys, and an older file after it brings no old value back', async () => {
    const [first] = await table()
    const { job } = await dropPlainly('acme/customers/b.csv', file('2;Köln;03.01.2026'))
    expect(job.counts).toMatchObject({ input: 1, updated: 1, unchanged: 0 })
    const { job: older } = await dropPlainly('acme/customers/c.csv', file('1;Rom;01.01.2026', '2;Rom;01.01.2026'))
    expect(older.counts).toMatchObject({ input: 2, inserted: 0, updated: 0, stale: 2 })
    expect(await table()).toEqual([first, { customer_id: '2', city: 'Köln', job_id: job.jobId }])
  }, 60_000)
})
