import { errored, failed, type RuleCompiler } from '../compiled-rule.ts'
import { evaluatedRule, numberHolds, operandValues } from '../conditions.ts'
import { patternProblem } from '../pattern.ts'
import { checkNumber, countOf, numberCondition, parameterOf, scopeOf } from './support.ts'

export const rowCount: RuleCompiler = (rule, measures, surroundings) => {
  const value = `${measures.aggregate(countOf(scopeOf(rule, surroundings)))}::DOUBLE`
  const check = { metric: 'Dataset.*.RowCount', value, analyzer: 'Size(None)' }
  return checkNumber(rule, numberCondition(rule), check, surroundings)
}

/** Known before a row is read, but compared like any other metric. */
export const columnCount: RuleCompiler = (rule, _measures, surroundings) => {
  const metric = 'Dataset.*.ColumnCount'
  const condition = numberCondition(rule)
  const operands = operandValues(condition, surroundings.history(metric))
  const value = `${surroundings.columns.length}::DOUBLE`
  return {
    kind: 'measured',
    checks: [{ value, failure: `CASE WHEN NOT ${numberHolds(value, condition.operator, operands)} THEN '!' END` }],
    metrics: [{ name: metric, sql: value }],
    evaluatedRule: evaluatedRule(rule, condition, operands),
    brokenBy: null,
  }
}

export const columnExists: RuleCompiler = (rule, _measures, { columns }) => {
  const name = parameterOf(rule, 0)
  const metric = `Dataset.${name}.ColumnExists`
  if (columns.some((column) => column.name === name))
    return { kind: 'settled', result: 'PASS', message: null, metrics: { [metric]: 1 } }
  return failed('Value: 0.0 does not meet the constraint requirement!', { [metric]: 0 })
}

export const columnNamesMatchPattern: RuleCompiler = (rule, _measures, { columns }) => {
  const metric = 'Dataset.*.ColumnNamesPatternMatchRatio'
  const problem = patternProblem(parameterOf(rule, 0))
  if (problem !== null) return errored(`Pattern cannot be used: ${problem}`)
  const pattern = new RegExp(parameterOf(rule, 0))
  const others = columns.filter(({ name }) => !pattern.test(name)).map(({ name }) => name)
  const value = (columns.length - others.length) / columns.length
  if (others.length === 0) return { kind: 'settled', result: 'PASS', message: null, metrics: { [metric]: value } }
  return failed(`Columns that do not match the pattern: ${others.join(', ')}`, { [metric]: value })
}
