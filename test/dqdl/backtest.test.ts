import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { backtest, type PastJob } from '../../dqdl/backtest/backtest.ts'
import { rejudge } from '../../dqdl/backtest/rejudge.ts'
import { evaluateRuleset } from '../../dqdl/evaluate.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const GONE = async () => null
const KEPT_RULES = 'RowCount > 0, IsComplete "id", ColumnValues "amount" > 0, Mean "amount" between 1 and 50'

/** A job of so many rows, judged by rules as they were; `lowest` is its least amount. */
async function pastJob(
  name: string,
  rowCount: number,
  lowest: number,
  rest: Partial<PastJob> = {},
  rules = KEPT_RULES,
): Promise<PastJob> {
  const relation = `past_${name}`
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE ${relation} AS SELECT range AS id, ${lowest} + range % 10 AS amount FROM range(${rowCount})`,
  )
  const registeredAt = `2026-03-0${name.length}T12:00:00.000Z`
  const ruleset = requireRuleset(`Rules = [ ${rules} ]`)
  const { result } = await evaluateRuleset({ ruleset, relation, now: new Date(registeredAt) }, engine)
  const status = result.Score === 1 ? 'COMPLETED' : 'QUARANTINED'
  const rows = async () => ({ relation, release: async () => undefined })
  return { jobId: name, tenantId: 'acme', registeredAt, status, isReplay: false, result, rows, ...rest }
}

async function changed(rules: string, jobs: readonly PastJob[]) {
  const done = await backtest(jobs, { ruleset: requireRuleset(`Rules = [ ${rules} ]`), references: {} }, engine)
  return done.map(({ jobId, was, would, change, evidence, rules: differing }) => [
    `${jobId} ${was.gate} -> ${would.gate}: ${change} by ${evidence}`,
    ...differing.map((each) => `${each.rule}: ${each.was} -> ${each.would}`),
  ])
}

describe('dq backtest', () => {
  test('says of each past job what a changed ruleset would have stopped and what it would have passed', async () => {
    const jobs = [await pastJob('a', 20, 1), await pastJob('bb', 20, 0), await pastJob('ccc', 5, 1)]
    expect(await changed('RowCount > 10, ColumnValues "amount" >= 0, IsComplete "id"', jobs)).toEqual([
      ['a PASS -> PASS: same by data'],
      ['bb FAIL -> PASS: would_pass by data', 'ColumnValues "amount" > 0: FAIL -> null'],
      ['ccc PASS -> FAIL: would_stop by data', 'RowCount > 10: null -> FAIL'],
    ])
  })

  test('a rule that only warns stops nothing, and one made a gate stops what it warned of', async () => {
    const warned = KEPT_RULES.replace('> 0, Mean', '> 0 labels=["severity"="warn"], Mean')
    const job = await pastJob('a', 20, 0, {}, warned)
    expect(await changed(KEPT_RULES, [job])).toEqual([
      ['a PASS -> FAIL: would_stop by data', 'ColumnValues "amount" > 0: FAIL -> FAIL'],
    ])
  })

  test('dynamic rules see the jobs of the same tenant that were loaded before, replays and other tenants apart', async () => {
    const jobs = [
      await pastJob('a', 100, 1),
      await pastJob('bb', 100, 1, { tenantId: 'globex' }),
      await pastJob('ccc', 10, 1, { isReplay: true }),
      await pastJob('dddd', 40, 0),
      await pastJob('eeeee', 90, 1),
    ]
    const outcomes = await changed('RowCount >= 0.5 * last()', jobs)
    expect(outcomes.map(([line]) => line)).toEqual([
      'a PASS -> PASS: same by data',
      'bb PASS -> PASS: same by data',
      'ccc PASS -> FAIL: would_stop by data',
      'dddd FAIL -> FAIL: same by data',
      'eeeee PASS -> PASS: same by data',
    ])
  })

  test('where the rows are gone, kept metrics are judged anew, and what they do not tell is unknown', async () => {
    const jobs = [await pastJob('a', 20, 1, { rows: GONE }), await pastJob('bb', 8, 0, { rows: GONE })]
    expect(await changed('RowCount > 10, IsComplete "id"', jobs)).toEqual([
      ['a PASS -> PASS: same by results'],
      ['bb FAIL -> FAIL: same by results', 'RowCount > 10: null -> FAIL', 'ColumnValues "amount" > 0: FAIL -> null'],
    ])
    expect(await changed('RowCount > 0, IsUnique "id"', jobs.slice(0, 1))).toEqual([
      ['a PASS -> UNKNOWN: unknown by results', 'IsUnique "id": null -> UNKNOWN'],
    ])
  })

  test('judging kept metrics anew says what an evaluation of the rows says', async () => {
    const job = await pastJob('a', 20, 1)
    const rules = [
      ...[
        '> 20',
        '>= 20',
        '< 20',
        '<= 20',
        '= 20',
        '!= 20',
        'between 19 and 20',
        'not between 19 and 20',
        'in [1, 20]',
        'not in [20]',
      ].map((rest) => `RowCount ${rest}`),
      'Completeness "id" > 0.9',
      'Completeness "id" < 1.0',
      'Mean "amount" > 5.5',
      'Mean "amount" <= 5.5',
      'RowCount > nope(2)',
      'RowCount > 2 * last()',
      'IsComplete "id"',
    ]
    const ruleset = requireRuleset(`Rules = [ ${rules.join(', ')} ]`)
    const evaluated = await evaluateRuleset({ ruleset, relation: 'past_a', now: new Date(job.registeredAt) }, engine)
    const anew = ruleset.rules.map((rule) => rejudge(rule, job.result, () => [])?.result)
    expect(anew).toEqual(evaluated.result.RuleResults.map(({ Result }) => Result))
  })

  test('a metric of rows under a where clause says nothing about all rows', async () => {
    const job = await pastJob('a', 20, 1, {}, 'RowCount > 0 where "amount > 5"')
    const [rule] = requireRuleset('Rules = [ RowCount > 15 ]').rules
    expect(rule === undefined ? undefined : rejudge(rule, job.result, () => [])).toBeNull()
  })
})
