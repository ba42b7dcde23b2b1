import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parseContract } from '../../core/parse-contract.ts'
import { qualityColumnsOf } from '../../dqdl/contract-columns.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { bindRulesetTests, columnsOfTypes } from '../../dqdl/unit-tests/bind-ruleset-tests.ts'
import { parseRulesetTests } from '../../dqdl/unit-tests/ruleset-tests.ts'
import { runRulesetTests } from '../../dqdl/unit-tests/run-ruleset-tests.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const HEAD =
  'ruleset_tests: 1\ncolumns: { id: string(8), amount: "decimal(9,2)", day: date }\nrow: { id: "o{n}", amount: 5, day: 2026-03-01 }\n'

/** Everything from the two texts to the outcome; problems as `line:code: message`. */
async function run(rules: string, tests: string, head = HEAD) {
  const ruleset = requireRuleset(`Rules = [ ${rules} ]`)
  const parsed = parseRulesetTests(`${head}${tests}`, 't.yaml')
  const bound = parsed.ok ? bindRulesetTests(parsed.value, ruleset, columnsOfTypes(parsed.value.columns ?? {})) : parsed
  if (!bound.ok) return bound.problems.map(({ where, code, message }) => `${where.line}:${code}: ${message}`)
  return runRulesetTests(bound.value, 't.yaml', engine)
}

describe('unit tests of a ruleset', () => {
  test('rows that must pass pass, and rows that must fail name the rule that says so', async () => {
    const tests = `tests:
  - { name: sound, rows: [{}, {}] }
  - { name: twice, rows: [{ id: a }, { id: a }], fails: ['IsUnique "id"'] }
  - { name: negative, rows: [{ amount: -1 }], fails: ['ColumnValues "amount"'] }`
    expect(await run('IsUnique "id", ColumnValues "amount" >= 0', tests)).toMatchObject({
      passed: true,
      tests: [
        { name: 'sound', line: 5, passed: true, surprises: [] },
        { name: 'twice', line: 6, passed: true },
        { name: 'negative', line: 7, passed: true },
      ],
      neverFails: [],
      neverPasses: [],
    })
  })

  test('a rule that does something else than a test says is told with what it did', async () => {
    const tests = `tests:
  - { name: all of it, rows: [{ amount: -1 }], fails: ['IsUnique "id"'] }`
    expect(await run('IsUnique "id", ColumnValues "amount" >= 0', tests)).toMatchObject({
      passed: false,
      tests: [
        {
          surprises: [
            { rule: 'IsUnique "id"', expected: 'FAIL', found: 'PASS', message: null },
            {
              rule: 'ColumnValues "amount" >= 0',
              expected: 'PASS',
              found: 'FAIL',
              message: 'Value: -1.0 does not meet the constraint requirement!',
            },
          ],
        },
      ],
    })
  })

  test('a rule that no test makes fail, and one that passes in no test, are reported with their line', async () => {
    const tests = `tests:
  - { name: few, rows: [{}], fails: [RowCount > 5] }`
    expect(await run('RowCount > 5,\n IsComplete "id"', tests)).toMatchObject({
      passed: false,
      tests: [{ passed: true }],
      neverFails: [{ rule: 'IsComplete "id"', line: 2 }],
      neverPasses: [{ rule: 'RowCount > 5', line: 1 }],
    })
  })

  test('columns may be missing, rows repeated, earlier runs and other data given', async () => {
    const head = `${HEAD}now: 2026-03-10T12:00:00Z
references: { known: { columns: { id: string(8) }, rows: [{ id: o1 }, { id: o2 }] } }\n`
    const rules =
      'ColumnExists "day", RowCount <= 2 * last(), ReferentialIntegrity "id" "known.id" = 1.0, DataFreshness "day" < 20 days'
    const tests = `tests:
  - { name: sound, rows: [{}], repeat: 2, history: [{ "Dataset.*.RowCount": 1 }] }
  - { name: no day, rows: [{}], without: [day], history: [{ "Dataset.*.RowCount": 9 }], fails: ['ColumnExists "day"', DataFreshness] }
  - { name: far more than before, rows: [{}], repeat: 3, history: [{ "Dataset.*.RowCount": 1 }], fails: [RowCount, Referential] }`
    expect(await run(rules, tests, head)).toMatchObject({ passed: true })
  })

  test('a rule that cannot be evaluated is expected as such, and the others may do what they like', async () => {
    const tests = `tests:
  - { name: unknown, rows: [], errors: [RowCount > nope(1)], fails: ['IsComplete "id"'], others: any }`
    expect(await run('RowCount > nope(1), IsComplete "id", IsUnique "id"', tests)).toMatchObject({
      tests: [{ passed: true }],
      neverFails: [{ rule: 'IsUnique "id"' }],
    })
  })

  test('unknown keys, columns and rules are told with their place and the nearest word', async () => {
    expect(await run('RowCount > 0', 'tests:\n  - { name: a, row: [] }')).toEqual([
      '5:schema_violation: Unknown key "row"; did you mean "rows"?',
    ])
    const tests = `tests:
  - name: a
    rows: [{ amuont: 1 }]
    fails: ['IsUniqe "id"', IsUnique]`
    expect(await run('IsUnique "id", IsUnique "id" "day"', tests)).toEqual([
      '6:unknown_column: Column "amuont" is unknown; did you mean "amount"?',
      '7:unknown_rule: No rule is "IsUniqe "id"" or begins with it',
      '7:unknown_rule: "IsUnique" begins 2 rules: IsUnique "id"; IsUnique "id" "day"',
    ])
  })

  test('rules that depend on the time need the instant that now() means', async () => {
    expect(await run('ColumnValues "day" <= now()', 'tests: [{ name: a, rows: [] }]')).toEqual([
      '1:now_needed: What "ColumnValues "day" <= now()" says depends on the time: the tests need "now"',
    ])
  })

  test('a value that does not fit its column is told with the line of its test', async () => {
    await expect(run('RowCount > 0', 'tests:\n  - { name: a, rows: [{ day: tomorrow }] }')).rejects.toMatchObject({
      code: 'invalid_value',
      where: { file: 't.yaml', line: 5 },
    })
  })

  test('the layout of a rule does not matter for naming it', async () => {
    const tests = `tests:
  - { name: a, rows: [{ id: x y }], fails: ['ColumnValues  "id" in ["x","y"]'] }
  - { name: b, rows: [{ id: x }] }`
    expect(await run('ColumnValues "id" in [ "x", "y" ]', tests)).toMatchObject({ passed: true })
  })
})

describe('the rulesets of this repository', () => {
  const datasets = readdirSync('dq-rules').flatMap((name) => /^(.*)\.dqdl$/.exec(name)?.[1] ?? [])

  test.each(datasets)(
    'DQ-26: every rule of %s is seen to fail by a unit test, and every test is as expected',
    async (dataset) => {
      const contract = parseContract(readFileSync(`contracts/${dataset}.yaml`, 'utf8'), dataset)
      const ruleset = requireRuleset(readFileSync(`dq-rules/${dataset}.dqdl`, 'utf8'))
      const file = `dq-rules/${dataset}.tests.yaml`
      const parsed = parseRulesetTests(readFileSync(file, 'utf8'), file)
      if (!contract.ok || !parsed.ok) throw new Error('the files do not parse')
      const bound = bindRulesetTests(parsed.value, ruleset, qualityColumnsOf(contract.value))
      if (!bound.ok) throw new Error(JSON.stringify(bound.problems))
      const { passed, tests, neverFails, neverPasses } = await runRulesetTests(bound.value, file, engine)
      expect(tests.filter((each) => !each.passed)).toEqual([])
      expect({ passed, neverFails, neverPasses }).toEqual({ passed: true, neverFails: [], neverPasses: [] })
    },
  )
})
