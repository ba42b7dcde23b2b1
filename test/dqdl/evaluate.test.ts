import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { compileQuality } from '../../dqdl/compile.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { judge, NOW, ORDERS, openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const EMPTY = `SELECT * FROM (${ORDERS}) WHERE false`

/** `[rule, result, message]`; `null` for no message. */
type Row = readonly [rule: string, result: 'PASS' | 'FAIL' | 'ERROR', message: string | null]
const NO_HISTORY = 'There are no earlier values of Dataset.*.RowCount: last() counts as 0.0.'
const value = (metric: string): string => `Value: ${metric} does not meet the constraint requirement!`

const RULES: readonly Row[] = [
  ['RowCount > 3', 'PASS', null],
  ['RowCount between 4 and 9', 'FAIL', value('4.0')],
  ['RowCount not between 4 and 9', 'PASS', null],
  ['RowCount = 1 where "currency = \'GBP\'"', 'PASS', null],
  ['RowCount = 0 where "quantity > 100"', 'PASS', null],
  ['ColumnCount in [6, 7]', 'PASS', null],
  ['ColumnExists "event_ts"', 'PASS', null],
  ['ColumnExists "EVENT_TS"', 'FAIL', value('0.0')],
  ['ColumnNamesMatchPattern "_|[a-z]+"', 'PASS', null],
  ['ColumnNamesMatchPattern "_"', 'FAIL', 'Columns that do not match the pattern: currency, amount, quantity, note'],
  ['IsComplete "order_id"', 'PASS', null],
  ['IsComplete "ORDER_ID"', 'PASS', null],
  ['IsComplete "quantity"', 'FAIL', value('0.75')],
  ['IsComplete "quantity" where "currency <> \'GBP\'"', 'PASS', null],
  ['IsComplete "quantity" where "amount > 1000"', 'PASS', null],
  ['Completeness "quantity" = 0.75', 'PASS', null],
  ['IsComplete "colA"', 'FAIL', 'Input data does not include column colA!'],
  ['IsUnique "order_id"', 'PASS', null],
  ['IsUnique "currency"', 'FAIL', value('0.5')],
  ['IsUnique "quantity"', 'PASS', null],
  ['IsUnique "currency" "order_id"', 'PASS', null],
  ['Uniqueness "currency" = 0.5', 'PASS', null],
  ['UniqueValueRatio "currency" > 0.6', 'PASS', null],
  ['DistinctValuesCount "quantity" = 4', 'PASS', null],
  ['IsPrimaryKey "order_id"', 'PASS', null],
  ['IsPrimaryKey "quantity"', 'FAIL', value('0.75')],
  ['IsPrimaryKey "order_id" "quantity"', 'FAIL', value('0.75')],
  ['ColumnValues "currency" in ["AUD", "USD", "EUR"]', 'FAIL', value('0.75')],
  ['ColumnValues "currency" in ["AUD", "USD", "EUR"] with threshold > 0.7', 'PASS', null],
  ['ColumnValues "currency" = "usd" with ignoreCase = "true" with threshold = 0.5', 'PASS', null],
  ['ColumnValues "currency" matches "[A-Z]{3}"', 'PASS', null],
  ['ColumnValues "currency" matches "US"', 'FAIL', value('0.0')],
  ['ColumnValues "currency" not matches "U.*"', 'FAIL', value('0.5')],
  ['ColumnValues "note" = EMPTY with threshold = 0.25', 'PASS', null],
  ['ColumnValues "note" in [EMPTY, WHITESPACES_ONLY, NULL] with threshold = 0.75', 'PASS', null],
  ['ColumnValues "note" != EMPTY with threshold = 0.75', 'PASS', null],
  ['ColumnValues "note" != NULL', 'FAIL', value('0.75')],
  ['ColumnValues "note" not in ["abc"] with threshold = 0.75', 'PASS', null],
  ['ColumnValues "amount" > 10', 'PASS', null],
  ['ColumnValues "amount" >= 10.5', 'PASS', null],
  ['ColumnValues "amount" < 40', 'FAIL', value('40.0')],
  ['ColumnValues "amount" between 10.5 and 41', 'FAIL', value('10.5')],
  ['ColumnValues "amount" not between 11 and 12', 'PASS', null],
  ['ColumnValues "amount" != 20', 'FAIL', value('0.75')],
  ['ColumnValues "quantity" > 0', 'FAIL', value('NULL')],
  ['ColumnValues "quantity" in [1, 2, 3, NULL]', 'PASS', null],
  ['ColumnValues "quantity" not in [7]', 'PASS', null],
  ['ColumnValues "quantity" = NULL with threshold = 0.25', 'PASS', null],
  ['ColumnValues "currency" > 5', 'FAIL', 'Expected type of column currency to be numeric, but found VARCHAR instead!'],
  ['ColumnValues "ordered_on" > "2026-02-28" with threshold = 0.75', 'PASS', null],
  ['ColumnValues "ordered_on" < now() with threshold = 0.75', 'PASS', null],
  ['ColumnValues "ordered_on" between "2026-03-01" and "2026-03-03" with threshold = 0.25', 'PASS', null],
  ['ColumnValues "ordered_on" != "2026-03-01" with threshold = 0.75', 'PASS', null],
  ['ColumnValues "event_ts" = "2026-03-10" with threshold = 0.5', 'PASS', null],
  [
    'ColumnValues "ordered_on" > "2026-02-30"',
    'ERROR',
    'Can\'t execute the assertion: "2026-02-30" is no day of the calendar!',
  ],
  ['ColumnLength "currency" = 3', 'PASS', null],
  ['ColumnLength "note" <= 3', 'PASS', null],
  ['ColumnLength "note" > 0', 'FAIL', value('0.0')],
  ['ColumnLength "note" != 3', 'FAIL', value('0.75')],
  ['ColumnLength "amount" > 0', 'FAIL', 'Expected type of column amount to be text, but found DECIMAL(4,2) instead!'],
  ['ColumnDataType "order_id" = "Integer"', 'FAIL', 'Value: 0.0 does not meet the constraint requirement.'],
  ['ColumnDataType "quantity" = "Integer" with threshold = 0.75', 'PASS', null],
  ['ColumnDataType "ordered_on" = "date" where "ordered_on is not null"', 'PASS', null],
  ['ColumnDataType "order_id" = "Text"', 'ERROR', 'Unrecognized data type: Text'],
  ['Mean "amount" between 25 and 25.2', 'PASS', null],
  ['Mean "quantity" = 2', 'PASS', null],
  ['Mean "currency" > 1', 'FAIL', 'Expected type of column currency to be numeric, but found VARCHAR instead!'],
  ['Sum "amount" = 100.75', 'PASS', null],
  ['Sum "amount" < 100', 'FAIL', value('100.75')],
  ['StandardDeviation "quantity" between 0.81 and 0.82', 'PASS', null],
  ['Variance "quantity" between 0.66 and 0.67', 'PASS', null],
  ['Entropy "currency" between 1.03 and 1.04', 'PASS', null],
  ['ColumnCorrelation "amount" "quantity" > 0.99', 'PASS', null],
  ['DataFreshness "event_ts" < 2 hours', 'FAIL', '50.00% of rows passed'],
  ['DataFreshness "event_ts" < 2 days where "event_ts is not null"', 'PASS', null],
  ['CustomSql "select count(*) from primary where amount < 0" = 0', 'PASS', null],
  ['CustomSql "select amount from primary" = 0', 'FAIL', 'Custom SQL did not return exactly 1 row'],
  ['CustomSql "select 1, 2" = 1', 'FAIL', 'Custom SQL did not return exactly 1 column'],
  [
    'CustomSql "select nvl(max(quantity), 0) from primary where `amount` > 1 and currency = \\"EUR\\"" = 1',
    'ERROR',
    null,
  ],
  ['CustomSql "select order_id from primary where amount > 15" with threshold > 0.7', 'PASS', null],
  [
    'CustomSql "select order_id from primary where amount > 15"',
    'FAIL',
    'Value: 0.75 does not meet the constraint requirement.',
  ],
  ['RowCount > last(1)', 'PASS', NO_HISTORY],
  ['RowCount > last(3)', 'PASS', NO_HISTORY],
  ['RowCount > frobnicate(3)', 'ERROR', "Can't execute the assertion: function frobnicate is unknown!"],
  ['(RowCount > 100) or (IsComplete "order_id")', 'PASS', null],
  ['(RowCount > 1) and (IsComplete "quantity")', 'FAIL', value('0.75')],
  [
    '(RowCount > 100) or (RowCount > frobnicate(3))',
    'ERROR',
    `${value('4.0')}\nCan't execute the assertion: function frobnicate is unknown!`,
  ],
  ['(RowCount > 1) or (RowCount > frobnicate(3))', 'PASS', null],
  ['FileSize > 5 MB', 'ERROR', 'Rule (or nested rule) not supported due to: FileSize cannot be evaluated here'],
]

describe('evaluation', () => {
  test('DQ-07 DQ-08 DQ-09 DQ-10 DQ-11 DQ-12 DQ-21 DQ-22: every rule type gives its verdict and message', async () => {
    const rules = RULES.filter(([rule]) => !rule.includes('\\"'))
    const { results } = await judge(engine, ORDERS, rules.map(([rule]) => rule).join(',\n'))
    const seen = results.map(({ Result, EvaluationMessage }, index) => [
      rules[index]?.[0],
      Result,
      EvaluationMessage ?? null,
    ])
    expect(seen).toEqual(rules)
  })

  test('DQ-07: an empty table fails what has no value to look at', async () => {
    const rules = [
      'RowCount > 0',
      'IsComplete "order_id"',
      'Sum "amount" >= 0',
      'ColumnValues "amount" >= 0',
      'IsPrimaryKey "order_id"',
      'ColumnDataType "order_id" = "Integer"',
      'IsComplete "order_id" where "amount > 1"',
    ]
    const { results } = await judge(engine, EMPTY, rules.join(','))
    expect(results.map(({ Result }) => Result)).toEqual(['FAIL', 'FAIL', 'FAIL', 'FAIL', 'FAIL', 'PASS', 'PASS'])
    expect(results[2]?.EvaluationMessage).toBe('Empty state for analyzer Sum(amount,None), all input values were NULL.')
  })

  test('metrics have the names that Glue gives them', async () => {
    const rules = [
      'RowCount > 0',
      'Completeness "note" > 0',
      'IsPrimaryKey "order_id"',
      'IsUnique "order_id" "note"',
      'ColumnValues "amount" = 5',
      'ColumnLength "note" between 1 and 2',
      'ColumnValues "note" in ["a"]',
      'ColumnValues "note" matches "a"',
      'ColumnDataType "note" = "Date"',
      'CustomSql "select 5" = 5',
    ]
    const { results } = await judge(engine, ORDERS, rules.join(','))
    expect(results.map(({ EvaluatedMetrics }) => Object.keys(EvaluatedMetrics))).toEqual([
      ['Dataset.*.RowCount'],
      ['Column.note.Completeness'],
      ['Column.order_id.Uniqueness', 'Column.order_id.Completeness'],
      ['Multicolumn.order_id,note.Uniqueness'],
      ['Column.amount.Minimum', 'Column.amount.Maximum'],
      ['Column.note.MinimumLength', 'Column.note.MaximumLength'],
      ['Column.note.ColumnValues.Compliance'],
      ['Column.note.PatternMatch'],
      ['Column.note.ColumnDataType.Compliance'],
      ['Dataset.*.CustomSQL'],
    ])
  })

  test('a rule that breaks the shared scan is ERROR alone', async () => {
    const { results } = await judge(
      engine,
      ORDERS,
      'RowCount > 1, IsComplete "order_id" where "no_such_column > 1", Mean "amount" > 1, IsComplete "note" where "nonsense("',
    )
    expect(results.map(({ Result }) => Result)).toEqual(['PASS', 'ERROR', 'PASS', 'ERROR'])
    expect(results[1]?.EvaluationMessage).toContain('no_such_column')
    expect(results[3]?.EvaluationMessage).toContain('The provided where clause is invalid')
  })

  test('CustomSql and where read the data and its references only, no file and no table function', async () => {
    const rules = [
      'CustomSql "select count(*) from read_csv(\'/etc/hosts\')" = 0',
      'CustomSql "select count(*) from csv.`/etc/hosts`" = 0',
      'CustomSql "select count(*) from `orders.parquet`" = 0',
      'CustomSql "with big as (select * from primary) select count(*) from big" = 4',
      'RowCount > 0 where "exists (select 1 from secrets)"',
      'CustomSql "drop table primary" = 0',
    ]
    const { results } = await judge(engine, ORDERS, rules.join(','))
    expect(results.map(({ Result, EvaluationMessage }) => [Result, EvaluationMessage ?? null])).toEqual([
      ['ERROR', 'Function READ_CSV cannot stand for a table'],
      ['ERROR', 'Table csv./etc/hosts is not among the data sources'],
      ['ERROR', 'Table orders.parquet is not among the data sources'],
      ['PASS', null],
      ['ERROR', 'Table secrets is not among the data sources'],
      ['ERROR', 'Only queries are allowed in CustomSql'],
    ])
  })

  test('verdicts are the same whether a column has few values or many, and whether a key is unique or not', async () => {
    const rules = [
      'IsUnique "k"',
      'IsPrimaryKey "k"',
      'Uniqueness "k" > 0.9',
      ...[0, 1, 2, 3].map((bound) => `ColumnValues "v" != ${bound}`),
      'ColumnValues "v" in [4, 5, 6, NULL]',
      'ColumnDataType "v" = "Integer"',
    ].join(', ')
    const over = async (key: string, value: string) => {
      const data = `SELECT ${key} AS k, ${value} AS v FROM range(5000) t(i)`
      return (await judge(engine, data, rules)).results.map(({ Result, EvaluatedMetrics }) => [
        Result,
        ...Object.values(EvaluatedMetrics),
      ])
    }
    const few = await over("'k' || i", 'CASE WHEN i % 4 > 0 THEN 4 + i % 3 END')
    expect(few).toEqual([
      ['PASS', 1],
      ['PASS', 1, 1],
      ['PASS', 1],
      ...Array.from({ length: 4 }, () => ['PASS', 1]),
      ['PASS', 1],
      ['FAIL', 0.75],
    ])
    const many = await over("'k' || (i // 2)", 'i')
    expect(many).toEqual([
      ['FAIL', 0],
      ['FAIL', 0, 1],
      ['FAIL', 0],
      ...Array.from({ length: 4 }, () => ['FAIL', 0.9998]),
      ['FAIL', 0.0006],
      ['PASS', 1],
    ])
  })

  test('DQ-23: operands over earlier runs are replaced by numbers', async () => {
    const history = (metric: string): readonly number[] => (metric === 'Dataset.*.RowCount' ? [40, 44, 36] : [])
    const { results } = await judge(
      engine,
      ORDERS,
      'RowCount > 0.8 * avg(last(3)), RowCount > index(last(2), 1), RowCount > last(2), RowCount > index(last(3), 9)',
      { history },
    )
    expect(results.map(({ Result }) => Result)).toEqual(['FAIL', 'FAIL', 'ERROR', 'ERROR'])
    expect(results[0]?.EvaluatedRule).toBe('RowCount > 32')
    expect(results[2]?.EvaluationMessage).toContain('is a list: aggregate it')
  })

  test('DQ-23: other evaluators are given numbers in place of what depends on earlier runs', () => {
    const history = (metric: string): readonly number[] => (metric === 'Dataset.*.RowCount' ? [40, 44, 36] : [])
    const plan = compileQuality(
      'Rules = [ RowCount > 0.5 * avg(last(3)), (Mean "n" < last()) or (RowCount > max(last(2))), Sum "n" > 1 ]',
      [{ name: 'n', duckdbType: 'INTEGER' }],
      { now: NOW, history },
    )
    expect(plan.rules.map(({ evaluated }) => evaluated)).toEqual([
      'RowCount > 20',
      '(Mean "n" < 0) OR (RowCount > 44)',
      undefined,
    ])
    expect(plan.ruleset).toContain('RowCount > 20')
    expect(plan.ruleset).not.toContain('last')
  })

  test('rules over other data compare rows, schemas and aggregates', async () => {
    await engine.run(
      `CREATE OR REPLACE TEMP TABLE ref AS SELECT * FROM (VALUES ('o1', 'EUR', 1.0), ('o2', 'EUR', 2.0), ('o9', 'USD', 3.0)) t(id, currency, total)`,
    )
    const references = new Map([
      [
        'ref',
        [
          { name: 'id', duckdbType: 'VARCHAR' },
          { name: 'currency', duckdbType: 'VARCHAR' },
          { name: 'total', duckdbType: 'DECIMAL(2,1)' },
        ],
      ],
    ])
    const rules = [
      'ReferentialIntegrity "order_id" "ref.id" = 0.5',
      'ReferentialIntegrity "order_id,currency" "ref.{id,currency}" = 0.25',
      'ReferentialIntegrity "order_id" "other.id" = 1',
      'RowCountMatch "ref" > 1.3',
      'SchemaMatch "ref" = 1.0',
      'AggregateMatch "sum(amount)" "sum(ref.total)" > 16',
      'DatasetMatch "ref" "order_id->id" "currency" = 0.25',
      'DatasetMatch "ref" "currency" "order_id->id" = 0.25',
    ]
    const { results } = await judge(engine, ORDERS, rules.join(','), { references })
    expect(results.map(({ Result }) => Result)).toEqual([
      'PASS',
      'PASS',
      'ERROR',
      'PASS',
      'FAIL',
      'PASS',
      'PASS',
      'FAIL',
    ])
    expect(results[2]?.EvaluationMessage).toBe('other not found in additional sources')
  })
})
