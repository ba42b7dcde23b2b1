import { errored, type RuleCompiler } from '../compiled-rule.ts'
import { evaluatedText, numberHolds, operandValues } from '../conditions.ts'
import { parameterOf } from './support.ts'

/** With a condition: one row, one column; NULL counts as 0. */
export const customSql: RuleCompiler = (rule, measures, surroundings) => {
  const statement = parameterOf(rule, 0)
  const translation = surroundings.translations[statement]
  if (translation?.sql == null) return errored(translation?.refused ?? 'the statement was not translated')
  const { condition } = rule
  if (condition?.kind !== 'number')
    return errored('Rule (or nested rule) not supported due to: CustomSql without condition')
  const metric = 'Dataset.*.CustomSQL'
  const operands = operandValues(condition, surroundings.history(metric))
  const { sql } = translation
  const source = measures.query(
    `SELECT count(*) AS row_count, coalesce(first(v)::DOUBLE, 0) AS v, (SELECT count(*) FROM (DESCRIBE ${sql})) AS column_count FROM (${sql}) AS t(v)`,
  )
  const value = `${source}.v`
  return {
    kind: 'measured',
    checks: [
      {
        value,
        failure: `CASE WHEN ${source}.column_count <> 1 THEN 'Custom SQL did not return exactly 1 column' WHEN ${source}.row_count <> 1 THEN 'Custom SQL did not return exactly 1 row' WHEN NOT ${numberHolds(value, condition.operator, operands)} THEN '!' END`,
      },
    ],
    metrics: [{ name: metric, sql: value }],
    evaluatedRule: evaluatedText(rule, condition, operands),
    brokenBy: null,
  }
}
