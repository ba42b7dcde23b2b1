import { SqlError } from './sql-error.ts'

/** A token of SQL text: a word is folded to lower case, a quoted identifier keeps its letters. */
export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'symbol' | 'end'
  /** Without quotes. */
  readonly value: string
  readonly start: number
  readonly end: number
}

const TOKEN =
  /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|"(?<name>(?:[^"]|"")+)"|'(?<text>(?:[^']|'')*)'|(?<number>\d+(?:\.\d+)?|\.\d+)|(?<symbol>[\s\S])/y

const tokenOf = (match: RegExpExecArray, start: number): Token | null => {
  const end = start + match[0].length
  const { word, name, text, number, symbol } = match.groups ?? {}
  if (word !== undefined) return { kind: 'word', value: word.toLowerCase(), start, end }
  if (name !== undefined) return { kind: 'name', value: name.replaceAll('""', '"'), start, end }
  if (text !== undefined) return { kind: 'text', value: text.replaceAll("''", "'"), start, end }
  if (number !== undefined) return { kind: 'number', value: number, start, end }
  return symbol === undefined ? null : { kind: 'symbol', value: symbol, start, end }
}

/** Splits SQL into tokens; the last one is `end`. White space and comments are left out. */
export function tokenize(sql: string): readonly Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  for (let start = 0; start < sql.length; start = TOKEN.lastIndex) {
    TOKEN.lastIndex = start
    const match = TOKEN.exec(sql)
    if (match === null) throw new SqlError(`syntax error at or near "${sql.slice(start, start + 20)}"`)
    const token = tokenOf(match, start)
    if (token !== null) tokens.push(token)
  }
  tokens.push({ kind: 'end', value: '', start: sql.length, end: sql.length })
  return tokens
}

/** Reads tokens one after another; what is not as expected is a syntax error that names the token. */
export class TokenReader {
  private readonly tokens: readonly Token[]
  private position = 0

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens
  }

  peek(ahead = 0): Token {
    const token = this.tokens[Math.min(this.position + ahead, this.tokens.length - 1)]
    if (token === undefined) throw new SqlError('syntax error at end of input')
    return token
  }

  next(): Token {
    const token = this.peek()
    this.position += 1
    return token
  }

  fail(): never {
    const { kind, value } = this.peek()
    throw new SqlError(kind === 'end' ? 'syntax error at end of input' : `syntax error at or near "${value}"`)
  }

  /** Takes these words if they come next, all of them or none. */
  accept(...words: readonly string[]): boolean {
    const here = words.every((word, index) => {
      const token = this.peek(index)
      return (token.kind === 'word' || token.kind === 'symbol') && token.value === word
    })
    if (here) this.position += words.length
    return here
  }

  expect(...words: readonly string[]): void {
    if (!this.accept(...words)) this.fail()
  }

  /** An identifier, quoted or not. */
  name(): string {
    const token = this.peek()
    if (token.kind !== 'word' && token.kind !== 'name') this.fail()
    this.position += 1
    return token.value
  }

  text(): string {
    if (this.peek().kind !== 'text') this.fail()
    return this.next().value
  }

  /** `relation` or `schema.relation` */
  qualifiedName(): { readonly schema: string | null; readonly name: string } {
    const first = this.name()
    return this.accept('.') ? { schema: first, name: this.name() } : { schema: null, name: first }
  }

  /** The items of a comma separated list. */
  list<T>(item: () => T): readonly T[] {
    const items = [item()]
    while (this.accept(',')) items.push(item())
    return items
  }

  /** The tokens between this `(` and the `)` that closes it. */
  parenthesized(): readonly Token[] {
    this.expect('(')
    const inner: Token[] = []
    for (let depth = 1; ; ) {
      const token = this.next()
      if (token.kind === 'end') this.fail()
      if (token.kind === 'symbol') depth += token.value === '(' ? 1 : token.value === ')' ? -1 : 0
      if (depth === 0) return inner
      inner.push(token)
    }
  }

  end(): void {
    this.accept(';')
    if (this.peek().kind !== 'end') this.fail()
  }
}
