import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { explainRule, printExplanation } from '../../dqdl/explain.ts'
import { RULE_TYPES } from '../../dqdl/rule-types.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { judge, NOW, openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const DATA = `SELECT * FROM (VALUES
  ('o1', 'EUR', 10.5::DOUBLE, 1.0::DOUBLE, TIMESTAMP '2026-03-10 11:00:00', 'abc'),
  ('o2', 'USD', 20, 2, TIMESTAMP '2026-03-09 11:00:00', ''),
  ('o3', 'USD', 30, NULL, NULL, NULL)
  ) AS t(order_id, currency, amount, quantity, seen_at, note)`
const columns = [
  { name: 'order_id', duckdbType: 'VARCHAR' },
  { name: 'currency', duckdbType: 'VARCHAR' },
  { name: 'amount', duckdbType: 'DOUBLE' },
  { name: 'quantity', duckdbType: 'DOUBLE' },
  { name: 'seen_at', duckdbType: 'TIMESTAMP' },
  { name: 'note', duckdbType: 'VARCHAR' },
]

/** One rule of each type, some with the other answer too. */
const RULES: readonly string[] = [
  'RowCount > 2',
  'RowCount > 2 where "amount > 15"',
  'ColumnCount = 6',
  'ColumnExists "note"',
  'ColumnNamesMatchPattern "_"',
  'IsComplete "order_id"',
  'Completeness "quantity" > 0.9',
  'IsUnique "currency"',
  'IsUnique "currency" "order_id"',
  'Uniqueness "order_id" = 1.0',
  'UniqueValueRatio "currency" between 0 and 1',
  'DistinctValuesCount "quantity" = 3',
  'IsPrimaryKey "order_id"',
  'Mean "amount" > 20',
  'Sum "amount" > 60',
  'StandardDeviation "amount" < 9',
  'Variance "amount" < 9',
  'Entropy "currency" > 0.6',
  'ColumnCorrelation "amount" "quantity" > 0.9',
  'ColumnLength "note" <= 3',
  'ColumnValues "currency" in ["EUR", "USD"]',
  'ColumnValues "quantity" != 7 with threshold > 0.9',
  'ColumnValues "seen_at" not between "2026-01-01" and "2026-02-01"',
  'ColumnDataType "order_id" = "Integer"',
  'DataFreshness "seen_at" < 2 days where "seen_at is not null"',
  'CustomSql "select count(*) from primary" = 3',
  'CustomSql "select order_id from primary where amount > 15" with threshold > 0.6',
  'ReferentialIntegrity "currency" "known.currency" = 1.0',
  'DatasetMatch "known" "order_id" "amount" = 1.0',
  'SchemaMatch "known" = 1.0',
  'RowCountMatch "known" = 1.0',
  'AggregateMatch "sum(amount)" "sum(known.amount)" = 1.0',
]
/** Nothing here can evaluate them. */
const NEVER_EVALUATED = [
  'DetectAnomalies "RowCount"',
  'FileMatch "a" "b"',
  'FileUniqueness > 0.5',
  'FileFreshness > now()',
  'FileSize > 5 KB',
]

describe('dq explain', () => {
  test('knows every rule type', () => {
    const types = [...RULES, ...NEVER_EVALUATED].map((rule) => rule.split(' ')[0])
    expect([...new Set(types)].sort()).toEqual([...RULE_TYPES].sort())
  })

  test('its SQL gives the verdict and the metrics of the evaluation, for every rule type', async () => {
    await engine.run(`CREATE OR REPLACE TEMP VIEW known AS ${DATA}`)
    const { results } = await judge(engine, DATA, RULES.join(', '), { references: new Map([['known', columns]]) })
    for (const [index, rule] of RULES.entries()) {
      const { Result, EvaluatedMetrics = {} } = results[index] ?? {}
      const { parts } = await explainRule(rule, columns, NOW)
      const [part] = parts
      expect(part?.checks).toMatch(/\.$/)
      expect(part?.nulls).toMatch(/\.$/)
      expect([rule, part?.metrics]).toEqual([rule, Object.keys(EvaluatedMetrics)])
      if (part?.sql == null) {
        expect([rule, part?.note]).toEqual([rule, 'The names of the columns decide it; no row is read.'])
        continue
      }
      const [row] = await engine.rows(part.sql)
      expect([rule, row]).toEqual([rule, { ...EvaluatedMetrics, passes: Result === 'PASS' }])
    }
  })

  test.each(NEVER_EVALUATED)('says why there is no SQL: %s', async (rule) => {
    const { parts } = await explainRule(rule, null, NOW)
    expect(parts[0]).toMatchObject({ sql: null, note: expect.stringContaining('cannot be evaluated here') })
  })

  test('assumes suitable columns without a contract', async () => {
    const explained = await Promise.all(RULES.map((rule) => explainRule(rule, null, NOW)))
    const unexplained = explained
      .flatMap(({ parts }) => parts)
      .filter(({ sql, note }) => sql === null && note?.startsWith('The names') !== true)
    expect(unexplained).toEqual([])
  })

  test('says in plain words what a rule checks and how NULL counts', async () => {
    const wordsOf = async (rule: string): Promise<readonly (string | undefined)[]> => {
      const { parts } = await explainRule(rule, null, NOW)
      return [parts[0]?.checks, parts[0]?.nulls]
    }
    expect(await wordsOf('ColumnValues "a" between 1 and 4 where "b > 0" with threshold >= 0.9')).toEqual([
      'A share at least 0.9 of the rows has a value of a that is between 1 and 4 (both excluded). Only rows for which b > 0 is true count; if there are none, it passes.',
      'A row with NULL breaks it.',
    ])
    expect(await wordsOf('ColumnValues "a" not in ["x"]')).toEqual([
      'Every row has a value of a that is none of ["x"].',
      'A row with NULL meets it: NULL is none of the values.',
    ])
    expect((await wordsOf('RowCount > 0.5 * avg(last(7))'))[0]).toBe(
      'The number of rows is above 0.5 * avg(last(7)). last(k) is the figure in the last k runs before this one, newest first; where there are none it is 0, as in the SQL shown.',
    )
    expect((await wordsOf('ColumnValues "a" in ["x", NULL]'))[1]).toBe('A row with NULL meets it.')
    expect((await wordsOf('ColumnValues "a" != NULL'))[1]).toBe('A row with NULL breaks it: the condition names NULL.')
    expect((await wordsOf('IsUnique "a"'))[1]).toBe(
      'Rows in which it is NULL are left out: any number of them may be there.',
    )
  })

  test('explains a composite and each of its parts', async () => {
    const explanation = await explainRule('(IsComplete "a") or (RowCount > 5)', null, NOW)
    expect(explanation.combines).toBe(
      'It passes when one of 2 parts passes over the whole data; rows are not looked at one by one.',
    )
    expect(explanation.parts.map(({ metrics }) => metrics)).toEqual([['Column.a.Completeness'], ['Dataset.*.RowCount']])
    expect(printExplanation(explanation)).toContain('  checks   The number of rows is above 5.')
  })

  test('takes exactly one rule that parses', async () => {
    await expect(explainRule('RowCount > 1, RowCount > 2', null, NOW)).rejects.toMatchObject({
      code: 'one_rule_expected',
    })
    await expect(explainRule('RowCount > 1 frob', null, NOW)).rejects.toMatchObject({
      code: 'ruleset_invalid',
      where: { line: 1, column: 14 },
    })
    await expect(explainRule('RowCount >', null, NOW)).rejects.toMatchObject({
      message: 'Cannot read rule: it ends too early',
      code: 'ruleset_invalid',
    })
  })
})
