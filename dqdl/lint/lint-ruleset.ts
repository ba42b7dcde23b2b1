import { distance } from 'fastest-levenshtein'
import type { Label, Position, RuleExpression, Ruleset } from '../ast.ts'
import { leavesOf } from '../ast.ts'
import { CADENCES, isDaily } from '../cadence.ts'
import { depthOf } from '../operands.ts'
import type { Report } from './finding.ts'
import { nearestLabel } from './lint-conditions.ts'
import type { LintMemo } from './lint-memo.ts'

const SEVERITIES = ['gate', 'warn']
const KEY_TYPES: ReadonlySet<string> = new Set(['RowCount', 'IsPrimaryKey', 'IsUnique', 'Uniqueness'])

export function lintLabels(labels: readonly Label[] | null, at: Position, report: Report): void {
  for (const { key, value } of labels ?? []) {
    if (key === 'severity' && !SEVERITIES.includes(value))
      report('error', 'severity_value', `Severity "${value}" is unknown: write "gate" or "warn"`, at)
    if (key === 'cadence' && !CADENCES.some((known) => known === value))
      report('error', 'cadence_value', `Cadence "${value}" is unknown: write "every run" or "daily"`, at)
    const near = nearestLabel(key)
    if (near !== null)
      report('warning', 'unknown_label', `Label "${key}" has no meaning here: nearest is "${near}"`, at)
  }
}

/** One letter more, less or other, two letters exchanged, or another case. */
const isSlipOf = (key: string, known: string): boolean =>
  key !== known &&
  (key.toLowerCase() === known.toLowerCase() ||
    distance(key, known) === 1 ||
    (distance(key, known) === 2 && [...key].sort().join('') === [...known].sort().join('')))

/** Keys that nearly are one of the default labels, which the rule then does not override. */
export function lintLabelKeys({ defaultLabels, rules }: Ruleset, report: Report): void {
  if (defaultLabels.length === 0) return
  const known = defaultLabels.map(({ key }) => key)
  for (const { labels, at } of rules) {
    for (const { key } of labels ?? []) {
      if (known.includes(key) || nearestLabel(key) !== null) continue
      const near = known.find((each) => isSlipOf(key, each))
      if (near !== undefined)
        report('warning', 'unknown_label', `Label "${key}" is none of the default labels: nearest is "${near}"`, at)
    }
  }
}

/** Labels inside a composite and parts without parentheses. */
export function lintComposite(expression: RuleExpression, report: Report): void {
  if (expression.kind === 'rule') return
  if (!expression.parenthesised)
    report('error', 'parentheses', 'Each part of a composite rule must stand in parentheses', expression.at)
  for (const part of expression.parts) {
    if (part.labels !== null)
      report(
        'warning',
        'label_in_composite',
        'Labels inside a composite rule have no effect: label the whole in parentheses',
        part.at,
      )
    lintComposite(part, report)
  }
}

export function lintDuplicates(rules: readonly RuleExpression[], memo: LintMemo, report: Report): void {
  const seen = new Map<string, Position>()
  for (const rule of rules) {
    const text = memo.textOf(rule)
    const first = seen.get(text)
    if (first === undefined) seen.set(text, rule.at)
    else report('warning', 'duplicate_rule', `The same rule stands in line ${first.line}`, rule.at)
  }
}

/** Results of the runs between have no metric of a daily rule, so that it has nothing to compare with. */
export function lintCadence({ rules, defaultLabels }: Ruleset, report: Report): void {
  for (const rule of rules)
    if (isDaily(rule, defaultLabels) && depthOf({ rules: [rule] }) > 0)
      report('error', 'cadence_looks_back', 'A daily rule cannot look back: runs between do not measure it', rule.at)
}

const isGate = (rule: RuleExpression, defaults: readonly Label[]): boolean =>
  [...defaults, ...(rule.labels ?? [])].findLast(({ key }) => key === 'severity')?.value !== 'warn'

/** A gate that looks neither at the number of rows nor at a key lets an empty or doubled load through. */
export function lintGate({ rules, defaultLabels }: Ruleset, report: Report): void {
  const gates = rules.filter((rule) => isGate(rule, defaultLabels)).flatMap(leavesOf)
  const [first] = rules
  if (first === undefined || gates.some(({ type }) => KEY_TYPES.has(type))) return
  report('warning', 'gate_without_rows_or_key', 'No gate rule looks at the number of rows or at a key', first.at)
}

export function lintVariables({ variables, rules }: Ruleset, report: Report): void {
  if (variables.length === 0) return
  const used = new Set(
    rules
      .flatMap(leavesOf)
      .flatMap(({ parameters, condition }) => [
        ...parameters.map(({ variable }) => variable),
        condition?.kind === 'text' ? condition.variable : null,
      ]),
  )
  for (const { name, at } of variables)
    if (!used.has(name)) report('warning', 'unused_variable', `Variable "${name}" is not used`, at)
}
