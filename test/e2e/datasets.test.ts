import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { bucketOf } from '../../cli/deployment.ts'
import { executionArnOf } from '../../cli/follow.ts'
import type { JobDocument } from '../../cli/job-view.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { writeDataset } from '../../scripts/dataset-files.ts'
import {
  deployedState,
  dropFile,
  imbalanceOf,
  jobOf,
  type RunningRuntime,
  rowsOf,
  scratchFolder,
  up,
} from './harness.ts'

/** Real files, whole: `data/flights-3m.parquet` and `data/birdstrikes.csv` of the package vega-datasets. */
const FLIGHTS = 3_000_000
const REPORTS = 10_000

const scratch = scratchFolder('datasets')
let runtime: RunningRuntime

beforeAll(async () => {
  runtime = await up(await deployedState(scratch.path))
}, 120_000)

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
async function dropPlainly(dataset: string, file: string): Promise<JobDocument> {
  const { s3, lambda, states } = runtime.clients
  const bucket = await bucketOf(lambda, 'RAW')
  const key = `landing/skywatch/${dataset}/${dataset}.csv`
  const { VersionId = '' } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: readFileSync(file) }))
  return jobOf(runtime, await executionArnOf(states, { bucket, key, versionId: VersionId }))
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
    const again = await dropPlainly('birdstrikes', file)
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
  }, 120_000)
})
