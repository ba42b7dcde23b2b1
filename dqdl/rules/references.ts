import { errored, failed, type RuleCompiler, type SettledRule, type Surroundings } from '../compiled-rule.ts'
import { evaluatedRule, numberHolds, operandValues } from '../conditions.ts'
import type { QualityColumn } from '../quality-plan.ts'
import { familyOf, identifier, literal } from '../sql.ts'
import { equalSql, type Side, sameSql } from './equality.ts'
import {
  checkNumber,
  columnOf,
  findColumn,
  NUMERIC,
  numberCondition,
  parameterOf,
  RuleError,
  RuleFailure,
  ratio,
} from './support.ts'

/** @throws RuleError: without the other data nothing can be said */
function referenceOf(
  alias: string,
  { references }: Surroundings,
  message = `${alias} not found in additional sources`,
): readonly QualityColumn[] {
  const columns = references.get(alias)
  if (columns === undefined) throw new RuleError(message)
  return columns
}

const namesIn = (list: string): readonly string[] => list.split(',').map((name) => name.trim())

const sideOf = ({ name, duckdbType }: QualityColumn): Side => ({
  sql: identifier(name),
  family: familyOf(duckdbType),
  duckdbType,
})
function referenceColumn(columns: readonly QualityColumn[], name: string): Side {
  const column = findColumn(columns, name)
  if (column === undefined) throw new RuleFailure(`Column ${name} does not exist in reference data frame.`)
  return sideOf(column)
}
const primaryColumn = (name: string, surroundings: Surroundings): Side =>
  columnOf(name, surroundings, (text) => `Column ${text} does not exist in primary data frame.`)
/** The column of a table or of its alias in a query. */
const within = (table: string, side: Side): Side => ({ ...side, sql: `${table}.${side.sql}` })

/** `alias.column` or `alias.{c1,c2}`; the alias may contain dots. */
function splitReference(text: string): { alias: string; columns: readonly string[] } {
  const braces = /^(.*)\.\{(.*)\}$/s.exec(text)
  if (braces !== null) return { alias: braces[1] ?? '', columns: namesIn(braces[2] ?? '') }
  const dot = text.lastIndexOf('.')
  return { alias: text.slice(0, Math.max(0, dot)), columns: [text.slice(dot + 1)] }
}

/** Rows of the data whose tuple exists in the reference; one with a NULL never does. */
export const referentialIntegrity: RuleCompiler = (rule, measures, surroundings) => {
  const names = namesIn(parameterOf(rule, 0))
  const { alias, columns } = splitReference(parameterOf(rule, 1))
  const reference = referenceOf(alias, surroundings)
  if (columns.length !== names.length)
    return failed('The number of columns in the primary and in the reference data frame differ.')
  const equal = names.map((name, index) =>
    equalSql(
      within('sluice_data', primaryColumn(name, surroundings)),
      within('r', referenceColumn(reference, columns[index] ?? '')),
    ),
  )
  const exists = `EXISTS (SELECT 1 FROM ${identifier(alias)} r WHERE ${equal.join(' AND ')})`
  const source = measures.query(
    `SELECT (SELECT count(*) FROM sluice_data) AS total, (SELECT count(*) FROM sluice_data WHERE ${exists}) AS matched`,
  )
  const check = {
    metric: `Column.${alias}.ReferentialIntegrity`,
    value: ratio(`${source}.matched`, `${source}.total`),
    analyzer: `ReferentialIntegrity(${alias})`,
    end: '.' as const,
  }
  return checkNumber(rule, numberCondition(rule), check, surroundings)
}

export const rowCountMatch: RuleCompiler = (rule, measures, surroundings) => {
  const alias = parameterOf(rule, 0)
  referenceOf(alias, surroundings, `Reference dataset '${alias}' not found in additional data sources`)
  const source = measures.query(
    `SELECT (SELECT count(*) FROM sluice_data)::DOUBLE AS own, (SELECT count(*) FROM ${identifier(alias)})::DOUBLE AS other`,
  )
  const value = `(CASE WHEN ${source}.other > 0 THEN ${source}.own / ${source}.other WHEN ${source}.own > 0 THEN 'Infinity'::DOUBLE ELSE 'NaN'::DOUBLE END)`
  const check = { metric: `Dataset.${alias}.RowCountMatch`, value, analyzer: 'RowCountMatch', end: '.' as const }
  return checkNumber(rule, numberCondition(rule), check, surroundings)
}

/** Known before a row is read: columns of equal name and type. Different numbers of columns fail whatever the condition. */
export const schemaMatch: RuleCompiler = (rule, _measures, surroundings) => {
  const alias = parameterOf(rule, 0)
  const metric = `Dataset.${alias}.SchemaMatch`
  const reference = referenceOf(alias, surroundings, `Reference dataset '${alias}' not found`)
  if (reference.length !== surroundings.columns.length) return failed('Column counts do not match', { [metric]: 0 })
  const condition = numberCondition(rule)
  const operands = operandValues(condition, surroundings.history(metric))
  const same = surroundings.columns.filter(({ name, duckdbType }) =>
    reference.some((other) => other.name === name && other.duckdbType === duckdbType),
  ).length
  const share = same / reference.length
  const value = `'${share}'::DOUBLE`
  const message = literal(`${(share * 100).toFixed(2)}% of columns passed the threshold`)
  return {
    kind: 'measured',
    checks: [
      { value, failure: `CASE WHEN NOT ${numberHolds(value, condition.operator, operands)} THEN ${message} END` },
    ],
    metrics: [{ name: metric, sql: value }],
    evaluatedRule: evaluatedRule(rule, condition, operands),
    brokenBy: null,
  }
}

interface AggregateExpression {
  readonly sql: string
  readonly column: string
}

/** `sum(column)`, `avg(alias.column)`. */
function aggregateExpression(text: string, surroundings: Surroundings): AggregateExpression | SettledRule {
  const parts = /^(sum|avg|SUM|AVG)\((?:(.*)\.)?([^.]+)\)$/s.exec(text.trim())
  if (parts === null)
    return errored(`Rule (or nested rule) not supported due to: cannot read the aggregate expression ${text}`)
  const [, aggregate = '', alias = 'primary', column = ''] = parts
  const own = alias === 'primary'
  const side = own ? columnOf(column, surroundings) : referenceColumn(referenceOf(alias, surroundings), column)
  if (side.family !== 'text' && !NUMERIC.includes(side.family))
    return errored(
      `Rule (or nested rule) not supported due to: column ${column} of type ${side.duckdbType} cannot be added`,
    )
  // Spark adds the texts that are numbers.
  const sql = side.family === 'text' ? `try_cast(${side.sql} AS DOUBLE)` : side.sql
  return { sql: `(SELECT ${aggregate}(${sql})::DOUBLE FROM ${own ? 'sluice_data' : identifier(alias)})`, column }
}

/** First through second; 0/0 is 1, x/0 is 0, an aggregate over nothing counts as 0. */
export const aggregateMatch: RuleCompiler = (rule, measures, surroundings) => {
  const first = aggregateExpression(parameterOf(rule, 0), surroundings)
  const second = aggregateExpression(parameterOf(rule, 1), surroundings)
  if ('kind' in first) return first
  if ('kind' in second) return second
  const source = measures.query(`SELECT coalesce(${first.sql}, 0) AS own, coalesce(${second.sql}, 0) AS other`)
  const columns = first.column === second.column ? first.column : `${first.column},${second.column}`
  const value = `(CASE WHEN ${source}.other <> 0 THEN ${source}.own / ${source}.other WHEN ${source}.own = 0 THEN 1.0 ELSE 0.0 END)`
  const check = { metric: `Column.${columns}.AggregateMatch`, value, analyzer: 'AggregateMatch', end: '.' as const }
  return checkNumber(rule, numberCondition(rule), check, surroundings)
}

interface ColumnPair {
  readonly own: Side
  readonly other: Side
}

/** `a->b,c`: columns of the data and of the reference. */
function columnPairs(
  list: string,
  reference: readonly QualityColumn[],
  surroundings: Surroundings,
): readonly ColumnPair[] {
  return namesIn(list).map((entry) => {
    const [own = '', other = own] = entry.split('->').map((name) => name.trim())
    return { own: primaryColumn(own, surroundings), other: referenceColumn(reference, other) }
  })
}

/** Rows of the data that the reference has with equal key and equal other columns. Keys must be unique on both sides. */
export const datasetMatch: RuleCompiler = (rule, measures, surroundings) => {
  const alias = parameterOf(rule, 0)
  const reference = referenceOf(alias, surroundings)
  const keys = columnPairs(parameterOf(rule, 1), reference, surroundings)
  const keyNames = new Set(keys.map(({ own }) => own.sql))
  const others =
    rule.parameters.length === 3
      ? columnPairs(parameterOf(rule, 2), reference, surroundings)
      : surroundings.columns
          .filter(({ name }) => !keyNames.has(identifier(name)))
          .map((column) => ({ own: sideOf(column), other: referenceColumn(reference, column.name) }))
  const dotted = rule.parameters.length === 3 ? [] : surroundings.columns.filter(({ name }) => name.includes('.'))
  if (dotted.length > 0)
    return failed(
      `The following columns were not found in the first dataset: ${dotted.map(({ name }) => name).join(', ')}`,
    )
  const table = identifier(alias)
  const repeated = (from: string, columns: readonly string[]): string =>
    `EXISTS (SELECT 1 FROM ${from} GROUP BY ${columns.join(', ')} HAVING count(*) > 1)`
  const equal = [
    ...keys.map(({ own, other }) => equalSql(within('d', own), within('r', other))),
    ...others.map(({ own, other }) => sameSql(within('d', own), within('r', other))),
  ]
  const source = measures.query(
    `SELECT ${repeated(
      'sluice_data',
      keys.map(({ own }) => own.sql),
    )} AS own_repeated, ${repeated(
      table,
      keys.map(({ other }) => other.sql),
    )} AS other_repeated, (SELECT count(*) FROM sluice_data) AS total, (SELECT count(*) FROM sluice_data d WHERE EXISTS (SELECT 1 FROM ${table} r WHERE ${equal.join(' AND ')})) AS matched`,
  )
  const condition = numberCondition(rule)
  const metric = `Dataset.${alias}.DatasetMatch`
  const operands = operandValues(condition, surroundings.history(metric))
  const value = ratio(`${source}.matched`, `${source}.total`)
  const holds = numberHolds(value, condition.operator, operands)
  const failure = `CASE WHEN ${source}.own_repeated THEN 'The key columns are not unique in the primary dataset.' WHEN ${source}.other_repeated THEN 'The key columns are not unique in the reference dataset.' WHEN ${source}.total = 0 THEN 'The primary dataset is empty.' WHEN NOT ${holds} THEN '.' END`
  return {
    kind: 'measured',
    checks: [{ value, failure }],
    metrics: [{ name: metric, sql: value }],
    evaluatedRule: evaluatedRule(rule, condition, operands),
    brokenBy: null,
  }
}
