import type { Severity } from '../core/run-documents.ts'

/** A column as the engine sees it, for compiling rules (`core/column-type.ts` kinds, or DuckDB's type name). */
export interface QualityColumn {
  readonly name: string
  /** DuckDB type, e.g. `DECIMAL(12,2)`, `VARCHAR`. */
  readonly duckdbType: string
}

/** One rule as results name it; index in the order of the ruleset, from 0. */
export interface QualityRule {
  readonly index: number
  /** `Rule_1`, … */
  readonly name: string
  /** Canonical text. */
  readonly text: string
  readonly severity: Severity
  readonly labels: Readonly<Record<string, string>>
}

/**
 * A ruleset as DuckDB SQL. Any holder of a DuckDB evaluates it: create a view or table named `sluice_data` over the rows,
 * run `statements` in order; then `sluice_verdicts` (rule_index INTEGER, result VARCHAR, metrics VARCHAR (JSON object),
 * message VARCHAR, evaluated_rule VARCHAR) holds one finished verdict a rule. `resultDocument` and `verdictDocument` are
 * SELECTs of one row and one VARCHAR: `result.json` in Glue's shape, and `verdict.json` (core/run-documents.ts, Verdict) with
 * the placeholders `{resultBucket}` and `{resultKey}` as the executor fills them in.
 * A statement that fails makes the rules it names (`rules`) ERROR and stops nothing.
 */
export interface QualityPlan {
  readonly qualityPlanVersion: 1
  readonly rulesetHash: string
  readonly rules: readonly QualityRule[]
  /** Creates the table `sluice_verdicts` and whatever the statements share. */
  readonly setup: readonly string[]
  readonly statements: readonly { readonly sql: string; readonly rules: readonly number[] }[]
  readonly resultDocument: string
  readonly verdictDocument: string
}
