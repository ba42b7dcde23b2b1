import type { Rule } from '../ast.ts'
import {
  type CompiledRule,
  errored,
  failed,
  type Measures,
  type RuleCompiler,
  type Surroundings,
} from '../compiled-rule.ts'
import { evaluatedRule, numberHolds, operandValues } from '../conditions.ts'
import { identifier } from '../sql.ts'
import type { SqlTranslation } from '../sql-translation.ts'
import { checkNumber, mustBeOne, numberCondition, parameterOf, ratio, requireKnownTables } from './support.ts'

export const customSql: RuleCompiler = (rule, measures, surroundings) => {
  const translation = surroundings.translations[parameterOf(rule, 0)]
  if (translation?.sql == null) return errored(translation?.refused ?? 'the statement was not translated')
  requireKnownTables(translation, surroundings)
  return rule.condition === null
    ? goodRows(rule, translation.sql, translation.outputs ?? [], measures, surroundings)
    : scalar(rule, translation.sql, measures, surroundings)
}

/** Whatever the statement returns, as Spark casts it to a double: times in seconds; days and other texts are NULL. */
const AS_DOUBLE = `CASE WHEN typeof(v) LIKE 'TIMESTAMP%' THEN epoch(try_cast(v::VARCHAR AS TIMESTAMP)) WHEN typeof(v) = 'BOOLEAN' THEN (v::VARCHAR = 'true')::INTEGER::DOUBLE ELSE try_cast(v::VARCHAR AS DOUBLE) END`

/** One row and one column are compared; NULL counts as 0. */
function scalar(rule: Rule, sql: string, measures: Measures, { history }: Surroundings): CompiledRule {
  const metric = 'Dataset.*.CustomSQL'
  const condition = numberCondition(rule)
  const operands = operandValues(condition, history(metric))
  const source = measures.query(
    `SELECT count(*) AS row_count, coalesce(first(${AS_DOUBLE}), 0) AS v, (SELECT count(*) FROM (DESCRIBE ${sql})) AS column_count FROM (${sql}) AS t(v)`,
  )
  const value = `${source}.v`
  const holds = numberHolds(value, condition.operator, operands)
  const failure = `CASE WHEN ${source}.column_count <> 1 THEN 'Custom SQL did not return exactly 1 column' WHEN ${source}.row_count <> 1 THEN 'Custom SQL did not return exactly 1 row' WHEN NOT ${holds} THEN '!' END`
  return {
    kind: 'measured',
    checks: [{ value, failure }],
    metrics: [{ name: metric, sql: value }],
    evaluatedRule: evaluatedRule(rule, condition, operands),
    brokenBy: null,
  }
}

/** The statement returns the good rows: a row passes when its values in the returned columns are among them. */
function goodRows(
  rule: Rule,
  sql: string,
  outputs: NonNullable<SqlTranslation['outputs']>,
  measures: Measures,
  surroundings: Surroundings,
): CompiledRule {
  const { columns } = surroundings
  const returned = outputs.flatMap((name) => (name === '*' ? columns.map((column) => column.name) : [name]))
  const names = returned.map((name) => columns.find((column) => column.name === name)?.name)
  const known = names.filter((name) => name !== undefined)
  if (known.length === 0 || known.length < names.length)
    return failed('The output of the statement must have columns of the primary data frame only.')
  const equal = known.map((name) => `good.${identifier(name)} IS NOT DISTINCT FROM sluice_data.${identifier(name)}`)
  const exists = `EXISTS (SELECT 1 FROM (${sql}) AS good WHERE ${equal.join(' AND ')})`
  const source = measures.query(
    `SELECT (SELECT count(*) FROM sluice_data) AS total, (SELECT count(*) FROM sluice_data WHERE ${exists}) AS matched`,
  )
  const check = {
    metric: 'Dataset.*.CustomSQL.Compliance',
    value: ratio(`${source}.matched`, `${source}.total`),
    analyzer: 'CustomSql',
    end: '.' as const,
    brokenBy: `NOT ${exists}`,
  }
  return checkNumber(rule, rule.threshold ?? mustBeOne(), check, surroundings)
}
