import { type Diagnostic, DiagnosticSeverity, type Range } from 'vscode-languageserver'
import type { TextDocument } from 'vscode-languageserver-textdocument'
import type { Finding } from '../lint.ts'
import { nearestIn } from '../problem.ts'
import { Lexer, type Token } from '../tokens.ts'

/** More say nothing more: something at the beginning is open. */
const MOST = 500
/** Tokens that are searched for the word that a finding is about. */
const NEAR_TOKENS = 60

const rangeOf = (document: TextDocument, { offset, end }: Pick<Token, 'offset' | 'end'>): Range => ({
  start: document.positionAt(offset),
  end: document.positionAt(Math.max(end, offset + 1)),
})

/** The token at a place; one character where there is none. */
function tokenAt(text: string, offset: number): Pick<Token, 'offset' | 'end'> {
  const token = new Lexer(text, offset).next()
  if (token.offset !== offset) return { offset, end: offset + 1 }
  const lineEnd = text.indexOf('\n', offset)
  return { offset, end: lineEnd === -1 ? token.end : Math.min(token.end, lineEnd) }
}

/** What the linter found, where editors show it. */
export function diagnosticsOf(document: TextDocument, findings: readonly Finding[]): readonly Diagnostic[] {
  const text = document.getText()
  return findings.slice(0, MOST).map(({ line, column, severity, code, message }) => ({
    range: rangeOf(document, tokenAt(text, document.offsetAt({ line: line - 1, character: column - 1 }))),
    severity: severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    code,
    source: 'dqdl',
    message,
  }))
}

/** The message of a diagnostic, as plain text. */
export const messageOf = ({ message }: Diagnostic): string => (typeof message === 'string' ? message : message.value)

/** A word that is misspelled, and the nearest valid one. */
export interface Misspelling {
  readonly range: Range
  readonly found: string
  readonly nearest: string
  /** It stands in quotes, which stay. */
  readonly quoted: boolean
}

/** True of the words that a message quotes, or, if it quotes none, of all its words. */
function namedIn(message: string, nearest: string): (word: string) => boolean {
  const quoted = [...message.matchAll(/"([^"]*)"/g)].flatMap(([, word]) => (word === nearest ? [] : [word]))
  const named = new Set(quoted.length > 0 ? quoted : message.split(/\s+/))
  return (word) => named.has(word)
}

/** The misspelled word that a diagnostic is about, in the text from its place on; `null`: it is about something else. */
export function misspellingOf(document: TextDocument, diagnostic: Diagnostic): Misspelling | null {
  const message = messageOf(diagnostic)
  const nearest = nearestIn(message)
  if (nearest === null) return null
  const isNamed = namedIn(message, nearest)
  const lexer = new Lexer(document.getText(), document.offsetAt(diagnostic.range.start))
  for (let count = 0; count < NEAR_TOKENS; count += 1) {
    const token = lexer.next()
    if (token.kind === 'end') return null
    const quoted = token.kind === 'string'
    const isWord = quoted || token.kind === 'identifier' || token.kind === 'word'
    if (!isWord || token.text === nearest || !isNamed(token.text)) continue
    const inner = quoted ? { offset: token.offset + 1, end: token.end - 1 } : token
    return { range: rangeOf(document, inner), found: token.text, nearest, quoted }
  }
  return null
}
