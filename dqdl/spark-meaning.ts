import { isJsonObject } from '../core/json.ts'
import { call } from './spark-coercion.ts'
import { strftimeOf } from './spark-formats.ts'
import { macroFor, macroName } from './spark-functions.ts'

type Node = Readonly<Record<string, unknown>>

/** What stands for `{ key: node }` in the tree. */
type Rewrite = (node: Node) => Node

const quotedName = (name: unknown): unknown => (isJsonObject(name) ? { ...name, quoted: true } : name)

/** Names such as `at` are words of DuckDB. Quoted, they are looked up without regard to case as before. */
const quoteColumn: Rewrite = (node) => ({
  column: { ...node, name: quotedName(node.name), table: quotedName(node.table) },
})

const literalOf = (node: unknown): Node | null =>
  isJsonObject(node) && isJsonObject(node.literal) ? node.literal : null
const isNumber = (literal: Node | null): literal is Node & { readonly value: string } =>
  literal?.literal_type === 'number' && typeof literal.value === 'string'

/** A division by zero is NULL in Spark and infinite in DuckDB. */
const divideByNonZero: Rewrite = (node) => {
  const divisor = literalOf(node.right)
  if (isNumber(divisor) && Number(divisor.value) !== 0) return { div: node }
  const zero = { literal: { literal_type: 'number', value: '0' } }
  return { div: { ...node, right: call('nullif', [node.right, zero]) } }
}

/** Spark counts the items of an array from 0, DuckDB from 1. */
const countFromOne: Rewrite = (node) => {
  const index = literalOf(node.index)
  if (!isNumber(index)) return { subscript: node }
  return { subscript: { ...node, index: { literal: { ...index, value: String(Number(index.value) + 1) } } } }
}

const join = (parts: readonly unknown[]): unknown =>
  parts.reduce((joined, part) => call(macroName('concat'), [joined, part]))

/** Functions by the macros that mean the same. */
const byMacro: Rewrite = (node) => {
  const { name, args } = node
  if (typeof name !== 'string' || !Array.isArray(args)) return { function: node }
  const items: readonly unknown[] = args
  if (name.toLowerCase() === 'concat' && items.length > 1) {
    const joined = join(items)
    return isJsonObject(joined) ? joined : { function: node }
  }
  const formatted = withFormat(name.toLowerCase(), items)
  if (formatted !== null) return formatted
  if (name.toLowerCase() === 'unix_timestamp' && items.length === 0) return call(macroName('now_seconds'), [])
  if (/^[lr]pad$/i.test(name) && items.length === 2) return call(macroName(name.toLowerCase()), [...items, text(' ')])
  if (name.toLowerCase() === 'timestampdiff') return betweenTimes(items) ?? { function: node }
  const macro = macroFor(name, items.length)
  return macro === null ? { function: node } : call(macro, items)
}

/** Functions with a pattern of dates, by the macro that takes it in the engine's words. */
const FORMATTED: Readonly<Record<string, string>> = {
  date_format: 'date_format',
  to_date: 'to_date_by',
  to_timestamp: 'to_timestamp_by',
  unix_timestamp: 'unix_timestamp_by',
  to_unix_timestamp: 'unix_timestamp_by',
  from_unixtime: 'from_unixtime_by',
}
function withFormat(name: string, [value, pattern]: readonly unknown[]): Node | null {
  const macro = FORMATTED[name]
  const literal = literalOf(pattern)
  if (macro === undefined || literal?.literal_type !== 'string' || typeof literal.value !== 'string') return null
  const format = strftimeOf(literal.value)
  return format === null ? null : call(macroName(macro), [value, text(format)])
}

const text = (value: string): Node => ({ literal: { literal_type: 'string', value } })

/** Whole units, and not borders of units that lie between. */
function betweenTimes([unit, from, to]: readonly unknown[]): Node | null {
  const name =
    isJsonObject(unit) && isJsonObject(unit.column) && isJsonObject(unit.column.name) ? unit.column.name.name : null
  return typeof name === 'string' ? call(macroName('timestampdiff'), [text(name.toLowerCase()), from, to]) : null
}

/** A literal position above 0 counts in both alike. */
const substring: Rewrite = (node) => {
  const start = literalOf(node.start)
  if (isNumber(start) && Number(start.value) > 0) return { substring: node }
  const length = node.length ?? null
  return length === null
    ? call(macroName('substring_from'), [node.this, node.start])
    : call(macroName('substring'), [node.this, node.start, length])
}

/** A backslash escapes in Spark, whatever is said. */
const withEscape =
  (key: string): Rewrite =>
  (node) => {
    const pattern = literalOf(node.right)
    const isEscaped = typeof pattern?.value === 'string' && pattern.value.includes('\\') && node.escape == null
    return isEscaped ? call(macroName(key), [node.left, node.right]) : { [key]: node }
  }

const byName =
  (name: string): Rewrite =>
  (node) =>
    call(macroName(name), [node.this])
/** Aggregates that the parser gives no node of their own. */
const aggregate: Rewrite = (node) => {
  const { name, args } = node
  const macro = typeof name === 'string' && Array.isArray(args) ? macroFor(name, args.length) : null
  const isPlain = node.distinct !== true && node.filter == null
  return macro === null || !isPlain || !Array.isArray(args) ? { aggregate_function: node } : call(macro, args)
}

const WHOLE_TYPES: Readonly<Record<string, string>> = {
  tiny_int: 'whole',
  small_int: 'whole',
  int: 'whole',
  big_int: 'whole_long',
}

/** Whether a macro has cast it already. */
const isCast = (node: unknown): boolean =>
  isJsonObject(node) && isJsonObject(node.function) && String(node.function.name).startsWith(macroName(''))

/** Casts to whole numbers cut fractions in Spark; DuckDB rounds them. */
const cutFractions: Rewrite = (node) => {
  const macro = isJsonObject(node.to) && typeof node.to.data_type === 'string' ? WHOLE_TYPES[node.to.data_type] : null
  return { cast: macro == null || isCast(node.this) ? node : { ...node, this: call(macroName(macro), [node.this]) } }
}

const REWRITES: Readonly<Record<string, Rewrite>> = {
  column: quoteColumn,
  div: divideByNonZero,
  subscript: countFromOne,
  cast: cutFractions,
  function: byMacro,
  concat: ({ left, right }) => call(macroName('concat'), [left, right]),
  initcap: (node) => call(macroName('initcap'), [node.this]),
  day_of_week: byName('dayofweek'),
  upper: byName('upper'),
  sqrt: byName('sqrt'),
  ln: byName('ln'),
  log: (node) =>
    node.base == null ? call(macroName('ln'), [node.this]) : call(macroName('log_of'), [node.base, node.this]),
  substring,
  like: withEscape('like'),
  i_like: withEscape('i_like'),
  aggregate_function: aggregate,
  months_between: (node) =>
    call('round', [{ months_between: node }, { literal: { literal_type: 'number', value: '8' } }]),
  element_at: (node) => call(macroName('element_at'), [node.this, node.expression]),
  add_months: (node) => call(macroName('add_months'), [node.this, node.expression]),
}

/** Joins that the engine knows under another name. */
const JOINS: Readonly<Record<string, string>> = { LeftAnti: 'Anti', LeftSemi: 'Semi' }
const withKnownJoin = (tree: Node): Node =>
  typeof tree.kind === 'string' && JOINS[tree.kind] !== undefined ? { ...tree, kind: JOINS[tree.kind] } : tree

/** The tree of a Spark statement that gives the same values once it is printed for DuckDB. */
export function withDuckdbMeaning(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(withDuckdbMeaning)
  if (!isJsonObject(tree)) return tree
  return Object.assign(
    {},
    ...Object.entries(withKnownJoin(tree)).map(([key, value]): Node => {
      const inner = withDuckdbMeaning(value)
      const rewrite = REWRITES[key]
      return rewrite !== undefined && isJsonObject(inner) ? rewrite(inner) : { [key]: inner }
    }),
  )
}
