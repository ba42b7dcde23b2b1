/**
 * Spark compares, adds and concatenates values of different types after casts that nobody wrote; the engine here refuses
 * most of them. This writes them out, in a tree of the translator's parser, where the types of the columns are known.
 */
import { isJsonObject } from '../core/json.ts'
import { asTexts, CASTS, Coercion, call, type Handler, itemsOf, type Kind, type Node } from './spark-coercion.ts'
import { macroName } from './spark-functions.ts'
import { isApproximate, isNumber, isWhole, kindOfSparkType, type SparkKind, widest } from './spark-kinds.ts'
import { namedFunction } from './spark-signatures.ts'

const sameAs =
  (part: string): Handler =>
  (value, coercion, whole) => ({ node: whole, kind: coercion.kindOf(value[part]) })
const always =
  (kind: Kind): Handler =>
  (_value, _coercion, whole) => ({ node: whole, kind })

const comparison =
  (key: string): Handler =>
  (value, coercion) => {
    const [left, right] = coercion.compared(value.left, value.right)
    return { node: { [key]: { ...value, left, right } }, kind: 'boolean' }
  }

const equalNodes = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
const binary = (left: unknown, right: unknown): Node => ({
  left,
  right,
  left_comments: [],
  operator_comments: [],
  trailing_comments: [],
  inferred_type: null,
})

/** A range is two comparisons, each with casts of its own. */
const between: Handler = (value, coercion) => {
  const [above, low] = coercion.compared(value.this, value.low)
  const [below, high] = coercion.compared(value.this, value.high)
  if (equalNodes(above, below)) return { node: { between: { ...value, this: above, low, high } }, kind: 'boolean' }
  const both: Node = {
    paren: { this: { and: binary({ gte: binary(above, low) }, { lte: binary(below, high) }) }, trailing_comments: [] },
  }
  return { node: value.not === true ? { not: { this: both } } : both, kind: 'boolean' }
}

const membership: Handler = (value, coercion, whole) => {
  const listed = itemsOf(value.expressions)
  if (listed.length === 0) return { node: whole, kind: 'boolean' }
  const [first, ...expressions] = asTexts([value.this, ...listed], coercion)
  return { node: { in: { ...value, this: first, expressions } }, kind: 'boolean' }
}

const arithmetic =
  (key: string): Handler =>
  (value, coercion) => {
    const numeric = (node: unknown, beside: unknown): unknown => {
      const other = coercion.kindOf(beside)
      return coercion.kindOf(node) === 'text' && (isNumber(other) || other === 'text')
        ? coercion.as(node, 'double')
        : node
    }
    const left = numeric(value.left, value.right)
    const right = numeric(value.right, value.left)
    const kinds = [coercion.kindOf(left), coercion.kindOf(right)]
    const isDay = kinds[0] === 'date' && (key === 'add' || key === 'sub') && isWhole(kinds[1] ?? null)
    const kind = kinds.every(isNumber) ? widest(kinds) : isDay ? 'date' : null
    const macro = bounded(key, kind)
    if (macro !== null && (kind !== 'decimal' || (isOfRow(left) && isOfRow(right))))
      return { node: call(macro, [left, right]), kind }
    return { node: { [key]: { ...value, left, right } }, kind: key === 'div' && isWhole(kind) ? 'double' : kind }
  }

const ROW_NODES: readonly string[] = ['column', 'literal', 'paren', 'neg', 'function']
/** Whether an operand is made of columns and literals alone: the engine's TRY takes no aggregates. */
function isOfRow(node: unknown): boolean {
  if (!isJsonObject(node)) return false
  const [[key, value] = ['', null]] = Object.entries(node)
  if (!ROW_NODES.includes(key) || !isJsonObject(value)) return false
  if (key === 'function') return itemsOf(value.args).every(isOfRow)
  return key === 'paren' || key === 'neg' ? isOfRow(value.this) : true
}

const BOUNDED: readonly Kind[] = ['int', 'bigint', 'decimal']
const bounded = (key: string, kind: Kind): string | null =>
  (key === 'div' ? kind === 'decimal' : key !== 'mod' && BOUNDED.includes(kind)) ? macroName(`${key}_${kind}`) : null

/** The least whole number has no opposite of its type. */
const opposite =
  (key: string): Handler =>
  (value, coercion) => {
    const isText = coercion.kindOf(value.this) === 'text'
    const taken = isText ? coercion.as(value.this, 'double') : value.this
    const kind = coercion.kindOf(taken)
    const isLiteral = isJsonObject(taken) && taken.literal !== undefined
    const node =
      isWhole(kind) && !isLiteral ? call(macroName(`${key}_${kind}`), [taken]) : { [key]: { ...value, this: taken } }
    return { node, kind }
  }

/** A function whose parts Spark casts to one kind. */
const taking =
  (key: string, parts: readonly string[], wanted: SparkKind, result: Kind | 'same', from?: readonly Kind[]): Handler =>
  (value, coercion) => {
    const cast = Object.fromEntries(
      parts.map((part) => {
        const isTaken = from === undefined || from.includes(coercion.kindOf(value[part]))
        return [part, isTaken ? coercion.as(value[part], wanted) : value[part]]
      }),
    )
    const node = { [key]: { ...value, ...cast } }
    return { node, kind: result === 'same' ? coercion.kindOf(cast[parts[0] ?? 'this']) : result }
  }
const ofText = (key: string, result: Kind, ...parts: readonly string[]): readonly [string, Handler] => [
  key,
  taking(key, parts, 'text', result),
]
const ofNumber = (key: string, result: Kind | 'same'): readonly [string, Handler] => [
  key,
  taking(key, ['this'], 'double', result, ['text']),
]
const ofDay = (key: string, result: Kind, ...parts: readonly string[]): readonly [string, Handler] => [
  key,
  taking(key, parts, 'date', result, ['text']),
]
const ofTime = (key: string): readonly [string, Handler] => [key, taking(key, ['this'], 'timestamp', 'int', ['text'])]

/** The comparisons that `CASE value WHEN …` makes, where one of them needs a cast; else `null`. */
function comparedTests(
  operand: unknown,
  whens: readonly (readonly unknown[])[],
  coercion: Coercion,
): readonly Node[] | null {
  if (!isJsonObject(operand)) return null
  const pairs = whens.map(([test]) => coercion.compared(operand, test))
  if (pairs.every(([left, right], index) => left === operand && right === whens[index]?.[0])) return null
  return pairs.map(([left, right]) => ({ eq: binary(left, right) }))
}

/** What a CASE gives: all of one kind. */
const choice: Handler = (value, coercion) => {
  const whens = itemsOf(value.whens).map(itemsOf)
  const results = asTexts([...whens.map(([, result]) => result), value.else_], coercion)
  const tests = comparedTests(value.operand, whens, coercion)
  const node = {
    case: {
      ...value,
      operand: tests === null ? value.operand : null,
      whens: whens.map(([test], index) => [tests?.[index] ?? test, results[index]]),
      else_: results.at(-1) ?? null,
    },
  }
  const kinds = results
    .filter((each) => isJsonObject(each) && each.null === undefined)
    .map((each) => coercion.kindOf(each))
  return { node, kind: widest(kinds) }
}
const alternatives =
  (key: string, ...parts: readonly string[]): Handler =>
  (value, coercion) => {
    const items = asTexts(
      parts.map((part) => value[part]),
      coercion,
    )
    const cast = Object.fromEntries(parts.map((part, index) => [part, items[index]]))
    return { node: { [key]: { ...value, ...cast } }, kind: widest(items.map((item) => coercion.kindOf(item))) }
  }
const coalesced: Handler = (value, coercion) => {
  const expressions = asTexts(itemsOf(value.expressions), coercion)
  return {
    node: { coalesce: { ...value, expressions } },
    kind: widest(expressions.map((each) => coercion.kindOf(each))),
  }
}

const SUMS: Readonly<Partial<Record<SparkKind, SparkKind>>> = { int: 'bigint', bigint: 'bigint', decimal: 'decimal' }
const sum: Handler = (value, coercion) => {
  const added = coercion.kindOf(value.this) === 'text' ? coercion.as(value.this, 'double') : value.this
  const kind = coercion.kindOf(added)
  return { node: { sum: { ...value, this: added } }, kind: kind === null ? null : (SUMS[kind] ?? 'double') }
}

/** Casts that somebody wrote. */
const cast =
  (key: string): Handler =>
  (value, coercion, whole) => {
    const wanted = kindOfSparkType(value.to)
    const kind = coercion.kindOf(value.this)
    if (wanted === null || kind === null || kind === wanted || key === 'try_cast') return { node: whole, kind: wanted }
    const macro = CASTS[`${kind} ${wanted}`]
    if (macro === undefined) return { node: whole, kind: wanted }
    const value_ = call(macroName(macro), [value.this])
    // A whole number or decimal may be narrower than what the macro gives.
    const isExact = wanted === 'decimal' || wanted === 'int' || wanted === 'float'
    return { node: isExact ? { cast: { ...value, this: value_ } } : value_, kind: wanted }
  }

const literalKind: Handler = (value, _coercion, whole) => {
  const { literal_type: type, value: text } = value
  if (type === 'string') return { node: whole, kind: 'text' }
  if (type === 'date' || type === 'timestamp') return { node: whole, kind: type }
  if (type !== 'number' || typeof text !== 'string') return { node: whole, kind: null }
  if (/[eE]/.test(text)) return { node: whole, kind: 'double' }
  if (text.includes('.')) return { node: whole, kind: 'decimal' }
  return { node: whole, kind: Number(text) <= 0x7fffffff ? 'int' : 'bigint' }
}
const column: Handler = (value, coercion, whole) => {
  const { name } = value
  return {
    node: whole,
    kind: isJsonObject(name) && typeof name.name === 'string' ? coercion.columnKind(name.name) : null,
  }
}
const floored =
  (key: string): Handler =>
  (value, coercion) => {
    const taken = coercion.kindOf(value.this) === 'text' ? coercion.as(value.this, 'double') : value.this
    const kind = coercion.kindOf(taken)
    const node = { [key]: { ...value, this: taken } }
    return isApproximate(kind) ? { node: call(macroName('double_bigint'), [node]), kind: 'bigint' } : { node, kind }
  }

/** Aggregates over numbers that the parser gives no node of their own. */
const OF_NUMBERS: readonly string[] = ['percentile', 'corr', 'kurtosis', 'skewness', 'covar_pop', 'covar_samp']
const COMPARISONS = ['eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'null_safe_eq', 'null_safe_neq']
const OPERATORS = ['add', 'sub', 'mul', 'div', 'mod']
const TRUTHS = ['and', 'or', 'not', 'is_null', 'exists', 'is_true', 'is_false', 'boolean']
const HANDLERS: Readonly<Record<string, Handler>> = {
  ...Object.fromEntries(COMPARISONS.map((key) => [key, comparison(key)])),
  ...Object.fromEntries(OPERATORS.map((key) => [key, arithmetic(key)])),
  ...Object.fromEntries(TRUTHS.map((key) => [key, always('boolean')])),
  ...Object.fromEntries([
    ...['upper', 'lower', 'initcap', 'trim'].map((key) => ofText(key, 'text', 'this')),
    ofText('length', 'int', 'this'),
    ofText('substring', 'text', 'this'),
    ofText('str_position', 'int', 'this', 'substr'),
    ...['starts_with', 'ends_with', 'contains'].map((key) => ofText(key, 'boolean', 'this', 'expression')),
    ofText('like', 'boolean', 'left'),
    ofText('i_like', 'boolean', 'left'),
    ofText('regexp_like', 'boolean', 'this'),
    ofText('concat', 'text', 'left', 'right'),
    ...['year', 'month', 'quarter', 'day', 'day_of_week', 'day_of_month', 'day_of_year', 'week_of_year'].map((key) =>
      ofDay(key, 'int', 'this'),
    ),
    ofDay('last_day', 'date', 'this'),
    ofDay('next_day', 'date', 'this'),
    ofDay('add_months', 'date', 'this'),
    ofDay('months_between', 'double', 'this', 'expression'),
    ...['hour', 'minute', 'second'].map(ofTime),
    ...[
      'sqrt',
      'ln',
      'exp',
      'log',
      'avg',
      'median',
      'stddev',
      'stddev_samp',
      'stddev_pop',
      'variance',
      'var_pop',
      'var_samp',
    ].map((key) => ofNumber(key, 'double')),
  ]),
  abs: opposite('abs'),
  neg: opposite('neg'),
  mod_func: (value, coercion) => {
    const [left, right] = [value.this, value.expression].map((each) =>
      coercion.kindOf(each) === 'text' ? coercion.as(each, 'double') : each,
    )
    return { node: { mod_func: { ...value, this: left, expression: right } }, kind: null }
  },
  floor: floored('floor'),
  ceil: floored('ceil'),
  sum,
  between,
  in: membership,
  case: choice,
  coalesce: coalesced,
  if_func: alternatives('if_func', 'true_value', 'false_value'),
  nvl: alternatives('nvl', 'this', 'expression'),
  nvl2: alternatives('nvl2', 'true_value', 'false_value'),
  // Of the one column that a subquery in an expression has.
  subquery: (value, coercion, whole) => {
    const selected =
      isJsonObject(value.this) && isJsonObject(value.this.select) ? itemsOf(value.this.select.expressions) : []
    return { node: whole, kind: selected.length === 1 ? coercion.kindOf(selected[0]) : null }
  },
  aggregate_function: (value, coercion) => {
    const name = typeof value.name === 'string' ? value.name.toLowerCase() : ''
    const args = itemsOf(value.args).map((each) =>
      OF_NUMBERS.includes(name) && coercion.kindOf(each) === 'text' ? coercion.as(each, 'double') : each,
    )
    return { node: { aggregate_function: { ...value, args } }, kind: OF_NUMBERS.includes(name) ? 'double' : null }
  },
  cast: cast('cast'),
  try_cast: cast('try_cast'),
  function: namedFunction,
  literal: literalKind,
  column,
  paren: sameAs('this'),
  min: sameAs('this'),
  max: sameAs('this'),
  first: sameAs('this'),
  last: sameAs('this'),
  window_function: sameAs('this'),
  count: always('bigint'),
  count_if: always('bigint'),
  row_number: always('int'),
  rank: always('int'),
  dense_rank: always('int'),
}

/** Names that a statement gives to what it selects, in lower case. */
function ownNames(tree: unknown, names = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(tree)) for (const item of tree) ownNames(item, names)
  else if (isJsonObject(tree))
    for (const [key, value] of Object.entries(tree)) {
      const named = key === 'alias' && isJsonObject(value) ? (isJsonObject(value.alias) ? value.alias : value) : null
      if (named !== null && typeof named.name === 'string') names.add(named.name.toLowerCase())
      ownNames(value, names)
    }
  return names
}

/** The tree of a Spark statement with its implicit casts written out, as far as the kinds of its columns are known. */
export const withImplicitCasts = (tree: unknown, columns: ReadonlyMap<string, SparkKind>): unknown =>
  new Coercion(columns, ownNames(tree), HANDLERS).rewrite(tree)
