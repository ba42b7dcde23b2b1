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
        'CustomSql "select max(at) from primary" > 0',
        'IsComplete "id" where "at is not null and nvl(email, \'\') <> \'\'"',
      ]),
    ).toEqual(['PASS', 'PASS', 'PASS', 'PASS', 'PASS'])
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
