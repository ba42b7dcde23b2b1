import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type DqRunRequest, dqRun } from '../../dqdl/dq-commands.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { NOW, openEngine } from './engine.ts'

let engine: Duckdb
let folder: string
beforeAll(async () => {
  engine = await openEngine()
  folder = await mkdtemp(join(tmpdir(), 'sluice-dq-'))
  await writeFile(join(folder, 'orders.csv'), 'order_id,currency,amount\no1,EUR,5\no2,GBP,-1\no2,USD,7\no3,,8\n')
  await writeFile(join(folder, 'orders.jsonl'), '{"order_id":"o1","amount":5}\n{"order_id":"o2","amount":null}\n')
  await engine.run(`COPY (SELECT range AS id FROM range(100)) TO '${join(folder, 'ids.parquet')}' (FORMAT parquet)`)
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

async function run(rules: string, data: string, rest: Partial<DqRunRequest> = {}) {
  const rulesFile = join(folder, 'rules.dqdl')
  await writeFile(rulesFile, `Rules = [ ${rules} ]\n`)
  const request = { references: {}, historyFolder: null, failuresFile: null, now: NOW, ...rest }
  return dqRun({ ...request, rulesFile, dataFile: join(folder, data) }, engine)
}

describe('dq run', () => {
  test('exits with 0, 1 and 3 as the gate passes, fails and cannot be evaluated', async () => {
    expect((await run('RowCount = 4', 'orders.csv')).exitCode).toBe(0)
    expect((await run('RowCount = 5', 'orders.csv')).exitCode).toBe(1)
    expect((await run('RowCount > nope(1)', 'orders.csv')).exitCode).toBe(3)
    expect((await run('RowCount > nope(1) labels=["severity"="warn"]', 'orders.csv')).exitCode).toBe(0)
  })

  test('refuses an invalid ruleset with the place of its first problem', async () => {
    await expect(run('RowCount >', 'orders.csv')).rejects.toMatchObject({
      code: 'ruleset_invalid',
      where: { line: 1, column: 22 },
    })
  })

  test('reads CSV, JSON lines and Parquet, and other data by alias', async () => {
    const references = { known: join(folder, 'ids.parquet') }
    expect((await run('IsComplete "amount"', 'orders.jsonl')).document.Score).toBe(0)
    const { document } = await run('ReferentialIntegrity "amount" "known.id" = 0.75', 'orders.csv', { references })
    expect(document.RuleResults.map(({ Result }) => Result)).toEqual(['PASS'])
  })

  test('reads rows with fewer fields than the header as NULLs, and refuses rows with more', async () => {
    const read = async (content: string, rule: string) => {
      await writeFile(join(folder, 'ragged.csv'), content)
      return (await run(`ColumnCount = 3, ${rule}`, 'ragged.csv')).document.RuleResults.map(({ Result }) => Result)
    }
    const half = 'Completeness "c" = 0.5'
    expect(await read('a,b,c\n1,2,3\n4,5\n', half)).toEqual(['PASS', 'PASS'])
    expect(await read('a;b;c\n1;"2\n,";3\n4;5\n', half)).toEqual(['PASS', 'PASS'])
    expect(await read('"a,b"\n"1,2"\n3\n', 'IsComplete "a,b"')).toEqual(['FAIL', 'PASS'])
    await expect(read('a,b,c\n1,2,3\n4,5,6,7\n', half)).rejects.toMatchObject({
      code: 'unreadable_data',
      message: expect.stringContaining('more fields than the 3 of the header'),
      where: { file: join(folder, 'ragged.csv'), line: 3 },
    })
  })

  test('DQ-24 DQ-25: writes every failing row with all rules it broke', async () => {
    const failuresFile = join(folder, 'failures.parquet')
    const rules =
      'RowCount > 0, IsUnique "order_id", ColumnValues "amount" >= 0, IsComplete "currency", (ColumnValues "currency" in ["EUR"]) or (ColumnValues "amount" > 6), RowCount > nope(1)'
    const { failingRows } = await run(rules, 'orders.csv', { failuresFile })
    const rows = await engine.rows(
      `SELECT amount::INTEGER AS amount, array_to_string("DataQualityRuleNames", ' ') AS names, "DataQualityRulesFail"[1] AS first FROM '${failuresFile}' ORDER BY amount`,
    )
    expect(failingRows).toBe(3)
    expect(rows).toEqual([
      { amount: -1, names: 'Rule_2 Rule_3 Rule_5', first: 'IsUnique "order_id"' },
      { amount: 7, names: 'Rule_2', first: 'IsUnique "order_id"' },
      { amount: 8, names: 'Rule_4', first: 'IsComplete "currency"' },
    ])
  })

  test('rows out of the scope of a where clause break nothing', async () => {
    const failuresFile = join(folder, 'scoped.parquet')
    const { failingRows } = await run(
      'IsComplete "currency" where "amount < 6", IsUnique "order_id" where "amount > 0"',
      'orders.csv',
      { failuresFile },
    )
    expect(failingRows).toBe(0)
  })

  test('DQ-23: keeps results in the history folder and compares with them', async () => {
    const historyFolder = join(folder, 'history')
    const rules = 'RowCount <= 1.5 * avg(last(2))'
    const first = await run('RowCount > 0', 'orders.csv', { historyFolder })
    const second = await run(rules, 'orders.csv', { historyFolder, now: new Date(NOW.getTime() + 60_000) })
    const third = await run(rules, 'ids.parquet', { historyFolder, now: new Date(NOW.getTime() + 120_000) })
    expect([first, second, third].map(({ exitCode }) => exitCode)).toEqual([0, 0, 1])
    expect(third.document.RuleResults[0]?.EvaluatedRule).toBe('RowCount <= 6')
  })

  test('prints a table of rules with severity, result, metric and message', async () => {
    const { table } = await run('RowCount > 9 labels=["severity"="warn"]', 'orders.csv')
    expect(table).toEqual([
      ['result', 'severity', 'rule', 'metrics', 'message'],
      ['FAIL', 'warn', 'RowCount > 9', 'RowCount 4', 'Value: 4.0 does not meet the constraint requirement!'],
    ])
  })
})
