import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { TypeCoercion } from '../../core/contract.ts'
import { digestOf } from '../../core/digest.ts'
import { type Case, FolderObjects, JOB_ID, planOf, readContract, readMapping, runCase } from './harness.ts'

const HEADER = 'OrderId,Customer,Email,State,Qty,Price,Total,Currency,Discount,Express,OrderDate,Updated,Note'
const contract = readContract('orders')
const mapping = readMapping('acme', 'orders')
const row = (id: string, discount = '0.1'): string =>
  `${id},c1,a@x.org,paid,3,1.50,4.50,EUR,${discount},true,2025-02-28,2025-03-01T10:00:00Z,`
const fileOf = (...rows: readonly string[]): Case => ({
  contract,
  mapping,
  content: `${[HEADER, ...rows].join('\n')}\n`,
})

describe('a run', () => {
  test('TRF-11 TEST-18: the same file and plan give the same bytes under any run id', async () => {
    const given = fileOf(...Array.from({ length: 5000 }, (_, index) => row(`o${index % 4000}`)))
    const [first, second] = [await runCase(given), await runCase(given, `${JOB_ID}-1-1`)]
    const bytes = (ran: typeof first): string =>
      digestOf(readFileSync(ran.objects.path(ran.manifest().entries[0]?.url ?? '')))
    expect(bytes(second)).toBe(bytes(first))
    expect(second.summary.contentHash).toBe(first.summary.contentHash)
    expect(first.summary.counts).toEqual({ input: 5000, curated: 4000, rejected: 0, duplicates: 1000 })
  })

  test('TRF-10: rows of a file too large for memory pass through the disk and are the same, in the same order', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => row(index % 50 === 7 ? '' : `o${index % 18_000}`))
    const given = { ...fileOf(...rows), contract: { ...contract, rejectTolerance: 1 } }
    const inMemory = await runCase(given)
    const onDisk = await runCase({ ...given, sizeBytes: 20 << 20 })
    expect(onDisk.summary.counts).toEqual({ input: 20_000, curated: 17_640, rejected: 400, duplicates: 1_960 })
    expect(onDisk.summary.counts).toEqual(inMemory.summary.counts)
    expect(onDisk.summary.contentHash).toBe(inMemory.summary.contentHash)
    expect(await onDisk.rejects('record_number, raw')).toEqual(await inMemory.rejects('record_number, raw'))
    const numbers = (await onDisk.curated('record_number')).map(({ record_number }) => Number(record_number))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  })

  test('IDEM-05: a retry writes under its own prefix, and the manifest is the last thing that is written', async () => {
    const objects = new FolderObjects()
    const given = fileOf(row('a'))
    await runCase(given, `${JOB_ID}-1-0`, objects)
    const second = await runCase(given, `${JOB_ID}-1-1`, objects)
    expect(second.summary.curatedUri).toContain(`/run=${JOB_ID}-1-1/`)
    expect(objects.written.at(-1)).toBe(`s3://work-zone/runs/acme/${JOB_ID}-1-1/manifest.json`)
    expect(
      new Set(objects.written.filter((uri) => !uri.includes('plan.json') && !uri.includes('/history/'))).size,
    ).toBe(objects.written.filter((uri) => !uri.includes('plan.json') && !uri.includes('/history/')).length)
  })

  test('TRF-09, TRF-19: the manifest lists the file with its length, rows and schema', async () => {
    const ran = await runCase(fileOf(row('a'), row('b')))
    const manifest = ran.manifest()
    const [entry] = manifest.entries
    expect(entry?.url).toBe(
      `s3://curated/orders/tenant=acme/ingest_date=2026-01-02/run=${ran.summary.runId}/part-00000.parquet`,
    )
    expect(entry?.meta).toEqual({ content_length: ran.summary.bytes, record_count: 2 })
    expect(manifest.schema.elements).toEqual(ran.plan.schema)
    expect(manifest.author.schemaHash).toBe(ran.plan.schemaHash)
  })

  test('the verdict is evaluated over what was written, and names its result', async () => {
    const ran = await runCase(fileOf(row('a')))
    const verdict = ran.summary.quality?.verdict
    expect(JSON.parse(await ran.objects.readText(`s3://${verdict?.bucket}/${verdict?.key}`))).toEqual({
      gate: 'PASS',
      result: { bucket: 'dq-results', key: `orders/tenant=acme/run=${ran.summary.runId}/result.json` },
    })
  })

  test('too many rejects refuse the file, and the rejects stay', async () => {
    const ran = await runCase(fileOf(row('a'), row('')))
    expect(ran.summary).toMatchObject({
      outcome: 'refused',
      reasonCode: 'too_many_rejects',
      counts: { input: 2, curated: 1, rejected: 1, duplicates: 0 },
      manifest: null,
      rejectCodes: [{ code: 'required_missing', column: 'order_id', rows: 1 }],
    })
    expect(await ran.rejects('record_number')).toEqual([{ record_number: 2 }])
    expect(ran.objects.written.some((uri) => uri.endsWith('manifest.json'))).toBe(false)
  })

  test('a plan is a JSON document: equal requests give equal texts', () => {
    const plan = planOf(fileOf(row('a')))
    expect(JSON.stringify(planOf(fileOf(row('a'))))).toBe(JSON.stringify(plan))
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })
})

describe('drift', () => {
  const extra = { content: `${HEADER},Colour,Size\n${row('a')},red,\n${row('b')},,\n` }

  test('SCH-24: columns that no rule consumes are kept as JSON', async () => {
    const ran = await runCase({ ...fileOf(), ...extra })
    expect(await ran.curated('order_id, _rescued')).toEqual([
      { order_id: 'a', _rescued: '{"Colour":"red"}' },
      { order_id: 'b', _rescued: null },
    ])
  })

  test('TRF-20: or dropped, where the contract says ignore', async () => {
    const ignoring = { ...contract, drift: { ...contract.drift, additive: 'ignore' as const } }
    const ran = await runCase({ ...fileOf(), ...extra, contract: ignoring })
    expect(await ran.curated('_rescued')).toEqual([{ _rescued: null }, { _rescued: null }])
  })

  test('columns in another order land in the same places, and a missing optional one is empty', async () => {
    const content = `Updated,OrderDate,Currency,Total,Price,Qty,State,Customer,OrderId\n2025-03-01T10:00:00Z,2025-02-28,EUR,4.50,1.50,3,paid,c1,a\n`
    const ran = await runCase({ contract, mapping, content })
    expect(await ran.curated('order_id, quantity, currency, note')).toEqual([
      { order_id: 'a', quantity: 3, currency: 'EUR', note: null },
    ])
  })

  const outcomes: Readonly<Record<TypeCoercion, unknown>> = {
    none: { outcome: 'refused', reasonCode: 'type_drift' },
    limited: { outcome: 'ok', counts: { input: 2, curated: 1, rejected: 1, duplicates: 0 } },
    full: { outcome: 'ok', counts: { input: 2, curated: 2, rejected: 0, duplicates: 0 } },
  }
  for (const typeCoercion of ['none', 'limited', 'full'] as const)
    test(`SCH-26, SCH-27, SCH-32: a value that does not fit its type, under coercion ${typeCoercion}`, async () => {
      const drifting = { ...contract, rejectTolerance: 1, drift: { ...contract.drift, typeCoercion } }
      const ran = await runCase({ ...fileOf(row('a', 'N/A'), row('b')), contract: drifting })
      expect(ran.summary).toMatchObject(outcomes[typeCoercion] as object)
      if (typeCoercion === 'full')
        expect(await ran.curated('discount, _rescued')).toEqual([
          { discount: null, _rescued: '{"Discount":"N/A"}' },
          { discount: 0.1, _rescued: null },
        ])
    })
})
