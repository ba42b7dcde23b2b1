import { Lexer, type Token } from './tokens.ts'

/** A comment of a ruleset, from its `#` on, without the blanks at its end. */
export interface Comment {
  readonly offset: number
  readonly text: string
  /** Nothing but blanks stands before it in its line. */
  readonly alone: boolean
}

/** What stands between two tokens. */
export interface Gap {
  readonly comments: readonly Comment[]
  /** An empty line stands before the next token or before the first comment that stands alone. */
  readonly emptyLine: boolean
}
export interface SpacedToken extends Token {
  readonly before: Gap
}

const COMMENT = /#[^\n]*/g
const isAlone = (text: string, offset: number): boolean => /(?:^|\n)[ \t]*$/.test(text.slice(0, offset).slice(-200))

const NOTHING: Gap = { comments: [], emptyLine: false }

function gapOf(text: string, from: number, to: number): Gap {
  if (to - from < 2) return NOTHING
  const between = text.slice(from, to)
  const comments = [...between.matchAll(COMMENT)].map(({ index, 0: comment }) => ({
    offset: from + index,
    text: comment.trimEnd(),
    alone: isAlone(text, from + index),
  }))
  return { comments, emptyLine: /\n[ \t]*\n/.test(between) }
}

/** Every token with the comments before it, `end` last. */
export function spacedTokens(text: string): readonly SpacedToken[] {
  const lexer = new Lexer(text)
  const tokens: SpacedToken[] = []
  let end = 0
  for (;;) {
    const token = lexer.next()
    tokens.push({ ...token, before: gapOf(text, end, token.offset) })
    if (token.kind === 'end') return tokens
    end = token.end
  }
}
