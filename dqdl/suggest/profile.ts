import { isJsonObject } from '../../core/json.ts'
import { castablePredicate } from '../castable.ts'
import type { QualityConnection } from '../execute.ts'
import type { QualityColumn } from '../quality-plan.ts'
import { familyOf, identifier, isNumeric, literal, matches, type TypeFamily } from '../sql.ts'
import { patternOfShape } from './operands.ts'

/** What all values of a text column can be cast to, the narrowest first. */
export const TEXT_TYPES = ['Integer', 'Long', 'Double', 'Date', 'Timestamp'] as const
export type TextType = (typeof TEXT_TYPES)[number]

/** Values kept of a text column that has few. */
export const MAX_LISTED_VALUES = 20
/** Longest text whose form is looked at, in characters. */
const MAX_SHAPE_CHARACTERS = 64
/** Without white space, which a pattern in a rule says by a blank. */
const MAIL = '[^@ ]+@[^@ ]+'

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
    /** All values match it: of the one form that they have, or of addresses of mail. */
    readonly pattern: string | null
    /** The pattern is that of addresses of mail. */
    readonly mail: boolean
    readonly castableTo: TextType | null
  } | null
}

/** What the first values of a text column look like, and all may. */
interface TextHint {
  readonly pattern: string | null
  readonly types: readonly TextType[]
}
/** Hints by column name. */
type Hints = ReadonlyMap<string, TextHint>

/** Rows that are looked at for hints: all of them would be ten times as dear as what the hints ask. */
const HINT_ROWS = 2000
export interface DataProfile {
  readonly rows: number
  readonly columns: readonly ColumnProfile[]
  /** Columns that together are unique and complete, of those asked for. */
  readonly keyHolds: boolean
}

/** Rules about texts need texts: UUIDs, enums and JSON only compare like them. */
const profiledFamily = (duckdbType: string): TypeFamily => {
  const family = familyOf(duckdbType)
  return family === 'text' && duckdbType !== 'VARCHAR' ? 'other' : family
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

const holdsForAll = (column: string, predicate: string): string =>
  `coalesce(bool_and(CASE WHEN ${column} IS NOT NULL THEN ${predicate} END), false)`
const matchesAll = (column: string, pattern: string): string => holdsForAll(column, matches(column, pattern))
const castableAll = (column: string, type: TextType): string =>
  holdsForAll(column, castablePredicate({ sql: column, family: 'text' }, type, null) ?? 'false')

function textMembers(column: string, hint: TextHint | undefined): readonly string[] {
  const pattern = hint?.pattern ?? null
  return [
    `'shortest', min(length(${column}))`,
    `'longest', max(length(${column}))`,
    `'listed', approx_top_k(${column}, ${MAX_LISTED_VALUES * 2})`,
    ...(pattern === null ? [] : [`'pattern', ${matchesAll(column, pattern)}`]),
    ...(hint?.types ?? []).map((type) => `${literal(type)}, ${castableAll(column, type)}`),
  ]
}

function membersOf({ name, duckdbType }: QualityColumn, hints: Hints): readonly string[] {
  const column = identifier(name)
  const family = profiledFamily(duckdbType)
  const values = `'values', count(${column})`
  const distinct = `'distinct', count(DISTINCT ${column})`
  if (family === 'text') return [values, distinct, ...textMembers(column, hints.get(name))]
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

/** One statement, one scan: an object of figures for each column. */
function profileSql(relation: string, columns: readonly QualityColumn[], key: readonly string[], hints: Hints): string {
  const figures = columns.map(
    (column, index) => `to_json(json_object(${membersOf(column, hints).join(', ')}))::VARCHAR AS c${index}`,
  )
  const tuple = `(${key.map(identifier).join(', ')})`
  const complete = key.map((name) => `${identifier(name)} IS NOT NULL`).join(' AND ')
  const keyHolds =
    key.length === 0 ? 'false' : `count(DISTINCT ${tuple}) = count(*) AND count_if(${complete}) = count(*)`
  return `SELECT ${['count(*) AS row_count', `${keyHolds} AS key_holds`, ...figures].join(', ')} FROM ${relation}`
}

type Figures = Readonly<Record<string, unknown>>
function figuresOf(text: unknown): Figures {
  const figures: unknown = JSON.parse(String(text))
  return isJsonObject(figures) ? figures : {}
}
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

function textsOf(figures: Figures, distinct: number | null, hint: TextHint | undefined): ColumnProfile['texts'] {
  const shortest = numberOf(figures, 'shortest')
  const longest = numberOf(figures, 'longest')
  if (shortest === null || longest === null) return null
  const values = Array.isArray(figures.listed) ? figures.listed.filter((value) => typeof value === 'string') : []
  const pattern = figures.pattern === true ? (hint?.pattern ?? null) : null
  return {
    shortest,
    longest,
    listed: distinct !== null && distinct <= MAX_LISTED_VALUES && values.length === distinct ? values.sort() : null,
    pattern,
    mail: pattern === MAIL,
    castableTo: TEXT_TYPES.find((type) => figures[type] === true) ?? null,
  }
}

function columnProfile({ name, duckdbType }: QualityColumn, text: unknown, hints: Hints): ColumnProfile {
  const known = figuresOf(text)
  const distinct = numberOf(known, 'distinct')
  const family = profiledFamily(duckdbType)
  return {
    name,
    family,
    values: numberOf(known, 'values') ?? 0,
    distinct,
    numbers: isNumeric(family) ? numbersOf(known) : null,
    days: family === 'date' || family === 'timestamp' ? daysOf(known) : null,
    texts: family === 'text' ? textsOf(known, distinct, hints.get(name)) : null,
  }
}

/** Looks at the first rows of the text columns. */
async function hintsOf(
  relation: string,
  columns: readonly QualityColumn[],
  connection: QualityConnection,
): Promise<Hints> {
  const texts = columns.filter(({ duckdbType }) => profiledFamily(duckdbType) === 'text')
  if (texts.length === 0) return new Map()
  const figures = texts.map(({ name }, index) => {
    const column = identifier(name)
    const short = `CASE WHEN length(${column}) <= ${MAX_SHAPE_CHARACTERS} THEN ${shapeOf(column)} ELSE '' END`
    const types = TEXT_TYPES.map((type) => `${literal(type)}, ${castableAll(column, type)}`)
    return `to_json(json_object('firstShape', min(${short}), 'lastShape', max(${short}), 'mail', ${matchesAll(column, MAIL)}, ${types.join(', ')}))::VARCHAR AS c${index}`
  })
  const [row = {}] = await connection.rows(
    `SELECT ${figures.join(', ')} FROM (SELECT * FROM ${relation} LIMIT ${HINT_ROWS})`,
  )
  return new Map(texts.map(({ name }, index) => [name, hintOf(figuresOf(row[`c${index}`]))]))
}

function hintOf(figures: Figures): TextHint {
  const shape = textOf(figures, 'firstShape')
  const oneForm = shape === null || shape !== textOf(figures, 'lastShape') ? null : patternOfShape(shape)
  return {
    pattern: oneForm ?? (figures.mail === true ? MAIL : null),
    types: TEXT_TYPES.filter((type) => figures[type] === true),
  }
}

/**
 * Measures what rules can be suggested from: a look at the first rows, then one scan of all.
 * @param key columns that are looked at as a key, none by default
 */
export async function profileData(
  relation: string,
  columns: readonly QualityColumn[],
  key: readonly string[],
  connection: QualityConnection,
): Promise<DataProfile> {
  const hints = await hintsOf(relation, columns, connection)
  const [row = {}] = await connection.rows(profileSql(relation, columns, key, hints))
  return {
    rows: Number(row.row_count),
    keyHolds: row.key_holds === true,
    columns: columns.map((column, index) => columnProfile(column, row[`c${index}`], hints)),
  }
}
