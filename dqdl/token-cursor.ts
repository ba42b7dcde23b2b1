import type { Position } from './ast.ts'
import type { ReadRule } from './parse-memo.ts'
import { nearestHint, type Problem } from './problem.ts'
import type { SyntaxExpression } from './syntax.ts'
import { Lexer, LineIndex, type Token, type Unreadable } from './tokens.ts'

/** Thrown inside a list item or section; caught where parsing can go on. */
export class Unexpected extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.message)
    this.problem = problem
  }
}

const QUOTES = {
  open: { code: 'unreadable', message: 'String is not closed', hint: 'Add the closing quote' },
  single: { code: 'unreadable', message: 'Unexpected character "\'"', hint: 'Strings stand in double quotes' },
} as const

/** Of durations and sizes. */
const UNITS = ['days', 'hours', 'minutes', 'B', 'KB', 'MB', 'GB', 'TB']

/** Of parentheses in each other, and of terms of one operand. */
export const MAX_DEPTH = 500

export const isOneOf = (text: string, ...words: readonly string[]): boolean => words.includes(text)

/** Reads tokens, expects some of them, and collects problems; parsing goes on behind the broken item of a list. */
export class TokenCursor {
  readonly problems: Problem[] = []
  protected token: Token
  /** The kind of the token before. */
  protected previous: Token['kind'] = 'symbol'
  readonly #text: string
  readonly #lexer: Lexer
  readonly #lines: LineIndex
  #ahead: Token | null = null
  #unreadable = 0
  #depth = 0
  readonly #reported = new Set<number>()

  constructor(text: string) {
    this.#text = text
    this.#lexer = new Lexer(text)
    this.#lines = new LineIndex(text)
    this.token = this.#read()
  }

  #read(): Token {
    const token = this.#lexer.next()
    const { unreadable } = this.#lexer
    for (; this.#unreadable < unreadable.length; this.#unreadable += 1)
      this.#reportUnreadable(unreadable[this.#unreadable])
    return token
  }

  #reportUnreadable(unreadable: Unreadable | undefined): void {
    if (unreadable === undefined) return
    const { offset, message, hint } = unreadable
    this.problems.push({ code: 'unreadable', message, at: this.#lines.positionOf(offset), hint: hint ?? null })
  }

  protected advance(): void {
    this.previous = this.token.kind
    this.token = this.#ahead ?? this.#read()
    this.#ahead = null
  }

  protected peek(): Token {
    this.#ahead ??= this.#read()
    return this.#ahead
  }

  /** True when `=`, `[` and a word come behind the token; they are only looked at. */
  protected listOfRulesFollows(): boolean {
    const ahead = new Lexer(this.#text, this.token.end)
    const [equals, bracket, item] = [ahead.next(), ahead.next(), ahead.next()]
    return equals.text === '=' && bracket.text === '[' && item.kind === 'identifier'
  }

  /** Takes over a rule of an earlier text: goes on behind it. */
  protected passOver({ end }: ReadRule): void {
    this.#lexer.seek(end)
    this.#ahead = null
    this.previous = 'symbol'
    this.token = this.#read()
  }

  protected beginRule(): number {
    this.#lexer.forgetReach()
    return this.token.offset
  }
  /** What {@link ParseMemo} keeps of a rule that began at an offset and ends before this token. */
  protected readRule(offset: number, syntax: SyntaxExpression): ReadRule {
    const { line } = this.#lines.positionOf(offset)
    const lineStart = this.#lines.lineStart(offset)
    return { offset, end: this.token.offset, reach: this.#lexer.reach, lineStart, kept: { syntax, line } }
  }

  protected at(): Position {
    return this.#lines.positionOf(this.token.offset)
  }

  protected isWord(word: string): boolean {
    return this.token.kind === 'word' && this.token.text === word
  }
  protected takeWord(word: string): boolean {
    const is = this.isWord(word)
    if (is) this.advance()
    return is
  }
  protected isSymbol(symbol: string): boolean {
    return this.token.kind === 'symbol' && this.token.text === symbol
  }
  protected takeSymbol(symbol: string): boolean {
    const is = this.isSymbol(symbol)
    if (is) this.advance()
    return is
  }
  protected expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) this.fail(`"${symbol}"`, 'syntax')
  }
  protected string(expected: string): string {
    const { kind, text } = this.token
    if (kind !== 'string') {
      const dated = kind === 'day' || kind === 'time12' || kind === 'time24'
      this.fail(expected, 'string_expected', dated ? 'A quoted date or time is not a text' : null)
    }
    this.advance()
    return text
  }

  protected problem(expected: string, code: string, hint: string | null = null): Problem {
    if (this.token.kind === 'quote') return { ...QUOTES[this.token.text === '"' ? 'open' : 'single'], at: this.at() }
    const found = this.token.kind === 'end' ? 'the end of the text' : `"${this.token.text}"`
    return { code, message: `Expected ${expected}, found ${found}`, at: this.at(), hint }
  }
  protected fail(expected: string, code: string, hint: string | null = null): never {
    throw new Unexpected(this.problem(expected, code, hint))
  }
  protected report(code: string, message: string, at: Position, hint: string | null = null): void {
    this.problems.push({ code, message, at, hint })
  }

  /** One level deeper in parentheses or calls, of which there may not be so many that no evaluator can follow. */
  protected deeper<T>(work: () => T): T {
    this.#depth += 1
    try {
      if (this.#depth > MAX_DEPTH)
        throw new Unexpected({
          code: 'nested_too_deep',
          message: `More than ${MAX_DEPTH} levels of parentheses`,
          at: this.at(),
          hint: null,
        })
      return work()
    } finally {
      this.#depth -= 1
    }
  }

  /** False when the work met something unexpected, which is reported once for each place. */
  protected guard(work: () => void): boolean {
    try {
      work()
      return true
    } catch (thrown) {
      if (!(thrown instanceof Unexpected)) throw thrown
      const { line, column } = thrown.problem.at
      const place = line * 1e6 + column
      if (!this.#reported.has(place)) this.problems.push(thrown.problem)
      this.#reported.add(place)
      return false
    }
  }

  /** `[ item, … ]`; a broken item is reported and passed over. */
  protected list(mayBeEmpty: boolean, item: () => void): void {
    this.expectSymbol('[')
    if (mayBeEmpty && this.takeSymbol(']')) return
    for (;;) {
      if (!this.guard(item)) this.skipItem()
      if (this.takeSymbol(',')) {
        if (this.isSymbol(']')) {
          this.report('trailing_comma', 'Unexpected "]" after ","', this.at(), 'Remove the last comma')
          this.advance()
          return
        }
        continue
      }
      if (this.takeSymbol(']')) return
      if (this.token.kind === 'end') {
        this.endInList()
        return
      }
      this.guard(() => this.fail('"," or "]"', 'syntax', this.itemHint()))
      if (this.startsItem()) continue
      this.skipItem()
      if (this.takeSymbol(',')) continue
      if (this.takeSymbol(']')) return
      throw new Unexpected(this.problem('"]"', 'unclosed_list'))
    }
  }

  /** A string that is not closed has taken the end of the list with it. */
  protected endInList(): void {
    if (this.previous !== 'quote') this.fail('"," or "]"', 'unclosed_list')
  }

  /** True where an item begins, though no comma is before it. */
  protected startsItem(): boolean {
    return false
  }

  protected itemHint(): string | null {
    const { kind, text } = this.token
    if (this.startsItem()) return 'Put a comma before it'
    if (this.previous === 'integer' && kind === 'identifier') {
      const unit = nearestHint(text, UNITS)
      if (unit !== null) return unit
    }
    if (text === 'where' || text === 'labels' || text === 'with') return 'They stand in this order: where, labels, with'
    if (text === 'not') return 'A rule cannot be negated: negate its condition'
    if (text === '/') return 'Comments start with #'
    if (kind === 'identifier') return nearestHint(text, ['and', 'or', 'where', 'with', 'labels', 'between'])
    return null
  }

  /** To the next "," or "]" of the list the broken item stands in. */
  protected skipItem(): void {
    let depth = 0
    for (; this.token.kind !== 'end'; this.advance()) {
      if (this.token.kind !== 'symbol') {
        if (depth === 0 && this.token.kind === 'word' && this.startsSection()) return
        continue
      }
      if (depth === 0 && isOneOf(this.token.text, ',', ']')) return
      if (isOneOf(this.token.text, '[', '(')) depth += 1
      if (isOneOf(this.token.text, ']', ')')) depth = Math.max(0, depth - 1)
    }
  }

  protected startsSection(): boolean {
    return isOneOf(this.token.text, 'Rules', 'Analyzers') && this.peek().text === '='
  }
}
