import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Duckdb } from '../../glue/duckdb.ts'
import { judge, openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const DATA = `SELECT * FROM (VALUES (1, 'ann@x.org', TIMESTAMP '2024-05-20 22:00:00', 3.5), (2, NULL, NULL, 0.0)) AS t(id, email, "at", amount)`
const outcomes = async (rules: readonly string[]) =>
  (await judge(engine, DATA, rules.join(', '))).results.map(
    ({ Result, EvaluationMessage }) => EvaluationMessage ?? Result,
  )

describe('Spark SQL', () => {
  test('means in DuckDB what it means in Spark: arrays from 0, NULL by division by zero, columns named like words', async () => {
    expect(
      await outcomes([
        `CustomSql "select count(*) from primary where split(email, '@')[1] = 'x.org'" = 1`,
        `CustomSql "select count(*) from primary where id / amount is null" = 1`,
        `CustomSql "select count(*) from primary where id / 2 = 0.5" = 1`,
        `CustomSql "select count(*) from primary where concat(email, 'x') is null and email || 'x' is null" = 1`,
        'CustomSql "select cast(max(amount) as int) + cast(\'2.7\' as bigint) from primary" = 5',
        'CustomSql "select unix_timestamp(max(at)) - unix_timestamp(date_sub(max(at), 0)) from primary" = 79200',
        'IsComplete "id" where "weekday(at) = 0 and pmod(-1, 3) = 2 and trunc(at, \'MM\') = \'2024-05-01\' -- Monday"',
        "RowCount = 2 where \"initcap('ab cd') = 'Ab Cd' and add_months('2024-01-31', 1) = '2024-02-29'\"",
        "RowCount = 1 where \"isnull(email) and lpad(id, 3, '0') = '002' and bround(2.5) = 2 and signum(-2) = -1\"",
        'CustomSql "select max(at) from primary" > 0',
        'IsComplete "id" where "at is not null and nvl(email, \'\') <> \'\'"',
      ]),
    ).toEqual(Array.from({ length: 11 }, () => 'PASS'))
  })

  test('correlations and deviations of values whose squares no double holds are NaN and infinite, not errors', async () => {
    const data = 'SELECT * FROM (VALUES (1, 1e300), (2, 1.5), (3, -2)) AS t(a, b)'
    const { results } = await judge(engine, data, 'ColumnCorrelation "a" "b" > 0, StandardDeviation "b" > 1')
    expect(results.map(({ Result, EvaluatedMetrics }) => [Result, ...Object.values(EvaluatedMetrics)])).toEqual([
      ['FAIL', 'NaN'],
      ['PASS', 'Infinity'],
    ])
  })

  test('rows that CustomSql returns are found by the exact names of their columns', async () => {
    expect(await outcomes(['CustomSql "select id from primary"', 'CustomSql "select ID from primary"'])).toEqual([
      'PASS',
      'The output of the statement must have columns of the primary data frame only.',
    ])
  })
})
