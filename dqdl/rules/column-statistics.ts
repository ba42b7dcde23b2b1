import type { Rule } from '../ast.ts'
import {
  ALL_VALUE_ROWS,
  type CompiledRule,
  type Measures,
  type RuleCompiler,
  type Surroundings,
  VALUE_ROWS,
} from '../compiled-rule.ts'
import {
  type Column,
  checkNumber,
  columnMetric,
  columnOf,
  countOf,
  inScope,
  mustBeOne,
  numberCondition,
  parameterOf,
  ratio,
  requireNumeric,
  rowsInScope,
  scopeOf,
} from './support.ts'

const completenessOf = (column: Column, measures: Measures, scope: string | null): string =>
  ratio(measures.aggregate(`count(${inScope(scope, column.sql)})`), rowsInScope(measures, scope))

const completenessRule =
  (boolean: boolean): RuleCompiler =>
  (rule, measures, surroundings) => {
    const column = columnOf(parameterOf(rule, 0), surroundings)
    const scope = scopeOf(rule, surroundings)
    const check = {
      metric: columnMetric([column.name], 'Completeness'),
      value: completenessOf(column, measures, scope),
      brokenBy: `${column.sql} IS NULL`,
      scope,
      analyzer: `Completeness(${column.name},None,None)`,
    }
    return checkNumber(rule, boolean ? mustBeOne() : numberCondition(rule), check, surroundings)
  }
export const completeness = completenessRule(false)
export const isComplete = completenessRule(true)

/** A statistic of one numeric column. */
const statistic =
  (name: string, aggregateOf: (column: Column, measures: Measures, scope: string | null) => string): RuleCompiler =>
  (rule: Rule, measures: Measures, surroundings: Surroundings): CompiledRule => {
    const column = columnOf(parameterOf(rule, 0), surroundings)
    requireNumeric(column)
    const scope = scopeOf(rule, surroundings)
    const check = {
      metric: columnMetric([column.name], name),
      value: aggregateOf(column, measures, scope),
      analyzer: `${name}(${column.name},None)`,
    }
    return checkNumber(rule, numberCondition(rule), check, surroundings)
  }

const MAX_DIGITS = 38
/** Sums of decimals are decimals of 38 digits in Spark: one that has more is NULL. */
function sumOf(column: Column, measures: Measures, scope: string | null): string {
  const sum = `${measures.aggregate(`sum(${inScope(scope, column.sql)})`)}::DOUBLE`
  const scale = /^DECIMAL\(\d+,(\d+)\)$/.exec(column.duckdbType)?.[1]
  return scale === undefined ? sum : `(CASE WHEN abs(${sum}) < 1e${MAX_DIGITS - Number(scale)} THEN ${sum} END)`
}

export const sum = statistic('Sum', sumOf)
export const mean = statistic('Mean', (column, measures, scope) => {
  const count = measures.aggregate(`count(${inScope(scope, column.sql)})`)
  return `(${sumOf(column, measures, scope)} / nullif(${count}, 0))`
})
/** Squares of larger values overflow, which the engine refuses. */
const MAX_SQUARED = '1e150'
/** Of the population: NaN where a value is not finite, Infinity where squares overflow; the engine refuses both. */
const spreadOf =
  (aggregate: 'stddev_pop' | 'var_pop') =>
  (column: Column, measures: Measures, scope: string | null): string => {
    const value = inScope(scope, `${column.sql}::DOUBLE`)
    if (column.family !== 'floating') return measures.aggregate(`${aggregate}(${value})`)
    const [least, most] = ['min', 'max'].map(
      (name) => `${measures.aggregate(`${name}(${inScope(scope, column.sql)})`)}::DOUBLE`,
    )
    // NaN is above every number.
    const finite = `coalesce(isfinite(${least}) AND isfinite(${most}), true)`
    const moderate = `coalesce(greatest(abs(${least}), abs(${most})) < ${MAX_SQUARED}, true)`
    const spread = measures.aggregate(`${aggregate}(CASE WHEN abs(${value}) < ${MAX_SQUARED} THEN ${value} END)`)
    return `(CASE WHEN NOT ${finite} THEN 'NaN'::DOUBLE WHEN ${moderate} THEN ${spread} WHEN ${least} = ${most} THEN 0.0 ELSE 'Infinity'::DOUBLE END)`
  }
export const standardDeviation = statistic('StandardDeviation', spreadOf('stddev_pop'))
function entropyOf({ sql }: Column, scope: string | null, measures: Measures): string {
  if (scope === null) {
    const share = `${VALUE_ROWS} / ${ALL_VALUE_ROWS}`
    return measures.valueAggregate(sql, `abs(sum(CASE WHEN ${sql} IS NOT NULL THEN ${share} * ln(${share}) END))`)
  }
  const rows = `SELECT count(*)::DOUBLE AS n FROM sluice_data WHERE ${sql} IS NOT NULL AND ${scope} GROUP BY ${sql}`
  const shares = `SELECT n, sum(n) OVER () AS total FROM (${rows})`
  return `${measures.query(`SELECT abs(sum(n / total * ln(n / total))) AS v FROM (${shares})`)}.v`
}
/** Natural logarithm, over the values that are not NULL; one distinct value gives 0. */
export const entropy: RuleCompiler = (rule, measures, surroundings) => {
  const column = columnOf(parameterOf(rule, 0), surroundings)
  const scope = scopeOf(rule, surroundings)
  const check = {
    metric: columnMetric([column.name], 'Entropy'),
    value: entropyOf(column, scope, measures),
    analyzer: `Entropy(${column.name},None)`,
  }
  return checkNumber(rule, numberCondition(rule), check, surroundings)
}

/** Pearson, over rows with both values; NaN when one of them is constant or not finite. */
export const columnCorrelation: RuleCompiler = (rule, measures, surroundings) => {
  const columns = rule.parameters.map(({ text }) => columnOf(text, surroundings))
  for (const column of columns) requireNumeric(column)
  const [first = '', second = ''] = columns.map(({ sql }) => `${sql}::DOUBLE`)
  const scope = scopeOf(rule, surroundings)
  const both = `${first} IS NOT NULL AND ${second} IS NOT NULL`
  // False for NaN and infinities, too; the engine refuses what its squares cannot hold.
  const finite = `abs(${first}) < ${MAX_SQUARED} AND abs(${second}) < ${MAX_SQUARED}`
  const usable = scope === null ? finite : `${finite} AND ${scope}`
  const pairs = measures.aggregate(countOf(scope, both))
  const finitePairs = measures.aggregate(countOf(scope, both, finite))
  const correlation = measures.aggregate(`corr(${inScope(usable, first)}, ${inScope(usable, second)})`)
  const check = {
    metric: columnMetric(
      columns.map(({ name }) => name),
      'ColumnCorrelation',
    ),
    value: `(CASE WHEN ${pairs} > 0 THEN CASE WHEN ${pairs} = ${finitePairs} THEN coalesce(${correlation}, 'NaN'::DOUBLE) ELSE 'NaN'::DOUBLE END END)`,
    analyzer: `Correlation(${columns.map(({ name }) => name).join(',')},None)`,
  }
  return checkNumber(rule, numberCondition(rule), check, surroundings)
}
export const variance = statistic('Variance', spreadOf('var_pop'))
