import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { reasonOf } from '../../core/reason-codes.ts'
import { dqRun } from '../../dqdl/dq-commands.ts'
import { firstFailingRows } from '../../dqdl/report/failing-rows.ts'
import { openEngine } from '../dqdl/engine.ts'
import { RUN_ID, readContract, readMapping, runCase } from '../glue/harness.ts'
import { check } from '../lambdas/validate/sources.ts'
import { GOLDEN_FILES, goldenPath, readGolden } from './golden.ts'

const contract = readContract('orders')
const mapping = readMapping('acme', 'orders')
const REFUSED_BY_VALIDATION = GOLDEN_FILES.filter(({ stage }) => stage === 'INGEST_VALIDATION')
const TRANSFORMED = GOLDEN_FILES.filter(({ stage }) => stage !== 'INGEST_VALIDATION')

describe('golden files', () => {
  test('TEST-40: six kinds and the failed gate are there, each with its reason of the published table', () => {
    expect(GOLDEN_FILES.map(({ file }) => file)).toEqual(
      expect.arrayContaining([
        'valid.csv',
        'missing-column.csv',
        'type-drift.csv',
        'malformed.csv',
        'duplicate.csv',
        'late.csv',
      ]),
    )
    for (const { reasonCode, stage, status } of GOLDEN_FILES)
      if (reasonCode !== null) expect(reasonOf(reasonCode as 'gate_failed')).toMatchObject({ stage, status })
  })

  test('TEST-40: the docs say of each what it ends as', () => {
    const rows = readFileSync('docs/golden-files.md', 'utf8').split('\n')
    for (const { file, status, reasonCode, way } of GOLDEN_FILES) {
      const row = rows.find((line) => line.startsWith(`| [\`${file}\`]`))
      expect(row).toContain(`| ${reasonCode === null ? status : `${status} \`${reasonCode}\``} | ${way} |`)
    }
  })

  test.each(REFUSED_BY_VALIDATION)('TEST-34 VAL-33: validation refuses $file as $reasonCode', async (golden) =>
    expect(await check(readGolden(golden.file))).toMatchObject({ reasonCode: golden.reasonCode }),
  )

  test.each(TRANSFORMED)('TEST-40: the transform of $file counts every record', async ({ file, counts, stage }) => {
    const { summary } = await runCase({ contract, mapping, content: readGolden(file) })
    const { input, curated, rejected, duplicates } = counts ?? {}
    expect(summary.counts).toEqual({ input, curated, rejected, duplicates })
    expect(summary.outcome).toBe(stage === 'TRANSFORM' ? 'refused' : 'ok')
  })

  test('TEST-01 malformed row: each record that cannot be split is a reject with its number and raw text', async () => {
    const ran = await runCase({ contract, mapping, content: readGolden('malformed.csv') })
    expect(await ran.rejects('record_number, codes, raw')).toEqual([
      { record_number: 2, codes: 'column_count', raw: 'f2,c2' },
      { record_number: 4, codes: 'malformed_quote', raw: expect.stringContaining('"closed" and on') },
      { record_number: 6, codes: 'column_count', raw: expect.stringContaining(',one more') },
    ])
  })

  test('TEST-01 dedupe: the version that was changed last stays', async () => {
    const ran = await runCase({ contract, mapping, content: readGolden('duplicate.csv') })
    expect(await ran.curated('order_id, amount, record_number')).toEqual([
      { order_id: 'd2', amount: 12.5, record_number: 2 },
      { order_id: 'd1', amount: 3, record_number: 3 },
    ])
  })
})

describe('type-drift.csv', () => {
  const OUTCOMES = {
    none: { outcome: 'refused', reasonCode: 'type_drift' },
    limited: { outcome: 'ok', counts: { curated: 23, rejected: 1 } },
    full: { outcome: 'ok', counts: { curated: 24, rejected: 0 } },
  } as const

  test.each(['none', 'limited', 'full'] as const)(
    'SCH-27 SCH-32: ends as the contract says, with type_coercion %s',
    async (typeCoercion) => {
      const drift = { ...contract.drift, typeCoercion }
      const ran = await runCase({ contract: { ...contract, drift }, mapping, content: readGolden('type-drift.csv') })
      expect(ran.summary).toMatchObject(OUTCOMES[typeCoercion])
    },
  )

  test('SCH-26: the text that does not fit is kept beside a NULL', async () => {
    const drift = { ...contract.drift, typeCoercion: 'full' as const }
    const ran = await runCase({ contract: { ...contract, drift }, mapping, content: readGolden('type-drift.csv') })
    const kept = await ran.curated('order_id, discount, _rescued')
    expect(kept.filter(({ _rescued }) => _rescued !== null)).toEqual([
      { order_id: 't7', discount: null, _rescued: '{"Discount":"N/A"}' },
    ])
  })
})

describe('quality rules on golden files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-golden-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  async function failing(
    rule: string,
    dataFile: string,
    columns: string,
    references: Readonly<Record<string, string>> = {},
  ) {
    const engine = await openEngine()
    try {
      const [rulesFile, failuresFile] = [join(folder, 'rules.dqdl'), join(folder, 'failures.parquet')]
      writeFileSync(rulesFile, `Rules = [ ${rule} ]\n`)
      const now = new Date('2026-03-03T00:00:00Z')
      const { exitCode, evaluated } = await dqRun(
        { rulesFile, dataFile, references, historyFolder: null, failuresFile, now },
        engine,
      )
      const numbers = (await firstFailingRows(evaluated, 10, engine)).map(({ rows }) =>
        rows.map(({ number }) => number),
      )
      return { exitCode, numbers, rows: await engine.rows(`SELECT ${columns} FROM '${failuresFile}' ORDER BY ALL`) }
    } finally {
      engine.close()
    }
  }

  test('DQ-24: IsUnique fails on the repeated key, and the report lists it', async () =>
    expect(await failing('IsUnique "OrderId"', goldenPath('duplicate.csv'), 'DISTINCT "OrderId" AS id')).toMatchObject({
      exitCode: 1,
      rows: [{ id: 'd1' }],
    }))

  test('DQ-25: IsComplete fails on missing keys and the report lists their rows, which the transform rejects by number', async () => {
    expect(await failing('IsComplete "OrderId"', goldenPath('null-key.csv'), '"Customer" AS customer')).toEqual({
      exitCode: 1,
      numbers: [[2, 4]],
      rows: [{ customer: 'c2' }, { customer: 'c4' }],
    })
    const { rejects } = await runCase({
      contract: { ...contract, rejectTolerance: 1 },
      mapping,
      content: readGolden('null-key.csv'),
    })
    expect(await rejects('record_number')).toEqual([{ record_number: 2 }, { record_number: 4 }])
  })

  test('DQ-21: an impossible quantity fails its rule, and the report lists the order', async () =>
    expect(
      await failing(
        'ColumnValues "Qty" > 0',
        goldenPath('impossible-value.csv'),
        '"OrderId" AS id, "Qty"::INTEGER AS q',
      ),
    ).toMatchObject({ exitCode: 1, rows: [{ id: 'i3', q: -1 }] }))

  test('DQ-20: stale data fails its freshness rule, and the report lists the old rows; data of the day before passes', async () => {
    const [rule, column] = ['DataFreshness "Updated" <= 7 days', '"OrderId" AS id']
    expect(await failing(rule, goldenPath('stale.csv'), column)).toMatchObject({
      exitCode: 1,
      rows: [{ id: 's1' }, { id: 's2' }],
    })
    expect(await failing(rule, goldenPath('valid.csv'), column)).toMatchObject({ exitCode: 0, rows: [] })
  })

  test('DQ-01: the total that a run wrote is the total of its source, and a rule tells where it is not', async () => {
    const { objects, plan } = await runCase({ contract, mapping, content: readGolden('valid.csv') })
    const curated = `${plan.destinations.curated.replaceAll('{runId}', RUN_ID)}part-00000.parquet`
    const rule = 'AggregateMatch "sum(amount)" "sum(source.Total)" = 1.0'
    const against = async (source: string) =>
      (await failing(rule, objects.path(curated), 'count(*)::INTEGER AS n', { source })).exitCode
    expect(await against(goldenPath('valid.csv'))).toBe(0)
    const short = join(folder, 'short.csv')
    writeFileSync(short, readGolden('valid.csv').replace(/^g2,.*\n/m, ''))
    expect(await against(short)).toBe(1)
  })
})
