import { matches } from './sql.ts'

const DATE = String.raw`\s*[+-]?\d{4,7}(-\d{1,2}(-\d{1,2}([ T].*)?)?)?\s*`
const SIXTY = String.raw`[0-5]?\d`
const TIME_OF_DAY = String.raw`([01]?\d|2[0-3])(:${SIXTY}(:${SIXTY}(\.\d{0,9})?)?)?\s?(Z|[+-]\d{1,2}(:?\d{1,2})?|UTC|GMT)?`
const TIMESTAMP = String.raw`\s*[+-]?\d{4,7}(-\d{1,2}(-\d{1,2}([ T](${TIME_OF_DAY})?)?)?)?\s*`

/** The day at the start of a text, as text: Spark reads `2024`, `2024-5` and `2024-05-01 10:00` as dates. */
const dayTextOf = (sql: string): string => {
  const day = `regexp_extract(${sql}, '^\\s*([+-]?\\d{4,7})(?:-(\\d{1,2})(?:-(\\d{1,2}))?)?', ['y', 'm', 'd'])`
  return `${day}.y || '-' || coalesce(nullif(${day}.m, ''), '1') || '-' || coalesce(nullif(${day}.d, ''), '1')`
}
const isDay = (sql: string): string => `try_cast(${dayTextOf(sql)} AS DATE) IS NOT NULL`

/** The DATE that Spark reads in a text; NULL where it is none. */
export const dateOfText = (sql: string): string =>
  `CASE WHEN ${matches(sql, DATE)} THEN try_cast(${dayTextOf(sql)} AS DATE) END`

/** The TIMESTAMP (UTC) that Spark reads in a text; NULL where it is none. */
export const timestampOfText = (sql: string): string => {
  const written = `regexp_extract(${sql}, '^\\s*[+-]?\\d{4,7}-\\d{1,2}-\\d{1,2}[ T](.*?)\\s*$', 1)`
  // An hour alone is one to Spark; the engine wants its minutes.
  const time = `regexp_replace(${written}, '^(\\d{1,2})($|[^:\\d])', '\\1:00\\2')`
  return `CASE WHEN ${matches(sql, TIMESTAMP)} THEN coalesce(try_cast(${dayTextOf(sql)} || ' ' || nullif(${time}, '') AS TIMESTAMP), try_cast(${dayTextOf(sql)} AS TIMESTAMP)) END`
}

/** True for texts that Spark casts to a date. */
export const isDateText = (sql: string): string => `(${matches(sql, DATE)} AND ${isDay(sql)})`
/** True for texts that Spark casts to a timestamp. */
export const isTimestampText = (sql: string): string => `(${matches(sql, TIMESTAMP)} AND ${isDay(sql)})`
