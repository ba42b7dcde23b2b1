import { isJsonObject } from '../core/json.ts'
import { macroFor, macroName } from './spark-functions.ts'

type Node = Readonly<Record<string, unknown>>

/** What stands for `{ key: node }` in the tree. */
type Rewrite = (node: Node) => Node

const quotedName = (name: unknown): unknown => (isJsonObject(name) ? { ...name, quoted: true } : name)

/** Names such as `at` are words of DuckDB. Quoted, they are looked up without regard to case as before. */
const quoteColumn: Rewrite = (node) => ({
  column: { ...node, name: quotedName(node.name), table: quotedName(node.table) },
})

const call = (name: string, args: readonly unknown[]): Node => ({
  function: {
    name,
    args,
    distinct: false,
    trailing_comments: [],
    use_bracket_syntax: false,
    no_parens: false,
    quoted: false,
  },
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
  const macro = macroFor(name, items.length)
  return macro === null ? { function: node } : call(macro, items)
}

const WHOLE_TYPES: Readonly<Record<string, string>> = {
  tiny_int: 'whole',
  small_int: 'whole',
  int: 'whole',
  big_int: 'whole_long',
}

/** Casts to whole numbers cut fractions in Spark; DuckDB rounds them. */
const cutFractions: Rewrite = (node) => {
  const macro = isJsonObject(node.to) && typeof node.to.data_type === 'string' ? WHOLE_TYPES[node.to.data_type] : null
  return { cast: macro == null ? node : { ...node, this: call(macroName(macro), [node.this]) } }
}

const REWRITES: Readonly<Record<string, Rewrite>> = {
  column: quoteColumn,
  div: divideByNonZero,
  subscript: countFromOne,
  cast: cutFractions,
  function: byMacro,
  concat: ({ left, right }) => call(macroName('concat'), [left, right]),
  initcap: (node) => call(macroName('initcap'), [node.this]),
  add_months: (node) => call(macroName('add_months'), [node.this, node.expression]),
}

/** The tree of a Spark statement that gives the same values once it is printed for DuckDB. */
export function withDuckdbMeaning(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(withDuckdbMeaning)
  if (!isJsonObject(tree)) return tree
  return Object.assign(
    {},
    ...Object.entries(tree).map(([key, value]): Node => {
      const inner = withDuckdbMeaning(value)
      const rewrite = REWRITES[key]
      return rewrite !== undefined && isJsonObject(inner) ? rewrite(inner) : { [key]: inner }
    }),
  )
}
