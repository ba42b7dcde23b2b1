import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parseContract } from '../../core/parse-contract.ts'
import { compileQuality } from '../../dqdl/compile.ts'
import { qualityColumnsOf } from '../../dqdl/contract-columns.ts'
import type { QualityPlan } from '../../dqdl/quality-plan.ts'
import { NOW } from './engine.ts'

const parsed = parseContract(readFileSync('contracts/orders.yaml', 'utf8'), 'contracts/orders.yaml')
if (!parsed.ok) throw new Error('contracts/orders.yaml does not parse')
const columns = qualityColumnsOf(parsed.value)
const compile = (rules: string): QualityPlan => compileQuality(`Rules = [ ${rules} ]`, columns, { now: NOW })
const scansIn = ({ statements }: QualityPlan): number =>
  statements.reduce((total, { sql }) => total + sql.split('FROM sluice_data').length - 1, 0)

describe('quality plan', () => {
  test('131 rules over plain aggregates share one scan', () => {
    const rules = Array.from(
      { length: 131 },
      (_, index) =>
        [`RowCount > ${index}`, `Mean "amount" > -${index + 1}`, `ColumnValues "amount" > ${index}`][index % 3],
    )
    const plan = compile(rules.join(', '))
    expect(plan.rules).toHaveLength(131)
    expect(
      scansIn({ ...plan, statements: plan.statements.map(({ sql, rules: indices }) => ({ sql, rules: indices })) }),
    ).toBe(1)
  })

  test('several rules over one column look at its distinct values, where a sample has few', () => {
    const rules = ['new', 'paid', 'packed'].map((state) => `ColumnValues "status" != "${state}"`).join(', ')
    const [values, , ...rest] = compile(`RowCount > 0, ${rules}`).statements.toSorted(
      (one, other) => Number(other.sql.includes('GROUP BY "status"')) - Number(one.sql.includes('GROUP BY "status"')),
    )
    expect(values?.rules).toEqual([1, 2, 3])
    expect(values?.unless).toContain('approx_count_distinct')
    const exact = rest.find((each) => each.rules.includes(1))
    expect(exact?.unless).toContain('rule_index IN (1, 2, 3)')
  })

  test('equal aggregates are measured once, whatever the condition on them', () => {
    const [scan] = compile(
      'Mean "amount" > 1, Mean "amount" < 9, Sum "amount" > 1, ColumnValues "amount" > 0',
    ).statements
    expect(scan?.sql.match(/sum\("amount"\)/g)).toHaveLength(1)
    expect(scan?.sql.match(/count\(\*\)/g)).toHaveLength(1)
  })

  test('rules over the frequencies of the same columns share one query', () => {
    const plan = compile('IsUnique "order_id", IsPrimaryKey "order_id", Uniqueness "order_id" > 0.5')
    const [shared, exact] = plan.statements
    expect(shared?.unless).toBeUndefined()
    expect(exact?.unless).toBeDefined()
    expect(scansIn({ ...plan, statements: plan.statements.slice(0, 1) })).toBe(1)
    expect(scansIn(plan)).toBe(2)
  })

  test('each shared statement can be taken apart into one for each rule', () => {
    const [scan] = compile('RowCount > 1, Mean "amount" > 1').statements
    expect(scan?.rules).toEqual([0, 1])
    expect(scan?.fallback?.map(({ rules }) => rules)).toEqual([[0], [1]])
  })

  test('the same ruleset, columns and instant give the same plan', () => {
    const rules = 'DataFreshness "updated_at" < 2 days, (RowCount > 1) or (IsComplete "note")'
    expect(compile(rules)).toEqual(compile(rules))
  })

  test('severity comes from the label, gate without one', () => {
    const plan = compileQuality(
      'DefaultLabels = ["severity"="warn"] Rules = [ RowCount > 1, RowCount > 2 labels=["severity"="gate"] ]',
      columns,
      { now: NOW },
    )
    expect(plan.rules.map(({ name, severity }) => [name, severity])).toEqual([
      ['Rule_1', 'warn'],
      ['Rule_2', 'gate'],
    ])
    expect(compile('RowCount > 1').rules[0]?.severity).toBe('gate')
  })

  test('an invalid ruleset is refused with its first problem and its place', () => {
    expect(() => compile('RowCount >, Mean "x"')).toThrow(
      'Cannot read ruleset: Expected a value, found "," (and 1 more)',
    )
  })
})
