import { type CompiledRule, type Measures, type RuleCompiler, VALUE_ROWS } from '../compiled-rule.ts'
import { literal } from '../sql.ts'
import {
  type Column,
  checkNumber,
  columnMetric,
  columnOf,
  countOf,
  emptyMessage,
  inScope,
  mustBeOne,
  NULL_MESSAGE,
  numberCondition,
  parameterOf,
  RuleError,
  ratio,
  rowsInScope,
  scopeOf,
  within,
} from './support.ts'

/**
 * One row: `kept` rows in which not all columns are NULL, `complete` rows in which none is, `total` rows in scope,
 * `single` values that occur once, `distinct_values` values. NULLs inside a tuple are equal to each other.
 */
export function frequenciesSql(columns: readonly Column[], scope: string | null): string {
  const names = columns.map(({ sql }) => sql)
  const allNull = names.map((name) => `${name} IS NULL`).join(' AND ')
  const anyNull = names.map((name) => `${name} IS NULL`).join(' OR ')
  const groups = `SELECT count(*) AS n, (${allNull}) AS all_null, (${anyNull}) AS any_null FROM sluice_data${scope === null ? '' : ` WHERE ${scope}`} GROUP BY ${names.join(', ')}`
  return `SELECT coalesce(sum(n), 0)::BIGINT AS total, coalesce(sum(n) FILTER (WHERE NOT all_null), 0)::BIGINT AS kept, coalesce(sum(n) FILTER (WHERE NOT any_null), 0)::BIGINT AS complete, count(*) FILTER (WHERE n = 1 AND NOT all_null) AS single, count(*) FILTER (WHERE NOT all_null) AS distinct_values FROM (${groups})`
}

/** Rows whose values occur more than once; those in which all are NULL are left out. */
function repeated(columns: readonly Column[], scope: string | null): string {
  const names = columns.map(({ sql }) => sql)
  const partition = scope === null ? names : [...names, `coalesce(${scope}, false)`]
  const allNull = names.map((name) => `${name} IS NULL`).join(' AND ')
  return `(NOT (${allNull}) AND count(*) OVER (PARTITION BY ${partition.join(', ')}) > 1)`
}

/** Figures about how often values occur, as SQL; all BIGINT. */
interface Frequencies {
  readonly total: string
  readonly kept: string
  readonly complete: string
  readonly single: string
}

/** The same of one column and all rows, over its distinct values: other rules over the column share them. */
function valueFrequencies({ sql }: Column, measures: Measures): Frequencies & { readonly distinctValues: string } {
  const measured = (aggregate: string): string => measures.valueAggregate(sql, `${aggregate}::BIGINT`)
  const kept = measured(`coalesce(sum(CASE WHEN ${sql} IS NOT NULL THEN ${VALUE_ROWS} END), 0)`)
  return {
    total: measured(`coalesce(sum(${VALUE_ROWS}), 0)`),
    kept,
    complete: kept,
    single: measured(`coalesce(count_if(${VALUE_ROWS} = 1 AND ${sql} IS NOT NULL), 0)`),
    distinctValues: measured(`count(${sql})`),
  }
}

/** Frequencies of one column. */
function columnFrequencies(
  column: Column,
  scope: string | null,
  measures: Measures,
): Frequencies & { readonly distinctValues: string } {
  if (scope === null) return valueFrequencies(column, measures)
  const source = measures.query(frequenciesSql([column], scope))
  return { ...frequenciesOf(source), distinctValues: `${source}.distinct_values` }
}

const frequenciesOf = (source: string): Frequencies => ({
  total: `${source}.total`,
  kept: `${source}.kept`,
  complete: `${source}.complete`,
  single: `${source}.single`,
})

function exactFrequencies(columns: readonly Column[], scope: string | null, measures: Measures): Frequencies {
  const [only, second] = columns
  if (only !== undefined && second === undefined) return columnFrequencies(only, scope, measures)
  return frequenciesOf(measures.query(frequenciesSql(columns, scope)))
}

/** Equal values have equal hashes, but for floating numbers: 0.0 equals -0.0. */
const isHashable = ({ family }: Column): boolean => family !== 'floating' && family !== 'other'

/**
 * The same from the shared scan, right where every value occurs once: as many hashes as values prove that, as two equal
 * values would share theirs. The hashes of texts are counted in less time and memory than the texts.
 */
function provenFrequencies(
  columns: readonly Column[],
  scope: string | null,
  measures: Measures,
): { readonly frequencies: Frequencies; readonly provenIf: string } {
  const names = columns.map(({ sql }) => sql)
  const all = (connector: string, test: string): string => names.map((name) => `${name} IS ${test}`).join(connector)
  const someValue = `(${all(' OR ', 'NOT NULL')})`
  const kept = measures.aggregate(
    names.length === 1 ? `count(${inScope(scope, names[0] ?? '')})` : countOf(scope, someValue),
  )
  const complete = names.length === 1 ? kept : measures.aggregate(countOf(scope, `(${all(' AND ', 'NOT NULL')})`))
  const counted = scope === null ? someValue : `${someValue} AND ${scope}`
  const hashes = measures.aggregate(`count(DISTINCT CASE WHEN ${counted} THEN hash(${names.join(', ')}) END)`)
  const frequencies = { total: rowsInScope(measures, scope), kept, complete, single: hashes }
  return { frequencies, provenIf: `${hashes} = ${kept}` }
}

/** Judges by the cheap figures first. */
function withShortcut(
  columns: readonly Column[],
  scope: string | null,
  measures: Measures,
  judge: (frequencies: Frequencies, measures: Measures) => CompiledRule,
): CompiledRule {
  const exact = judge(exactFrequencies(columns, scope, measures), measures)
  if (exact.kind !== 'measured' || !columns.every(isHashable)) return exact
  const cheap = measures.sibling()
  const { frequencies, provenIf } = provenFrequencies(columns, scope, cheap)
  const rule = judge(frequencies, cheap)
  return rule.kind === 'measured' ? { ...exact, shortcut: { provenIf, measures: cheap, rule, valuesOf: null } } : exact
}

const uniquenessRule =
  (boolean: boolean): RuleCompiler =>
  (rule, measures, surroundings) => {
    const columns = rule.parameters.map(({ text }) => columnOf(text, surroundings))
    const names = columns.map(({ name }) => name)
    const scope = scopeOf(rule, surroundings)
    return withShortcut(columns, scope, measures, ({ single, kept }) => {
      const check = {
        metric: columnMetric(names, 'Uniqueness'),
        brokenBy: repeated(columns, scope),
        scope,
        value: ratio(single, kept),
        analyzer: `Uniqueness(List(${names.join(', ')}),None,None)`,
      }
      return checkNumber(rule, boolean ? mustBeOne() : numberCondition(rule), check, surroundings)
    })
  }
export const uniqueness = uniquenessRule(false)
export const isUnique = uniquenessRule(true)

export const uniqueValueRatio: RuleCompiler = (rule, measures, surroundings) => {
  const column = columnOf(parameterOf(rule, 0), surroundings)
  const scope = scopeOf(rule, surroundings)
  const { single, distinctValues } = columnFrequencies(column, scope, measures)
  const check = {
    metric: columnMetric([column.name], 'UniqueValueRatio'),
    brokenBy: repeated([column], scope),
    scope,
    value: ratio(single, distinctValues),
    analyzer: `UniqueValueRatio(List(${column.name}),None,None)`,
    undefinedPasses: false,
  }
  return checkNumber(rule, numberCondition(rule), check, surroundings)
}

const hasBothZeros = (column: Column, measures: Measures, scope: string | null): string => {
  const zero = (sign: string): string =>
    measures.aggregate(`${countOf(scope, `${column.sql} = 0`, `${sign}signbit(${column.sql})`)} > 0`)
  return `(${zero('')} AND ${zero('NOT ')})`
}

/** NULL counts as one more value; 0.0 and -0.0 are two. */
export const distinctValuesCount: RuleCompiler = (rule, measures, surroundings) => {
  const column = columnOf(parameterOf(rule, 0), surroundings)
  // The reference finds such a column neither with back-ticks nor without.
  if (column.name.includes('.')) throw new RuleError(`Column ${column.name} not found`)
  const scope = scopeOf(rule, surroundings)
  const { total, kept, distinctValues } = columnFrequencies(column, scope, measures)
  const secondZero = column.family === 'floating' ? ` + ${hasBothZeros(column, measures, scope)}::INTEGER` : ''
  const check = {
    metric: columnMetric([column.name], 'DistinctValuesCount'),
    value: `(${distinctValues} + (${total} > ${kept})::INTEGER${secondZero})::DOUBLE`,
    analyzer: `Histogram(${column.name},None,1000)`,
  }
  return checkNumber(rule, numberCondition(rule), check, surroundings)
}

/** Unique and complete, all of the columns. */
export const isPrimaryKey: RuleCompiler = (rule, measures, surroundings) => {
  const columns = rule.parameters.map(({ text }) => columnOf(text, surroundings))
  const names = columns.map(({ name }) => name)
  const scope = scopeOf(rule, surroundings)
  const empty = rule.where === null ? literal(emptyMessage(`Uniqueness(List(${names.join(', ')}),None,None)`)) : 'NULL'
  const brokenBy = within(
    scope,
    `(${repeated(columns, scope)} OR ${columns.map(({ sql }) => `${sql} IS NULL`).join(' OR ')})`,
  )
  return withShortcut(columns, scope, measures, ({ total, kept, complete, single }, used) => {
    const unique = ratio(single, kept)
    const whole = ratio(complete, total)
    const undefinedFailure = `WHEN ${total} = 0 THEN ${empty} WHEN ${kept} = 0 THEN ${literal(NULL_MESSAGE)}`
    const completeness = columns.map((column) => ({
      name: columnMetric([column.name], 'Completeness'),
      sql:
        columns.length === 1
          ? whole
          : ratio(used.aggregate(`count(${inScope(scope, column.sql)})`), rowsInScope(used, scope)),
    }))
    return {
      kind: 'measured',
      checks: [
        { value: unique, failure: `CASE ${undefinedFailure} WHEN ${unique} < 1.0 THEN '!' END` },
        { value: whole, failure: `CASE WHEN ${kept} > 0 AND ${whole} < 1.0 THEN '!' END` },
      ],
      metrics: [{ name: columnMetric(names, 'Uniqueness'), sql: unique }, ...completeness],
      evaluatedRule: null,
      brokenBy,
    }
  })
}
