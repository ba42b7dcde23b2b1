import type { NumberCondition, Rule, TextOperand } from '../ast.ts'
import { castablePredicate, DATA_TYPES, isCastRefused } from '../castable.ts'
import {
  type CompiledRule,
  errored,
  failed,
  type Measures,
  type RuleCompiler,
  type Surroundings,
} from '../compiled-rule.ts'
import { evaluatedRule, numberHolds, operandValues } from '../conditions.ts'
import { nearestHint } from '../problem.ts'
import { datePredicate, ignoresCase, lengthPredicate, numberPredicate, textPredicate } from '../row-predicates.ts'
import { literal } from '../sql.ts'
import { checkRowShare } from './row-share.ts'
import {
  type Column,
  columnInPredicate,
  columnMetric,
  columnOf,
  emptyMessage,
  failedByAnyRow,
  inScope,
  NULL_MESSAGE,
  NUMERIC,
  numberCondition,
  parameterOf,
  requireNumeric,
  requireText,
  rowsInScope,
  scopeOf,
  within,
} from './support.ts'

type Extreme = 'minimum' | 'maximum'
/** Conditions that the extremes of all values decide. */
const EXTREMES: Readonly<Record<string, readonly Extreme[]>> = {
  '>': ['minimum'],
  '>=': ['minimum'],
  '<': ['maximum'],
  '<=': ['maximum'],
  '=': ['minimum', 'maximum'],
  between: ['minimum', 'maximum'],
}

/** Decides a condition by minimum and maximum: they are shared by all rules over a column. */
function checkExtremes(
  rule: Rule,
  condition: NumberCondition,
  options: {
    readonly value: string
    /** True where the value is never NULL. */
    readonly complete: boolean
    readonly scope: string | null
    readonly metricOf: (extreme: Extreme) => string
    readonly reported: boolean
    readonly analyzer: string
    /** True for rows that meet the condition. */
    readonly predicate: string
  },
  measures: Measures,
  surroundings: Surroundings,
): CompiledRule {
  const { value, scope, metricOf, analyzer } = options
  const extremes = EXTREMES[condition.operator] ?? []
  const [first = 'minimum'] = extremes
  const operands = operandValues(condition, surroundings.history(metricOf(first)))
  const sqlOf = (extreme: Extreme): string =>
    `${measures.aggregate(`${extreme === 'minimum' ? 'min' : 'max'}(${inScope(scope, value)})`)}::DOUBLE`
  const rows = rowsInScope(measures, scope)
  const present = options.complete ? rows : measures.aggregate(`count(${inScope(scope, value)})`)
  const empty = rule.where === null ? literal(emptyMessage(analyzer)) : 'NULL'
  const nullFailure = `CASE WHEN ${rows} = 0 THEN ${empty} WHEN ${present} < ${rows} THEN ${literal(NULL_MESSAGE)} END`
  return {
    kind: 'measured',
    checks: [
      { value: 'NULL', failure: nullFailure },
      ...extremes.map((extreme) => ({
        value: sqlOf(extreme),
        failure: `CASE WHEN NOT ${numberHolds(sqlOf(extreme), condition.operator, operands)} THEN '!' END`,
      })),
    ],
    metrics: options.reported ? extremes.map((extreme) => ({ name: metricOf(extreme), sql: sqlOf(extreme) })) : [],
    evaluatedRule: evaluatedRule(rule, condition, operands),
    brokenBy: within(scope, `NOT ${options.predicate}`),
  }
}

const COMPLIANCE = 'ColumnValues.Compliance'

/** An operand that a column is compared with, and not looked at for NULL or white space. */
const isComparedText = (operand: TextOperand): boolean => operand.kind === 'text' || operand.keyword === 'EMPTY'

/** Conditions that are looked at row by row, and not by minimum, maximum or pattern. */
function isPredicate({ condition }: Rule): boolean {
  if (condition === null) return false
  const { kind, operator } = condition
  if (kind === 'text') return operator !== 'matches' && operator !== 'not matches'
  if (kind !== 'number') return true
  return EXTREMES[operator] === undefined || condition.operands.every((operand) => operand.kind === 'null')
}
const columnFor = (rule: Rule, surroundings: Surroundings): Column =>
  (isPredicate(rule) ? columnInPredicate : columnOf)(parameterOf(rule, 0), surroundings)

export const columnValues: RuleCompiler = (rule, measures, surroundings) => {
  const column = columnFor(rule, surroundings)
  const scope = scopeOf(rule, surroundings)
  const { condition } = rule
  if (condition?.kind === 'number') return numericValues(rule, condition, column, scope, measures, surroundings)
  if (condition?.kind === 'date') {
    if (column.family === 'boolean' || NUMERIC.includes(column.family))
      return failed(`Expected type of column ${column.name} to be a date, but found ${column.duckdbType} instead!`)
    const predicate = datePredicate(column, condition, surroundings.now, rule.tags)
    return complianceOf(rule, column, predicate, COMPLIANCE, scope, measures, surroundings)
  }
  if (condition?.kind !== 'text') return errored(`ColumnValues cannot have a condition of this kind`)
  const pattern = condition.operator === 'matches' || condition.operator === 'not matches'
  if (pattern) requireText(column)
  if (column.family === 'boolean' && condition.operands.some(isComparedText))
    return errored(`Column ${column.name} of type ${column.duckdbType} cannot be compared with texts`)
  const predicate = textPredicate(column, condition, ignoresCase(rule))
  return complianceOf(rule, column, predicate, pattern ? 'PatternMatch' : COMPLIANCE, scope, measures, surroundings)
}

function numericValues(
  rule: Rule,
  condition: NumberCondition,
  column: Column,
  scope: string | null,
  measures: Measures,
  surroundings: Surroundings,
): CompiledRule {
  const { operator, operands } = condition
  const hasNull = operands.some(({ kind }) => kind === 'null')
  const ordering = !(operator === '=' || operator === '!=' || operator === 'in' || operator === 'not in')
  const onlyNull = operands.every(({ kind }) => kind === 'null')
  if (ordering || (operator === '=' && !onlyNull)) requireNumeric(column)
  if (rule.threshold === null && !hasNull && EXTREMES[operator] !== undefined) {
    const options = {
      value: column.sql,
      complete: false,
      scope,
      metricOf: (extreme: Extreme) => columnMetric([column.name], extreme === 'minimum' ? 'Minimum' : 'Maximum'),
      reported: true,
      analyzer: `Minimum(${column.name},None)`,
      predicate: numberPredicate(column, condition, surroundings.history(columnMetric([column.name], 'Minimum'))),
    }
    return checkExtremes(rule, condition, options, measures, surroundings)
  }
  const metric = columnMetric([column.name], COMPLIANCE)
  const predicate = numberPredicate(column, condition, surroundings.history(metric))
  return complianceOf(rule, column, predicate, COMPLIANCE, scope, measures, surroundings)
}

function complianceOf(
  rule: Rule,
  column: Column,
  predicate: string,
  name: string,
  scope: string | null,
  measures: Measures,
  surroundings: Surroundings,
): CompiledRule {
  const metric = columnMetric([column.name], name)
  const share = { predicate, column: column.sql, metric, analyzer: `Compliance(${column.name})` }
  return checkRowShare(rule, share, scope, measures, surroundings)
}

/** NULL counts as a text of length 0. */
export const columnLength: RuleCompiler = (rule, measures, surroundings) => {
  const column = columnFor(rule, surroundings)
  requireText(column)
  const scope = scopeOf(rule, surroundings)
  const condition = numberCondition(rule)
  if (EXTREMES[condition.operator] !== undefined) {
    const options = {
      value: `length(coalesce(${column.sql}, ''))`,
      complete: true,
      scope,
      metricOf: (extreme: Extreme) =>
        columnMetric([column.name], extreme === 'minimum' ? 'MinimumLength' : 'MaximumLength'),
      reported: true,
      analyzer: `MinLength(${column.name},None)`,
      predicate: lengthPredicate(
        column.sql,
        condition,
        surroundings.history(columnMetric([column.name], 'MinimumLength')),
      ),
    }
    return checkExtremes(rule, condition, options, measures, surroundings)
  }
  const metric = columnMetric([column.name], 'LengthCompliance')
  const predicate = lengthPredicate(column.sql, condition, surroundings.history(metric))
  return checkRowShare(
    rule,
    { predicate, column: column.sql, metric, analyzer: `Compliance(${column.name})` },
    scope,
    measures,
    surroundings,
  )
}

const tagText = (rule: Rule, tagName: string): string | null => {
  const value = rule.tags.find(({ name }) => name === tagName)?.value
  return value?.kind === 'text' ? value.value : null
}

export const columnDataType: RuleCompiler = (rule, measures, surroundings) => {
  const column = columnOf(parameterOf(rule, 0), surroundings, (name) => `Column ${name} does not exist in the dataset`)
  const { condition } = rule
  if (condition?.kind !== 'text' || (condition.operator !== '=' && condition.operator !== '!='))
    return errored(`Rule (or nested rule) not supported due to: ColumnDataType takes = and != only`)
  const [operand] = condition.operands
  const type = operand?.kind === 'text' ? operand.value : ''
  const scope = scopeOf(rule, surroundings)
  if (isCastRefused(column, type))
    return failedByAnyRow(
      `Column ${column.name} of type ${column.duckdbType} cannot be cast to ${type}`,
      measures,
      scope,
    )
  if (type.toLowerCase() === 'date' && rule.tags.length > 0 && tagText(rule, 'format') === null)
    return errored('Rule (or nested rule) not supported due to: Unsupported rule format')
  const castable = castablePredicate(column, type, tagText(rule, 'format'))
  if (castable === null) {
    const hint = nearestHint(type, DATA_TYPES)
    return errored(`Unrecognized data type: ${type}${hint === null ? '' : ` (${hint.toLowerCase()})`}`)
  }
  const share = {
    predicate: condition.operator === '=' ? castable : `NOT (${castable})`,
    column: column.sql,
    metric: columnMetric([column.name], 'ColumnDataType.Compliance'),
    analyzer: `ColumnDataType(${column.name})`,
    end: '.' as const,
    emptyPasses: true,
  }
  return checkRowShare(rule, share, scope, measures, surroundings)
}
