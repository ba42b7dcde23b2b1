import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Duckdb } from '../../glue/duckdb.ts'
import { judge, openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const DATA = `SELECT * FROM (VALUES
  (1, 9223372036854775807, 'NaN'::DOUBLE, -0.0::DOUBLE, 1e300, TIMESTAMP '2024-05-20 22:00:00', true, '2024', 'x'),
  (2, 5, 'Infinity'::DOUBLE, 0.0::DOUBLE, -1e300, TIMESTAMP '1970-01-01 00:00:10', false, '2024-5-2', 'x'),
  (3, 6, 7.0, NULL, 1.0, NULL, true, ' 2024-05-20 ', NULL),
  (4, 7, 0.5, 1.5, 2.0, TIMESTAMP '2024-05-21 00:00:00', true, '2024-05-20 25:00:00', 'y')
  ) AS t(id, long, odd, zero, huge, seen_at, flag, day, letter)`

/** `[rule, result, its only metric]`. */
type Row = readonly [rule: string, result: 'PASS' | 'FAIL' | 'ERROR', metric?: number | string]

const judgeRows = async (rows: readonly Row[]): Promise<readonly Row[]> => {
  const { results } = await judge(engine, DATA, rows.map(([rule]) => rule).join(', '))
  return results.map(({ Result, EvaluatedMetrics }, index) => {
    const [metric] = Object.values(EvaluatedMetrics)
    const rule = rows[index]?.[0] ?? ''
    return metric === undefined ? [rule, Result] : [rule, Result, metric]
  })
}

/** Each was seen by running the open executor (npm run test:deequ). */
const CASES: Readonly<Record<string, readonly Row[]>> = {
  'DQ-12: ColumnDataType counts whatever Spark casts, cut to the bits of the type or not': [
    ['ColumnDataType "long" = "Integer"', 'PASS', 1],
    ['ColumnDataType "odd" = "Integer"', 'PASS', 1],
    ['ColumnDataType "odd" = "Timestamp"', 'FAIL', 0.5],
    ['ColumnDataType "seen_at" = "Decimal(5,2)"', 'FAIL', 0.25],
    ['ColumnDataType "day" = "Timestamp"', 'FAIL', 0.75],
  ],
  'numbers and booleans are never dates: neither = nor != passes': [
    ['ColumnDataType "id" = "Date"', 'FAIL'],
    ['ColumnDataType "id" != "Date"', 'FAIL'],
    ['ColumnDataType "flag" != "Date" with threshold > 0', 'FAIL'],
  ],
  'texts are dates and times as Spark reads them': [
    ['ColumnValues "day" = "2024-01-01" with threshold = 0.25', 'PASS', 0.25],
    ['ColumnValues "day" = "2024-05-20" with threshold = 0.5', 'PASS', 0.5],
    ['DataFreshness "day" > 2 days', 'FAIL', 0.75],
  ],
  'DistinctValuesCount counts 0.0, -0.0 and NULL as values of their own': [
    ['DistinctValuesCount "zero" = 4', 'PASS', 4],
  ],
  'NaN lies outside of every range': [['ColumnValues "odd" not between 0 and 100', 'FAIL', 0.5]],
  'deviation is NaN where a value is not finite, Infinity where squares overflow': [
    ['StandardDeviation "odd" > 0', 'FAIL', 'NaN'],
    ['StandardDeviation "huge" > 0', 'PASS', 'Infinity'],
  ],
  'a boolean column does not compare with texts': [
    ['ColumnValues "flag" in ["true", "false"]', 'ERROR'],
    ['ColumnValues "flag" != NULL', 'PASS', 1],
  ],
  'CustomSql compares times in seconds, truth as 1 and other things as 0': [
    ['CustomSql "select max(seen_at) from primary" = 1716249600', 'PASS', 1716249600],
    ['CustomSql "select max(flag) from primary" = 1', 'PASS', 1],
    ['CustomSql "select max(letter) from primary" = 0', 'PASS', 0],
  ],
  'CustomSql without condition counts a row once, whatever the duplicates of the result': [
    ['CustomSql "select letter from primary where letter = \'x\'" with threshold = 0.5', 'PASS', 0.5],
  ],
  'rows for which the where clause is NULL are out of scope': [
    ['ColumnDataType "id" = "Integer" where "letter = \'x\'"', 'PASS', 1],
    ['DataFreshness "seen_at" > 2 days where "letter = \'x\'"', 'PASS', 1],
  ],
}

describe('evaluation as the open executor has it', () => {
  test.each(Object.entries(CASES))('%s', async (_subject, rows) => {
    expect(await judgeRows(rows)).toEqual(rows)
  })

  test('RowCount with a where clause on an empty table, or one that is NULL for every row, is 0 and compared', async () => {
    const rules = `RowCount = 0 where "id > 1", RowCount > 0 where "id > 1"`
    const empty = await judge(engine, `SELECT * FROM (${DATA}) WHERE false`, rules)
    const unknown = await judge(engine, 'SELECT NULL::INTEGER AS id', rules)
    for (const { results } of [empty, unknown]) expect(results.map(({ Result }) => Result)).toEqual(['PASS', 'FAIL'])
  })

  test('keys of two data sources compare whatever their types; a text that is no number matches none', async () => {
    await engine.run(
      `CREATE OR REPLACE TEMP VIEW known AS SELECT * FROM (VALUES ('1', 'x'), (' 2 ', 'x'), ('b', 'q')) AS t(key, letter)`,
    )
    const columns = ['key', 'letter'].map((name) => ({ name, duckdbType: 'VARCHAR' }))
    const { results } = await judge(
      engine,
      DATA,
      `ReferentialIntegrity "id" "known.key" = 0.5,
       ReferentialIntegrity "seen_at" "known.letter" = 0,
       DatasetMatch "known" "id->key" "letter" = 0.5,
       DatasetMatch "known" "id->key" "long->letter" = 0`,
      { references: new Map([['known', columns]]) },
    )
    expect(results.map(({ Result, EvaluationMessage }) => EvaluationMessage ?? Result)).toEqual([
      'PASS',
      'PASS',
      'PASS',
      'PASS',
    ])
  })

  test('a number never compares with a date: the rule fails', async () => {
    await engine.run(`CREATE OR REPLACE TEMP VIEW days AS SELECT DATE '2024-05-20' AS day`)
    const { results } = await judge(engine, DATA, 'ReferentialIntegrity "id" "days.day" >= 0', {
      references: new Map([['days', [{ name: 'day', duckdbType: 'DATE' }]]]),
    })
    expect(results[0]).toMatchObject({
      Result: 'FAIL',
      EvaluationMessage: 'Columns of the types INTEGER and DATE cannot be compared.',
    })
  })
})

/** What the open executor answered for these rows: outcome, metrics, reason. */
const SEEN: readonly (readonly [rule: string, result: string, metrics: object, message?: string])[] = [
  ['RowCount = 3', 'PASS', { 'Dataset.*.RowCount': 3 }],
  ['IsPrimaryKey "order_id"', 'PASS', { 'Column.order_id.Uniqueness': 1, 'Column.order_id.Completeness': 1 }],
  [
    'ColumnValues "amount" >= 0',
    'FAIL',
    { 'Column.amount.Minimum': -3 },
    'Value: -3.0 does not meet the constraint requirement!',
  ],
  ['ColumnValues "amount" < 100', 'PASS', { 'Column.amount.Maximum': 12.5 }],
  ['Sum "amount" = 16.75', 'PASS', { 'Column.amount.Sum': 16.75 }],
  [
    'ColumnValues "currency" in ["AUD","USD","EUR"]',
    'FAIL',
    { 'Column.currency.ColumnValues.Compliance': 0.6666666666666666 },
    'Value: 0.6666666666666666 does not meet the constraint requirement!',
  ],
  [
    'CustomSql "select count(*) from primary where amount < 0" = 0',
    'FAIL',
    { 'Dataset.*.CustomSQL': 1 },
    'Value: 1.0 does not meet the constraint requirement!',
  ],
]

test('DQ-14: a negative amount fails, and the evaluator for small data says of each rule what the reference said', async () => {
  const rows = `SELECT * FROM (VALUES ('a1', 12.5::DOUBLE, 'AUD'), ('a2', -3.0, 'EUR'), ('a3', 7.25, 'GBP')) AS t(order_id, amount, currency)`
  const { results } = await judge(engine, rows, SEEN.map(([rule]) => rule).join(', '))
  const said = results.map(({ Description, Result, EvaluatedMetrics, EvaluationMessage }) =>
    EvaluationMessage === undefined
      ? [Description, Result, EvaluatedMetrics]
      : [Description, Result, EvaluatedMetrics, EvaluationMessage],
  )
  expect(said).toEqual(SEEN)
})
