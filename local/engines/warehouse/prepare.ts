import { quoteName } from '../../../warehouse/quote.ts'
import { type Access, requirePrivilege } from './access.ts'
import { dialect } from './dialect.ts'
import { refuseForms, refuseLongIdentifiers } from './refusals.ts'
import { quoteRelation, type Relation, type RelationLookup, requireRelation } from './relations.ts'
import { nameResultColumns } from './result-names.ts'
import { SqlError } from './sql-error.ts'
import { expressionOf, identifier, identifierOf, isNode, membersOf, type Node } from './syntax-tree.ts'
import {
  qualifyReference,
  replaceReference,
  type TableReference,
  tableReferences,
  targetOf,
} from './table-references.ts'
import { type ScopedRelation, translate } from './translate.ts'
import type { RelationName } from './utility-statement.ts'
import type { Widening } from './widen.ts'

/** A statement ready for DuckDB. */
export interface PreparedStatement {
  readonly kind: string
  /** DuckDB's SQL. */
  readonly sql: string
  /** The relation that it makes, changes or drops. */
  readonly target: { readonly schema: string; readonly name: string } | null
  /** For MERGE: a query that answers a row where a target row has several sources. */
  readonly merge: MergeParts | null
  /** For ALTER COLUMN … TYPE VARCHAR(n). */
  readonly widening: Widening | null
}

/** MERGE in pieces: what it matches, and how it may be carried out in bulk. */
export interface MergeParts {
  /** Answers `target_row` (DuckDB's rowid) for each pair of rows that match. */
  readonly matches: string
  /** Inserts every source row; only where both branches write the same values to every column of the target. */
  readonly replacement: string | null
}

export interface PrepareContext {
  readonly lookup: RelationLookup
  readonly access: Access
  /** The schema of new relations without one. */
  readonly defaultSchema: string
}

const PRIVILEGES: Readonly<Record<string, readonly string[]>> = {
  insert: ['insert'],
  update: ['update'],
  delete: ['delete'],
  merge: ['select', 'insert', 'update', 'delete'],
  truncate: ['delete'],
}
const DDL_OF_RELATION = new Set(['drop_table', 'drop_view', 'alter_table'])

const dropTargets = (members: Node): readonly Node[] => {
  const names = members.names
  return Array.isArray(names) ? names.filter(isNode) : isNode(members.name) ? [members.name] : []
}

const relationName = (node: Node): RelationName => ({
  schema: identifierOf(node.schema)?.toLowerCase() ?? null,
  name: (identifierOf(node.name) ?? '').toLowerCase(),
})

/** Row-level security: who has no policy sees no row. */
async function secure(reference: TableReference, relation: Relation, access: Access): Promise<boolean> {
  const policies = access.policies(`${relation.schema}.${relation.name}`)
  if (policies === null) return false
  const predicate = policies.length === 0 ? 'FALSE' : policies.map((policy) => `(${policy})`).join(' AND ')
  const [statement] = await dialect.parse(
    `SELECT * FROM (SELECT * FROM ${quoteRelation(relation)} WHERE ${predicate}) AS filtered`,
  )
  const select = membersOf(statement, 'select')
  const from = select?.from
  const first = isNode(from) && Array.isArray(from.expressions) ? from.expressions[0] : null
  const subquery = membersOf(first, 'subquery')
  if (subquery === null) throw new SqlError(`policy of "${relation.name}" cannot be applied`)
  replaceReference(reference, subquery, relation.name)
  return true
}

async function resolveReads(statement: Node, { lookup, access }: PrepareContext): Promise<readonly ScopedRelation[]> {
  const scope: ScopedRelation[] = []
  for (const reference of tableReferences(statement)) {
    const relation = await requireRelation(lookup, reference.relation)
    requirePrivilege(access, 'select', relation)
    scope.push({ alias: reference.alias ?? relation.name, relation })
    if (!(await secure(reference, relation, access))) qualifyReference(reference, relation)
  }
  return scope
}

/** The relation a statement changes: qualified in place, and checked for the privileges that the statement needs. */
async function resolveTarget(kind: string, members: Node, context: PrepareContext): Promise<Relation | null> {
  const name = targetOf(kind, members)
  const privileges = PRIVILEGES[kind]
  if (name === null || privileges === undefined) return null
  const relation = await requireRelation(context.lookup, name)
  if (relation.kind !== 'table') throw new SqlError(`"${relation.name}" is not a table`)
  for (const privilege of privileges) requirePrivilege(context.access, privilege, relation)
  const table = members.table
  if (isNode(table)) table.schema = identifier(relation.schema)
  return relation
}

function resolveCreation(
  kind: string,
  members: Node,
  { access, defaultSchema }: PrepareContext,
): PreparedStatement['target'] {
  const name = members.name
  if (kind === 'create_schema') {
    if (!access.superuser) throw new SqlError('permission denied for database')
    return null
  }
  if (!isNode(name)) throw new SqlError('syntax error: a name is missing')
  const named = relationName(name)
  const schema = named.schema ?? defaultSchema
  if (!access.superuser && !access.may('create', `schema ${schema}`))
    throw new SqlError(`permission denied for schema ${schema}`)
  name.schema = identifier(schema)
  return { schema, name: named.name }
}

async function resolveDrop(
  kind: string,
  members: Node,
  { lookup, access, defaultSchema }: PrepareContext,
): Promise<PreparedStatement['target']> {
  const [node, ...others] = dropTargets(members)
  if (node === undefined || others.length > 0) throw new SqlError(`one relation a statement: ${kind.replace('_', ' ')}`)
  const named = relationName(node)
  const relation = await lookup.find(named)
  const schema = relation?.schema ?? named.schema ?? defaultSchema
  node.schema = identifier(schema)
  const key = `${schema}.${named.name}`
  if (relation !== null && !access.owns(key)) throw new SqlError(`must be owner of relation ${named.name}`)
  return { schema, name: named.name }
}

/** The one change of a column's type that Redshift knows. */
function wideningOf(members: Node): Widening | null {
  const [action] = Array.isArray(members.actions) ? members.actions : []
  const altered = isNode(action) ? action.AlterColumn : null
  if (!isNode(altered)) return null
  const change = isNode(altered.action) ? altered.action.SetDataType : null
  const type = isNode(change) ? change.data_type : null
  const maxBytes = isNode(type) && type.data_type === 'var_char' ? type.length : null
  const column = identifierOf(altered.name)?.toLowerCase()
  if (column === undefined || typeof maxBytes !== 'number')
    throw new SqlError('ALTER COLUMN changes the size of a VARCHAR and nothing else')
  return { column, maxBytes }
}

const targetScope = (relation: Relation | null): readonly ScopedRelation[] =>
  relation === null ? [] : [{ alias: relation.name, relation }]

const sameList = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left.length === right.length && left.every((item, index) => stripped(item) === stripped(right[index]))

const stripped = (value: unknown): string =>
  JSON.stringify(value, (key, member: unknown) => (key === 'span' ? undefined : member))

const tupleOf = (value: unknown): readonly unknown[] => {
  const tuple = membersOf(value, 'tuple')
  return Array.isArray(tuple?.expressions) ? tuple.expressions : []
}

/** What a WHEN branch does: its verb and its one or two lists. */
const actionOf = (when: unknown): readonly unknown[] => tupleOf(membersOf(when, 'when')?.then)

/** Where UPDATE and INSERT write the same values to the same columns, and to all of them, a match may be replaced whole. */
function replacedColumns(
  members: Node,
  target: Relation,
): { names: readonly string[]; values: readonly unknown[] } | null {
  const whens = isNode(members.whens) ? membersOf(members.whens, 'whens') : null
  const branches = Array.isArray(whens?.expressions) ? whens.expressions.map(actionOf) : []
  const verb = (branch: readonly unknown[]): unknown => membersOf(branch[0], 'var')?.this
  const update = branches.find((branch) => verb(branch) === 'UPDATE')
  const insert = branches.find((branch) => verb(branch) === 'INSERT')
  if (update === undefined || insert === undefined || insert.length !== 3) return null
  const set = tupleOf(update[1]).map((item) => membersOf(item, 'eq'))
  const columnName = (value: unknown): string =>
    identifierOf(membersOf(value, 'identifier') ?? membersOf(value, 'column')?.name)?.toLowerCase() ?? ''
  const names = tupleOf(insert[1]).map(columnName)
  const values = tupleOf(insert[2])
  const setNames = set.map((item) => columnName(item?.left))
  const all = target.columns.every(({ name }) => names.includes(name))
  return all &&
    setNames.join() === names.join() &&
    sameList(
      set.map((item) => item?.right),
      values,
    )
    ? { names, values }
    : null
}

async function prepareMerge(
  members: Node,
  target: Relation,
  scope: readonly ScopedRelation[],
  user: string,
): Promise<MergeParts> {
  const template = async (sql: string): Promise<Node> => {
    const select = membersOf((await dialect.parse(sql))[0], 'select')
    if (select === null) throw new SqlError('MERGE cannot be prepared')
    return select
  }
  const name = quoteName(target.name)
  const matching = await template(
    `SELECT ${name}.rowid AS target_row FROM ${quoteRelation(target)} AS ${name} JOIN ${name} ON TRUE`,
  )
  const [join] = Array.isArray(matching.joins) ? matching.joins : []
  if (!isNode(join)) throw new SqlError('MERGE cannot be prepared')
  join.this = members.using
  join.on = members.on
  const matches = await translate('select', matching, scope, user)
  const replaced = replacedColumns(members, target)
  if (replaced === null) return { matches, replacement: null }
  const selecting = await template('SELECT 1')
  selecting.expressions = replaced.values
  selecting.from = { expressions: [members.using] }
  const columns = replaced.names.map(quoteName).join(', ')
  const rows = await translate('select', selecting, scope, user)
  return { matches, replacement: `INSERT INTO ${quoteRelation(target)} (${columns}) ${rows}` }
}

/**
 * Checks a statement as Redshift would, resolves what it names, applies row-level security and translates it.
 * @throws SqlError
 */
export async function prepareStatement(sql: string, context: PrepareContext): Promise<PreparedStatement> {
  refuseLongIdentifiers(sql)
  const statements = await dialect.parse(sql)
  const statement = statements[0]
  if (statement === undefined) throw new SqlError('query string is empty')
  if (statements.length > 1) throw new SqlError('several statements in one text: send them as a batch')
  const expression = expressionOf(statement)
  if (expression === null) throw new SqlError('syntax error: not a statement')
  const [kind, members] = expression
  refuseForms(kind, members)
  nameResultColumns(statement)
  const target = await resolveTarget(kind, members, context)
  const made = kind.startsWith('create_')
    ? resolveCreation(kind, members, context)
    : DDL_OF_RELATION.has(kind)
      ? await resolveDrop(kind, members, context)
      : null
  const scope = [...(await resolveReads(statement, context)), ...targetScope(target)]
  const user = context.access.user
  const merge = kind === 'merge' && target !== null ? await prepareMerge(members, target, scope, user) : null
  const widening = kind === 'alter_table' ? wideningOf(members) : null
  const sqlOfEngine = widening === null ? await translate(kind, members, scope, user) : ''
  return { kind, sql: sqlOfEngine, target: target ?? made, merge, widening }
}
