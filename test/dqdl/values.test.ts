import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Duckdb } from '../../glue/duckdb.ts'
import { judge, openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

describe('what values mean to rules', () => {
  test('NaN and infinities are values, compare as false and are texts in JSON', async () => {
    const data = `SELECT unnest([1.0::DOUBLE, 'NaN'::DOUBLE, 'Infinity'::DOUBLE]) AS x`
    const { results } = await judge(
      engine,
      data,
      'Mean "x" > 0, IsComplete "x", StandardDeviation "x" >= 0, ColumnValues "x" > -100, RowCount < 0 / 0',
    )
    expect(results.map(({ Result }) => Result)).toEqual(['FAIL', 'PASS', 'FAIL', 'PASS', 'FAIL'])
    expect(results[0]?.EvaluatedMetrics).toEqual({ 'Column.x.Mean': 'NaN' })
  })

  test('numbers in messages print as Scala doubles', async () => {
    const rules = [1e10, 12345678, 0.00012, 1e-7, 9999999, 0.001, 1e300, -25000000].map(
      (number) => `CustomSql "select ${number}" = 5`,
    )
    const { results } = await judge(engine, 'SELECT 1 AS a', rules.join(','))
    expect(results.map(({ EvaluationMessage }) => /Value: (\S+)/.exec(EvaluationMessage ?? '')?.[1])).toEqual([
      '1.0E10',
      '1.2345678E7',
      '1.2E-4',
      '1.0E-7',
      '9999999.0',
      '0.001',
      '1.0E300',
      '-2.5E7',
    ])
  })

  test('texts with quotes, Unicode and names with blanks, dots and quotes are taken as they are', async () => {
    const data = `SELECT * FROM (VALUES ('O''Brien', 'ä', 1), ('Zoë', 'ß', 2)) AS t("the name", "a.b", "q""x")`
    const rules = [
      'ColumnValues "the name" in ["O\'Brien", "Zoë"]',
      'ColumnLength "`a.b`" = 1',
      'IsUnique "`a.b`"',
      'IsUnique "a.b"',
      'ColumnValues "the name" != "O\'Brien" with threshold = 0.5',
      'Sum "the name" > 1',
      'IsComplete "`a.b`" where "`the name` like \'O%\'"',
    ]
    const { results } = await judge(engine, data, rules.join(','))
    expect(results.map(({ Result }) => Result)).toEqual(['PASS', 'PASS', 'PASS', 'ERROR', 'PASS', 'FAIL', 'PASS'])
    expect(results[3]?.EvaluationMessage).toContain('back-ticks')
  })

  test('decimals that fill 38 digits meet nothing beside operands with decimals, and have no sum, as in Spark', async () => {
    const data = 'SELECT * FROM (VALUES (1), (99999999999999999999999999999999999999), (5)) AS t(n)'
    const wide = `SELECT CAST(n AS DECIMAL(38,0)) AS n, CAST(1.5 AS DECIMAL(12,2)) AS m FROM (${data})`
    const rules = ['ColumnValues "n" not in [7]', 'ColumnValues "n" != 7', 'Sum "n" > 1', 'ColumnValues "m" not in [7]']
    const { results } = await judge(engine, wide, rules.join(', '))
    expect(results.map(({ Result }) => Result)).toEqual(['FAIL', 'FAIL', 'FAIL', 'PASS'])
    expect(results[0]?.EvaluatedMetrics).toEqual({ 'Column.n.ColumnValues.Compliance': 2 / 3 })
  })

  test('texts beside numbers, truth values, sums and formats mean what they mean to Spark', async () => {
    const data = `SELECT * FROM (VALUES ('NaN'::DOUBLE, true, '12', '2024'), (1e300, false, 'x', '2025')) AS t(d, f, s, y)`
    const rules = [
      'ColumnValues "d" in ["NaN", "1.0E300"]',
      'ColumnValues "f" != EMPTY',
      'AggregateMatch "sum(s)" "sum(s)" = 1.0',
      'AggregateMatch "sum(f)" "sum(f)" = 1.0',
      'ColumnDataType "y" = "Timestamp" with format = "dd-MM-yyyy"',
      'ColumnDataType "y" = "Date" with locale = "de"',
    ]
    const { results } = await judge(engine, data, rules.join(', '))
    expect(results.map(({ Result }) => Result)).toEqual(['PASS', 'ERROR', 'PASS', 'ERROR', 'PASS', 'ERROR'])
  })

  test('an empty text matches no pattern, and a number is an age in seconds since 1970', async () => {
    const data = `SELECT * FROM (VALUES ('', 0), ('a', 3600)) AS t(name, seconds)`
    const rules = ['ColumnValues "name" matches ".*"', 'DataFreshness "seconds" > 400000 hours']
    const { results } = await judge(engine, data, rules.join(','))
    expect(results.map(({ Result }) => Result)).toEqual(['FAIL', 'PASS'])
    expect(results[0]?.EvaluatedMetrics).toEqual({ 'Column.name.PatternMatch': 0.5 })
  })

  test('over no row, a cast that no value can have passes', async () => {
    const rules = 'ColumnDataType "n" = "Date", DataFreshness "b" > 1 hours'
    const over = (rows: string) => judge(engine, `SELECT 1 AS n, true AS b ${rows}`, rules)
    expect((await over('WHERE false')).results.map(({ Result }) => Result)).toEqual(['PASS', 'PASS'])
    expect((await over('')).results.map(({ Result }) => Result)).toEqual(['FAIL', 'FAIL'])
  })

  test('times of day are read in the zone of their tag', async () => {
    const data = `SELECT TIMESTAMP '2026-03-10 23:30:00' AS t`
    // 12:00 UTC is already the next day in Kiritimati (UTC+14), where 01:00 is still yesterday in UTC.
    const { results } = await judge(
      engine,
      data,
      'ColumnValues "t" = "01:00" with timeZone = "Pacific/Kiritimati", ColumnValues "t" = "11:00 PM" with timeZone = "Pacific/Kiritimati"',
    )
    expect(results.map(({ Result }) => Result)).toEqual(['PASS', 'FAIL'])
  })
})
