/** EventBridge's event patterns: compiled once, then matched against many events. */
import { BlockList } from 'node:net'
import { isJsonObject } from '../../core/json.ts'
import { AwsError } from '../service.ts'

/** True for an event that the pattern describes. */
export type EventMatcher = (event: unknown) => boolean

/** Tests one value of a field: `undefined` where the event has no such field. */
type ValueTest = (value: unknown) => boolean

/** @throws AwsError `InvalidEventPatternException` */
export function compilePattern(pattern: unknown): EventMatcher {
  if (!isJsonObject(pattern) || Object.keys(pattern).length === 0) {
    throw invalid('Event pattern must be a JSON object that is not empty')
  }
  return compileObject(pattern, '')
}

const invalid = (reason: string): AwsError =>
  new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`)

function compileObject(pattern: Record<string, unknown>, path: string): EventMatcher {
  const matchers = Object.entries(pattern).map(([name, member]): EventMatcher => {
    const place = path === '' ? name : `${path}.${name}`
    if (name === '$or') return compileAlternatives(member, path)
    if (Array.isArray(member)) return fieldMatcher(name, compileLeaf(member, place))
    if (isJsonObject(member)) return nestedMatcher(name, compileObject(member, place))
    throw invalid(`"${place}" must be an object or an array`)
  })
  return (event) => matchers.every((matches) => matches(event))
}

function compileAlternatives(member: unknown, path: string): EventMatcher {
  if (!Array.isArray(member) || member.length === 0) throw invalid('"$or" must be an array that is not empty')
  const alternatives = member.map((alternative: unknown) => {
    if (!isJsonObject(alternative)) throw invalid('"$or" must hold objects')
    return compileObject(alternative, path)
  })
  return (event) => alternatives.some((matches) => matches(event))
}

const memberOf = (event: unknown, name: string): unknown =>
  isJsonObject(event) && Object.hasOwn(event, name) ? event[name] : undefined

/** An array of objects matches when one of them does. */
const nestedMatcher =
  (name: string, matches: EventMatcher): EventMatcher =>
  (event) => {
    const member = memberOf(event, name)
    return Array.isArray(member) ? member.some((item) => matches(item)) : matches(member)
  }

/** An array in the event matches when one of its items does. */
const fieldMatcher =
  (name: string, test: ValueTest): EventMatcher =>
  (event) => {
    const member = memberOf(event, name)
    return Array.isArray(member) ? member.some((item) => test(item)) : test(member)
  }

function compileLeaf(leaf: readonly unknown[], path: string): ValueTest {
  if (leaf.length === 0) throw invalid(`Empty arrays are not allowed: "${path}"`)
  const tests = leaf.map((item) => compileItem(item, path))
  return (value) => tests.some((test) => test(value))
}

function compileItem(item: unknown, path: string): ValueTest {
  if (!isJsonObject(item)) {
    if (Array.isArray(item)) throw invalid(`"${path}" must not hold an array`)
    return (value) => value === item
  }
  const entries = Object.entries(item)
  const [operator, argument] = entries[0] ?? ['', undefined]
  const compile = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined
  if (entries.length !== 1 || compile === undefined) throw invalid(`Unrecognized match type ${operator} at "${path}"`)
  return compile(argument, path)
}

const isText = (value: unknown): value is string => typeof value === 'string'

const textTest =
  (test: (text: string) => boolean): ValueTest =>
  (value) =>
    isText(value) && test(value)

/** `"x"` or `{"equals-ignore-case": "x"}`, as prefix and suffix take them. */
function affix(kind: 'prefix' | 'suffix', argument: unknown, path: string): ValueTest {
  const has = (text: string, part: string) => (kind === 'prefix' ? text.startsWith(part) : text.endsWith(part))
  if (isText(argument)) return textTest((text) => has(text, argument))
  const folded = isJsonObject(argument) ? argument['equals-ignore-case'] : undefined
  if (!isText(folded)) throw invalid(`${kind} match pattern must be a string: "${path}"`)
  return textTest((text) => has(text.toLowerCase(), folded.toLowerCase()))
}

function equalsIgnoringCase(argument: unknown, path: string): ValueTest {
  if (!isText(argument)) throw invalid(`equals-ignore-case match pattern must be a string: "${path}"`)
  const wanted = argument.toLowerCase()
  return textTest((text) => text.toLowerCase() === wanted)
}

function wildcard(argument: unknown, path: string): ValueTest {
  if (!isText(argument)) throw invalid(`wildcard match pattern must be a string: "${path}"`)
  if (/(?<!\\)\*\*/.test(argument)) throw invalid(`Consecutive wildcard characters are not allowed: "${path}"`)
  const source = argument.replace(
    /\\([*\\])|(\*)|([^*\\]+|\\)/g,
    (_, escaped?: string, star?: string, plain?: string) =>
      star === undefined ? (escaped ?? plain ?? '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : '.*',
  )
  const expression = new RegExp(`^${source}$`, 's')
  return textTest((text) => expression.test(text))
}

function exists(argument: unknown, path: string): ValueTest {
  if (typeof argument !== 'boolean') throw invalid(`exists match pattern must be either true or false: "${path}"`)
  // Only leaves exist: an object under the name does not count.
  return (value) => (value !== undefined && !isJsonObject(value)) === argument
}

const COMPARISONS: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '=': (left, right) => left === right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
}

function numeric(argument: unknown, path: string): ValueTest {
  if (!Array.isArray(argument) || argument.length === 0 || argument.length % 2 !== 0) {
    throw invalid(`Value of numeric must be an array of comparisons: "${path}"`)
  }
  const pairs = Array.from({ length: argument.length / 2 }, (_, index) => {
    const operator: unknown = argument[index * 2]
    const limit: unknown = argument[index * 2 + 1]
    const compare = isText(operator) ? COMPARISONS[operator] : undefined
    if (compare === undefined) throw invalid(`Unrecognized numeric range operator: ${String(operator)}`)
    if (typeof limit !== 'number') throw invalid(`Value of ${String(operator)} must be numeric: "${path}"`)
    return { compare, limit }
  })
  return (value) => typeof value === 'number' && pairs.every(({ compare, limit }) => compare(value, limit))
}

function cidr(argument: unknown, path: string): ValueTest {
  const [address, length] = isText(argument) ? argument.split('/') : []
  if (address === undefined || length === undefined) throw invalid(`Malformed CIDR, one '/' required: "${path}"`)
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  const block = new BlockList()
  try {
    block.addSubnet(address, Number(length), family)
  } catch {
    throw invalid(`Malformed CIDR "${address}/${length}": "${path}"`)
  }
  return textTest((text) => block.check(text, text.includes(':') ? 'ipv6' : 'ipv4'))
}

/** A value, a list of values, or an operator over a value or a list of values. */
function anythingBut(argument: unknown, path: string): ValueTest {
  if (isJsonObject(argument)) {
    const [[operator, inner] = ['', undefined]] = Object.entries(argument)
    const compile = ANYTHING_BUT_OPERATORS[operator]
    if (compile === undefined) throw invalid(`Unsupported anything-but pattern: ${operator}`)
    const tests = (Array.isArray(inner) ? inner : [inner]).map((item) => compile(item, path))
    return (value) => isText(value) && !tests.some((test) => test(value))
  }
  const excluded: readonly unknown[] = Array.isArray(argument) ? argument : [argument]
  if (excluded.length === 0 || excluded.some((item) => !isText(item) && typeof item !== 'number')) {
    throw invalid(`Value of anything-but must be an array or single string/number value: "${path}"`)
  }
  return (value) => value !== undefined && !isJsonObject(value) && !excluded.includes(value)
}

type OperatorCompiler = (argument: unknown, path: string) => ValueTest

const ANYTHING_BUT_OPERATORS: Readonly<Record<string, OperatorCompiler>> = {
  prefix: (argument, path) => affix('prefix', argument, path),
  suffix: (argument, path) => affix('suffix', argument, path),
  'equals-ignore-case': equalsIgnoringCase,
  wildcard,
}

const OPERATORS: Readonly<Record<string, OperatorCompiler>> = {
  ...ANYTHING_BUT_OPERATORS,
  'anything-but': anythingBut,
  exists,
  numeric,
  cidr,
}
