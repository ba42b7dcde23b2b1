import { describe, expect, test } from '@jest/globals'
import { formatRuleset } from '../../dqdl/format.ts'
import { parseRuleset } from '../../dqdl/parse.ts'
import { printRuleset } from '../../dqdl/print.ts'
import { Choices } from '../../scripts/deequ/random.ts'
import { DocumentMaker, spaced } from '../../scripts/dqdl-grammar/documents.ts'

const COMMENTED = `# the file
Metadata={"Version":"1.0"} # at the metadata
v = ["a", # in a list
  "b"]
w="c"
Rules=[ # at the bracket
# above the first
RowCount>1,   # at the first


  # above the second
  # in two lines
IsComplete "a" # inside
  where "x > 1" , Mean "b"
  between 1 # low
   and 5 # at the third
# above the bracket
] # at the end
# last
`
const FORMATTED = `# the file
Metadata = {
  "Version": "1.0"
} # at the metadata

# in a list
v = ["a", "b"]
w = "c"

Rules = [ # at the bracket
  # above the first
  RowCount > 1, # at the first

  # above the second
  # in two lines
  # inside
  IsComplete "a" where "x > 1",
  # low
  Mean "b" between 1 and 5 # at the third
  # above the bracket
] # at the end
# last
`

describe('formatter', () => {
  test('keeps comments where they belong, and one empty line between rules', () => {
    expect(formatRuleset(COMMENTED)).toBe(FORMATTED)
  })

  test('leaves text behind the last section as it is, and rulesets with problems alone', () => {
    expect(formatRuleset('Rules=[RowCount>1], Analyzers=[ RowCount]\n')).toBe(
      'Rules = [\n  RowCount > 1\n]\n, Analyzers=[ RowCount]\n',
    )
    expect(formatRuleset('Rules = [ RowCount > ]')).toBeNull()
  })

  test('prints an empty list with and without a comment', () => {
    expect(formatRuleset('Rules = [ ]  Analyzers = [RowCount]')).toBe('Rules = [ ]\n\nAnalyzers = [\n  RowCount\n]\n')
    expect(formatRuleset('Rules = [ # none\n]  Analyzers = [RowCount]')).toBe(
      'Rules = [ # none\n]\n\nAnalyzers = [\n  RowCount\n]\n',
    )
  })

  test('gives what the printer gives where there are no comments', () => {
    const text = 'v="a" DefaultLabels=["k"="v"] Rules=[((RowCount>1)or(RowCount>2)) labels=["a"="b"],IsComplete $v]'
    expect(formatRuleset(text)).toBe(printRuleset(parseRuleset(text).ruleset))
  })

  test('changes nothing the second time and no rule, over 200 rulesets', () => {
    const choices = new Choices(11)
    const maker = new DocumentMaker(choices)
    let sound = 0
    for (let round = 0; round < 1000 && sound < 200; round += 1) {
      const text = spaced(maker.document(), choices)
      const parsed = parseRuleset(text)
      const formatted = formatRuleset(text)
      if (formatted === null) continue
      sound += 1
      expect({ text, again: formatRuleset(formatted) }).toEqual({ text, again: formatted })
      expect(printRuleset(parseRuleset(formatted).ruleset)).toBe(printRuleset(parsed.ruleset))
      expect(formatted.split('# a comment').length).toBe(text.split('# a comment').length)
    }
    expect(sound).toBe(200)
  })
})
