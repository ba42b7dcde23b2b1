import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { leavesOf } from '../../dqdl/ast.ts'
import { parseRuleset } from '../../dqdl/parse.ts'
import { RULE_TYPES } from '../../dqdl/rule-types.ts'
import { DIFFERENCES } from '../../scripts/deequ/known-differences.ts'
import { Choices } from '../../scripts/deequ/random.ts'
import { dateMeaning, lengthMeaning, patternMatches, textMeaning } from '../../scripts/deequ/reference-meaning.ts'
import { randomRule, standingRules } from '../../scripts/deequ/rules.ts'
import { randomTable, standingTables } from '../../scripts/deequ/tables.ts'
import { openEngine } from './engine.ts'

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

describe('what the open executor makes of a rule', () => {
  test('a pattern stands between anchors without a group, and a match of no character is none', () => {
    expect(patternMatches('matches', 'a|b', 'abc')).toBe(true)
    expect(patternMatches('matches', '.*', '')).toBe(false)
    expect(patternMatches('not matches', '[a-z]+', 'abc def')).toBe(false)
    expect(patternMatches('not matches', '[a-z]+', '1 abc')).toBe(true)
    expect(patternMatches('not matches', '\\p{L}+', '日本')).toBe(false)
  })

  const context = { column: '"c"', family: 'text', scope: null, now: new Date(0) } as const
  const verdict = async (values: string, sql: string): Promise<unknown> => {
    const engine = await openEngine()
    try {
      await engine.run(`CREATE TABLE sluice_data AS SELECT * FROM (VALUES ${values}) AS t(c)`)
      return (await engine.rows(sql))[0]?.v
    } finally {
      engine.close()
    }
  }
  const conditionOf = (rule: string) => {
    const [found] = parseRuleset(`Rules = [ ${rule} ]`).ruleset.rules.flatMap(leavesOf)
    if (found?.condition == null) throw new Error(`${rule} has no condition`)
    return { rule: found, condition: found.condition }
  }

  test('lengths: NULL has none, != looks at minimum and maximum alone', async () => {
    const { condition } = conditionOf('ColumnLength "c" != 2')
    if (condition.kind !== 'number') throw new Error('a number condition')
    const sql = lengthMeaning(condition, context)
    expect(await verdict("('a'), ('bb'), ('ccc'), (NULL)", sql)).toBe(true)
    expect(await verdict("('bb'), ('ccc')", sql)).toBe(false)
  })

  test('keywords are NULL for NULL, only blanks are white space, an apostrophe equals nothing', async () => {
    const meaningOf = (rule: string) => {
      const { condition } = conditionOf(rule)
      if (condition.kind !== 'text') throw new Error('a text condition')
      return textMeaning(condition, context)
    }
    expect(await verdict("('a'), (NULL)", meaningOf('ColumnValues "c" != EMPTY'))).toBe(false)
    expect(await verdict('(chr(9))', meaningOf('ColumnValues "c" = WHITESPACES_ONLY'))).toBe(false)
    expect(await verdict("('O''Brien')", meaningOf('ColumnValues "c" = "O\'Brien"'))).toBe(false)
  })

  test('dates: not between lets NULL pass', async () => {
    const { rule, condition } = conditionOf('ColumnValues "c" not between "2024-01-01" and "2024-12-31"')
    if (condition.kind !== 'date') throw new Error('a date condition')
    const sql = dateMeaning(rule, condition, { ...context, family: 'date' })
    expect(await verdict("(DATE '2023-05-01'), (NULL)", sql)).toBe(true)
    expect(await verdict("(DATE '2024-05-01'), (NULL)", sql)).toBe(false)
  })
})
