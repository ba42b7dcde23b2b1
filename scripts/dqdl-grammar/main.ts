import { parseArgs } from 'node:util'
import { messageOf } from '../../core/errors.ts'
import { type ParseResult, parseRuleset } from '../../dqdl/parse.ts'
import { printRule, printRuleset } from '../../dqdl/print.ts'
import { Choices } from '../deequ/random.ts'
import { DocumentMaker, spaced } from './documents.ts'
import { knownDifference } from './known-differences.ts'
import { mutatedText, mutatedTokens } from './mutations.ts'
import { askReference, type ReferenceVerdict } from './reference.ts'

function rulesetsOf(count: number, seed: number): readonly string[] {
  const choices = new Choices(seed)
  const maker = new DocumentMaker(choices)
  return Array.from({ length: count }, () => {
    const sound = maker.document()
    const kind = choices.fraction()
    const tokens = kind < 0.3 ? mutatedTokens(sound, choices) : sound
    const text = spaced(tokens, choices)
    return kind > 0.75 ? mutatedText(text, choices) : text
  })
}

/** What is different, in a few words; `null`: nothing. */
function differenceOf(ours: ParseResult, theirs: ReferenceVerdict): string | null {
  const accepted = ours.problems.length === 0
  const [first] = ours.problems
  if (accepted !== (theirs.outcome === 'accepted'))
    return accepted ? `refused there: ${theirs.texts[0]}` : `refused here: ${first?.code}: ${first?.message}`
  if (!accepted) return null
  const texts = ours.ruleset.rules.map(printRule)
  const index = texts.findIndex((text, at) => text !== theirs.texts[at])
  return index === -1 && texts.length === theirs.texts.length
    ? null
    : `printed here: ${texts[index]}\n  printed there: ${theirs.texts[index]}`
}

/** `null`: printing and parsing again changes nothing. */
function reprintProblem({ problems, ruleset }: ParseResult): string | null {
  if (problems.length > 0) return null
  const printed = printRuleset(ruleset)
  const again = parseRuleset(printed)
  if (again.problems.length > 0) return `its print is refused: ${again.problems[0]?.message}\n${printed}`
  return printRuleset(again.ruleset) === printed ? null : `its print prints differently:\n${printed}`
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '5000' },
      seed: { type: 'string', default: '1' },
      jars: { type: 'string', default: '.cache/dqdl-grammar' },
      verbose: { type: 'boolean', default: false },
    },
  })
  const rulesets = rulesetsOf(Number(values.cases), Number(values.seed))
  const verdicts = await askReference(rulesets, values.jars)
  const known = new Map<string, number>()
  let accepted = 0
  let different = 0
  for (const [index, text] of rulesets.entries()) {
    const theirs = verdicts[index]
    if (theirs === undefined) continue
    const ours = parseRuleset(text)
    if (theirs.outcome === 'accepted') accepted += 1
    const reprint = reprintProblem(ours)
    const difference = reprint ?? differenceOf(ours, theirs)
    if (difference === null) continue
    const reason = reprint === null ? knownDifference(text, ours, theirs) : null
    if (reason !== null) known.set(reason, (known.get(reason) ?? 0) + 1)
    if (reason !== null && !values.verbose) continue
    if (reason === null) different += 1
    process.stdout.write(`${reason ?? 'DIFFERENT'}\n  ${JSON.stringify(text)}\n  ${difference}\n`)
  }
  for (const [reason, count] of known) process.stderr.write(`${count} known: ${reason}\n`)
  const agreed = rulesets.length - different - [...known.values()].reduce((sum, count) => sum + count, 0)
  process.stderr.write(
    `${agreed} of ${rulesets.length} rulesets agree (${accepted} are accepted), ${different} differ without a known reason\n`,
  )
  process.exitCode = different === 0 ? 0 : 1
}

try {
  await main()
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`)
  process.exitCode = 2
}
