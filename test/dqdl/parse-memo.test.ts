import { describe, expect, test } from '@jest/globals'
import { LintMemo } from '../../dqdl/lint/lint-memo.ts'
import { lintParsed } from '../../dqdl/lint.ts'
import { parseRuleset } from '../../dqdl/parse.ts'
import { ParseMemo } from '../../dqdl/parse-memo.ts'
import { Choices } from '../../scripts/deequ/random.ts'
import { DocumentMaker, spaced } from '../../scripts/dqdl-grammar/documents.ts'

const PIECES = [
  '"',
  ' ',
  '\n',
  ',',
  '5',
  'x',
  '(',
  ')',
  '[',
  ']',
  '\\',
  '#',
  "'",
  '@',
  'labels',
  'RowCount > 1',
  ' and ',
]

/** One keystroke, or something pasted, or cut out. */
function edited(text: string, choices: Choices): string {
  const at = choices.below(text.length + 1)
  const cut = choices.chance(0.4) ? choices.below(choices.chance(0.2) ? 40 : 3) : 0
  return text.slice(0, at) + (choices.chance(0.7) ? choices.pick(PIECES) : '') + text.slice(at + cut)
}

describe('memo of a parse', () => {
  test.each([1, 2, 3])('gives what a parse from the beginning gives, over 150 edits (seed %i)', (seed) => {
    const choices = new Choices(seed)
    const maker = new DocumentMaker(choices)
    const rulesets = Array.from({ length: 4 }, () => spaced(maker.document(), choices))
    let text = `v = "x"\nRules = [\n${Array.from({ length: 12 }, (_, index) => `  IsComplete "c${index}"`).join(',\n')}\n]\n${rulesets[0]}`
    const memo = new ParseMemo()
    const lintMemo = new LintMemo()
    for (let round = 0; round < 150; round += 1) {
      if (round % 30 === 29) text = rulesets[Math.floor(round / 30)] ?? text
      else text = edited(text, choices)
      const parsed = parseRuleset(text, memo)
      expect({ text, ...parsed }).toEqual({ text, ...parseRuleset(text) })
      expect(lintParsed(parsed, { memo: lintMemo })).toEqual(lintParsed(parseRuleset(text)))
    }
  })

  test('takes over the rules before and behind an edit as the same objects', () => {
    const memo = new ParseMemo()
    const before = parseRuleset('Rules = [\n  RowCount > 1,\n  Mean "a" > 1,\n  Sum "b" > 1\n]\n', memo).ruleset.rules
    const after = parseRuleset('Rules = [\n  RowCount > 1,\n  Mean "abc" > 1,\n  Sum "b" > 1\n]\n', memo).ruleset.rules
    expect(after.map((rule, index) => rule === before[index])).toEqual([true, false, true])
  })
})
