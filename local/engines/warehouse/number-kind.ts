import { expressionOf, isNode, type Node } from './syntax-tree.ts'

/** Whole numbers divide to whole numbers in Redshift; `null`: the tree does not tell. */
export type NumberKind = 'whole' | 'real' | null

const WHOLE_TYPES = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT'])
const WHOLE_CASTS = new Set(['int', 'integer', 'big_int', 'small_int', 'tiny_int'])
/** Their result is of the kind of their argument. */
const SAME_KIND = new Set(['sum', 'min', 'max', 'abs', 'paren', 'neg', 'alias'])
const ARITHMETIC = new Set(['add', 'sub', 'mul', 'mod'])

const ofType = (type: string | null): NumberKind => (type === null ? null : WHOLE_TYPES.has(type) ? 'whole' : 'real')

const either = (left: NumberKind, right: NumberKind): NumberKind => {
  if (left === 'real' || right === 'real') return 'real'
  return left === 'whole' && right === 'whole' ? 'whole' : null
}

const ofCast = (to: unknown): NumberKind => {
  const type = isNode(to) ? to.data_type : null
  if (typeof type !== 'string') return null
  if (WHOLE_CASTS.has(type)) return 'whole'
  return ['decimal', 'double', 'float', 'real', 'numeric'].includes(type) ? 'real' : null
}

/** Infers whether an expression is a whole number. @param columnType DuckDB's type of a column, where it is known */
export function numberKindOf(value: unknown, columnType: (column: Node) => string | null): NumberKind {
  const expression = expressionOf(value)
  if (expression === null) return null
  const [kind, members] = expression
  if (kind === 'literal')
    return members.literal_type !== 'number' ? null : /^\d+$/.test(String(members.value)) ? 'whole' : 'real'
  if (kind === 'column') return ofType(columnType(members))
  if (kind === 'count' || kind === 'approx_distinct' || kind === 'length' || kind === 'row_number') return 'whole'
  if (kind === 'avg' || kind === 'stddev') return 'real'
  if (SAME_KIND.has(kind)) return numberKindOf(members.this, columnType)
  if (ARITHMETIC.has(kind))
    return either(numberKindOf(members.left, columnType), numberKindOf(members.right, columnType))
  if (kind === 'cast') return ofCast(members.to)
  if (kind !== 'function') return null
  const name = String(members.name).toUpperCase()
  if (name === 'SLUICE_DIVIDE_WHOLE') return 'whole'
  return name === 'SLUICE_DIVIDE_REAL' ? 'real' : null
}
