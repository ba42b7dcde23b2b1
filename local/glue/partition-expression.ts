/** The filter of GetPartitions: comparisons of partition keys with literals, joined by AND and OR. */
import { AwsError } from '../service.ts'

/** True for a partition with these key values. */
export type PartitionTest = (values: Readonly<Record<string, string>>) => boolean

type Token = { readonly kind: 'word' | 'text' | 'symbol'; readonly text: string }

const TOKEN = /\s*(?:'((?:[^']|'')*)'|([A-Za-z_][\w.]*|-?\d[\w.-]*)|(<=|>=|<>|!=|[=<>(),]))/y

/** @throws AwsError `InvalidInputException` for what is not such an expression */
export function parsePartitionExpression(expression: string): PartitionTest {
  if (expression.trim() === '') return () => true
  const tokens = tokenize(expression)
  let position = 0
  const peek = (): Token | undefined => tokens[position]
  const isWord = (word: string): boolean => peek()?.kind === 'word' && peek()?.text.toUpperCase() === word
  const fail = (): never => {
    throw new AwsError('InvalidInputException', `Unsupported expression '${expression}'`)
  }
  const take = (): Token => {
    const token = tokens[position]
    position += 1
    return token ?? fail()
  }
  const expect = (text: string): void => {
    if (take().text !== text) fail()
  }
  const literal = (): string => {
    const token = take()
    return token.kind === 'symbol' ? fail() : token.text
  }
  const either = (): PartitionTest => {
    let left = both()
    while (isWord('OR')) {
      position += 1
      const [first, second] = [left, both()]
      left = (values) => first(values) || second(values)
    }
    return left
  }
  const both = (): PartitionTest => {
    let left = comparison()
    while (isWord('AND')) {
      position += 1
      const [first, second] = [left, comparison()]
      left = (values) => first(values) && second(values)
    }
    return left
  }
  const comparison = (): PartitionTest => {
    if (peek()?.text === '(' && peek()?.kind === 'symbol') {
      position += 1
      const inner = either()
      expect(')')
      return inner
    }
    const name = take()
    if (name.kind !== 'word') fail()
    if (isWord('IN')) {
      position += 1
      expect('(')
      const wanted = [literal()]
      while (peek()?.text === ',') {
        position += 1
        wanted.push(literal())
      }
      expect(')')
      return (values) => wanted.includes(values[name.text] ?? '')
    }
    const compare = COMPARISONS[take().text] ?? fail()
    const wanted = literal()
    return (values) => compare(values[name.text] ?? '', wanted)
  }
  const test = either()
  return position === tokens.length ? test : fail()
}

const COMPARISONS: Readonly<Record<string, (left: string, right: string) => boolean>> = {
  '=': (left, right) => left === right,
  '<>': (left, right) => left !== right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
}

function tokenize(expression: string): Token[] {
  const tokens: Token[] = []
  const pattern = new RegExp(TOKEN)
  const end = expression.trimEnd().length
  while (pattern.lastIndex < end) {
    const match = pattern.exec(expression)
    if (match === null) throw new AwsError('InvalidInputException', `Unsupported expression '${expression}'`)
    const [, text, word, symbol] = match
    if (text !== undefined) tokens.push({ kind: 'text', text: text.replaceAll("''", "'") })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else tokens.push({ kind: 'symbol', text: symbol ?? '' })
  }
  return tokens
}
