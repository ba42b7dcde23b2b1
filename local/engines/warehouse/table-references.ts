import { expressionOf, identifier, identifierOf, isNode, type Node, walk } from './syntax-tree.ts'
import type { RelationName } from './utility-statement.ts'

/** What a statement does to a relation. */
export type Access = 'select' | 'insert' | 'update' | 'delete'

export interface TableReference {
  readonly relation: RelationName
  readonly alias: string | null
  /** The expression node, so that it can be changed in place. */
  readonly node: Node
}

const nameOf = (table: Node): RelationName => ({
  schema: identifierOf(table.schema)?.toLowerCase() ?? null,
  name: (identifierOf(table.name) ?? '').toLowerCase(),
})

/** The relation that a statement's own target member (`update.table`, `create_table.name`, …) names. */
export const targetOf = (kind: string, members: Node): RelationName | null => {
  const holder = kind === 'create_table' || kind === 'create_view' || kind === 'drop_view' || kind === 'alter_table'
  const target = kind === 'merge' ? expressionOf(members.this)?.[1] : members[holder ? 'name' : 'table']
  return isNode(target) ? nameOf(target) : null
}

/** Names of common table expressions: they hide relations of the same name. */
export function commonTables(statement: unknown): ReadonlySet<string> {
  const names = new Set<string>()
  walk(statement, (node) => {
    if (!Array.isArray(node.ctes)) return
    for (const cte of node.ctes) {
      const name = isNode(cte) ? identifierOf(cte.alias) : null
      if (name !== null) names.add(name.toLowerCase())
    }
  })
  return names
}

/** `relation AS name` where the tree keeps the name around the table, as in MERGE's source. */
const outerAlias = (node: Node): { readonly table: unknown; readonly alias: string | null } | null => {
  const alias = node.alias
  if (Object.keys(node).length !== 1 || !isNode(alias) || !isNode(alias.this) || !isNode(alias.this.table)) return null
  return { table: alias.this, alias: identifierOf(alias.alias) }
}

/** Every relation that is read: `{table: …}` expressions. Unqualified names of common tables are left out. */
export function tableReferences(statement: unknown): readonly TableReference[] {
  const hidden = commonTables(statement)
  const aliases = new Map<unknown, string | null>()
  const references: TableReference[] = []
  walk(statement, (node) => {
    const outer = outerAlias(node)
    if (outer !== null) aliases.set(outer.table, outer.alias)
    const table = node.table
    // A column's table is an identifier, `{name: "t"}`; a relation's name is an identifier itself.
    if (Object.keys(node).length !== 1 || !isNode(table) || !isNode(table.name)) return
    const relation = nameOf(table)
    if (relation.schema === null && hidden.has(relation.name)) return
    const alias = aliases.get(node) ?? identifierOf(table.alias)
    references.push({ relation, alias: alias?.toLowerCase() ?? null, node })
  })
  return references
}

/** Names the relation in full where it stands: the engine's own search path leads nowhere. */
export function qualifyReference({ node, alias }: TableReference, found: { schema: string; name: string }): void {
  const table = node.table
  if (!isNode(table)) return
  table.schema = identifier(found.schema)
  if (alias === null) table.alias = identifier(found.name)
}

/** Puts a subquery in place of the relation, under the same name. */
export function replaceReference(reference: TableReference, subquery: Node, name: string): void {
  delete reference.node.table
  reference.node.subquery = { ...subquery, alias: identifier(reference.alias ?? name) }
}
