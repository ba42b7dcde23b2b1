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
  /** The same with numbers for what depends on earlier runs, where anything does: what other evaluators are given. */
  readonly evaluated?: string
  readonly severity: Severity
  readonly labels: Readonly<Record<string, string>>
}

/** An analyzer as results name it; `index` is that of its row in `sluice_verdicts`. */
export interface QualityAnalyzer {
  readonly index: number
  /** `Analyzer_1`, … */
  readonly name: string
  readonly text: string
}

/** SQL that brings the verdicts of some rules nearer to `sluice_verdicts`. */
export interface QualityStatement {
  readonly sql: string
  /** Indices of the verdicts that depend on it; those above the last rule are analyzers and parts of composite rules. */
  readonly rules: readonly number[]
  /** SELECT of one BOOLEAN: the statement is passed over where it is true, as other statements have settled its rules. */
  readonly unless?: string
  /** For people: what it measures, and when it runs; absent from statements that read no rows. */
  readonly measures?: string
  readonly onlyIf?: string
  /** Of a composite rule: the verdicts it combines. */
  readonly parts?: readonly number[]
}

/**
 * A ruleset as DuckDB SQL. Any holder of a DuckDB evaluates it, on one connection: create a view or table named
 * `sluice_data` over the rows, run `setup`, then `statements` in order; then `sluice_verdicts` (rule_index INTEGER, result
 * VARCHAR, metrics VARCHAR (JSON object), message VARCHAR, evaluated_rule VARCHAR) holds one finished verdict a rule.
 *
 * A statement whose `unless` is true is passed over, its `fallback` too. A statement that fails stops nothing: when it has a `fallback`, run those statements instead, each on its own; a statement
 * without one that fails makes its `rules` ERROR: insert `(index, 'ERROR', '{}', engine's message, NULL)` for each. One that
 * names no rules must not fail.
 *
 * `resultDocument` and `verdictDocument` are SELECTs of one row and one VARCHAR: `result.json` in Glue's shape, and
 * `verdict.json` (core/run-documents.ts, Verdict; at most 4 KB) with the placeholders `{resultBucket}` and `{resultKey}` as
 * the executor fills them in. A rule without a verdict is ERROR in both.
 */
export interface QualityPlan {
  readonly qualityPlanVersion: 1
  readonly rulesetHash: string
  /** The ruleset without labels and with numbers for what depends on earlier runs, for evaluators that read DQDL. */
  readonly ruleset?: string
  readonly rules: readonly QualityRule[]
  readonly analyzers?: readonly QualityAnalyzer[]
  /** Creates the table `sluice_verdicts`, functions and whatever the statements share. */
  readonly setup: readonly string[]
  readonly statements: readonly (QualityStatement & { readonly fallback?: readonly QualityStatement[] })[]
  readonly resultDocument: string
  readonly verdictDocument: string
}
