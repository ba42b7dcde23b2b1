/** A quoted identifier of DuckDB. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`
/** A text literal of DuckDB. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
/** SQL that is true when the whole text matches a pattern (RE2). */
export const matches = (sql: string, pattern: string): string => `regexp_full_match(${sql}, ${literal(pattern)})`
/** A double of DuckDB with exactly this value, NaN and infinities included. */
export const double = (value: number): string => `'${Object.is(value, -0) ? '-0.0' : String(value)}'::DOUBLE`

export type TypeFamily = 'integer' | 'decimal' | 'floating' | 'text' | 'boolean' | 'date' | 'timestamp' | 'other'

const FAMILIES: readonly (readonly [RegExp, TypeFamily])[] = [
  [/^(?:U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|INT|LONG)$/, 'integer'],
  [/^(?:DECIMAL|NUMERIC)(?:\(|$)/, 'decimal'],
  [/^(?:FLOAT|DOUBLE|REAL)$/, 'floating'],
  [/^(?:VARCHAR|TEXT|STRING|JSON|UUID|ENUM)(?:\(|$)/, 'text'],
  [/^BOOLEAN$/, 'boolean'],
  [/^DATE$/, 'date'],
  [/^(?:TIMESTAMP|DATETIME)/, 'timestamp'],
]

/** What kind of values a DuckDB type holds. */
export const familyOf = (duckdbType: string): TypeFamily => {
  const type = duckdbType.toUpperCase()
  if (type.endsWith(']')) return 'other'
  return FAMILIES.find(([pattern]) => pattern.test(type))?.[1] ?? 'other'
}
export const isNumeric = (family: TypeFamily): boolean =>
  family === 'integer' || family === 'decimal' || family === 'floating'
