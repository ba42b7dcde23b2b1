import type { RuleExpression, Ruleset } from './ast.ts'
import { type CompileOptions, compileRule, surroundingsOf } from './compile.ts'
import { MeasureNames, Measures, type Surroundings } from './compiled-rule.ts'
import { printRule } from './print.ts'
import type { QualityColumn } from './quality-plan.ts'
import { literal } from './sql.ts'

/** SQL that is true for rows that break a rule, or `null` when the rule says nothing about single rows. */
export function brokenBy(rule: RuleExpression, surroundings: Surroundings): string | null {
  if (rule.kind === 'rule') {
    const compiled = compileRule(rule, new Measures(new MeasureNames()), surroundings)
    return compiled.kind === 'measured' ? compiled.brokenBy : null
  }
  const parts = rule.parts.map((part) => brokenBy(part, surroundings))
  const known = parts.filter((part) => part !== null)
  if (known.length < parts.length) return null
  // A row breaks "and" when it breaks one part, "or" when it breaks all of them.
  return `(${known.join(rule.operator === 'and' ? ' OR ' : ' AND ')})`
}

/**
 * A SELECT of every row of `sluice_data` that breaks a rule, with the texts of all rules it broke in
 * `DataQualityRulesFail` and their names in `DataQualityRuleNames`. Never capped.
 * @param evaluated names of the rules that could be evaluated; the others are left out
 * @returns `null` when no rule says anything about single rows
 */
export function rowFailuresSql(
  ruleset: Ruleset,
  columns: readonly QualityColumn[],
  options: CompileOptions,
  evaluated: ReadonlySet<string>,
): string | null {
  const surroundings = surroundingsOf(columns, options)
  const broken = ruleset.rules.flatMap((rule, index) => {
    const name = `Rule_${index + 1}`
    const sql = evaluated.has(name) ? brokenBy(rule, surroundings) : null
    return sql === null ? [] : [{ name, text: printRule(rule), sql }]
  })
  if (broken.length === 0) return null
  const lists = broken.map(({ sql }, index) => `CASE WHEN ${sql} THEN ${index + 1} END`)
  const pickFrom = (texts: readonly string[]): string =>
    `list_transform(sluice_broken, lambda i: ([${texts.map(literal).join(', ')}])[i])`
  return `SELECT * EXCLUDE (sluice_broken), ${pickFrom(broken.map(({ text }) => text))} AS "DataQualityRulesFail", ${pickFrom(broken.map(({ name }) => name))} AS "DataQualityRuleNames", 'Failed' AS "DataQualityEvaluationResult" FROM (SELECT sluice_data.*, list_filter([${lists.join(', ')}], lambda i: i IS NOT NULL) AS sluice_broken FROM sluice_data) WHERE len(sluice_broken) > 0`
}
