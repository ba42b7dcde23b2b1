import type { Position, RuleExpression } from '../ast.ts'
import { Lexer, type Token } from '../tokens.ts'

/** Where in a ruleset something is typed. */
export interface Cursor {
  /** `head`: before, between and behind the lists; `comment`: nothing can be proposed. */
  readonly section: 'head' | 'Rules' | 'Analyzers' | 'comment'
  /** Of the rule or analyzer (a part of a composite is one), or of the head, before the word at the cursor. */
  readonly tokens: readonly Token[]
  /** A rule in parentheses has just ended. */
  readonly closed: boolean
  /** Offset of the word at the cursor, behind the opening quote where it stands in quotes. */
  readonly from: number
  /** From there to the cursor. */
  readonly word: string
  readonly quoted: boolean
}

const isWordLike = ({ kind }: Token): boolean => ['word', 'identifier', 'integer', 'decimal', 'now'].includes(kind)
const isConnector = (token: Token, ...words: readonly string[]): boolean =>
  token.kind === 'word' && words.includes(token.text.toLowerCase())

/** True when a condition stands in the tokens and nothing of it is missing. */
export function hasWholeCondition(tokens: readonly Token[]): boolean {
  const start = tokens.findIndex((token, index) => index > 0 && startsCondition(token))
  const condition = start === -1 ? [] : tokens.slice(start)
  const last = condition.at(-1)
  if (last === undefined || startsCondition(last) || last.text === ',' || last.text === '[') return false
  const between = condition.some((token) => token.kind === 'word' && token.text === 'between')
  return !between || (condition.some((token) => isConnector(token, 'and')) && !isConnector(last, 'and'))
}
export const startsCondition = ({ kind, text }: Token): boolean =>
  kind === 'word'
    ? ['between', 'in', 'not', 'matches'].includes(text)
    : kind === 'symbol' && ['>', '>=', '<', '<=', '=', '!'].includes(text)

/** Follows the tokens up to the cursor and knows the list and the rule that they have led into. */
class Walk {
  section: 'head' | 'Rules' | 'Analyzers'
  tokens: Token[] = []
  closed = false
  #depth = 0

  constructor(section: 'head' | 'Rules') {
    this.section = section
  }

  step(token: Token): void {
    if (this.section === 'head') this.#inHead(token)
    else this.#inList(token)
  }

  #inHead(token: Token): void {
    const name = this.tokens.at(-2)?.text
    if (token.text === '[' && this.tokens.at(-1)?.text === '=' && (name === 'Rules' || name === 'Analyzers')) {
      this.section = name
      this.#restart()
    } else this.tokens.push(token)
  }

  #restart(closed = false): void {
    this.tokens = []
    this.closed = closed
    this.#depth = 0
  }

  #inList(token: Token): void {
    if (token.kind !== 'symbol') {
      const logical = this.closed || token.text.toLowerCase() === 'or' || hasWholeCondition(this.tokens)
      if (isConnector(token, 'and', 'or') && logical && this.#depth === 0) this.#restart()
      else this.tokens.push(token)
      return
    }
    const { text } = token
    if (this.#depth === 0 && text === ',') this.#restart()
    else if (this.#depth === 0 && text === ']') this.#leave()
    else if (this.#depth === 0 && text === ')') this.#restart(true)
    else if (!(text === '(' && this.tokens.length === 0)) this.#within(token)
  }

  #within(token: Token): void {
    if (token.text === '[' || token.text === '(') this.#depth += 1
    if (token.text === ']' || token.text === ')') this.#depth -= 1
    this.tokens.push(token)
  }

  #leave(): void {
    this.section = 'head'
    this.#restart()
  }
}

const isBefore = (one: Position, other: Position): boolean =>
  one.line < other.line || (one.line === other.line && one.column <= other.column)

/** The last rule that begins at or before a place. */
function ruleBefore(rules: readonly RuleExpression[], place: Position): RuleExpression | null {
  let low = 0
  let high = rules.length
  while (low < high) {
    const middle = (low + high) >> 1
    const rule = rules[middle]
    if (rule !== undefined && isBefore(rule.at, place)) low = middle + 1
    else high = middle
  }
  return rules[low - 1] ?? null
}

/**
 * What is being typed at an offset.
 * @param rules of the last parse, to begin near the cursor
 * @param place of the offset
 * @param offsetOf the offset of a place
 */
export function cursorAt(
  text: string,
  offset: number,
  rules: readonly RuleExpression[],
  place: Position,
  offsetOf: (place: Position) => number,
): Cursor {
  const rule = ruleBefore(rules, place)
  const start = rule === null ? 0 : offsetOf(rule.at)
  const walk = new Walk(rule === null ? 'head' : 'Rules')
  const lexer = new Lexer(text, start)
  let end = start
  for (;;) {
    const token = lexer.next()
    const { tokens, closed, section } = walk
    if (token.kind === 'end' || token.offset >= offset) break
    const inside = token.kind === 'quote' || offset < token.end
    if (['string', 'quote', 'day', 'time12', 'time24'].includes(token.kind)) {
      if (inside)
        return {
          section,
          tokens,
          closed,
          from: token.offset + 1,
          word: text.slice(token.offset + 1, offset),
          quoted: true,
        }
    } else if (isWordLike(token) && offset <= token.end)
      return { section, tokens, closed, from: token.offset, word: text.slice(token.offset, offset), quoted: false }
    walk.step(token)
    end = token.end
  }
  const { tokens, closed, section } = walk
  const inComment = /#[^\n]*$/.test(text.slice(end, offset))
  return { section: inComment ? 'comment' : section, tokens, closed, from: offset, word: '', quoted: false }
}
