import type { TypeFamily } from '../sql.ts'
import { NUMERIC, RuleFailure } from './support.ts'

/** One side of a comparison between columns of two data sources. */
export interface Side {
  readonly sql: string
  readonly family: TypeFamily
  readonly duckdbType: string
}

const isNumeric = ({ family }: Side): boolean => NUMERIC.includes(family)
const isTemporal = ({ family }: Side): boolean => family === 'date' || family === 'timestamp'

/** A text beside a typed column is read as that type, as Spark does; one that cannot be read is NULL. */
const readAs = (text: Side, typed: Side): string =>
  `try_cast(trim(${text.sql}) AS ${isNumeric(typed) && typed.family !== 'decimal' ? 'DOUBLE' : typed.duckdbType})`

/**
 * SQL of `left = right` for columns that may differ in type; NULL where one is NULL.
 * @throws RuleFailure for types that never compare, such as a number and a date
 */
export function equalSql(left: Side, right: Side): string {
  if (left.family === right.family || (isNumeric(left) && isNumeric(right)) || (isTemporal(left) && isTemporal(right)))
    return `${left.sql} = ${right.sql}`
  if (left.family === 'text') return `${readAs(left, right)} = ${right.sql}`
  if (right.family === 'text') return `${left.sql} = ${readAs(right, left)}`
  throw new RuleFailure(`Columns of the types ${left.duckdbType} and ${right.duckdbType} cannot be compared.`)
}

/** SQL that is true for equal values of one type, two NULLs among them; values of two types differ. */
export const sameSql = (left: Side, right: Side): string =>
  left.family === right.family
    ? `${left.sql} IS NOT DISTINCT FROM ${right.sql}`
    : `(${left.sql} IS NULL AND ${right.sql} IS NULL)`
