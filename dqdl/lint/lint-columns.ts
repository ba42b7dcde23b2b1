import type { Parameter, Rule } from '../ast.ts'
import { nearestHint } from '../problem.ts'
import type { QualityColumn } from '../quality-plan.ts'
import { formOf } from '../rule-types.ts'
import { familyOf, isNumeric, type TypeFamily } from '../sql.ts'
import { type Report, withHint } from './finding.ts'

/** Columns by name and by name without case, for many rules. */
export class ColumnIndex {
  readonly names: readonly string[]
  readonly #exact: ReadonlyMap<string, QualityColumn>
  readonly #folded: ReadonlyMap<string, QualityColumn>

  constructor(columns: readonly QualityColumn[]) {
    this.names = columns.map(({ name }) => name)
    this.#exact = new Map(columns.map((column) => [column.name, column]))
    this.#folded = new Map(columns.map((column) => [column.name.toLowerCase(), column]))
  }

  exact(name: string): QualityColumn | undefined {
    return this.#exact.get(name)
  }
  folded(name: string): QualityColumn | undefined {
    return this.#folded.get(name.toLowerCase())
  }
}

const NUMERIC_TYPES: ReadonlySet<string> = new Set([
  'Mean',
  'Sum',
  'StandardDeviation',
  'Variance',
  'ColumnCorrelation',
])

/** The parameters of a rule that name columns of the data. */
export function columnParameters(rule: Pick<Rule, 'type' | 'parameters'>): readonly Parameter[] {
  const kinds = formOf(rule.type, rule.parameters.length)?.parameters ?? []
  return rule.parameters.filter((_, index) => (kinds[index] ?? kinds.at(-1)) === 'column')
}

const plainName = (text: string): string => text.replace(/^`(.*)`$/s, '$1')

export function lintColumns(rule: Pick<Rule, 'type' | 'parameters'>, columns: ColumnIndex, report: Report): void {
  for (const { text, at } of columnParameters(rule)) {
    const name = plainName(text)
    if (columns.exact(name) !== undefined || (rule.type === 'AllStatistics' && name === 'AllColumns')) continue
    const folded = columns.folded(name)
    if (folded !== undefined && rule.type !== 'ColumnExists')
      report('warning', 'column_case', `Column "${name}" is spelled "${folded.name}"`, at)
    else
      report('error', 'unknown_column', withHint(`Column "${name}" is unknown`, nearestHint(name, columns.names)), at)
  }
}

const isTemporal = (family: TypeFamily): boolean => family === 'date' || family === 'timestamp'

/** What a rule needs of its column that the column's type is not; `null` when it fits. */
function typeMismatch(rule: Rule, family: TypeFamily): string | null {
  if (family === 'other') return null
  if (NUMERIC_TYPES.has(rule.type) && !isNumeric(family)) return 'a numeric column'
  if (rule.type === 'ColumnLength' && family !== 'text') return 'a text column'
  if (rule.type === 'DataFreshness' && !isTemporal(family) && family !== 'text') return 'a date or timestamp column'
  if (rule.type !== 'ColumnValues') return null
  return valuesMismatch(rule, family)
}

function valuesMismatch({ condition }: Rule, family: TypeFamily): string | null {
  if (condition?.kind === 'number')
    return isNumeric(family) || condition.operands.every(({ kind }) => kind === 'null') ? null : 'a numeric column'
  if (condition?.kind === 'date') return isTemporal(family) || family === 'text' ? null : 'a date or timestamp column'
  if (condition?.kind !== 'text') return null
  if (condition.operator.endsWith('matches')) return family === 'text' ? null : 'a text column'
  const onlyNull = condition.operands.every((each) => each.kind === 'keyword' && each.keyword === 'NULL')
  return family === 'boolean' && !onlyNull ? 'a text column' : null
}

export function lintTypes(rule: Rule, columns: ColumnIndex, report: Report): void {
  for (const { text, at } of columnParameters(rule)) {
    const column = columns.folded(plainName(text))
    if (column === undefined) continue
    const expected = typeMismatch(rule, familyOf(column.duckdbType))
    if (expected === null) continue
    const rest = `"${column.name}" is ${column.duckdbType}`
    report('error', 'column_type', `${rule.type} with this condition needs ${expected}, ${rest}`, at)
  }
}
