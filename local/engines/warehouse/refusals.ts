import { MAX_IDENTIFIER_BYTES } from '../../../warehouse/quote.ts'
import { tokenize } from './lexer.ts'
import { SqlError } from './sql-error.ts'
import { expressionOf, isNode, membersOf, type Node, walk } from './syntax-tree.ts'

/** Kinds of statements that reach DuckDB; everything else is refused by name. */
export const STATEMENT_KINDS = new Set([
  'select',
  'union',
  'intersect',
  'except',
  'insert',
  'update',
  'delete',
  'merge',
  'truncate',
  'create_table',
  'create_view',
  'create_schema',
  'drop_table',
  'drop_view',
  'drop_schema',
  'alter_table',
])

/** Redshift cuts longer names silently, so that two tables become one; nobody wants that. */
export function refuseLongIdentifiers(sql: string): void {
  if (sql.length <= MAX_IDENTIFIER_BYTES) return
  for (const { kind, value } of tokenize(sql))
    if ((kind === 'word' || kind === 'name') && Buffer.byteLength(value) > MAX_IDENTIFIER_BYTES)
      throw new SqlError(`identifier "${value}" is longer than ${MAX_IDENTIFIER_BYTES} bytes`)
}

const branchesOf = (merge: Node): readonly Node[] => {
  const whens = isNode(merge.whens) ? membersOf(merge.whens, 'whens') : null
  const expressions = whens?.expressions
  return (Array.isArray(expressions) ? expressions : []).flatMap((item: unknown) => {
    const branch = membersOf(item, 'when')
    return branch === null ? [] : [branch]
  })
}

/** MERGE has exactly one WHEN MATCHED and one WHEN NOT MATCHED, without conditions; the target takes no alias. */
export function refuseMergeForms(merge: Node): void {
  const branches = branchesOf(merge)
  if (branches.some(({ condition }) => isNode(condition))) throw new SqlError('syntax error at or near "AND"')
  if (branches.some(({ source }) => isNode(source))) throw new SqlError('syntax error at or near "BY"')
  const matched = branches.filter((branch) => membersOf(branch.matched, 'boolean')?.value === true)
  if (branches.length !== 2 || matched.length !== 1)
    throw new SqlError('MERGE must have one WHEN MATCHED and one WHEN NOT MATCHED clause')
  const target = membersOf(merge.this, 'table')
  if (target === null || isNode(target.alias)) throw new SqlError('MERGE target must be a table without an alias')
}

/** Table functions would read files of this machine: none of them is Redshift's. */
function refuseTableFunctions(statement: Node): void {
  const refuse = (source: unknown): void => {
    const expression = expressionOf(source)
    if (expression === null) return
    const [kind, members] = expression
    if (kind === 'alias') refuse(members.this)
    else if (!['table', 'subquery', 'values', 'paren', 'join', 'joined_table', 'pivot', 'unpivot'].includes(kind))
      throw new SqlError(`function in FROM is not supported: ${kind}`)
  }
  walk(statement, (node) => {
    const from = node.from ?? node.from_clause
    if (isNode(from) && Array.isArray(from.expressions)) from.expressions.forEach(refuse)
    if (Array.isArray(node.joins)) for (const join of node.joins) if (isNode(join)) refuse(join.this)
  })
}

/** What DuckDB would run and Redshift would not. */
export function refuseForms(kind: string, members: Node): void {
  if (!STATEMENT_KINDS.has(kind)) throw new SqlError(`statement is not supported here: ${kind.replaceAll('_', ' ')}`)
  if (kind === 'merge') refuseMergeForms(members)
  if (kind === 'create_view' && members.materialized === true)
    throw new SqlError('statement is not supported here: create materialized view')
  refuseTableFunctions(members)
}
