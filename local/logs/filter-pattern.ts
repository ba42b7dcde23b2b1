/** Filter patterns of CloudWatch Logs: terms, and comparisons of JSON members. */
import { isJsonObject } from '../../core/json.ts'
import { AwsError } from '../service.ts'

export type MessageFilter = (message: string) => boolean

const invalid = (pattern: string): AwsError =>
  new AwsError('InvalidParameterException', `Invalid filter pattern: "${pattern}"`)

/** @throws AwsError `InvalidParameterException` for a pattern that cannot be read */
export function compileFilter(pattern: string): MessageFilter {
  const text = pattern.trim()
  if (text === '') return () => true
  return text.startsWith('{') ? jsonFilter(text) : termFilter(text)
}

/** All terms must be there, none of those after `-`, and one of those after `?` where there are any. */
function termFilter(text: string): MessageFilter {
  const terms = [...text.matchAll(/([-?]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)].map(([, mark = '', quoted, word = '']) => ({
    mark,
    term: quoted === undefined ? word : quoted.replace(/\\(.)/g, '$1'),
  }))
  const marked = (mark: string): string[] => terms.filter((entry) => entry.mark === mark).map(({ term }) => term)
  const [required, excluded, optional] = [marked(''), marked('-'), marked('?')]
  return (message) =>
    required.every((term) => message.includes(term)) &&
    !excluded.some((term) => message.includes(term)) &&
    (optional.length === 0 || required.length > 0 || optional.some((term) => message.includes(term)))
}

type JsonTest = (value: unknown) => boolean

const TOKEN = /\s*(\(|\)|&&|\|\||>=|<=|!=|=|>|<|"(?:[^"\\]|\\.)*"|\$[\w.[\]*-]*|[^\s()&|=<>!"]+)/y

function tokensOf(text: string, pattern: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const match = TOKEN.exec(text)
    if (match === null) throw invalid(pattern)
    tokens.push(match[1] ?? '')
  }
  return tokens
}

/** `{ ($.level = "ERROR" || $.code >= 500) && $.code = invalid_* }` */
function jsonFilter(pattern: string): MessageFilter {
  const body = /^\{(.*)\}$/s.exec(pattern)?.[1]
  if (body === undefined) throw invalid(pattern)
  const tokens = tokensOf(body, pattern)
  const test = either(tokens, pattern)
  if (tokens.length > 0) throw invalid(pattern)
  return (message) => {
    const value = parsed(message)
    return value !== undefined && test(value)
  }
}

function parsed(message: string): unknown {
  const start = message.indexOf('{')
  if (start === -1) return undefined
  try {
    return JSON.parse(message.slice(start))
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}

function either(tokens: string[], pattern: string): JsonTest {
  let left = both(tokens, pattern)
  while (tokens[0] === '||') {
    tokens.shift()
    const [first, second] = [left, both(tokens, pattern)]
    left = (value) => first(value) || second(value)
  }
  return left
}

function both(tokens: string[], pattern: string): JsonTest {
  let left = operand(tokens, pattern)
  while (tokens[0] === '&&') {
    tokens.shift()
    const [first, second] = [left, operand(tokens, pattern)]
    left = (value) => first(value) && second(value)
  }
  return left
}

function operand(tokens: string[], pattern: string): JsonTest {
  if (tokens[0] === '(') {
    tokens.shift()
    const inner = either(tokens, pattern)
    if (tokens.shift() !== ')') throw invalid(pattern)
    return inner
  }
  const [selector = '', operator = '', expected = ''] = tokens.splice(0, 3)
  const compare = COMPARISONS[operator]
  if (!selector.startsWith('$.') || compare === undefined || expected === '') throw invalid(pattern)
  const path = selector
    .slice(2)
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
  const wanted = expected.startsWith('"') ? expected.slice(1, -1).replace(/\\(.)/g, '$1') : expected
  return (value) => {
    const found = path.reduce<unknown>((at, name) => memberOf(at, name), value)
    return found !== undefined && compare(found, wanted)
  }
}

const memberOf = (value: unknown, name: string): unknown => {
  if (Array.isArray(value)) return value[Number(name)]
  return isJsonObject(value) ? value[name] : undefined
}

const equals = (found: unknown, wanted: string): boolean => {
  if (typeof found === 'number' && !wanted.includes('*')) return found === Number(wanted)
  const source = wanted.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${source}$`, 's').test(typeof found === 'string' ? found : JSON.stringify(found))
}

const COMPARISONS: Readonly<Record<string, (found: unknown, wanted: string) => boolean>> = {
  '=': equals,
  '!=': (found, wanted) => !equals(found, wanted),
  '>': (found, wanted) => typeof found === 'number' && found > Number(wanted),
  '>=': (found, wanted) => typeof found === 'number' && found >= Number(wanted),
  '<': (found, wanted) => typeof found === 'number' && found < Number(wanted),
  '<=': (found, wanted) => typeof found === 'number' && found <= Number(wanted),
}
