import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import { ParquetReader } from 'parquetjs-lite'
import type { QuarantineRequest } from '../../../lambdas/messages.ts'
import { errorsCsv, neutralised } from '../../../lambdas/quarantine/error-files.ts'
import { MAX_ERROR_ROWS } from '../../../lambdas/quarantine/error-rows.ts'
import { quarantine } from '../../../lambdas/quarantine/quarantine.ts'
import { MemoryObjects } from '../metadata/fixtures.ts'
import { requestFor } from '../validate/sources.ts'

const { job, source } = requestFor('landing/acme/orders/my file+é.csv')
const RUN = `${job.jobId}-1-0`
const FOLDER = `acme/orders/job=${job.jobId}`

const REQUEST: QuarantineRequest = {
  status: 'QUARANTINED',
  objects: { validated: null },
  job,
  source,
  stage: 'TRANSFORM',
  reasonCode: 'too_many_rejects',
  message: '12 of 100 records are rejects',
  details: { rejected: 12 },
  runId: RUN,
  executionArn: 'arn:aws:states:us-east-2:000000000000:execution:ingest:acme-orders-1',
}

const sampled = (recordNumber: number, raw = `{"Qty":"abc${recordNumber}"}`) => ({
  raw_sha256: createHash('sha256').update(raw).digest('hex'),
  record_number: recordNumber,
  codes: 'type_mismatch',
  columns: 'quantity',
  errors: JSON.stringify([
    { code: 'type_mismatch', column: 'quantity', value: `abc${recordNumber}`, message: 'expected an integer' },
  ]),
  raw,
})

async function run(request: QuarantineRequest, sample: unknown = null) {
  const objects = new MemoryObjects()
  if (sample !== null) await objects.put('work', `runs/acme/${RUN}/reject-sample.json`, JSON.stringify(sample))
  objects.puts.length = 0
  const deps = { objects, quarantineBucket: 'quarantine', workBucket: 'work', dqResultsBucket: 'dq' }
  const result = await quarantine(request, deps)
  const body = (name: string): string | Uint8Array => objects.stored.get(`quarantine/${FOLDER}/${name}`) ?? ''
  return {
    objects,
    result,
    manifest: JSON.parse(String(body('manifest.json'))),
    csv: String(body('errors.csv')),
    parquet: body('errors.parquet'),
  }
}

async function readParquet(bytes: string | Uint8Array): Promise<Record<string, unknown>[]> {
  const reader = await ParquetReader.openBuffer(Buffer.from(bytes))
  const cursor = reader.getCursor()
  const rows: Record<string, unknown>[] = []
  for (let row = await cursor.next(); row !== null; row = await cursor.next()) rows.push({ ...row })
  return rows
}

const TWELVE = Array.from({ length: 12 }, (_, index) => sampled(index + 3))

describe('quarantine', () => {
  test('QUA-17: the manifest says stage, reason, source version and the command that replays it', async () => {
    const { manifest, result } = await run(REQUEST, TWELVE)
    expect(result).toEqual({ manifest: { bucket: 'quarantine', key: `${FOLDER}/manifest.json` } })
    expect(manifest).toMatchObject({
      stage: 'TRANSFORM',
      reasonCode: 'too_many_rejects',
      message: '12 of 100 records are rejects',
      tenantId: 'acme',
      jobId: job.jobId,
      source: { bucket: 'sluice-raw', key: 'landing/acme/orders/my file+é.csv', versionId: 'v1' },
      replay: { helps: 'after_configuration_change', command: `npx sluice quarantine release ${job.jobId}` },
      errors: { rows: 12 },
    })
  })

  test('QUA-01: a job that failed for good leaves its source, its objects and the error under the tenant, as FAILED, with the command that takes it up', async () => {
    const failed = {
      ...REQUEST,
      status: 'FAILED',
      stage: 'LOAD',
      reasonCode: 'load_failed',
      message: 'The warehouse is down',
      objects: { validated: 's3://validated/acme/orders/job=j/a.csv' },
    } as const
    const { manifest, csv, result } = await run(failed, TWELVE)
    expect(result.manifest.key).toBe(`${FOLDER}/manifest.json`)
    const { source: where, message, objects } = { ...failed, source }
    expect(manifest).toMatchObject({ status: 'FAILED', reasonCode: 'load_failed', source: where, message, objects })
    expect(manifest.replay.command).toBe(`npx sluice replay jobs ${REQUEST.job.jobId}`)
    expect(parse(csv, { columns: true })).toMatchObject([{ code: 'load_failed', message }])
  })

  test('QUA-16: it writes under the tenant of the quarantine bucket only, and points at the source instead of copying it', async () => {
    const { objects } = await run(REQUEST, TWELVE)
    expect(objects.puts.toSorted()).toEqual(
      ['errors.csv', 'errors.parquet', 'manifest.json'].map((name) => `quarantine/${FOLDER}/${name}`),
    )
    expect(objects.puts.at(-1)).toBe(`quarantine/${FOLDER}/manifest.json`)
  })

  test('QUA-02: twelve bad rows are twelve rows of the report, with number, column, message and the record', async () => {
    const { csv, parquet } = await run(REQUEST, TWELVE)
    const rows: Record<string, string>[] = parse(csv, { columns: true })
    expect(rows).toHaveLength(12)
    expect(rows[0]).toEqual({
      record_number: '3',
      code: 'type_mismatch',
      column: 'quantity',
      value: 'abc3',
      message: 'expected an integer',
      raw: '{"Qty":"abc3"}',
    })
    const stored = await readParquet(parquet)
    expect(stored).toHaveLength(12)
    expect(stored[11]).toMatchObject({ tenant_id: 'acme', job_id: job.jobId, code: 'type_mismatch', value: 'abc14' })
    expect(Number(stored[11]?.record_number)).toBe(14)
  })

  test('QUA-05: no cell of the report starts like a formula', () => {
    const rows = ['=cmd()', '+1', '-1', '@a', '\tx', '\rx', '＝1'].map((value) => ({
      recordNumber: 1,
      code: 'type_mismatch',
      column: value,
      value,
      message: value,
      raw: value,
      rawSha256: null,
    }))
    const cells: string[][] = parse(errorsCsv(rows))
    expect(cells.slice(1).every((row) => row.slice(2).every((cell) => cell.startsWith("'")))).toBe(true)
    expect(neutralised('plain = text')).toBe('plain = text')
  })

  test('QUA-04: of a long record only its beginning is kept, with the hash of the whole', async () => {
    const record = sampled(1, 'x'.repeat(10_000_000))
    const { csv, parquet } = await run(REQUEST, [record])
    expect(csv.length).toBeLessThan(2000)
    const [row] = await readParquet(parquet)
    expect(String(row?.raw)).toHaveLength(1024)
    expect(String(row?.raw_sha256)).toBe(record.raw_sha256)
  })

  test('QUA-18: a source that validation refused has one row that says so', async () => {
    const { csv, manifest } = await run({
      ...REQUEST,
      stage: 'INGEST_VALIDATION',
      reasonCode: 'bad_encoding',
      message: '=not valid utf-8',
      runId: null,
    })
    const rows: Record<string, string>[] = parse(csv, { columns: true })
    expect(rows).toEqual([
      { record_number: '', code: 'bad_encoding', column: '', value: '', message: "'=not valid utf-8", raw: '' },
    ])
    expect(manifest).toMatchObject({ stage: 'INGEST_VALIDATION', runId: null, quality: null })
  })

  test('QUA-20: after a failed gate the manifest has the failed rules with their observed values', async () => {
    const objects = new MemoryObjects()
    const key = `orders/tenant=acme/run=${RUN}/result.json`
    await objects.put(
      'dq',
      key,
      JSON.stringify({
        Score: 0.5,
        RuleResults: [
          { Name: 'Rule_1', Description: 'RowCount > 0', Result: 'PASS', EvaluatedMetrics: {} },
          {
            Name: 'Rule_2',
            Description: 'Completeness "note" > 0.9',
            Result: 'FAIL',
            EvaluationMessage: 'Value: 0.25 does not meet the constraint requirement!',
            EvaluatedMetrics: { 'Column.note.Completeness': 0.25 },
          },
        ],
      }),
    )
    const deps = { objects, quarantineBucket: 'quarantine', workBucket: 'work', dqResultsBucket: 'dq' }
    await quarantine({ ...REQUEST, stage: 'DATA_QUALITY', reasonCode: 'gate_failed' }, deps)
    const manifest = JSON.parse(String(objects.stored.get(`quarantine/${FOLDER}/manifest.json`)))
    expect(manifest.quality).toEqual({
      result: { bucket: 'dq', key },
      notPassed: [expect.objectContaining({ name: 'Rule_2', metrics: { 'Column.note.Completeness': 0.25 } })],
    })
  })

  test('IDEM-07: writing it again gives the same keys and the same bytes', async () => {
    const first = await run(REQUEST, TWELVE)
    const second = await run(REQUEST, TWELVE)
    expect([...second.objects.stored]).toEqual([...first.objects.stored])
  })

  test('of a record with very many errors the first are told, with their columns', async () => {
    const errors = JSON.stringify(
      Array.from({ length: 400 }, (_, index) => ({
        code: 'type_mismatch',
        column: `c${index}`,
        value: 'x',
        message: 'expected an integer',
      })),
    )
    const { csv } = await run(REQUEST, [{ ...sampled(1), errors }])
    expect(csv).toContain('"type_mismatch","c0"')
    expect(csv).toContain('"type_mismatch","c50"')
  })

  test('the report has at most 10,000 rows, however many errors the records have', async () => {
    const errors = JSON.stringify(Array.from({ length: 40 }, () => ({ code: 'type_mismatch', column: 'a' })))
    const many = Array.from({ length: 1000 }, (_, index) => ({ ...sampled(index + 1), errors }))
    const { manifest } = await run(REQUEST, many)
    expect(manifest.errors.rows).toBe(MAX_ERROR_ROWS)
  })
})
