import type { NumberCondition, Rule } from '../ast.ts'
import { type CompiledRule, failed, type Measures, type Metric, type Surroundings } from '../compiled-rule.ts'
import { evaluatedRule, numberHolds, operandValues } from '../conditions.ts'
import { OperandError } from '../operands.ts'
import type { QualityColumn } from '../quality-plan.ts'
import { familyOf, identifier, literal, type TypeFamily } from '../sql.ts'
import type { SqlTranslation } from '../sql-translation.ts'

/** A column of the data a rule names; `sql` is its quoted name. */
export interface Column {
  /** As the rule writes it: metric names use this. */
  readonly name: string
  readonly sql: string
  readonly family: TypeFamily
  readonly duckdbType: string
}

/** A rule cannot be met whatever the data: it fails with this message. */
export class RuleFailure extends Error {}
/** A rule cannot be evaluated here: it is ERROR with this message. */
export class RuleError extends Error {}

const withoutBackticks = (name: string): string => name.replace(/^`(.*)`$/s, '$1')

/** The column of that name: exactly, else without regard to case. */
export function findColumn(columns: readonly QualityColumn[], name: string): QualityColumn | undefined {
  const wanted = withoutBackticks(name)
  return (
    columns.find((column) => column.name === wanted) ??
    columns.find((column) => column.name.toLowerCase() === wanted.toLowerCase())
  )
}

const isBare = (name: string): boolean => name.includes('.') && !name.startsWith('`')

/** @throws RuleFailure when the data has no such column; RuleError for a name with a dot that does not stand in back-ticks */
export function columnOf(
  name: string,
  surroundings: Surroundings,
  missing = (text: string): string => `Input data does not include column ${text}!`,
): Column {
  const column = columnInPredicate(name, surroundings, missing)
  // Spark takes a dot for the field of a struct.
  if (isBare(name)) throw new RuleError(`${missing(name)} Write \`${name}\` in back-ticks.`)
  return column
}

/** The same for rules that become a predicate over rows: there the reference adds the back-ticks itself. @throws RuleFailure */
export function columnInPredicate(
  name: string,
  { columns }: Surroundings,
  missing = (text: string): string => `Input data does not include column ${text}!`,
): Column {
  const column = findColumn(columns, name)
  if (column === undefined) throw new RuleFailure(missing(name))
  return { name, sql: identifier(column.name), family: familyOf(column.duckdbType), duckdbType: column.duckdbType }
}

export const parameterOf = (rule: Rule, index: number): string => rule.parameters[index]?.text ?? ''

/** @throws RuleFailure */
export function requireFamily({ name, family, duckdbType }: Column, wanted: readonly TypeFamily[], text: string): void {
  if (!wanted.includes(family))
    throw new RuleFailure(`Expected type of column ${name} to be ${text}, but found ${duckdbType} instead!`)
}
export const NUMERIC: readonly TypeFamily[] = ['integer', 'decimal', 'floating']
export const requireNumeric = (column: Column): void => requireFamily(column, NUMERIC, 'numeric')
export const requireText = (column: Column): void => requireFamily(column, ['text'], 'text')

/** The engine would take an unknown table name for the path of a file. @throws RuleError */
export function requireKnownTables({ tables = [] }: SqlTranslation, { references }: Surroundings): void {
  const known = new Set(['primary', ...references.keys()].map((name) => name.toLowerCase()))
  const foreign = tables.find((name) => !known.has(name.toLowerCase()))
  if (foreign !== undefined) throw new RuleError(`Table ${foreign} is not among the data sources`)
}

/** The where clause of a rule as DuckDB SQL; true rows are in, false and NULL are out. @throws RuleError when refused */
export function scopeOf(rule: Rule, surroundings: Surroundings): string | null {
  if (rule.where === null) return null
  const translation = surroundings.translations[rule.where]
  if (translation?.sql != null) {
    requireKnownTables(translation, surroundings)
    return `(${translation.sql})`
  }
  throw new RuleError(translation?.refused ?? `the where clause was not translated: ${rule.where}`)
}

/**
 * Rows for which all predicates that are not null are true. Not `count(*) FILTER (WHERE …)`: the engine then copies every
 * column of the scan for every aggregate, so that the cost grows with the square of the number of rules.
 */
export function countOf(...predicates: readonly (string | null)[]): string {
  const parts = predicates.filter((each) => each !== null)
  // Over no row, or a predicate that is always NULL, the engine's count is NULL.
  return parts.length === 0 ? 'count(*)' : `coalesce(count_if(${parts.join(' AND ')}), 0)`
}

/** A value for rows in scope, NULL for the others. */
export const inScope = (scope: string | null, value: string): string =>
  scope === null ? value : `CASE WHEN ${scope} THEN ${value} END`

/** Rows that the rule looks at. */
export const rowsInScope = (measures: Measures, scope: string | null): string => measures.aggregate(countOf(scope))

/** A rule that no row can meet: it fails unless no row is in scope. */
export function failedByAnyRow(message: string, measures: Measures, scope: string | null): CompiledRule {
  const failure = `CASE WHEN ${rowsInScope(measures, scope)} > 0 THEN ${literal(message)} END`
  return { kind: 'measured', checks: [{ value: 'NULL', failure }], metrics: [], evaluatedRule: null, brokenBy: null }
}

/** Of the check that NULL values break. */
export const NULL_MESSAGE = 'Value: NULL does not meet the constraint requirement!'

export interface NumberCheck {
  /** SQL of the failure when the condition does not hold, where the reference words it otherwise. */
  readonly failure?: string
  readonly metric: string
  /** DOUBLE; NULL: undefined, as no row was left. */
  readonly value: string
  readonly end?: '!' | '.'
  /** Name of the analyzer for the message about no values. */
  readonly analyzer: string
  /** What an undefined value means: by default a failure without where, a pass with it. */
  readonly undefinedPasses?: boolean
  /** True for rows that break the rule, whatever their scope. */
  readonly brokenBy?: string
  readonly scope?: string | null
}

/** Holds the rule's number condition against a measured value. @throws OperandError */
export function checkNumber(
  rule: Rule,
  condition: NumberCondition,
  {
    metric,
    value,
    end = '!',
    analyzer,
    undefinedPasses = rule.where !== null,
    brokenBy,
    scope = null,
    failure = literal(end),
  }: NumberCheck,
  { history }: Surroundings,
): CompiledRule {
  const operands = operandValues(condition, history(metric))
  const undefinedMessage = undefinedPasses ? 'NULL' : literal(emptyMessage(analyzer))
  const holds = numberHolds(value, condition.operator, operands)
  return {
    kind: 'measured',
    checks: [
      { value, failure: `CASE WHEN ${value} IS NULL THEN ${undefinedMessage} WHEN NOT ${holds} THEN ${failure} END` },
    ],
    metrics: [{ name: metric, sql: value }],
    evaluatedRule: evaluatedRule(rule, condition, operands),
    brokenBy: brokenBy === undefined ? null : within(scope, brokenBy),
  }
}

/** Rows out of scope break nothing. */
export const within = (scope: string | null, brokenBy: string): string =>
  scope === null ? brokenBy : `(coalesce(${scope}, false) AND ${brokenBy})`

export const emptyMessage = (analyzer: string): string =>
  `Empty state for analyzer ${analyzer}, all input values were NULL.`

/** A ratio that is NULL when there is nothing to divide by. */
export const ratio = (part: string, whole: string): string => `(${part}::DOUBLE / nullif(${whole}, 0))`

const EXACTLY_ONE: NumberCondition = { kind: 'number', operator: '=', operands: [{ kind: 'literal', text: '1.0' }] }
/** A boolean rule is a ratio that must be 1. */
export const mustBeOne = (): NumberCondition => EXACTLY_ONE

export const columnMetric = (columns: readonly string[], name: string): string =>
  `${columns.length === 1 ? 'Column' : 'Multicolumn'}.${columns.join(',')}.${name}`

export const numberCondition = (rule: Rule): NumberCondition => {
  if (rule.condition?.kind === 'number') return rule.condition
  throw new OperandError(`${rule.type} needs a number condition`)
}

export { failed, type Metric }
