import type { PredicateColumn } from './row-predicates.ts'
import { isNumeric, literal, matches } from './sql.ts'
import { isDateText, isTimestampText } from './text-times.ts'

export const WHOLE_NUMBER = String.raw`\s*[+-]?(\d+\.?\d*|\.\d+)\s*`
export const FLOATING = String.raw`\s*[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?|NaN|Infinity|[iI]nf)\s*`
export const TRUE_TEXTS: readonly string[] = ['t', 'true', 'y', 'yes', '1']
export const FALSE_TEXTS: readonly string[] = ['f', 'false', 'n', 'no', '0']
const TRUTH = [...TRUE_TEXTS, ...FALSE_TEXTS]

/** Whole parts of so many digits fit, whatever they are. */
const SAFE_DIGITS = { INTEGER: 9, BIGINT: 18 } as const

/**
 * A number in decimal digits whose whole part fits the type; fractions are cut. A cast that fails costs ten times a pattern,
 * so casts are left to the few values whose digits do not settle it.
 */
const wholeWithin = (sql: string, duckdbType: 'INTEGER' | 'BIGINT'): string => {
  const surelyFits = matches(sql, String.raw`\s*[+-]?(\d{1,${SAFE_DIGITS[duckdbType]}}(\.\d*)?|\.\d+)\s*`)
  const fits = `try_cast(trunc(try_cast(trim(${sql}) AS DECIMAL(38,9))) AS ${duckdbType}) IS NOT NULL`
  return `CASE WHEN ${surelyFits} THEN true WHEN ${matches(sql, WHOLE_NUMBER)} THEN ${fits} ELSE false END`
}

const FROM_TEXT: Readonly<Record<string, (sql: string) => string>> = {
  boolean: (sql) => `lower(trim(${sql})) IN (${TRUTH.map(literal).join(', ')})`,
  integer: (sql) => wholeWithin(sql, 'INTEGER'),
  long: (sql) => wholeWithin(sql, 'BIGINT'),
  double: (sql) => matches(sql, FLOATING),
  float: (sql) => matches(sql, FLOATING),
  date: isDateText,
  timestamp: isTimestampText,
}
export const DATA_TYPES: readonly string[] = ['Boolean', 'Date', 'Timestamp', 'Integer', 'Double', 'Float', 'Long']

const DATE_FORMATS: Readonly<Record<string, string>> = {
  'dd-MM-yyyy': '%d-%m-%Y',
  'MM-dd-yyyy': '%m-%d-%Y',
  'yyyy-MM-dd': '%Y-%m-%d',
  'MM-yyyy': '%m-%Y',
  'dd-MM': '%d-%m',
  'MM-dd': '%m-%d',
  'yyyy-MM': '%Y-%m',
}
const strftimeOf = (format: string): string | undefined => {
  const dashed = DATE_FORMATS[format.replaceAll('/', '-')]
  return format.includes('/') ? dashed?.replaceAll('-', '/') : dashed
}

/** Typed columns: what Spark casts without loss of meaning to NULL. */
function fromTyped({ sql, family }: PredicateColumn, type: string): string {
  const temporal = family === 'date' || family === 'timestamp'
  const numeric = family === 'integer' || family === 'decimal' || family === 'floating'
  const present = `${sql} IS NOT NULL`
  if (type === 'date') return temporal ? present : 'false'
  if (type === 'timestamp' && family === 'floating') return `(${present} AND isfinite(${sql}))`
  if (type === 'timestamp') return temporal || numeric || family === 'boolean' ? present : 'false'
  if (type === 'boolean') return numeric || family === 'boolean' || family === 'timestamp' ? present : 'false'
  // Spark cuts whole numbers and times to the type's bits: whatever is not NULL has a value.
  return family === 'date' || family === 'other' ? 'false' : present
}

/** Spark refuses to cast these columns whatever they hold, so that neither `=` nor `!=` passes. */
export const isCastRefused = ({ family }: PredicateColumn, typeName: string): boolean =>
  typeName.toLowerCase() === 'date' && (isNumeric(family) || family === 'boolean')

/**
 * True where Spark's CAST without ANSI mode gives a value: the meaning of ColumnDataType. NULL is not castable.
 * `null` for a name that is no type.
 */
export function castablePredicate(column: PredicateColumn, typeName: string, dateFormat: string | null): string | null {
  const type = typeName.toLowerCase()
  const decimal = /^decimal\((\d{1,2}),\s*(\d{1,2})\)$/.exec(type)
  const fromText = FROM_TEXT[type]
  if (decimal === null && fromText === undefined) return null
  if (dateFormat !== null && type === 'date') return formattedDate(column, dateFormat)
  if (decimal !== null) return decimalPredicate(column, `DECIMAL(${decimal[1]},${decimal[2]})`)
  if (column.family !== 'text') return fromTyped(column, type)
  return `coalesce(${fromText?.(column.sql)}, false)`
}

function decimalPredicate({ sql, family }: PredicateColumn, duckdbType: string): string {
  const fits = (value: string): string => `try_cast(${value} AS ${duckdbType}) IS NOT NULL`
  if (family === 'text') return `coalesce(${matches(sql, FLOATING)} AND ${fits(`trim(${sql})`)}, false)`
  if (family === 'date' || family === 'other') return 'false'
  // Spark casts times as seconds.
  return fits(family === 'timestamp' ? `epoch(${sql})` : sql)
}

function formattedDate({ sql, family }: PredicateColumn, format: string): string {
  const strftime = strftimeOf(format)
  if (strftime === undefined) return 'false'
  const text = family === 'text' ? sql : `CAST(${sql} AS VARCHAR)`
  return `try_strptime(${text}, ${literal(strftime)}) IS NOT NULL`
}
