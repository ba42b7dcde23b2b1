import { isJsonObject } from '../core/json.ts'

type Node = Readonly<Record<string, unknown>>

/** Nodes of a parsed Spark statement that mean something else in DuckDB when they are printed word by word. */
type Rewrite = (node: Node) => Node

const quotedName = (name: unknown): unknown => (isJsonObject(name) ? { ...name, quoted: true } : name)

/** Names such as `at` are words of DuckDB. Quoted, they are looked up without regard to case as before. */
const quoteColumn: Rewrite = (node) => ({ ...node, name: quotedName(node.name), table: quotedName(node.table) })

const ZERO = { literal: { literal_type: 'number', value: '0' } }
const literalOf = (node: unknown): Node | null =>
  isJsonObject(node) && isJsonObject(node.literal) ? node.literal : null
const isNumber = (literal: Node | null): literal is Node & { readonly value: string } =>
  literal?.literal_type === 'number' && typeof literal.value === 'string'

/** A division by zero is NULL in Spark and infinite in DuckDB. */
const divideByNonZero: Rewrite = (node) => {
  const divisor = literalOf(node.right)
  if (isNumber(divisor) && Number(divisor.value) !== 0) return node
  const nonZero = {
    function: {
      name: 'nullif',
      args: [node.right, ZERO],
      distinct: false,
      trailing_comments: [],
      use_bracket_syntax: false,
      no_parens: false,
      quoted: false,
    },
  }
  return { ...node, right: nonZero }
}

/** Spark counts the items of an array from 0, DuckDB from 1. */
const countFromOne: Rewrite = (node) => {
  const index = literalOf(node.index)
  if (!isNumber(index)) return node
  return { ...node, index: { literal: { ...index, value: String(Number(index.value) + 1) } } }
}

const REWRITES: Readonly<Record<string, Rewrite>> = {
  column: quoteColumn,
  div: divideByNonZero,
  subscript: countFromOne,
}

/** The tree of a Spark statement that gives the same values once it is printed for DuckDB. */
export function withDuckdbMeaning(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(withDuckdbMeaning)
  if (!isJsonObject(tree)) return tree
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => {
      const inner = withDuckdbMeaning(value)
      const rewrite = REWRITES[key]
      return [key, rewrite !== undefined && isJsonObject(inner) ? rewrite(inner) : inner]
    }),
  )
}
