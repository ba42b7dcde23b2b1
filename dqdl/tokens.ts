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
  /** What could not be read between the token before and this one. */
  readonly unreadable: readonly { readonly offset: number; readonly message: string; readonly hint?: string }[]
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

const WORD = /[A-Za-z0-9_.]+/y
const SYMBOLS = new Set('{}[](),:=!<>+-*/$')
const DAY = /^\d{4}-\d{2}-\d{2}$/
const TIME12 = /^\d{1,2}:\d{2} (?:AM|PM)$/
const TIME24 = /^\d{2}:\d{2}$/

/** Offset of the closing quote of the string that opens at `open`, or -1. Escaped quotes and backslashes are pairs. */
function closingQuote(text: string, open: number): number {
  let lastEscapedQuote = -1
  for (let at = open + 1; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') return at
    if (character !== '\\') continue
    const next = text[at + 1]
    if (next === '"') lastEscapedQuote = at + 1
    if (next === '"' || next === '\\') at += 1
  }
  // The reference falls back to the shorter reading when the text ends before the string does.
  return lastEscapedQuote
}

const stringKind = (content: string): TokenKind => {
  if (DAY.test(content)) return 'day'
  if (TIME24.test(content)) return 'time24'
  return TIME12.test(content) ? 'time12' : 'string'
}
const wordKind = (word: string): TokenKind => {
  if (RESERVED_WORDS.has(word)) return 'word'
  if (/^\d+$/.test(word)) return 'integer'
  return /^\d+\.\d+$/.test(word) ? 'decimal' : 'identifier'
}

const UNREADABLE: Readonly<Record<string, { readonly message: string; readonly hint: string }>> = {
  '\r': { message: 'Unexpected carriage return', hint: 'Save the file with LF line ends' },
  '\ufeff': { message: 'Unexpected byte order mark', hint: 'Save the file as UTF-8 without a byte order mark' },
  '`': { message: 'Unexpected character "`"', hint: 'Names with blanks stand in double quotes' },
  '%': { message: 'Unexpected character "%"', hint: 'Ratios are numbers from 0 to 1: 95% is 0.95' },
}
const describeUnreadable = (text: string, offset: number) => {
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0)
  return UNREADABLE[character] ?? { message: `Unexpected character ${JSON.stringify(character)}` }
}

/** Reads one token after another; the longest wins. Nothing is read that the parser does not ask for. */
export class Lexer {
  readonly #text: string
  #offset = 0

  constructor(text: string) {
    this.#text = text
  }

  next(): Token {
    const unreadable: { offset: number; message: string; hint?: string }[] = []
    for (;;) {
      this.#skipBlanks()
      const offset = this.#offset
      if (offset >= this.#text.length) return { kind: 'end', text: '', offset, end: offset, unreadable }
      const token = this.#read(offset, unreadable)
      if (token !== null) return token
    }
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#offset)
      if (code === 32 || code === 10 || code === 9) this.#offset += 1
      else return
    }
  }

  /** `null`: a comment or something unreadable was passed over. */
  #read(offset: number, unreadable: { offset: number; message: string; hint?: string }[]): Token | null {
    const text = this.#text
    const token = (kind: TokenKind, end: number, content = text.slice(offset, end)): Token => {
      this.#offset = end
      return { kind, text: content, offset, end, unreadable }
    }
    const character = text[offset] ?? ''
    WORD.lastIndex = offset
    const word = WORD.exec(text)?.[0]
    if (word !== undefined) {
      if (word === 'now' && text.startsWith('()', offset + 3)) return token('now', offset + 5)
      return token(wordKind(word), offset + word.length)
    }
    if (character === '"') {
      const close = closingQuote(text, offset)
      if (close !== -1) {
        const content = text.slice(offset + 1, close)
        return token(stringKind(content), close + 1, content)
      }
      return token('quote', text.length, character)
    }
    if (character === "'") return token('quote', offset + 1)
    if (character === '#') {
      const lineEnd = text.indexOf('\n', offset)
      if (lineEnd === -1)
        unreadable.push({ offset, message: 'Comment has no line end', hint: 'End the file with a line feed' })
      this.#offset = lineEnd === -1 ? text.length : lineEnd + 1
      return null
    }
    if (SYMBOLS.has(character)) {
      const two = (character === '<' || character === '>') && text[offset + 1] === '='
      return token('symbol', offset + (two ? 2 : 1))
    }
    unreadable.push({ offset, ...describeUnreadable(text, offset) })
    this.#offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1
    return null
  }
}

/** Turns offsets into positions by the line starts of a text. */
export class LineIndex {
  readonly #starts: readonly number[]

  constructor(text: string) {
    const starts = [0]
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    this.#starts = starts
  }

  positionOf(offset: number): Position {
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 }
  }
}
