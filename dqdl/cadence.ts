import type { Label, RuleExpression, Ruleset } from './ast.ts'

/** Values of the label `cadence`: judged in every run (the default), or in the first run of a day (UTC) of a tenant's dataset. */
export const CADENCES = ['every run', 'daily'] as const

export const isDaily = (rule: RuleExpression, defaults: readonly Label[]): boolean =>
  [...defaults, ...(rule.labels ?? [])].findLast(({ key }) => key === 'cadence')?.value === 'daily'

/** True where whether a rule is judged depends on the runs of the day. */
export const hasDailyRules = ({ rules, defaultLabels }: Ruleset): boolean =>
  rules.some((rule) => isDaily(rule, defaultLabels))

/**
 * The rules of a run, with their places in the ruleset. A ruleset of nothing but daily rules is judged in every run: a gate
 * that looks at nothing would let everything through.
 * @param judgedToday a result of the same day is in the history
 */
export function dueRules(
  { rules, defaultLabels }: Pick<Ruleset, 'rules' | 'defaultLabels'>,
  judgedToday: boolean,
): readonly { readonly rule: RuleExpression; readonly index: number }[] {
  const all = rules.map((rule, index) => ({ rule, index }))
  if (!judgedToday) return all
  const due = all.filter(({ rule }) => !isDaily(rule, defaultLabels))
  return due.length === 0 ? all : due
}
