/** A DuckDB string literal. */
export const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** A string literal or NULL. */
export const textOrNull = (value: string | null): string => (value === null ? 'NULL' : text(value))

/** A quoted identifier. */
export const name = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`

/** `'a', 'b'` */
export const texts = (values: readonly string[]): string => values.map(text).join(', ')

/**
 * Whether a text is one of the values; NULL for NULL. Not `IN`: DuckDB turns long lists into a join, and a join does not keep
 * the order of rows, on which record numbers rest.
 */
export const isOneOf = (column: string, values: readonly string[]): string =>
  `list_contains([${texts(values)}]::VARCHAR[], ${column})`

/** A UTC instant (ISO 8601) as TIMESTAMP literal with at most microseconds. */
export const timestamp = (isoInstant: string): string => {
  const [date = '', time = ''] = isoInstant.replace(/Z$/, '').split('T')
  return `TIMESTAMP ${text(time === '' ? date : `${date} ${time}`)}`
}

/** Text with every character that RE2 treats as special made literal. */
export const regexLiteral = (value: string): string => value.replace(/[\\^$.|?*+()[\]{}\-/]/g, '\\$&')
