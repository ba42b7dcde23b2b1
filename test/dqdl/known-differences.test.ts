import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { leavesOf } from '../../dqdl/ast.ts'
import { parseRuleset } from '../../dqdl/parse.ts'
import { RULE_TYPES } from '../../dqdl/rule-types.ts'
import { DIFFERENCES } from '../../scripts/deequ/known-differences.ts'
import { Choices } from '../../scripts/deequ/random.ts'
import { randomRule, standingRules } from '../../scripts/deequ/rules.ts'
import { randomTable, standingTables } from '../../scripts/deequ/tables.ts'

test('every difference that the comparison with the open executor accepts stands in dqdl/differences.md', () => {
  const document = readFileSync('dqdl/differences.md', 'utf8')
  const subjects = document.split('\n').map((line) => line.split('|')[1]?.trim())
  for (const { subject } of DIFFERENCES) expect(subjects).toContain(subject)
})

/** Unknown to the open executor or to its parser. */
const NOT_EXECUTED = ['Variance', 'DetectAnomalies', 'FileMatch', 'FileUniqueness', 'FileFreshness', 'FileSize']

test('the comparison covers every rule type that the open executor evaluates, in rules that parse', () => {
  const texts = standingTables().flatMap((table) => standingRules(table).map(({ text }) => text))
  const { ruleset, problems } = parseRuleset(`Rules = [ ${texts.join(',\n')} ]`)
  expect(problems).toEqual([])
  const types = new Set(ruleset.rules.flatMap(leavesOf).map(({ type }) => type))
  expect([...types].sort()).toEqual(RULE_TYPES.filter((type) => !NOT_EXECUTED.includes(type)).sort())
})

test('random rules and tables are the same for a seed, and parse', () => {
  const draw = (seed: number): readonly string[] => {
    const choices = new Choices(seed)
    const table = randomTable('t', choices.below(9), choices)
    return Array.from({ length: 40 }, () => randomRule(table, choices).text)
  }
  expect(draw(3)).toEqual(draw(3))
  expect(draw(3)).not.toEqual(draw(4))
  expect(parseRuleset(`Rules = [ ${draw(3).join(',\n')} ]`).problems).toEqual([])
})
