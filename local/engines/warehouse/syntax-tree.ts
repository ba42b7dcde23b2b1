import { isJsonObject } from '../../../core/json.ts'

/** A node of the translator's syntax tree: plain JSON. An expression is an object with one member, named by its kind. */
export type Node = Record<string, unknown>

export const isNode = isJsonObject

/** `[kind, members]` of an expression node, or `null` for any other value. */
export function expressionOf(value: unknown): readonly [kind: string, members: Node] | null {
  if (!isNode(value)) return null
  const kinds = Object.keys(value)
  const kind = kinds[0]
  if (kinds.length !== 1 || kind === undefined) return null
  const members = value[kind]
  return isNode(members) ? [kind, members] : null
}

/** The members of the node if it is an expression of this kind. */
export const membersOf = (value: unknown, kind: string): Node | null => {
  const expression = expressionOf(value)
  return expression !== null && expression[0] === kind ? expression[1] : null
}

/** The text of an identifier node (`{name, quoted}`), or of a plain string. */
export const identifierOf = (value: unknown): string | null => {
  if (typeof value === 'string') return value
  return isNode(value) && typeof value.name === 'string' ? value.name : null
}

/** Calls `visit` on every object of the tree, parents first. */
export function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit)
  else if (isNode(value)) {
    visit(value)
    for (const key of Object.keys(value)) if (key !== 'span') walk(value[key], visit)
  }
}

/** Rebuilds the tree from the leaves up; `replace` returns another node for an expression, or `null` to keep it. */
export function rewrite(value: unknown, replace: (kind: string, members: Node) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => rewrite(item, replace))
  if (!isNode(value)) return value
  const rebuilt: Node = {}
  for (const key of Object.keys(value)) rebuilt[key] = key === 'span' ? value[key] : rewrite(value[key], replace)
  const expression = expressionOf(rebuilt)
  return expression === null ? rebuilt : (replace(expression[0], expression[1]) ?? rebuilt)
}

export const functionCall = (name: string, args: readonly unknown[]): Node => ({
  function: { name, args, distinct: false, no_parens: false, quoted: false, trailing_comments: [] },
})
export const identifier = (name: string): Node => ({ name, quoted: true, trailing_comments: [] })
