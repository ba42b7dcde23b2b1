import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { compileQuality } from '../../dqdl/compile.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { judge, NOW, ORDERS, openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

describe('the gate and the score', () => {
  test('DQ-17: a warn rule that fails lets the load pass, a gate rule stops it', async () => {
    const warned = await judge(engine, ORDERS, 'RowCount > 1, IsComplete "quantity" labels=["severity"="warn"]')
    expect(warned.verdict).toMatchObject({
      gate: 'PASS',
      score: 0.5,
      rules: { passed: 1, failed: 0, errors: 0, warnings: 1 },
    })
    const stopped = await judge(engine, ORDERS, 'RowCount > 1, IsComplete "quantity"')
    expect(stopped.verdict).toMatchObject({ gate: 'FAIL', rules: { passed: 1, failed: 1, errors: 0, warnings: 0 } })
  })

  test('DQ-27: rules of daily cadence are judged by the first run of a day; the others keep their names', async () => {
    const head = 'DefaultLabels = ["cadence"="daily"]'
    const rules = `RowCount > 1 labels=["cadence"="every run"], IsComplete "note", (RowCount > 1) and (RowCount > 2), RowCount > 9 labels=["cadence"="every run"]`
    const named = async (judgedToday: boolean) =>
      (await judge(engine, ORDERS, rules, { head, judgedToday })).results.map(({ Name, Result }) => [Name, Result])
    const every = [
      ['Rule_1', 'PASS'],
      ['Rule_4', 'FAIL'],
    ]
    expect(await named(true)).toEqual(every)
    expect(await named(false)).toEqual([
      every[0],
      ['Rule_2', expect.any(String)],
      ['Rule_3', expect.any(String)],
      every[1],
    ])
  })

  test('DQ-27: other evaluators are given the rules that are due; a ruleset of daily rules alone is judged every time', () => {
    const compiled = (rules: string) => compileQuality(`Rules = [ ${rules} ]`, [], { now: NOW, judgedToday: true })
    const { ruleset = '', rules } = compiled('RowCount > 1, RowCount > 2 labels=["cadence"="daily"]')
    expect([ruleset.includes('RowCount > 1'), ruleset.includes('RowCount > 2'), rules.length]).toEqual([true, false, 1])
    expect(compiled('RowCount > 2 labels=["cadence"="daily"]').rules).toHaveLength(1)
  })

  test('an ERROR of a gate rule stops a load, one of a warn rule does not', async () => {
    const head = 'DefaultLabels = ["severity"="warn"]'
    const gate = await judge(engine, ORDERS, 'RowCount > 1, RowCount > nope(1) labels=["severity"="gate"]', { head })
    expect(gate.verdict).toMatchObject({ gate: 'ERROR', rules: { errors: 1 } })
    const warn = await judge(engine, ORDERS, 'RowCount > 1, RowCount > nope(1)', { head })
    expect(warn.verdict).toMatchObject({ gate: 'PASS', rules: { warnings: 1 } })
  })

  test('labels, default and own, stand in the results, in the order of the ruleset', async () => {
    const { results } = await judge(
      engine,
      ORDERS,
      'RowCount > 1, IsComplete "note" labels=["team"="b", "severity"="warn"]',
      { head: 'DefaultLabels = ["team"="a"]' },
    )
    expect(results.map(({ Name, Labels }) => [Name, Labels])).toEqual([
      ['Rule_1', { team: 'a' }],
      ['Rule_2', { team: 'b', severity: 'warn' }],
    ])
  })

  test('the verdict of 131 failing rules with long texts stays within 4 KB and names the first 20', async () => {
    const long = 'ü"\\'.repeat(60).replaceAll('"', '')
    const rules = Array.from(
      { length: 131 },
      (_, index) => `ColumnValues "note" in ["${index}${'ü'.repeat(300)}${long.length}"]`,
    )
    const { verdict, verdictText } = await judge(engine, ORDERS, rules.join(','))
    expect(Buffer.byteLength(verdictText)).toBeLessThanOrEqual(3840)
    expect(verdict).toMatchObject({ gate: 'FAIL', rules: { passed: 0, failed: 131 } })
    expect((verdict as { notPassed: unknown[] }).notPassed).toHaveLength(20)
    expect(verdictText).toContain('"bucket":"{resultBucket}"')
  })

  test('a rule without a verdict is ERROR', async () => {
    await judge(engine, ORDERS, 'RowCount > 1')
    const { resultDocument } = await import('../../dqdl/documents.ts')
    await engine.run('DELETE FROM sluice_verdicts')
    const [row] = await engine.rows(
      resultDocument([{ index: 0, name: 'Rule_1', text: 'RowCount > 1', severity: 'gate', labels: {} }], []),
    )
    expect(String(Object.values(row ?? {})[0])).toContain('"Result":"ERROR"')
  })

  test('analyzers measure beside the rules and do not count in the score', async () => {
    const { result } = await judge(
      engine,
      ORDERS,
      'RowCount > 1 ] Analyzers = [ Mean "amount", AllStatistics "quantity", Sum "note"',
    )
    expect(result.Score).toBe(1)
    expect(result.AnalyzerResults.map(({ Name, Description }) => [Name, Description])).toEqual([
      ['Analyzer_1', 'Mean "amount"'],
      ['Analyzer_2', 'AllStatistics "quantity"'],
      ['Analyzer_3', 'Sum "note"'],
    ])
    expect(result.AnalyzerResults[1]?.EvaluatedMetrics).toMatchObject({
      'Column.quantity.Minimum': 1,
      'Column.quantity.Sum': 6,
    })
    expect(result.AnalyzerResults[2]?.EvaluationMessage).toContain('numeric')
  })
})
