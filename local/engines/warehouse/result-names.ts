import { expressionOf, identifier, identifierOf, isNode, membersOf, type Node } from './syntax-tree.ts'

/** Expressions that name themselves. */
const NAMED = new Set(['alias', 'column', 'star', 'identifier'])
/** Expressions that Redshift, as PostgreSQL, leaves without a name. */
const UNNAMED = new Set([
  'literal',
  'boolean',
  'null',
  'paren',
  'neg',
  'not',
  'and',
  'or',
  'add',
  'sub',
  'mul',
  'div',
  'mod',
  'concat_operator',
  'd_pipe',
  'eq',
  'neq',
  'lt',
  'lte',
  'gt',
  'gte',
  'like',
  'i_like',
  'in',
  'between',
  'is',
  'is_null',
  'exists',
  'subquery',
])
const NO_NAME = '?column?'

/** The name of a result column whose expression has no alias: a function's own name, `?column?` for operators. */
function nameOf(expression: unknown): string {
  const [kind, members] = expressionOf(expression) ?? ['', {}]
  if (kind === 'column') return identifierOf(members.name) ?? NO_NAME
  if (kind === 'cast') return nameOf(members.this)
  if (kind === 'function' || kind === 'aggregate_function') return String(members.name).toLowerCase()
  if (kind === 'window_function' || kind === 'window') return nameOf(members.this)
  if (kind === '' || UNNAMED.has(kind)) return NO_NAME
  const own = members.original_name ?? members.name
  return typeof own === 'string' ? own.toLowerCase() : kind
}

const aliased = (expression: unknown): unknown => {
  const kind = expressionOf(expression)?.[0]
  if (kind === undefined || NAMED.has(kind)) return expression
  const alias = {
    this: expression,
    alias: identifier(nameOf(expression)),
    column_aliases: [],
    pre_alias_comments: [],
    trailing_comments: [],
  }
  return { alias }
}

/** Gives the columns of a query's result the names that Redshift gives them; DuckDB would print the expression. */
export function nameResultColumns(statement: unknown): void {
  const select = membersOf(statement, 'select')
  if (select !== null) {
    if (Array.isArray(select.expressions)) select.expressions = select.expressions.map(aliased)
    return
  }
  for (const kind of ['union', 'intersect', 'except']) {
    const left: unknown = membersOf(statement, kind)?.left
    if (isNode(left)) nameResultColumns(left as Node)
  }
}
