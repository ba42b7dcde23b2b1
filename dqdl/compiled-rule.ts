import type { Rule } from './ast.ts'
import type { MetricHistory } from './operands.ts'
import type { QualityColumn } from './quality-plan.ts'
import type { SqlTranslations } from './sql-translation.ts'

/** A metric a rule reports: its name in Glue and the SQL of its value (DOUBLE; NULL: not measured). */
export interface Metric {
  readonly name: string
  readonly sql: string
}

/** One comparison of a rule; a rule passes when none of its checks fails. */
export interface Check {
  /** DOUBLE: the measured value. */
  readonly value: string
  /**
   * VARCHAR: NULL when the check holds, else why not. `!` and `.` stand for "Value: … does not meet the constraint
   * requirement" with that end, so that the texts are made once for all rules and not by an expression each.
   */
  readonly failure: string
}

/** A rule as SQL over the measures it asked for. */
export interface MeasuredRule {
  readonly kind: 'measured'
  readonly checks: readonly Check[]
  readonly metrics: readonly Metric[]
  /** The rule with dynamic operands replaced by numbers, or `null` when nothing is dynamic. */
  readonly evaluatedRule: Rule | null
  /** What is worth saying whatever the outcome. */
  readonly note?: string
  /** Measures that settle the rule for most data at less cost; the rule itself is measured only where they do not. */
  readonly shortcut?: Shortcut
  /** Over a row of `sluice_data`: true when it breaks the rule. `null` for rules that say nothing about single rows. */
  readonly brokenBy: string | null
}
/** The same rule over other measures, which are right only where `provenIf` (SQL over them) is true. */
export interface Shortcut {
  readonly provenIf: string
  readonly measures: Measures
  readonly rule: MeasuredRule
  /** Quoted name of the column whose distinct values the measures are taken over: worth its while for several rules. */
  readonly valuesOf: string | null
}
/** A rule whose outcome needs no data: a missing column, a wrong type, an operand without value. */
export interface SettledRule {
  readonly kind: 'settled'
  readonly result: 'PASS' | 'FAIL' | 'ERROR'
  readonly message: string | null
  readonly metrics: Readonly<Record<string, number>>
}
export type CompiledRule = MeasuredRule | SettledRule

export const failed = (message: string, metrics: SettledRule['metrics'] = {}): SettledRule => ({
  kind: 'settled',
  result: 'FAIL',
  message,
  metrics,
})
export const errored = (message: string): SettledRule => ({ kind: 'settled', result: 'ERROR', message, metrics: {} })

/** What rules are compiled against. */
export interface Surroundings {
  readonly columns: readonly QualityColumn[]
  /** Evaluation's instant, for `now()` and times of day. */
  readonly now: Date
  readonly history: MetricHistory
  /** DuckDB texts of where clauses and CustomSql statements. */
  readonly translations: SqlTranslations
  /** Columns of the additional data sources by alias; each is a view `sluice_reference_{alias}`. */
  readonly references: ReadonlyMap<string, readonly QualityColumn[]>
}

export type RuleCompiler = (rule: Rule, measures: Measures, surroundings: Surroundings) => CompiledRule

/** A SELECT of one row whose columns rules refer to as `{name}.{column}`. */
export interface Source {
  readonly name: string
  readonly sql: string
}

/** Name of the one scan that all plain aggregates share. */
export const SCAN = 'scan'
/** Column with the number of rows that hold a value. */
export const VALUE_ROWS = 'sluice_rows'
/** Column with the number of rows that hold any value but NULL. */
export const ALL_VALUE_ROWS = 'sluice_all_rows'

/** Names of everything a ruleset measures; equal SQL is measured once. */
export class MeasureNames {
  readonly #aggregates = new Map<string, string>()
  readonly #queries = new Map<string, string>()
  readonly #values = new Map<string, string>()

  aggregate(sql: string): string {
    return named(this.#aggregates, sql, 'a')
  }
  values(column: string): string {
    return named(this.#values, column, 'v')
  }
  query(sql: string): string {
    return named(this.#queries, sql, 'q')
  }
}
const named = (names: Map<string, string>, sql: string, prefix: string): string => {
  const name = names.get(sql) ?? `${prefix}${names.size}`
  names.set(sql, name)
  return name
}

/** What one rule asks to be measured. */
export class Measures {
  readonly #names: MeasureNames
  /** SQL by column name of the shared scan. */
  readonly aggregates = new Map<string, string>()
  /** SQL by source name. */
  readonly queries = new Map<string, string>()
  /** By quoted column: aggregates over its distinct values, SQL by name. */
  readonly values = new Map<string, Map<string, string>>()

  constructor(names: MeasureNames) {
    this.#names = names
  }

  /** Measures of their own with the same names. */
  sibling(): Measures {
    return new Measures(this.#names)
  }

  /** @param sql an aggregate over `sluice_data` @returns how the rule refers to its value */
  aggregate(sql: string): string {
    const name = this.#names.aggregate(sql)
    this.aggregates.set(name, sql)
    return `${SCAN}.${name}`
  }

  /**
   * @param sql an aggregate over the distinct values of a column, which keeps its name, and their numbers of rows,
   * {@link VALUE_ROWS}
   * @returns how the rule refers to its value
   */
  valueAggregate(column: string, sql: string): string {
    const name = this.#names.aggregate(sql)
    const aggregates = this.values.get(column) ?? new Map<string, string>()
    this.values.set(column, aggregates.set(name, sql))
    return `${this.#names.values(column)}.${name}`
  }
  /** The source of the aggregates over a column's values. */
  valuesName(column: string): string {
    return this.#names.values(column)
  }

  /** @param sql a SELECT of one row @returns the name the rule prefixes its columns with */
  query(sql: string): string {
    const name = this.#names.query(sql)
    this.queries.set(name, sql)
    return name
  }
}

function valueSources(measures: readonly Measures[]): readonly Source[] {
  const sources = new Map<string, { readonly name: string; readonly aggregates: Map<string, string> }>()
  for (const each of measures)
    for (const [column, aggregates] of each.values) {
      const source = sources.get(column) ?? { name: each.valuesName(column), aggregates: new Map() }
      for (const [name, sql] of aggregates) source.aggregates.set(name, sql)
      sources.set(column, source)
    }
  return [...sources].map(([column, { name, aggregates }]) => {
    const selected = [...aggregates].map(([alias, sql]) => `${sql} AS ${alias}`)
    const values = `SELECT ${column}, count(*) AS ${VALUE_ROWS} FROM sluice_data GROUP BY ${column}`
    return { name, sql: `SELECT ${selected.join(', ')} FROM (${withTotal(values, column, selected)})` }
  })
}

/** Values with the number of all rows beside each, where an aggregate looks at it. */
function withTotal(values: string, column: string, selected: readonly string[]): string {
  if (!selected.some((sql) => sql.includes(ALL_VALUE_ROWS))) return values
  return `SELECT *, sum(CASE WHEN ${column} IS NOT NULL THEN ${VALUE_ROWS} END) OVER () AS ${ALL_VALUE_ROWS} FROM (${values})`
}

/** The WITH clause that brings the measures of some rules, and the FROM clause over it. */
export function sourcesOf(measures: readonly Measures[]): { readonly with: string; readonly from: string } {
  const aggregates = new Map(measures.flatMap((each) => [...each.aggregates]))
  const queries = new Map(measures.flatMap((each) => [...each.queries]))
  const selected = [...aggregates].map(([name, sql]) => `${sql} AS ${name}`)
  const sources: Source[] = [...[...queries].map(([name, sql]) => ({ name, sql })), ...valueSources(measures)]
  if (selected.length > 0) sources.unshift({ name: SCAN, sql: `SELECT ${selected.join(', ')} FROM sluice_data` })
  if (sources.length === 0) return { with: '', from: '' }
  return {
    with: `WITH ${sources.map(({ name, sql }) => `${name} AS MATERIALIZED (${sql})`).join(', ')}`,
    from: ` FROM ${sources.map(({ name }) => name).join(', ')}`,
  }
}
