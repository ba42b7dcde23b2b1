import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { documentOf, sluice } from './command.ts'

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sluice-dq-cli-'))
  write('orders.csv', 'order_id,amount\no1,5\no2,-1\no2,7\n')
  write('orders.dqdl', 'Rules = [\n  RowCount > 0,\n  ColumnValues "amount" >= 0\n]\n')
  write(
    'orders.tests.yaml',
    'ruleset_tests: 1\ncolumns: { order_id: string(8), amount: integer }\ntests:\n  - { name: sound, rows: [{ amount: 1 }] }\n  - { name: none, rows: [], fails: [RowCount > 0], others: any }\n',
  )
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const path = (name: string): string => join(scratch, name)
const write = (name: string, text: string): string => {
  writeFileSync(path(name), text)
  return path(name)
}

describe('dq on the command line', () => {
  test('run shows the rules, then the first failing rows, and writes its reports', async () => {
    const reports = ['--junit', path('r.xml'), '--html', path('r.html')]
    const ended = await sluice(['dq', 'run', '--rules', path('orders.dqdl'), '--data', path('orders.csv'), ...reports])
    expect(ended.exitCode).toBe(1)
    expect(ended.stdout).toContain(
      'first rows that break ColumnValues "amount" >= 0\n  row  amount  order_id\n  2    -1      o2',
    )
    expect(readFileSync(path('r.xml'), 'utf8')).toContain('<testsuite name="orders.dqdl" tests="2" failures="1"')
    expect(readFileSync(path('r.html'), 'utf8')).toContain('The gate failed')
  })

  test('test ends with 1 while a rule is never seen to fail, and names it in its document', async () => {
    const ended = await sluice(['dq', 'test', path('orders.dqdl'), '--json'])
    expect(ended.exitCode).toBe(1)
    expect(documentOf(ended)).toMatchObject({
      passed: false,
      files: [
        {
          file: path('orders.tests.yaml'),
          ruleset: path('orders.dqdl'),
          tests: [
            { name: 'sound', passed: true },
            { name: 'none', passed: true },
          ],
          neverFails: [{ rule: 'ColumnValues "amount" >= 0', line: 3 }],
        },
      ],
      untested: [],
    })
  })

  test('test refuses a file that names an unknown rule, with place and expected rule', async () => {
    const text = readFileSync(path('orders.tests.yaml'), 'utf8').replace('RowCount > 0', 'RowCuont > 0')
    cpSync(path('orders.dqdl'), path('wrong.dqdl'))
    const ended = await sluice(['dq', 'test', write('wrong.tests.yaml', text), '--json'])
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({
      error: {
        code: 'unknown_rule',
        where: expect.stringContaining('wrong.tests.yaml:5:'),
        hint: 'Expected RowCount > 0',
      },
    })
  })

  test('suggest prints a ruleset that its own data pass', async () => {
    const suggested = await sluice(['dq', 'suggest', '--data', path('orders.csv')])
    expect(suggested.exitCode).toBe(0)
    const rules = write('suggested.dqdl', suggested.stdout)
    const judged = await sluice(['dq', 'run', '--rules', rules, '--data', path('orders.csv'), '--json'])
    expect(documentOf(judged)).toMatchObject({ Score: 1 })
  })

  test('fmt --check ends with 1 for a file that is not in the canonical form and leaves it as it is', async () => {
    const loose = write('loose.dqdl', 'Rules=[RowCount>0] # kept\n')
    const ended = await sluice(['dq', 'fmt', '--check', loose, path('orders.dqdl'), '--json'])
    expect(ended.exitCode).toBe(1)
    expect(documentOf(ended)).toMatchObject([
      { file: loose, changed: true },
      { file: path('orders.dqdl'), changed: false },
    ])
    expect(readFileSync(loose, 'utf8')).toBe('Rules=[RowCount>0] # kept\n')
  })

  test('backtest without a runtime says so', async () => {
    const ended = await sluice(['dq', 'backtest', '--rules', path('orders.dqdl'), '--state', path('none'), '--json'])
    expect(ended.exitCode).toBe(3)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'runtime_not_running' } })
  })
})
