import { quoteName } from '../../../warehouse/quote.ts'
import { type Access, requirePrivilege } from './access.ts'
import { dialect } from './dialect.ts'
import { refuseForms, refuseLongIdentifiers } from './refusals.ts'
import { quoteRelation, type Relation, type RelationLookup, requireRelation, storageOf } from './relations.ts'
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
  readonly merge: MergeParts | null
  /** Where the relation that it makes, changes or drops has segments. */
  readonly onSegments: OnSegments | null
  /** For ALTER COLUMN … TYPE VARCHAR(n). */
  readonly widening: Widening | null
}

/** A statement on a table with segments. */
export interface OnSegments {
  /** Answers a row where UPDATE or DELETE would change one; `null`: it cannot be asked beforehand. */
  readonly affected: string | null
  /** CREATE … IF NOT EXISTS */
  readonly ifNotExists: boolean
  /** ADD COLUMN */
  readonly added: readonly string[]
}

/** MERGE in pieces: what it matches, and how it may be carried out in bulk. */
export interface MergeParts {
  /** Answers `target_row` (DuckDB's rowid) for each pair of rows that match. */
  readonly matches: string
  /** Inserts every source row; only where both branches write the same values to every column of the target. */
  readonly replacement: string | null
  /** The replacement as columns of one relation, where it computes nothing. */
  readonly copied: CopiedColumns | null
}

export interface CopiedColumns {
  readonly source: { readonly schema: string; readonly name: string }
  readonly columns: readonly { readonly name: string; readonly from: string }[]
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
  if (isNode(table)) {
    table.schema = identifier(relation.schema)
    if (kind === 'insert') table.name = identifier(storageOf(relation).name)
  }
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

/** Whether MERGE uses a relation as it is, perhaps under an alias: row-level security has put a subquery in its place. */
const isRelation = (using: unknown): boolean =>
  membersOf(using, 'table') !== null || membersOf(membersOf(using, 'alias')?.this, 'table') !== null

/** The source as a relation of which the values are plain columns. */
function copiedColumns(
  using: unknown,
  { names, values }: { names: readonly string[]; values: readonly unknown[] },
  lookup: ReadonlyMap<string, Relation>,
): CopiedColumns | null {
  const [reference] = tableReferences({ using })
  const alias = reference?.alias ?? reference?.relation.name
  const source = alias === undefined ? undefined : lookup.get(alias)
  const columns = values.map((value, index) => {
    const column = membersOf(value, 'column')
    const from = identifierOf(column?.name)?.toLowerCase()
    const known = source?.columns.some(({ name }) => name === from) === true
    const table = identifierOf(column?.table)?.toLowerCase() ?? alias
    return known && table === alias && from !== undefined ? [{ name: names[index] ?? '', from }] : []
  })
  if (source === undefined || !isRelation(using) || columns.some((column) => column.length === 0)) return null
  return { source: { schema: source.schema, name: source.name }, columns: columns.flat() }
}

const selectTemplate = async (sql: string): Promise<Node> => {
  const select = membersOf((await dialect.parse(sql))[0], 'select')
  if (select === null) throw new SqlError('statement cannot be prepared')
  return select
}

const expressionsOf = (clause: unknown): readonly unknown[] =>
  isNode(clause) && Array.isArray(clause.expressions) ? clause.expressions : []

/** The target joined with what MERGE uses, as its condition has it. */
async function matchingRows(members: Node, target: Relation, row: string): Promise<Node> {
  const name = quoteName(target.name)
  const matching = await selectTemplate(
    `SELECT ${row} AS target_row FROM ${quoteRelation(target)} AS ${name} JOIN ${name} ON TRUE${target.segmented ? ' LIMIT 1' : ''}`,
  )
  const [join] = Array.isArray(matching.joins) ? matching.joins : []
  if (!isNode(join)) throw new SqlError('MERGE cannot be prepared')
  join.this = members.using
  join.on = members.on
  return matching
}

async function prepareMerge(
  members: Node,
  target: Relation,
  scope: readonly ScopedRelation[],
  user: string,
): Promise<MergeParts> {
  const row = target.segmented ? '1' : `${quoteName(target.name)}.rowid`
  const matches = await translate('select', await matchingRows(members, target, row), scope, user)
  const replaced = replacedColumns(members, target)
  if (replaced === null) return { matches, replacement: null, copied: null }
  const selecting = await selectTemplate('SELECT 1')
  selecting.expressions = replaced.values
  selecting.from = { expressions: [members.using] }
  const columns = replaced.names.map(quoteName).join(', ')
  const rows = await translate('select', selecting, scope, user)
  const sources = new Map(scope.map(({ alias, relation }) => [alias, relation]))
  return {
    matches,
    replacement: `INSERT INTO ${quoteRelation(storageOf(target))} (${columns}) ${rows}`,
    copied: copiedColumns(members.using, replaced, sources),
  }
}

/** Whether UPDATE or DELETE would change a row of the target; `null` where the statement is none, or has more than tables and a condition. */
async function affectedRows(
  kind: string,
  members: Node,
  target: Relation,
  scope: readonly ScopedRelation[],
  user: string,
): Promise<string | null> {
  const isPlain = [members.with, members.from_joins, members.table_joins, members.using, members.joins].every(
    (clause) => clause === undefined || clause === null || (Array.isArray(clause) && clause.length === 0),
  )
  if ((kind !== 'update' && kind !== 'delete') || !isPlain) return null
  const select = await selectTemplate(
    `SELECT 1 FROM ${quoteRelation(target)} AS ${quoteName(target.name)} WHERE TRUE LIMIT 1`,
  )
  select.from = { expressions: [...expressionsOf(select.from), ...expressionsOf(members.from_clause)] }
  select.where_clause = members.where_clause ?? null
  return await translate('select', select, scope, user)
}

function addedColumns(members: Node): readonly string[] {
  const actions: readonly unknown[] = Array.isArray(members.actions) ? members.actions : []
  return actions.flatMap((action) => {
    const added = isNode(action) && isNode(action.AddColumn) ? action.AddColumn.column : null
    const name = isNode(added) ? identifierOf(added.name) : null
    return name === null ? [] : [name.toLowerCase()]
  })
}

/** What the statement meets where its relation has segments. */
async function onSegmentsOf(
  kind: string,
  members: Node,
  relation: Relation | null,
  scope: readonly ScopedRelation[],
  user: string,
): Promise<OnSegments | null> {
  if (relation?.segmented !== true) return null
  const affected = await affectedRows(kind, members, relation, scope, user)
  return { affected, ifNotExists: members.if_not_exists === true, added: addedColumns(members) }
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
  const existing = target ?? (made === null ? null : await context.lookup.find(made))
  const onSegments = await onSegmentsOf(kind, members, existing, scope, user)
  const merge = kind === 'merge' && target !== null ? await prepareMerge(members, target, scope, user) : null
  const widening = kind === 'alter_table' ? wideningOf(members) : null
  const sqlOfEngine = widening === null ? await translate(kind, members, scope, user) : ''
  return { kind, sql: sqlOfEngine, target: target ?? made, merge, onSegments, widening }
}
