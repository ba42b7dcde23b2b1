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

  const TYPED = `SELECT * FROM (VALUES
    (1, '12.7', 2147483647, DATE '2024-05-20', 'NaN'::DOUBLE, true, 'straße'), (2, 'x', 5, NULL, 1.5, false, 'a\\_b')) AS t(id, text, number, day, share, flag, word)`
  const counted = async (...predicates: readonly string[]): Promise<readonly unknown[]> => {
    const rules = predicates.map((predicate) => `RowCount >= 0 where "${predicate}"`)
    const { results } = await judge(engine, TYPED, rules.join(', '))
    return results.map(
      ({ EvaluatedMetrics, EvaluationMessage }) => EvaluatedMetrics['Dataset.*.RowCount'] ?? EvaluationMessage,
    )
  }

  test('DQ-14: values of different types meet as Spark casts them where nobody wrote a cast', async () => {
    expect(
      await counted(
        'text > 12',
        'text >= 12.7',
        'text in (12, 12.7)',
        'text + 0.3 = 13',
        "number = 'x'",
        "day > 'yesterday'",
        "day between '2024' and '2025'",
        "coalesce(number, 'none') = '5'",
        "length(number) = 10 and number like '21%'",
        "year(text) is null and flag = 'yes'",
        'number + 1 < 0',
        'cast(share as int) = 0',
      ),
    ).toEqual([0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1])
  })

  test('DQ-14: functions, negation and backslashes mean what they mean to Spark', async () => {
    expect(
      await counted(
        '!(id = 1) and !flag',
        "upper(word) = 'STRASSE'",
        'dayofweek(day) = 2',
        "substring(word, 0, 2) = 'st' and substring(word, -3, 2) = 'aß'",
        "regexp_replace(word, '[a-z]', '') = 'ß'",
        "word rlike '\\\\d'",
        "word rlike '\\d'",
        "word like '%\\_%'",
        'isnan(share) or isnan(null)',
        "date_format(day, 'EEE d MMM yyyy') = 'Mon 20 May 2024'",
        'sqrt(-id) > 0 and ln(0) is null',
        "cast('1_000' as int) is null and to_date('2024') = '2024-01-01'",
      ),
    ).toEqual([1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 2, 2])
  })
})
