import type { Position } from './ast.ts'

/** `identifier`, `integer`, `decimal` and reserved words are told apart by their text alone; see {@link RESERVED_WORDS}. */
export type TokenKind =
  | 'word'
  | 'identifier'
  | 'integer'
  | 'decimal'
  | 'string'
  | 'day'
  | 'time12'
  | 'time24'
  | 'now'
  | 'symbol'
  /** A quote that opens no string: no rule takes it, but it may stand behind the last section. */
  | 'quote'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As written; for strings, days and times what stands between the quotes. */
  readonly text: string
  readonly offset: number
  /** Offset behind the token. */
  readonly end: number
}

/** What is no token: it is passed over. */
export interface Unreadable {
  readonly offset: number
  readonly message: string
  readonly hint?: string
}

const ALSO_UPPER = ['and', 'or', 'of', 'null', 'empty', 'whitespaces_only']
export const SECTIONS = ['Metadata', 'DataSources', 'DefaultLabels', 'Rules', 'Analyzers'] as const
export const RESERVED_WORDS: ReadonlySet<string> = new Set([
  ...SECTIONS,
  ...['labels', 'where', 'with', 'matches', 'between', 'in', 'not', 'days', 'hours', 'minutes'],
  ...['B', 'KB', 'MB', 'GB', 'TB'],
  ...ALSO_UPPER,
  ...ALSO_UPPER.map((word) => word.toUpperCase()),
])

const SYMBOLS: ReadonlyMap<number, string> = new Map([...'{}[](),:=!<>+-*/$'].map((each) => [each.charCodeAt(0), each]))
const DAY = /^\d{4}-\d{2}-\d{2}$/
const TIME12 = /^\d{1,2}:\d{2} (?:AM|PM)$/
const TIME24 = /^\d{2}:\d{2}$/
/** The longest of them, `"12:30 PM"` and `"2031-05-06"`, have 8 and 10 characters. */
const LONGEST_DATED = 10
const LONGEST_RESERVED = 'whitespaces_only'.length

const code = (character: string): number => character.charCodeAt(0)
const ZERO = code('0')
const NINE = code('9')
const POINT = code('.')
const QUOTE = code('"')
const APOSTROPHE = code("'")
const BACKSLASH = code('\\')
const HASH = code('#')
const LESS = code('<')
const GREATER = code('>')
const EQUALS = code('=')
const BLANKS: readonly number[] = [...' \n\t'].map(code)
const isBlank = (character: number): boolean =>
  character === BLANKS[0] || character === BLANKS[1] || character === BLANKS[2]

/** 1 for the characters of words and numbers. */
const OF_WORDS = new Uint8Array(128)
for (const each of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.') OF_WORDS[code(each)] = 1

/** Offset of the closing quote of the string that opens at `open`, or -1. Escaped quotes and backslashes are pairs. */
function closingQuote(text: string, open: number): number {
  const first = text.indexOf('"', open + 1)
  if (first === -1) return -1
  if (text.charCodeAt(first - 1) !== BACKSLASH) return first
  let lastEscapedQuote = -1
  for (let at = open + 1; at < text.length; at += 1) {
    const character = text.charCodeAt(at)
    if (character === QUOTE) return at
    if (character !== BACKSLASH) continue
    const next = text.charCodeAt(at + 1)
    if (next === QUOTE) lastEscapedQuote = at + 1
    if (next === QUOTE || next === BACKSLASH) at += 1
  }
  // The reference falls back to the shorter reading when the text ends before the string does.
  return lastEscapedQuote
}

const stringKind = (content: string): TokenKind => {
  const start = content.charCodeAt(0)
  if (content.length > LONGEST_DATED || !(start >= ZERO && start <= NINE)) return 'string'
  if (DAY.test(content)) return 'day'
  if (TIME24.test(content)) return 'time24'
  return TIME12.test(content) ? 'time12' : 'string'
}
const wordKind = (word: string): TokenKind => {
  const start = word.charCodeAt(0)
  if (start > NINE || start === POINT)
    return word.length <= LONGEST_RESERVED && RESERVED_WORDS.has(word) ? 'word' : 'identifier'
  if (/^\d+$/.test(word)) return 'integer'
  return /^\d+\.\d+$/.test(word) ? 'decimal' : 'identifier'
}

const UNREADABLE: Readonly<Record<string, { readonly message: string; readonly hint: string }>> = {
  '\r': { message: 'Unexpected carriage return', hint: 'Save the file with LF line ends' },
  '\ufeff': { message: 'Unexpected byte order mark', hint: 'Save the file as UTF-8 without a byte order mark' },
  '`': { message: 'Unexpected character "`"', hint: 'Names with blanks stand in double quotes' },
  '&': { message: 'Unexpected character "&"', hint: 'Write and' },
  '|': { message: 'Unexpected character "|"', hint: 'Write or' },
  '%': { message: 'Unexpected character "%"', hint: 'Ratios are numbers from 0 to 1: 95% is 0.95' },
}
const describeUnreadable = (text: string, offset: number) => {
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0)
  return UNREADABLE[character] ?? { message: `Unexpected character ${JSON.stringify(character)}` }
}

/** Reads one token after another; the longest wins. Nothing is read that the parser does not ask for. */
export class Lexer {
  /** What was passed over so far. */
  readonly unreadable: Unreadable[] = []
  readonly #text: string
  #offset: number
  #reach = 0

  constructor(text: string, offset = 0) {
    this.#text = text
    this.#offset = offset
  }

  /** Behind the last character that was looked at. */
  get reach(): number {
    return Math.max(this.#reach, this.#offset)
  }

  forgetReach(): void {
    this.#reach = 0
  }

  /** Goes on from another place. */
  seek(offset: number): void {
    this.#offset = offset
  }

  next(): Token {
    const text = this.#text
    for (;;) {
      const offset = this.#offset
      if (offset >= text.length) return { kind: 'end', text: '', offset, end: offset }
      const character = text.charCodeAt(offset)
      if (isBlank(character)) this.#offset = offset + 1
      else if (OF_WORDS[character] === 1) return this.#word(offset)
      else if (character === QUOTE) return this.#string(offset)
      else if (character === HASH) this.#comment(offset)
      else {
        const symbol = SYMBOLS.get(character)
        if (symbol !== undefined) return this.#symbol(symbol, character, offset)
        if (character === APOSTROPHE) return this.#token('quote', "'", offset, offset + 1)
        this.unreadable.push({ offset, ...describeUnreadable(text, offset) })
        this.#offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1
      }
    }
  }

  #token(kind: TokenKind, text: string, offset: number, end: number): Token {
    this.#offset = end
    return { kind, text, offset, end }
  }

  #word(offset: number): Token {
    const text = this.#text
    let end = offset + 1
    while (OF_WORDS[text.charCodeAt(end)] === 1) end += 1
    const word = text.slice(offset, end)
    if (word === 'now' && text.startsWith('()', end)) return this.#token('now', 'now()', offset, end + 2)
    return this.#token(wordKind(word), word, offset, end)
  }

  #string(offset: number): Token {
    const close = closingQuote(this.#text, offset)
    if (close !== -1 && this.#text.charCodeAt(close - 1) === BACKSLASH) this.#reach = this.#text.length
    if (close === -1) return this.#token('quote', '"', offset, this.#text.length)
    const content = this.#text.slice(offset + 1, close)
    return this.#token(stringKind(content), content, offset, close + 1)
  }

  #symbol(symbol: string, character: number, offset: number): Token {
    const two = (character === LESS || character === GREATER) && this.#text.charCodeAt(offset + 1) === EQUALS
    return two
      ? this.#token('symbol', `${symbol}=`, offset, offset + 2)
      : this.#token('symbol', symbol, offset, offset + 1)
  }

  #comment(offset: number): void {
    const lineEnd = this.#text.indexOf('\n', offset)
    if (lineEnd === -1)
      this.unreadable.push({ offset, message: 'Comment has no line end', hint: 'End the file with a line feed' })
    this.#offset = lineEnd === -1 ? this.#text.length : lineEnd + 1
  }
}

/** Turns offsets into positions by the line starts of a text. */
export class LineIndex {
  readonly #starts: readonly number[]
  #line = 0

  constructor(text: string) {
    const starts = [0]
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    this.#starts = starts
  }

  positionOf(offset: number): Position {
    const line = this.#lineOf(offset)
    return { line: line + 1, column: offset - (this.#starts[line] ?? 0) + 1 }
  }

  /** Offset of the line that an offset lies in. */
  lineStart(offset: number): number {
    return this.#starts[this.#lineOf(offset)] ?? 0
  }

  /** Quick where offsets are asked from the beginning to the end. */
  #lineOf(offset: number): number {
    const starts = this.#starts
    let line = this.#line
    if ((starts[line] ?? 0) > offset || (starts[line + 2] ?? Number.POSITIVE_INFINITY) <= offset)
      line = this.#search(offset)
    else if ((starts[line + 1] ?? Number.POSITIVE_INFINITY) <= offset) line += 1
    this.#line = line
    return line
  }

  #search(offset: number): number {
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low
  }
}
