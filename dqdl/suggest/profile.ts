import { castablePredicate } from '../castable.ts'
import type { QualityConnection } from '../execute.ts'
import type { QualityColumn } from '../quality-plan.ts'
import { familyOf, identifier, isNumeric, literal, type TypeFamily } from '../sql.ts'

/** What all values of a text column can be cast to, the narrowest first. */
export const TEXT_TYPES = ['Integer', 'Long', 'Double', 'Date', 'Timestamp'] as const
export type TextType = (typeof TEXT_TYPES)[number]

/** Values kept of a text column that has few. */
export const MAX_LISTED_VALUES = 20
/** Longest text whose form is looked at, in characters. */
const MAX_SHAPE_CHARACTERS = 64
const EMAIL = String.raw`[^@\s]+@[^@\s]+\.[^@\s]+`

/** Figures of one column over all rows. */
export interface ColumnProfile {
  readonly name: string
  readonly family: TypeFamily
  /** Rows with a value. */
  readonly values: number
  /** Distinct values; `null` where it was not counted. */
  readonly distinct: number | null
  readonly numbers: {
    readonly minimum: number
    readonly maximum: number
    readonly mean: number
    readonly deviation: number
  } | null
  /** First and last day, `YYYY-MM-DD`. */
  readonly days: { readonly first: string; readonly last: string } | null
  readonly texts: {
    readonly shortest: number
    readonly longest: number
    /** Every value, when there are at most {@link MAX_LISTED_VALUES}. */
    readonly listed: readonly string[] | null
    /** The one form of all values: `A` a capital letter, `a` a small one, `9` a digit, others as they are; else `null`. */
    readonly shape: string | null
    /** All values look like addresses of mail. */
    readonly mail: boolean
    readonly castableTo: TextType | null
  } | null
}
export interface DataProfile {
  readonly rows: number
  readonly columns: readonly ColumnProfile[]
  /** Columns that together are unique and complete, of those asked for. */
  readonly keyHolds: boolean
}

const finite = (value: string, family: TypeFamily): string =>
  family === 'floating' ? `CASE WHEN isfinite(${value}) THEN ${value} END` : value

/** Letters and digits by their kind: texts of one form become one text. */
const shapeOf = (value: string): string =>
  `regexp_replace(regexp_replace(regexp_replace(${value}, '[A-Z]', 'A', 'g'), '[a-z]', 'a', 'g'), '[0-9]', '9', 'g')`

function numberMembers(column: string, family: TypeFamily): readonly string[] {
  const value = `${finite(column, family)}::DOUBLE`
  return [
    `'minimum', min(${value})`,
    `'maximum', max(${value})`,
    `'mean', sum(${finite(column, family)})::DOUBLE / nullif(count(${column}), 0)`,
    // Squares of larger values overflow.
    `'deviation', stddev_pop(CASE WHEN abs(${value}) < 1e150 THEN ${value} END)`,
    `'finite', coalesce(bool_and(isfinite(${column}::DOUBLE)), true)`,
  ]
}

function textMembers(column: string): readonly string[] {
  const predicateColumn = { sql: column, family: 'text' as const }
  const short = `CASE WHEN length(${column}) <= ${MAX_SHAPE_CHARACTERS} THEN ${shapeOf(column)} END`
  return [
    `'shortest', min(length(${column}))`,
    `'longest', max(length(${column}))`,
    `'listed', approx_top_k(${column}, ${MAX_LISTED_VALUES * 2})`,
    `'firstShape', min(${short})`,
    `'lastShape', max(${short})`,
    `'mail', coalesce(bool_and(regexp_full_match(${column}, ${literal(EMAIL)})), false)`,
    ...TEXT_TYPES.map((type) => {
      const castable = castablePredicate(predicateColumn, type, null) ?? 'false'
      return `${literal(type)}, coalesce(bool_and(CASE WHEN ${column} IS NOT NULL THEN ${castable} END), false)`
    }),
  ]
}

function membersOf({ name, duckdbType }: QualityColumn): readonly string[] {
  const column = identifier(name)
  const family = familyOf(duckdbType)
  const values = `'values', count(${column})`
  const distinct = `'distinct', count(DISTINCT ${column})`
  if (family === 'text') return [values, distinct, ...textMembers(column)]
  if (family === 'integer') return [values, distinct, ...numberMembers(column, family)]
  if (isNumeric(family)) return [values, ...numberMembers(column, family)]
  if (family === 'date' || family === 'timestamp')
    return [
      values,
      `'first', strftime(min(CASE WHEN isfinite(${column}) THEN ${column} END)::TIMESTAMP, '%Y-%m-%d')`,
      `'last', strftime(max(CASE WHEN isfinite(${column}) THEN ${column} END)::TIMESTAMP, '%Y-%m-%d')`,
      `'finite', coalesce(bool_and(isfinite(${column})), true)`,
    ]
  return [values]
}

/** One statement, one scan: a struct of figures for each column. */
export function profileSql(relation: string, columns: readonly QualityColumn[], key: readonly string[]): string {
  const figures = columns.map(
    (column, index) => `to_json(json_object(${membersOf(column).join(', ')}))::VARCHAR AS c${index}`,
  )
  const tuple = `(${key.map(identifier).join(', ')})`
  const complete = key.map((name) => `${identifier(name)} IS NOT NULL`).join(' AND ')
  const keyHolds =
    key.length === 0 ? 'false' : `count(DISTINCT ${tuple}) = count(*) AND count_if(${complete}) = count(*)`
  return `SELECT ${['count(*) AS row_count', `${keyHolds} AS key_holds`, ...figures].join(', ')} FROM ${relation}`
}

type Figures = Readonly<Record<string, unknown>>
const numberOf = (figures: Figures, name: string): number | null => {
  const value = figures[name]
  return typeof value === 'number' ? value : null
}
const textOf = (figures: Figures, name: string): string | null => {
  const value = figures[name]
  return typeof value === 'string' ? value : null
}

function numbersOf(figures: Figures): ColumnProfile['numbers'] {
  const [minimum, maximum, mean] = ['minimum', 'maximum', 'mean'].map((name) => numberOf(figures, name))
  if (figures.finite !== true || minimum == null || maximum == null || mean == null) return null
  return { minimum, maximum, mean, deviation: numberOf(figures, 'deviation') ?? 0 }
}

function daysOf(figures: Figures): ColumnProfile['days'] {
  const first = textOf(figures, 'first')
  const last = textOf(figures, 'last')
  const writable = (day: string | null): day is string => day !== null && /^\d{4}-\d{2}-\d{2}$/.test(day)
  return figures.finite === true && writable(first) && writable(last) ? { first, last } : null
}

function textsOf(figures: Figures, distinct: number | null): ColumnProfile['texts'] {
  const shortest = numberOf(figures, 'shortest')
  const longest = numberOf(figures, 'longest')
  if (shortest === null || longest === null) return null
  const values = Array.isArray(figures.listed) ? figures.listed.filter((value) => typeof value === 'string') : []
  const shape = textOf(figures, 'firstShape')
  const oneShape = longest <= MAX_SHAPE_CHARACTERS && shape === textOf(figures, 'lastShape')
  return {
    shortest,
    longest,
    listed: distinct !== null && distinct <= MAX_LISTED_VALUES && values.length === distinct ? values.sort() : null,
    shape: oneShape ? shape : null,
    mail: figures.mail === true,
    castableTo: TEXT_TYPES.find((type) => figures[type] === true) ?? null,
  }
}

function columnProfile({ name, duckdbType }: QualityColumn, text: unknown): ColumnProfile {
  const figures: unknown = JSON.parse(String(text))
  const known: Figures = typeof figures === 'object' && figures !== null ? { ...figures } : {}
  const distinct = numberOf(known, 'distinct')
  const family = familyOf(duckdbType)
  return {
    name,
    family,
    values: numberOf(known, 'values') ?? 0,
    distinct,
    numbers: isNumeric(family) ? numbersOf(known) : null,
    days: family === 'date' || family === 'timestamp' ? daysOf(known) : null,
    texts: family === 'text' ? textsOf(known, distinct) : null,
  }
}

/**
 * Measures what rules can be suggested from, in one scan.
 * @param key columns that are looked at as a key, none by default
 */
export async function profileData(
  relation: string,
  columns: readonly QualityColumn[],
  key: readonly string[],
  connection: QualityConnection,
): Promise<DataProfile> {
  const [row = {}] = await connection.rows(profileSql(relation, columns, key))
  return {
    rows: Number(row.row_count),
    keyHolds: row.key_holds === true,
    columns: columns.map((column, index) => columnProfile(column, row[`c${index}`])),
  }
}
