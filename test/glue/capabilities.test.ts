import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { compileQuality } from '../../dqdl/compile.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { runQuality } from '../../glue/executor.ts'
import { text } from '../../glue/sql/literals.ts'
import { contractOf, FolderObjects, mappingOf, planOf, RUN_ID, runCase, SETTINGS } from './harness.ts'

const contract = contractOf(`
contract: 1
dataset: payments
version: 1
columns:
  - { name: payment_id, type: string(10), required: true }
  - { name: amount, type: "decimal(10,2)" }
  - { name: currency, type: string(3), required: true, pattern: "[A-Z]{3}" }
  - { name: method, type: string(10), values: [card, cash] }
  - { name: paid_at, type: timestamp }
key: [payment_id]
event_time: paid_at
reject_tolerance: 1
`)
const mapping = (amount = 'trim', format = 'csv') =>
  mappingOf(`
mapping: 1
tenant: acme
dataset: payments
version: 1
contract_version: 1
source_system: till
input: { format: ${format}, timezone: Europe/Berlin }
fields:
  - { source: Id, target: payment_id, transform: [trim] }
  - { source: Total, target: amount, transform: [${amount}] }
  - { source: Cur, target: currency, transform: [trim, uppercase] }
  - { source: How, target: method }
  - { source: At, target: paid_at, transform: [parse_iso8601] }
`)
const HEADER = ['Id', 'Total', 'Cur', 'How', 'At']
const csv = (...rows: readonly string[]): string => `${[HEADER.join(','), ...rows].join('\n')}\n`
const run = (content: string, amount?: string) => runCase({ contract, mapping: mapping(amount), content })

describe('each way in which a value can go wrong has a case', () => {
  test('TEST-01 mapping: the tenant’s names become the contract’s', async () =>
    expect(
      await (await run(csv('p1,1.50,eur,card,2025-07-01T10:00:00'))).curated('payment_id, amount, currency, method'),
    ).toEqual([{ payment_id: 'p1', amount: 1.5, currency: 'EUR', method: 'card' }]))

  test('TEST-01 coercion, SCH-25: a text in a numeric column loads as the number, quoted in csv or JSON', async () => {
    const quoted = await run(csv('p1,"12.34",EUR,card,'))
    const json = await runCase({
      contract,
      mapping: mapping('trim', 'json_lines'),
      header: HEADER,
      content: '{"Id":"p1","Total":"12.34","Cur":"EUR","How":"card"}\n{"Id":"p2","Total":12.34,"Cur":"EUR"}\n',
    })
    expect(await quoted.curated('amount')).toEqual([{ amount: 12.34 }])
    expect(await json.curated('amount')).toEqual([{ amount: 12.34 }, { amount: 12.34 }])
  })

  test('TEST-01 dates and zones, VAL-17: wall times are of the mapping’s zone, offsets are their own', async () => {
    const ran = await run(
      csv(
        'p1,1,EUR,card,2025-07-01T10:00:00',
        'p2,1,EUR,card,2025-01-01T10:00:00',
        'p3,1,EUR,card,2025-07-01T10:00:00-05:00',
      ),
    )
    expect(await ran.curated('paid_at')).toEqual([
      { paid_at: '2025-07-01 08:00:00' },
      { paid_at: '2025-01-01 09:00:00' },
      { paid_at: '2025-07-01 15:00:00' },
    ])
  })

  test('TEST-01 rounding: more decimals than the type has are rejected, unless the mapping says how to round', async () => {
    const rows = csv('p1,1.005,EUR,card,', 'p2,1.015,EUR,card,', 'p3,1.01,EUR,card,')
    const strict = await run(rows)
    expect(await strict.rejects('record_number, codes')).toEqual([
      { record_number: 1, codes: 'scale_exceeded' },
      { record_number: 2, codes: 'scale_exceeded' },
    ])
    const rounded = await run(rows, 'parse_number: { rounding: half_even }')
    expect(await rounded.curated('amount')).toEqual([{ amount: 1 }, { amount: 1.02 }, { amount: 1.01 }])
  })

  test('TEST-01 nulls: an empty optional value is NULL, an empty required one a reject', async () => {
    const ran = await run(csv('p1,,EUR,,', 'p2,1,,card,'))
    expect(await ran.curated('payment_id, amount, method, paid_at')).toEqual([
      { payment_id: 'p1', amount: null, method: null, paid_at: null },
    ])
    expect(await ran.rejects('codes, columns')).toEqual([{ codes: 'required_missing', columns: 'currency' }])
  })

  test('TEST-01 repeated input: the same bytes give the same rows, counts and content hash', async () => {
    const content = csv('p1,1,EUR,card,', 'p2,x,EUR,card,', 'p1,2,EUR,card,2025-01-01T00:00:00')
    const [first, second] = [await run(content), await run(content)]
    expect(second.summary.counts).toEqual(first.summary.counts)
    expect(second.summary.contentHash).toBe(first.summary.contentHash)
    expect(await second.curated()).toEqual(await first.curated())
  })

  test('VAL-03: a value that breaks its format is reported with the rule it broke, its column and value', async () => {
    const ran = await run(csv('p1,1,EURO,cheque,yesterday', 'p2,1,EU1,card,'))
    expect(await ran.rejects('codes, columns')).toEqual([
      {
        codes: 'value_too_long,pattern_mismatch,not_in_values,type_mismatch',
        columns: 'currency,currency,method,paid_at',
      },
      { codes: 'pattern_mismatch', columns: 'currency' },
    ])
  })
})

describe('a curated row', () => {
  test('TRF-17: names its job, dataset and time of processing, whatever is in it', async () => {
    const ran = await run(csv('p1,,EUR,,', 'p2,1,EUR,card,2025-01-01T00:00:00'))
    const rows = await ran.curated(
      'job_id, tenant_id, dataset, ingested_at, contract_version, mapping_version, source_system',
    )
    expect(rows).toHaveLength(2)
    for (const row of rows) {
      expect(row).toMatchObject({ job_id: RUN_ID.slice(0, 25), tenant_id: 'acme', dataset: 'payments' })
      expect(Object.values(row)).not.toContain(null)
    }
  })
})

describe('the quality of a run of many files', () => {
  async function verdictOf(files: readonly string[]): Promise<unknown> {
    const objects = new FolderObjects()
    const plan = planOf({ contract, mapping: mapping(), content: csv() })
    const now = new Date('2026-01-02T00:00:00Z')
    const ruleset = requireRuleset('Rules = [ ColumnValues "amount" >= 0, RowCount > 0 ]')
    const quality = compileQuality(ruleset, [{ name: 'amount', duckdbType: 'INTEGER' }], { now, translations: {} })
    await objects.putText('s3://work-zone/plans/plan.json', JSON.stringify({ ...plan, quality }))
    const urls = files.map((_, index) => `s3://curated/run/part-0000${index}.parquet`)
    const engine = await openDuckdb(SETTINGS)
    for (const [index, url] of urls.entries()) {
      mkdirSync(dirname(objects.path(url)), { recursive: true })
      await engine.run(`COPY (${files[index]}) TO ${text(objects.path(url))} (FORMAT parquet)`)
    }
    engine.close()
    await objects.putText(
      plan.destinations.manifest.replaceAll('{runId}', RUN_ID),
      JSON.stringify({ entries: urls.map((url) => ({ url })) }),
    )
    const deps = { objects, openDuckdb, now: () => 0, settings: SETTINGS }
    const { bucket, key } = await runQuality({ planUri: 's3://work-zone/plans/plan.json', runId: RUN_ID }, deps)
    return JSON.parse(await objects.readText(`s3://${bucket}/${key}`))
  }
  const GOOD = 'SELECT CAST(range AS INTEGER) AS amount FROM range(100)'

  test('DQ-15: a bad row in the seventh file alone fails the gate', async () => {
    const good = Array.from({ length: 6 }, () => GOOD)
    expect(await verdictOf([...good, GOOD])).toMatchObject({ gate: 'PASS' })
    expect(await verdictOf([...good, `${GOOD} UNION ALL SELECT -1`])).toMatchObject({ gate: 'FAIL' })
  })
})
