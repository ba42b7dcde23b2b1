import type { DateCondition, NumberCondition, Rule, TextCondition, TextOperand } from './ast.ts'
import { numberHolds } from './conditions.ts'
import { matchesWhole } from './fixed-pattern.ts'
import { evaluateDay, evaluateNumber } from './operands.ts'
import { literal, type TypeFamily } from './sql.ts'
import { dateOfText } from './text-times.ts'

/** The column a row predicate looks at. */
export interface PredicateColumn {
  readonly sql: string
  readonly family: TypeFamily
  readonly duckdbType?: string
}

const MAX_DIGITS = 38
/** Operands as Spark is given them: below and above these they are doubles, and compare as such. */
const isPlain = (value: number): boolean => value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e7)
const decimalsOf = (value: number): number => (String(value).split('.')[1] ?? '0').length

/**
 * Spark compares a decimal with operands in a type that holds both; of 38 digits it cuts the leading ones, and a value that
 * has them is NULL, which meets nothing. `null` where every value of the column fits.
 */
function fitsBeside({ sql, duckdbType = '' }: PredicateColumn, values: readonly number[]): string | null {
  const [, digits, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(duckdbType) ?? []
  if (digits === undefined || scale === undefined || !values.every(isPlain)) return null
  const room = MAX_DIGITS - Math.max(Number(scale), ...values.map(decimalsOf))
  return Number(digits) - Number(scale) > room ? `abs(${sql}::DOUBLE) < 1e${room}` : null
}

const isNegated = (operator: string): boolean => operator === '!=' || operator.startsWith('not ')
const isList = (operator: string): boolean => operator === 'in' || operator === 'not in'

/** What NULL does: it meets `= NULL` and lists with NULL, and `!=` and `not in` without NULL. */
const withNull = (sql: string, column: string, nullHolds: boolean): string =>
  nullHolds ? `(${column} IS NULL OR ${sql})` : `(${column} IS NOT NULL AND ${sql})`

/** A list or equality with the NULL operands apart. `others`: true when a value that is not NULL meets the others. */
function membership(operator: string, column: string, hasNull: boolean, others: string | null): string {
  const negated = isNegated(operator)
  const nullHolds = negated ? !hasNull : hasNull
  return withNull(others ?? (negated ? 'true' : 'false'), column, nullHolds)
}
const isMembership = (operator: string): boolean => operator === '=' || operator === '!=' || isList(operator)

/** @throws OperandError */
export function numberPredicate(
  column: PredicateColumn,
  { operator, operands }: NumberCondition,
  history: readonly number[],
): string {
  const { sql, family } = column
  const hasNull = operands.some(({ kind }) => kind === 'null')
  const values = operands.filter(({ kind }) => kind !== 'null').map((each) => evaluateNumber(each, history))
  // A text or date never equals a number.
  if (family !== 'integer' && family !== 'decimal' && family !== 'floating')
    return membership(operator, sql, hasNull, values.length === 0 ? null : isNegated(operator) ? 'true' : 'false')
  const value = `${sql}::DOUBLE`
  if (!isMembership(operator)) {
    if (hasNull) return 'false'
    // NaN is above every number, so that it lies outside of a range.
    const outside = operator === 'not between' && family === 'floating' && values.every(Number.isFinite)
    const holds = numberHolds(value, operator, values)
    const fits = operator === 'not between' ? fitsBeside(column, values) : null
    const met = outside ? `(isnan(${value}) OR ${holds})` : fits === null ? holds : `(${fits} AND ${holds})`
    return withNull(met, sql, false)
  }
  const others = values.length === 0 ? null : listHolds(sql, family, isNegated(operator) ? 'not in' : 'in', values)
  const fits = others === null ? null : fitsBeside(column, values)
  return membership(operator, sql, hasNull, fits === null ? others : `(${fits} AND ${others})`)
}

/** Integers compare as integers: seven times faster than as doubles. A fraction never equals one. */
function listHolds(sql: string, family: TypeFamily, operator: 'in' | 'not in', values: readonly number[]): string {
  if (family !== 'integer') return numberHolds(`${sql}::DOUBLE`, operator, values)
  const whole = values.filter(Number.isSafeInteger)
  if (whole.length < values.filter(Number.isInteger).length) return numberHolds(`${sql}::DOUBLE`, operator, values)
  if (whole.length === 0) return operator === 'in' ? 'false' : 'true'
  return `${sql} ${operator.toUpperCase()} (${whole.map((each) => each.toFixed(0)).join(', ')})`
}

/** The days of operands and column; times of day do not count. @throws OperandError */
export function datePredicate(
  { sql, family }: PredicateColumn,
  { operator, operands }: DateCondition,
  now: Date,
  tags: Rule['tags'],
): string {
  const days = operands.map((each) => evaluateDay(each, now, tags))
  const hasNull = days.includes(null)
  const values = days.filter((day) => day !== null).map((day) => `DATE ${literal(day)}`)
  const day = family === 'date' ? sql : family === 'text' ? `(${dateOfText(sql)})` : `CAST(${sql} AS DATE)`
  const known = (condition: string): string => `coalesce(${condition}, false)`
  if (isMembership(operator)) {
    const others = values.length === 0 ? null : `${day} ${isNegated(operator) ? 'NOT IN' : 'IN'} (${values.join(', ')})`
    return membership(operator, sql, hasNull, others === null ? null : known(others))
  }
  if (hasNull) return 'false'
  const [first, second] = values
  if (operator === 'between') return known(`(${day} > ${first} AND ${day} < ${second})`)
  if (operator === 'not between') return known(`(${day} <= ${first} OR ${day} >= ${second})`)
  return known(`${day} ${operator} ${first}`)
}

const BLANKS_ONLY = (value: string): string => `regexp_full_match(${value}, '\\s+')`

/** One operand against a value that is not NULL. */
const matchesOperand = (value: string, operand: TextOperand, ignoreCase: boolean): string => {
  if (operand.kind === 'keyword') return operand.keyword === 'EMPTY' ? `${value} = ''` : BLANKS_ONLY(value)
  return ignoreCase ? `lower(${value}) = lower(${literal(operand.value)})` : `${value} = ${literal(operand.value)}`
}

export const ignoresCase = ({ tags }: Pick<Rule, 'tags'>): boolean =>
  tags.some(({ name, value }) => name === 'ignoreCase' && value.kind === 'text' && value.value.toLowerCase() === 'true')

/** Values as Spark writes them: `1.0E300`, `NaN`. */
function asText({ sql, family, duckdbType }: PredicateColumn): string {
  if (family === 'text') return sql
  return duckdbType === 'DOUBLE' ? `sluice_number(${sql})` : `CAST(${sql} AS VARCHAR)`
}

/** Texts compare exactly; patterns (RE2) must match the whole value, and something: an empty text matches none. */
export function textPredicate(
  column: PredicateColumn,
  { operator, operands }: TextCondition,
  ignoreCase: boolean,
): string {
  const { sql } = column
  const value = asText(column)
  const [first] = operands
  if (operator === 'matches' || operator === 'not matches') {
    const pattern = first?.kind === 'text' ? first.value : ''
    const matched = matchesWhole(value, pattern, ignoreCase)
    return withNull(operator === 'matches' ? `(${value} <> '' AND ${matched})` : `NOT ${matched}`, sql, false)
  }
  const hasNull = operands.some((each) => each.kind === 'keyword' && each.keyword === 'NULL')
  const others = operands.filter((each) => !(each.kind === 'keyword' && each.keyword === 'NULL'))
  const any = others.length === 0 ? null : anyOf(value, others, ignoreCase)
  return membership(operator, sql, hasNull, any === null ? null : isNegated(operator) ? `NOT (${any})` : `(${any})`)
}

/** Plain texts as one IN list, the others beside it. */
function anyOf(value: string, operands: readonly TextOperand[], ignoreCase: boolean): string {
  if (ignoreCase) return operands.map((each) => matchesOperand(value, each, true)).join(' OR ')
  const texts = operands.flatMap((each) => (each.kind === 'text' ? [literal(each.value)] : []))
  const keywords = operands.filter(({ kind }) => kind === 'keyword').map((each) => matchesOperand(value, each, false))
  const list = texts.length === 0 ? [] : [`${value} IN (${texts.join(', ')})`]
  return [...list, ...keywords].join(' OR ')
}

/** Lengths in characters; NULL counts as a text of length 0. @throws OperandError */
export function lengthPredicate(
  sql: string,
  { operator, operands }: NumberCondition,
  history: readonly number[],
): string {
  const values = operands.filter(({ kind }) => kind !== 'null').map((each) => evaluateNumber(each, history))
  if (values.length === 0) return operator === '!=' || operator === 'not in' ? 'true' : 'false'
  return numberHolds(`length(coalesce(${sql}, ''))::DOUBLE`, operator, values)
}
