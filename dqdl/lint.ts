import type { Contract } from '../core/contract.ts'
import type { Position, RuleExpression, Ruleset } from './ast.ts'
import { leavesOf } from './ast.ts'
import { type Finding, type PlacedFinding, type Report, withHint } from './lint/finding.ts'
import { type ColumnIndex, lintColumns, lintTypes } from './lint/lint-columns.ts'
import { lintConditions } from './lint/lint-conditions.ts'
import { lintContradictions } from './lint/lint-contradictions.ts'
import { LintMemo } from './lint/lint-memo.ts'
import {
  lintCadence,
  lintComposite,
  lintDuplicates,
  lintGate,
  lintLabelKeys,
  lintLabels,
  lintVariables,
} from './lint/lint-ruleset.ts'
import { type ParseResult, parseRuleset } from './parse.ts'
import { nearestHint } from './problem.ts'
import type { SqlTranslation, SqlTranslations } from './sql-translation.ts'

export type { Finding } from './lint/finding.ts'

export interface LintOptions {
  /** Columns and types are checked against it; without one they are not. */
  readonly contract?: Contract
  /** Of `translateRuleset`: where clauses and CustomSql that cannot be read are errors. */
  readonly translations?: SqlTranslations
  /** Of the lint of an earlier text by the same contract, to be quicker; the findings are the same. */
  readonly memo?: LintMemo
}

const START: Position = { line: 1, column: 1 }
const byPlace = (one: Finding, other: Finding): number => one.line - other.line || one.column - other.column

/** Everything wrong or doubtful in a ruleset, in the order of the text. */
export const lintRuleset = (text: string, options: LintOptions = {}): readonly Finding[] =>
  lintParsed(parseRuleset(text), options)

/** {@link lintRuleset} of a text that was parsed already. */
export function lintParsed(
  { problems, ruleset, leftover }: ParseResult,
  options: LintOptions = {},
): readonly Finding[] {
  const findings: Finding[] = []
  const report: Report = (severity, code, message, at) => {
    findings.push({ line: at.line, column: at.column, severity, code, message })
  }
  for (const { code, message, hint, at } of problems) report('error', code, withHint(message, hint), at)
  if (leftover !== null)
    report(
      'error',
      'leftover_text',
      'Text behind the last section is ignored: remove it, or mend the section before it',
      leftover,
    )
  lintSound(ruleset, options, report)
  if (problems.length === 0) lintGate(ruleset, report)
  return findings.sort(byPlace)
}

function lintSound(ruleset: Ruleset, options: LintOptions, report: Report): void {
  const { contract, translations, memo = new LintMemo(false) } = options
  memo.begin()
  const columns = memo.columnsOf(contract)
  lintLabels(ruleset.defaultLabels, START, report)
  lintLabelKeys(ruleset, report)
  lintCadence(ruleset, report)
  for (const rule of ruleset.rules) {
    for (const { severity, code, message, at } of memo.findings(rule, () => lintRule(rule, columns)))
      report(severity, code, message, at)
    lintStatements(rule, translations, columns, report)
  }
  if (columns !== null) for (const analyzer of ruleset.analyzers) lintColumns(analyzer, columns, report)
  lintDuplicates(ruleset.rules, memo, report)
  lintContradictions(ruleset.rules, memo, report)
  lintVariables(ruleset, report)
}

/** What one rule has wrong by itself. */
function lintRule(rule: RuleExpression, columns: ColumnIndex | null): readonly PlacedFinding[] {
  const findings: PlacedFinding[] = []
  const report: Report = (severity, code, message, at) => {
    findings.push({ severity, code, message, at })
  }
  lintLabels(rule.labels, rule.at, report)
  lintComposite(rule, report)
  for (const leaf of leavesOf(rule)) {
    lintConditions(leaf, report)
    if (columns === null) continue
    lintColumns(leaf, columns, report)
    lintTypes(leaf, columns, report)
  }
  return findings
}

function lintStatements(
  rule: RuleExpression,
  translations: SqlTranslations | undefined,
  columns: ColumnIndex | null,
  report: Report,
): void {
  if (translations === undefined) return
  const lint = (text: string | null, at: Position): void => {
    const translation = text === null ? undefined : translations[text]
    if (translation !== undefined) lintSql(translation, columns, at, report)
  }
  for (const leaf of leavesOf(rule)) {
    lint(leaf.where, leaf.whereAt ?? leaf.at)
    if (leaf.type === 'CustomSql') lint(leaf.parameters[0]?.text ?? null, leaf.parameters[0]?.at ?? leaf.at)
  }
}

/** SQL that cannot be read, or that names a column the data lacks. */
function lintSql(
  { refused, columns: named = [] }: SqlTranslation,
  columns: ColumnIndex | null,
  at: Position,
  report: Report,
): void {
  if (refused !== null) report('error', 'spark_sql', refused, at)
  if (columns === null) return
  for (const name of named) {
    if (columns.folded(name) !== undefined) continue
    report(
      'error',
      'unknown_column',
      withHint(`Column "${name}" in this SQL is unknown`, nearestHint(name, columns.names)),
      at,
    )
  }
}
