import type { DurationCondition } from '../ast.ts'
import { errored, type RuleCompiler } from '../compiled-rule.ts'
import { numberHolds } from '../conditions.ts'
import { durationMinutes } from '../operands.ts'
import { literal } from '../sql.ts'
import { timestampOfText } from '../text-times.ts'
import { checkRowShare } from './row-share.ts'
import { columnMetric, columnOf, parameterOf, requireFamily, scopeOf } from './support.ts'

/** Hours of a duration as the reference has them: rounded to four decimals. */
const hoursOf = (operand: DurationCondition['operands'][number]): number =>
  Math.round((durationMinutes(operand) / 60) * 10_000) / 10_000

/** Age of every value in hours, rounded to two decimals. NULL and what is no time break the rule. */
export const dataFreshness: RuleCompiler = (rule, measures, surroundings) => {
  const column = columnOf(parameterOf(rule, 0), surroundings, (name) => `Column ${name} does not exist in the dataset`)
  requireFamily(column, ['date', 'timestamp', 'text'], 'a date or timestamp')
  const { condition } = rule
  if (condition?.kind !== 'duration') return errored('DataFreshness needs a duration condition')
  const now = `TIMESTAMP ${literal(surroundings.now.toISOString().slice(0, 23).replace('T', ' '))}`
  const instant = column.family === 'text' ? timestampOfText(column.sql) : `CAST(${column.sql} AS TIMESTAMP)`
  const age = `round(epoch(${now} - ${instant}) / 3600, 2)`
  const fresh = numberHolds(age, condition.operator, condition.operands.map(hoursOf))
  const share = {
    predicate: `coalesce(${fresh}, false)`,
    metric: columnMetric([column.name], 'DataFreshness.Compliance'),
    analyzer: `DataFreshness(${column.name})`,
    failureOf: (value: string) => `printf('%.2f%% of rows passed', ${value} * 100)`,
    emptyPasses: true,
  }
  return checkRowShare(rule, share, scopeOf(rule, surroundings), measures, surroundings)
}
