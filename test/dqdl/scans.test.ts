import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { evaluateRuleset } from '../../dqdl/evaluate.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { printScans, type Scan, scansOf } from '../../dqdl/scans.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { NOW, openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const rulesWith = (fourth: string): string => `Rules = [ RowCount > 1, IsUnique "k", Mean "v" > 0, ${fourth},
  ColumnValues "v" != 7001, ColumnValues "v" != 7002, (ColumnValues "v" != 7003) or (RowCount = 0) ]
Analyzers = [ Sum "v" ]`

const PLAIN = 'IsComplete "v"'
async function scans(key: string, value: string, fourth = PLAIN): Promise<readonly Scan[]> {
  await engine.run(`CREATE OR REPLACE TABLE rows AS SELECT ${key} AS k, ${value} AS v FROM range(6000) t(i)`)
  const { plan, ran } = await evaluateRuleset(
    { ruleset: requireRuleset(rulesWith(fourth)), relation: 'rows', now: NOW },
    engine,
  )
  return scansOf(plan, ran)
}

describe('scans', () => {
  test('all plain aggregates share one; a unique key and a column of few values need no other', async () => {
    const found = await scans('i', 'i % 5')
    const [shared] = found.filter(({ measures }) => measures === 'aggregates in one scan')
    expect(shared).toMatchObject({ scans: 1, rules: ['Rule_1', 'Rule_2', 'Rule_3', 'Rule_4', 'Rule_7', 'Analyzer_1'] })
    const values = found.find(({ measures }) => measures === 'distinct values of "v"')
    expect(values).toMatchObject({ scans: 1, rules: ['Rule_5', 'Rule_6', 'Rule_7'] })
    expect(found.reduce((sum, each) => sum + each.scans, 0)).toBe(2)
    expect(printScans(found)[0]).toBe('2 scans of the rows')
    expect(printScans(found).at(-1)).toContain('not needed')
  })

  test('a key that is not unique and a column of many values cost a scan more each', async () => {
    const found = await scans('i // 2', 'i')
    expect(found.find(({ measures }) => measures === 'distinct values of "v"')?.scans).toBe(0)
    expect(found.find(({ measures }) => measures === 'all rows of "v"')?.scans).toBe(1)
    expect(found.reduce((sum, each) => sum + each.scans, 0)).toBe(3)
  })

  test('rules over a column whose values are counted anyway look at the values, however many there are', async () => {
    const counting = ['DistinctValuesCount "v" < 9000', 'Entropy "v" > 0', 'UniqueValueRatio "v" > 0']
    for (const fourth of counting) {
      const found = await scans('i', 'i', fourth)
      const values = found.find(({ measures }) => measures === 'distinct values of "v"')
      expect(values).toMatchObject({ scans: 1, rules: ['Rule_4', 'Rule_5', 'Rule_6', 'Rule_7'] })
      expect(found.reduce((sum, each) => sum + each.scans, 0)).toBe(2)
    }
  })
})
