import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parseContract } from '../../core/parse-contract.ts'
import { dqLint } from '../../dqdl/dq-commands.ts'
import { type Finding, lintRuleset } from '../../dqdl/lint.ts'

const parsed = parseContract(readFileSync('contracts/orders.yaml', 'utf8'), 'contracts/orders.yaml')
if (!parsed.ok) throw new Error('contracts/orders.yaml does not parse')
const contract = parsed.value

const rules = (text: string): string => `Rules = [ RowCount > 0, ${text} ]`
const shown = ({ line, column, severity, code, message }: Finding): string =>
  `${line}:${column} ${severity} ${code}: ${message}`

const FINDINGS: readonly (readonly [why: string, text: string, findings: readonly string[]])[] = [
  [
    'a syntax error',
    'Rules = [\n  RowCuont > 0\n]',
    ['2:3 error rule_type: Rule Type: RowCuont is not valid (nearest is "RowCount")'],
  ],
  [
    'ignored text',
    'Rules = [ RowCount > 0 ], Analyzers = [ RowCount ]',
    ['1:25 error leftover_text: Text behind the last section is ignored: remove it, or mend the section before it'],
  ],
  [
    'an unknown column',
    rules('IsComplete "custmer_id"'),
    ['1:36 error unknown_column: Column "custmer_id" is unknown (nearest is "customer_id")'],
  ],
  [
    'a column in another case',
    rules('IsComplete "Status"'),
    ['1:36 warning column_case: Column "Status" is spelled "status"'],
  ],
  [
    'a number rule on a text',
    rules('Mean "status" > 1'),
    ['1:30 error column_type: Mean with this condition needs a numeric column, "status" is VARCHAR'],
  ],
  [
    'a pattern on a number',
    rules('ColumnValues "quantity" matches "[0-9]+"'),
    ['1:38 error column_type: ColumnValues with this condition needs a text column, "quantity" is INTEGER'],
  ],
  [
    'a date condition on a number',
    rules('ColumnValues "quantity" > "2025-01-01"'),
    [
      '1:38 error column_type: ColumnValues with this condition needs a date or timestamp column, "quantity" is INTEGER',
    ],
  ],
  [
    'a length of a date',
    rules('ColumnLength "ordered_on" > 1'),
    ['1:38 error column_type: ColumnLength with this condition needs a text column, "ordered_on" is DATE'],
  ],
  [
    'an unknown cadence',
    rules('IsComplete "status" labels=["cadence"="weekly"]'),
    ['1:25 error cadence_value: Cadence "weekly" is unknown: write "every run" or "daily"'],
  ],
  [
    'a daily rule that looks back',
    rules('RowCount > last(3) labels=["cadence"="daily"]'),
    ['1:25 error cadence_looks_back: A daily rule cannot look back: runs between do not measure it'],
  ],
  [
    'an unknown severity',
    rules('IsComplete "status" labels=["severity"="warning"]'),
    ['1:25 error severity_value: Severity "warning" is unknown: write "gate" or "warn"'],
  ],
  [
    'a misspelled label',
    rules('IsComplete "status" labels=["Severity"="warn"]'),
    ['1:25 warning unknown_label: Label "Severity" has no meaning here: nearest is "severity"'],
  ],
  [
    'a duplicate',
    'Rules = [ RowCount > 0,\n RowCount > 0 ]',
    ['2:2 warning duplicate_rule: The same rule stands in line 1'],
  ],
  [
    'a contradiction',
    'Rules = [ RowCount > 10,\n RowCount < 5 ]',
    ['2:2 error contradiction: This rule and the one in line 1 cannot both hold'],
  ],
  [
    'a contradiction of a boolean rule and a comparison',
    rules('IsComplete "status",\n Completeness "status" < 1.0'),
    ['2:2 error contradiction: This rule and the one in line 1 cannot both hold'],
  ],
  [
    'a contradiction of days',
    rules(
      'ColumnValues "ordered_on" > "2025-01-01",\n ColumnValues "ordered_on" between "2023-01-01" and "2024-01-01"',
    ),
    ['2:2 error contradiction: This rule and the one in line 1 cannot both hold'],
  ],
  [
    'a contradiction of lists of texts',
    rules('ColumnValues "status" in ["new", "paid"],\n ColumnValues "status" = "gone"'),
    ['2:2 error contradiction: This rule and the one in line 1 cannot both hold'],
  ],
  [
    'a list whose texts are all refused by another rule',
    rules('ColumnValues "status" in ["new", "paid"],\n ColumnValues "status" not in ["paid", "new", "gone"]'),
    ['2:2 error contradiction: This rule and the one in line 1 cannot both hold'],
  ],
  [
    'no contradiction where texts are left, rows are others, or a share is enough',
    rules(
      'ColumnValues "status" in ["new", "paid"], ColumnValues "status" != "paid", ColumnValues "status" = "gone" where "quantity > 1", ColumnValues "status" = "packed" with threshold > 0.1, ColumnValues "status" not in ["packed"]',
    ),
    [],
  ],
  [
    'a pattern that every text matches',
    rules('ColumnValues "status" matches ".*"'),
    ['1:47 warning always_true: Every text matches ".*": the rule says nothing but that there is one'],
  ],
  [
    'a label that is nearly one of the default labels',
    'DefaultLabels = [ "team"="shop" ] Rules = [ RowCount > 0 labels=["taem"="ops", "owner"="x"] ]',
    ['1:45 warning unknown_label: Label "taem" is none of the default labels: nearest is "team"'],
  ],
  [
    'a rule that always holds',
    rules('Completeness "status" >= 0'),
    ['1:47 warning always_true: ">= 0" is always true: the value lies between 0 and 1'],
  ],
  [
    'a rule that never holds',
    rules('Completeness "status" > 7'),
    ['1:47 error never_true: "> 7" is never true: the value lies between 0 and 1'],
  ],
  [
    'reversed bounds',
    rules('ColumnValues "quantity" between 9 and 1'),
    ['1:49 error never_true: "between 9 and 1" is never true: no number lies in it'],
  ],
  [
    'a threshold above one',
    rules('ColumnValues "quantity" > 1 with threshold > 1'),
    ['1:58 error never_true: "> 1" is never true: the value lies between 0 and 1'],
  ],
  [
    'a threshold in quotes',
    rules('ColumnValues "quantity" > 1 with threshold = "0.9"'),
    ['1:58 error threshold_text: A threshold in quotes has no effect: write the number without quotes'],
  ],
  [
    'an unknown tag',
    rules('ColumnValues "status" = "new" with ignorecase = "true"'),
    ['1:60 warning unknown_tag: Tag "ignorecase" is unknown and has no effect (nearest is "ignoreCase")'],
  ],
  [
    'an unknown function',
    rules('RowCount > average(last(3))'),
    ['1:34 error unknown_function: Function "average" is unknown'],
  ],
  [
    'a date without quotes',
    rules('Sum "quantity" > 2031-05-06'),
    ['1:40 warning unquoted_date: A date without quotes is a subtraction: put it in double quotes'],
  ],
  [
    'an impossible date',
    rules('ColumnValues "ordered_on" > "2026-02-30"'),
    ['1:51 error impossible_date: "2026-02-30" is no day of the calendar'],
  ],
  [
    'a pattern the engine lacks',
    rules('ColumnValues "status" matches "(?=new).*"'),
    ['1:47 error pattern: Pattern "(?=new).*" cannot be used: look-ahead is not supported'],
  ],
  [
    'an unknown data type',
    rules('ColumnDataType "status" = "String"'),
    [
      '1:49 error data_type: "String" is no data type (types are Boolean, Date, Timestamp, Integer, Double, Float, Long)',
    ],
  ],
  [
    'parts without parentheses',
    rules('RowCount > 1 and (RowCount > 2)'),
    ['1:25 error parentheses: Each part of a composite rule must stand in parentheses'],
  ],
  [
    'no part without parentheses, whatever joins them',
    rules('(RowCount > 1) or (ColumnCount > 1), (RowCount > 2) or ((ColumnCount > 2) and (ColumnCount < 9))'),
    [],
  ],
  [
    'labels inside a composite',
    rules('(RowCount > 1 labels=["a"="b"]) and (RowCount > 2)'),
    ['1:26 warning label_in_composite: Labels inside a composite rule have no effect: label the whole in parentheses'],
  ],
  ['an unused variable', 'v = "a" Rules = [ RowCount > 0 ]', ['1:1 warning unused_variable: Variable "v" is not used']],
  [
    'a gate without row count or key',
    'Rules = [ IsComplete "status" ]',
    ['1:11 warning gate_without_rows_or_key: No gate rule looks at the number of rows or at a key'],
  ],
  [
    'a row count that only warns',
    'Rules = [ RowCount > 0 labels=["severity"="warn"] ]',
    ['1:11 warning gate_without_rows_or_key: No gate rule looks at the number of rows or at a key'],
  ],
  ['nothing in a sound ruleset', rules('IsComplete "status", ColumnValues "amount" >= 0, IsUnique "order_id"'), []],
]

describe('linter', () => {
  test.each(FINDINGS)('reports %s', (_why, text, findings) => {
    expect(lintRuleset(text, { contract }).map(shown)).toEqual(findings)
  })

  test('reports Spark SQL that cannot be read, with the file, and counts it as an error', async () => {
    const text = rules('CustomSql "select count(* from primary" = 0,\n IsComplete "status" where "amount >"')
    const { document, exitCode } = await dqLint([{ file: 'a.dqdl', text }], contract)
    expect(document.map(({ file, line, code }) => [file, line, code])).toEqual([
      ['a.dqdl', 1, 'spark_sql'],
      ['a.dqdl', 2, 'spark_sql'],
    ])
    expect(exitCode).toBe(2)
  })

  test('names columns that where clauses and CustomSql read and the contract lacks', async () => {
    const text = rules(
      'IsComplete "status" where "amuont > 5 and upper(`status`) = \'NEW\'",\n CustomSql "select count(*) as n from primary where n_orders > 1" = 0,\n CustomSql "select AMOUNT, sum(quantity) as q from primary group by amount order by q"',
    )
    const { document } = await dqLint([{ file: 'a.dqdl', text }], contract)
    expect(document.map(({ line, column, code, message }) => `${line}:${column} ${code}: ${message}`)).toEqual([
      '1:51 unknown_column: Column "amuont" in this SQL is unknown (nearest is "amount")',
      '2:12 unknown_column: Column "n_orders" in this SQL is unknown',
    ])
  })

  test.each(['orders', 'birdstrikes', 'flights'])(
    'DQ-26: the ruleset of %s has a gate rule and no finding',
    async (dataset) => {
      const file = parseContract(readFileSync(`contracts/${dataset}.yaml`, 'utf8'), `contracts/${dataset}.yaml`)
      const text = readFileSync(`dq-rules/${dataset}.dqdl`, 'utf8')
      const { document, exitCode } = await dqLint([{ file: dataset, text }], file.ok ? file.value : null)
      expect({ document, exitCode }).toEqual({ document: [], exitCode: 0 })
    },
  )
})
