import type { Ruleset } from './ast.ts'
import { type Comment, type SpacedToken, spacedTokens } from './comments.ts'
import { type ParseResult, parseRuleset } from './parse.ts'
import { printAnalyzer, printDictionary, printLabels, printRuleWithLabels, printVariable } from './print.ts'

/** Something that stands in lines of its own, and the tokens it was written with. */
interface Unit {
  readonly text: string
  readonly tokens: readonly SpacedToken[]
}
interface Section {
  /** `Rules = [`; `null`: a section that is one unit. */
  readonly opening: string | null
  /** Up to the bracket that opens the list. */
  readonly head: readonly SpacedToken[]
  readonly units: readonly Unit[]
  /** The bracket that closes the list, and the commas that stand behind units. */
  readonly closing: SpacedToken | null
  readonly commas: readonly SpacedToken[]
  /** Stands without an empty line behind a section of its kind. */
  readonly variable: boolean
}

const OPENING = ['[', '{', '(']
const CLOSING = [']', '}', ')']

/** Takes tokens one after another. */
class Tokens {
  readonly #tokens: readonly SpacedToken[]
  #index = 0

  constructor(tokens: readonly SpacedToken[]) {
    this.#tokens = tokens
  }

  get next(): SpacedToken | undefined {
    return this.#tokens[this.#index]
  }

  take(count = 1): readonly SpacedToken[] {
    this.#index += count
    return this.#tokens.slice(this.#index - count, this.#index)
  }

  /** Up to a comma or bracket that belongs to what is around. */
  takeUnit(): readonly SpacedToken[] {
    const start = this.#index
    let depth = 0
    for (; this.next !== undefined && this.next.kind !== 'end'; this.#index += 1) {
      const { kind, text } = this.next
      if (kind !== 'symbol') continue
      if (depth === 0 && (text === ',' || CLOSING.includes(text))) break
      if (OPENING.includes(text)) depth += 1
      if (CLOSING.includes(text)) depth -= 1
    }
    return this.#tokens.slice(start, this.#index)
  }

  /** Name, `=`, and a text or all in brackets. */
  takeAssignment(): readonly SpacedToken[] {
    const head = this.take(2)
    if (!OPENING.includes(this.next?.text ?? '') || this.next?.kind !== 'symbol') return [...head, ...this.take()]
    const start = this.take()
    const inner: SpacedToken[] = []
    while (this.next?.kind === 'symbol' ? !CLOSING.includes(this.next.text) : this.next !== undefined)
      inner.push(...this.takeUnit(), ...(this.next?.text === ',' ? this.take() : []))
    return [...head, ...start, ...inner, ...this.take()]
  }
}

const single = (text: string, tokens: Tokens, variable = false): Section => ({
  opening: null,
  head: [],
  units: [{ text, tokens: tokens.takeAssignment() }],
  closing: null,
  commas: [],
  variable,
})

function listSection(name: string, texts: readonly string[], tokens: Tokens): Section {
  const head = tokens.take(3)
  const commas: SpacedToken[] = []
  const units = texts.map((text): Unit => {
    const unit = { text, tokens: tokens.takeUnit() }
    if (tokens.next?.text === ',') commas.push(...tokens.take())
    return unit
  })
  const [closing = null] = tokens.take()
  return { opening: `${name} = [`, head, units, closing, commas, variable: false }
}

function sectionsOf(ruleset: Ruleset, tokens: Tokens): readonly Section[] {
  const sections: Section[] = []
  const { metadata, sources, variables, defaultLabels, rules, analyzers } = ruleset
  if (tokens.next?.text === 'Metadata') sections.push(single(`Metadata = ${printDictionary(metadata)}`, tokens))
  if (tokens.next?.text === 'DataSources') sections.push(single(`DataSources = ${printDictionary(sources)}`, tokens))
  for (const variable of variables) sections.push(single(printVariable(variable), tokens, true))
  if (tokens.next?.text === 'DefaultLabels')
    sections.push(single(`DefaultLabels = ${printLabels(defaultLabels)}`, tokens))
  if (tokens.next?.text === 'Rules') sections.push(listSection('Rules', rules.map(printRuleWithLabels), tokens))
  if (tokens.next?.text === 'Analyzers') sections.push(listSection('Analyzers', analyzers.map(printAnalyzer), tokens))
  return sections
}

const alone = ({ before }: SpacedToken): readonly Comment[] => before.comments.filter((comment) => comment.alone)
const trailing = (token: SpacedToken | null | undefined): string =>
  (token?.before.comments ?? [])
    .filter((comment) => !comment.alone)
    .map(({ text }) => ` ${text}`)
    .join('')

/** Lines of the comments before and inside of what is printed as one unit; those at the end of a line come after it. */
function commentLines([first, ...others]: readonly SpacedToken[], indent: string): readonly string[] {
  const inside = others.flatMap(({ before }) => before.comments)
  return [...(first === undefined ? [] : alone(first)), ...inside].map(({ text }) => `${indent}${text}`)
}

function printListSection({ opening, head, units, closing, commas }: Section): readonly string[] {
  const [firstUnit] = units
  const lines = [...commentLines(head, ''), `${opening}${trailing(firstUnit?.tokens[0] ?? closing)}`]
  for (const [index, { text, tokens }] of units.entries()) {
    const comma = commas[index]
    const behind = comma === undefined ? closing : units[index + 1]?.tokens[0]
    if (index > 0 && tokens[0]?.before.emptyLine === true) lines.push('')
    lines.push(...commentLines(tokens, '  '))
    lines.push(`  ${text}${comma === undefined ? '' : ','}${trailing(comma)}${trailing(behind)}`)
    if (comma !== undefined) lines.push(...alone(comma).map((comment) => `  ${comment.text}`))
  }
  const last = closing === null ? [] : alone(closing).map(({ text }) => `  ${text}`)
  return units.length + last.length === 0 && lines.at(-1) === opening
    ? [...lines.slice(0, -1), `${opening} ]`]
    : [...lines, ...last, ']']
}

/** Of one section; comments at the end of its last line are in the first token behind it. */
function printSection(section: Section, behind: SpacedToken | undefined): readonly string[] {
  const [unit] = section.units
  const lines =
    section.opening === null ? [...commentLines(unit?.tokens ?? [], ''), unit?.text ?? ''] : printListSection(section)
  return [...lines.slice(0, -1), `${lines.at(-1)}${trailing(behind)}`]
}

const firstToken = ({ head, units }: Section): SpacedToken | undefined => head[0] ?? units[0]?.tokens[0]

/**
 * A ruleset in its canonical form, comments and single empty lines between rules kept. Text behind the last section stays
 * as it is. `null`: it has problems.
 */
export function formatRuleset(text: string, parsed: ParseResult = parseRuleset(text)): string | null {
  const { problems, ruleset } = parsed
  if (problems.length > 0) return null
  const tokens = new Tokens(spacedTokens(text))
  const sections = sectionsOf(ruleset, tokens)
  const end = tokens.next
  const lines: string[] = []
  for (const [index, section] of sections.entries()) {
    const next = sections[index + 1]
    const sameKind = section.variable && sections[index - 1]?.variable === true
    if (index > 0 && (!sameKind || firstToken(section)?.before.emptyLine === true)) lines.push('')
    lines.push(...printSection(section, next === undefined ? end : firstToken(next)))
  }
  const last = end === undefined ? [] : alone(end).map((comment) => comment.text)
  if (last.length > 0 && end?.before.emptyLine === true) lines.push('')
  const rest = end === undefined || end.kind === 'end' ? '' : `${text.slice(end.offset).trimEnd()}\n`
  return `${[...lines, ...last].join('\n')}\n${rest}`
}
