import type { Analyzer, NumberCondition, Rule } from './ast.ts'
import type { CompiledRule, Measures, Metric, Surroundings } from './compiled-rule.ts'
import { columnMetric, findColumn } from './rules/support.ts'
import { familyOf, identifier, isNumeric, literal } from './sql.ts'

/** A condition every number meets: analyzers measure and judge nothing. */
const ANYTHING: NumberCondition = { kind: 'number', operator: '>=', operands: [{ kind: 'literal', text: '0' }] }

const asRule = (type: string, parameters: Rule['parameters'], at: Rule['at'], condition: Rule['condition']): Rule => ({
  kind: 'rule',
  type,
  parameters,
  condition,
  where: null,
  whereAt: null,
  conditionAt: null,
  thresholdAt: null,
  labels: null,
  threshold: null,
  tags: [],
  at,
})

const parameter = (text: string, at: Rule['at']): Rule['parameters'][number] => ({
  text,
  quoted: true,
  variable: null,
  connector: null,
  at,
})

/** Rules whose metrics AllStatistics reports for one column. */
function statisticsOf(name: string, { columns }: Surroundings, at: Rule['at']): readonly Rule[] {
  const column = findColumn(columns, name)
  const family = column === undefined ? 'other' : familyOf(column.duckdbType)
  const own = [parameter(name, at)]
  const types = ['Completeness', 'Uniqueness']
  if (isNumeric(family)) types.push('Entropy', 'Mean', 'StandardDeviation', 'Sum')
  return types.map((type) => asRule(type, own, at, ANYTHING))
}

/** Minimum and maximum of a numeric column, of the lengths of another. */
function extremesOf(name: string, measures: Measures, { columns }: Surroundings, onlyText: boolean): readonly Metric[] {
  const column = findColumn(columns, name)
  if (column === undefined) return []
  const family = familyOf(column.duckdbType)
  const numeric = isNumeric(family)
  if (onlyText ? family !== 'text' : !numeric && family !== 'text') return []
  const value = numeric ? identifier(column.name) : `length(${identifier(column.name)})`
  const suffix = numeric ? '' : 'Length'
  return (['min', 'max'] as const).map((aggregate) => ({
    name: columnMetric([name], `${aggregate === 'min' ? 'Minimum' : 'Maximum'}${suffix}`),
    sql: `${measures.aggregate(`${aggregate}(${value})`)}::DOUBLE`,
  }))
}

/** @param compile compiles one rule with the measures of the analyzer */
export function compileAnalyzer(
  { type, parameters, at }: Analyzer,
  measures: Measures,
  surroundings: Surroundings,
  compile: (rule: Rule) => CompiledRule,
): CompiledRule {
  const [first] = parameters
  const name = first?.text ?? ''
  const names =
    type === 'AllStatistics' && name === 'AllColumns' ? surroundings.columns.map((column) => column.name) : [name]
  const rules =
    type === 'AllStatistics'
      ? ['RowCount', 'ColumnCount']
          .map((each) => asRule(each, [], at, ANYTHING))
          .concat(names.flatMap((each) => statisticsOf(each, surroundings, at)))
      : type === 'ColumnValues' || type === 'ColumnLength'
        ? []
        : [asRule(type, parameters, at, ANYTHING)]
  const compiled = rules.map(compile)
  const settled = compiled.find((each) => each.kind === 'settled')
  if (settled !== undefined) return settled
  const extremes =
    rules.length === 1 ? [] : names.flatMap((each) => extremesOf(each, measures, surroundings, type === 'ColumnLength'))
  const metrics = compiled.flatMap((each) => (each.kind === 'measured' ? each.metrics : []))
  const missing = names.find(
    (each) =>
      parameters.length > 0 &&
      type !== 'CustomSql' &&
      rules.length !== 1 &&
      findColumn(surroundings.columns, each) === undefined,
  )
  const checks =
    missing === undefined ? [] : [{ value: 'NULL', failure: literal(`Input data does not include column ${missing}!`) }]
  return { kind: 'measured', checks, metrics: [...metrics, ...extremes], evaluatedRule: null, brokenBy: null }
}
