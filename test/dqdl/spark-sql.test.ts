import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { translatePlainPredicate } from '../../dqdl/plain-predicate.ts'
import { kindsOfColumns } from '../../dqdl/spark-kinds.ts'
import { translatePredicates } from '../../dqdl/spark-sql.ts'
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

describe('plain where clauses', () => {
  /** Each of the items once, in turn with those of the other lists. */
  const clausesOf = (names: readonly string[], tests: readonly string[]): readonly string[] =>
    names.map((name, index) => `${name} ${tests[index % tests.length]}`)

  test('are translated at once as the library translates them, whatever word a column is named with', async () => {
    const rows = await engine.rows(
      "SELECT lower(keyword_name) AS w FROM duckdb_keywords() WHERE keyword_category <> 'unreserved' UNION SELECT unnest(['pi', 'curdate', 'now', 'user', 'div', 'both', 'insert', 'if'])",
    )
    const words = rows.map(({ w }) => String(w)).filter((word) => /^[a-z_]\w*$/.test(word))
    const tests = ['= 1', 'is null', "> 'x'", '<> -2.50', 'IS NOT NULL', "<= 'it is'", '!= 007', '>=1', '< 0.5']
    const names = ['email', '_x', 'Amount', '`net mass`', '`a.b`', '`k"l`', '`straße`', 'x1', 'order']
    const single = [...clausesOf(words, tests), ...names.flatMap((name) => tests.map((each) => `${name} ${each}`))]
    const joined = single.slice(-27).map((each, index) => `${each} ${index % 2 ? 'and' : 'OR'} ${names[index % 9]}=3`)
    const clauses = [...single, ...joined]
    const plain = clauses.flatMap((each) => {
      const translation = translatePlainPredicate(each, null)
      return translation === null ? [] : [[each, translation] as const]
    })
    expect(plain.length).toBeGreaterThan(150)
    const library = await translatePredicates(plain.map(([clause]) => clause))
    expect(Object.fromEntries(plain)).toEqual(library)
  })

  test('are plain only where Spark compares without a cast, and then are translated as the library does', async () => {
    const types = ['VARCHAR', 'INTEGER', 'BIGINT', 'DECIMAL(12,2)', 'DOUBLE', 'FLOAT', 'BOOLEAN', 'DATE', 'TIMESTAMP']
    const columns = types.map((duckdbType, index) => ({ name: `c${index}`, duckdbType }))
    const tests = [
      '= 1',
      '> 2.5',
      '<> -3',
      '>= 10000000000',
      "= 'x'",
      "< '2024-01-01'",
      "!= '1'",
      'is null',
      'IS NOT NULL',
    ]
    const clauses = [...columns, { name: 'unknown' }].flatMap(({ name }) => tests.map((each) => `${name} ${each}`))
    const kinds = kindsOfColumns([columns])
    const plain = clauses.flatMap((each) => {
      const translation = translatePlainPredicate(each, kinds)
      return translation === null ? [] : [[each, translation] as const]
    })
    expect(plain.map(([clause]) => clause)).toEqual(
      expect.arrayContaining(["c0 = 'x'", 'c1 > 2.5', 'c3 <> -3', 'c4 >= 10000000000', 'c7 is null']),
    )
    const library = await translatePredicates(
      plain.map(([clause]) => clause),
      [columns],
    )
    expect(Object.fromEntries(plain)).toEqual(library)
  })

  test.each([
    'a <=> 1',
    'a = b',
    '1 = a',
    'a = 1 and',
    '(a = 1)',
    'a between 1 and 2',
    'a = 1e5',
    'a = 1.',
    'a = 1L',
    "a = 'it''s'",
    "a = 'b\\n'",
    'a = "x"',
    't.a = 1',
    'a = 1 -- note',
    'not a = 1',
    'a == 1',
    'current_date > 1',
    'a in (1)',
    'a',
    '',
  ])('are nothing else: %s', (clause) => {
    expect(translatePlainPredicate(clause, null)).toBeNull()
  })
})
