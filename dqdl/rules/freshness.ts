import type { DurationCondition } from '../ast.ts'
import { errored, type RuleCompiler } from '../compiled-rule.ts'
import { numberHolds } from '../conditions.ts'
import { durationMinutes } from '../operands.ts'
import { isNumeric } from '../sql.ts'
import { timestampOfText } from '../text-times.ts'
import { checkRowShare } from './row-share.ts'
import { type Column, columnMetric, columnOf, failedByAnyRow, parameterOf, scopeOf } from './support.ts'

/** Hours of a duration as the reference has them: rounded to four decimals. */
const hoursOf = (operand: DurationCondition['operands'][number]): number =>
  Math.round((durationMinutes(operand) / 60) * 10_000) / 10_000

const TWO_TO_64 = '18446744073709551616'
const TWO_TO_63 = '9223372036854775808'
/** Spark keeps the low 64 bits of a decimal's microseconds. */
function decimalSeconds(sql: string): string {
  const micros = `((trunc(${sql})::HUGEINT % ${TWO_TO_64}) * 1000000)`
  const bits = `(((${micros} % ${TWO_TO_64}) + ${TWO_TO_64} + ${TWO_TO_63}) % ${TWO_TO_64} - ${TWO_TO_63})`
  return `CASE WHEN abs(${sql}::DOUBLE) < 1e12 THEN ${sql}::DOUBLE ELSE ${bits}::DOUBLE / 1e6 END`
}

/** Seconds since 1970 of a value; NULL for what is no time. Numbers are such seconds, as Spark reads them. */
function secondsOf({ sql, family }: Column): string {
  // Spark reads a boolean as a moment, and makes of it no age.
  if (family === 'boolean') return 'NULL::DOUBLE'
  if (family === 'floating') return `CASE WHEN isfinite(${sql}) THEN ${sql}::DOUBLE END`
  if (family === 'decimal') return decimalSeconds(sql)
  if (isNumeric(family)) return `${sql}::DOUBLE`
  return `epoch(${family === 'text' ? timestampOfText(sql) : `CAST(${sql} AS TIMESTAMP)`})`
}

/** Age of every value in hours, rounded to two decimals. NULL and what is no time break the rule. */
export const dataFreshness: RuleCompiler = (rule, measures, surroundings) => {
  const column = columnOf(parameterOf(rule, 0), surroundings, (name) => `Column ${name} does not exist in the dataset`)
  const scope = scopeOf(rule, surroundings)
  if (column.family === 'other')
    return failedByAnyRow(
      `Expected type of column ${column.name} to be a date or timestamp, but found ${column.duckdbType} instead!`,
      measures,
      scope,
    )
  const { condition } = rule
  if (condition?.kind !== 'duration') return errored('DataFreshness needs a duration condition')
  const now = Math.floor(surroundings.now.getTime() / 1000)
  const age = `round((${now} - floor(${secondsOf(column)})) / 3600, 2)`
  const fresh = numberHolds(age, condition.operator, condition.operands.map(hoursOf))
  const share = {
    predicate: `coalesce(${fresh}, false)`,
    column: column.sql,
    metric: columnMetric([column.name], 'DataFreshness.Compliance'),
    analyzer: `DataFreshness(${column.name})`,
    failureOf: (value: string) => `printf('%.2f%% of rows passed', ${value} * 100)`,
    emptyPasses: true,
  }
  return checkRowShare(rule, share, scope, measures, surroundings)
}
