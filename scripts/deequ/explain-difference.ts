import type { Rule, RuleExpression, Ruleset } from '../../dqdl/ast.ts'
import { evaluateRuleset } from '../../dqdl/evaluate.ts'
import { translateRuleset } from '../../dqdl/spark-sql.ts'
import { familyOf, identifier } from '../../dqdl/sql.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import type { Compared } from './compare.ts'
import { DIFFERENCES, type Leaf, type Reason } from './known-differences.ts'
import { patternMatches, patternValues } from './reference-meaning.ts'

export interface DifferenceScope {
  readonly duckdb: Duckdb
  /** What stands behind FROM for a table of that name. */
  readonly relationOf: (table: string) => string
  readonly references: Readonly<Record<string, string>>
  readonly now: Date
}

const rulesetOf = (rule: RuleExpression): Ruleset => ({
  version: null,
  metadata: [],
  sources: [],
  variables: [],
  defaultLabels: [],
  rules: [rule],
  analyzers: [],
})

async function leafOf(rule: Rule, compared: Compared): Promise<Leaf | null> {
  const translations = await translateRuleset(rulesetOf(rule), [compared.table.columns])
  const scope = rule.where === null ? null : (translations[rule.where]?.sql ?? null)
  if (rule.where !== null && scope === null) return null
  const name = rule.parameters[0]?.text.replace(/^`(.*)`$/, '$1') ?? ''
  const column = compared.table.columns.find((each) => each.name.toLowerCase() === name.toLowerCase())
  const family = familyOf(column?.duckdbType ?? '')
  const context = { column: identifier(column?.name ?? name), family, scope, now: new Date(0) }
  return { rule, context, compared }
}

/** Evaluates the SQL or the pattern of a reason over the table `sluice_data`. */
async function holds(
  reason: Reason,
  { context }: Leaf,
  duckdb: Duckdb,
  verdictHere: (rule: Rule) => Promise<boolean>,
): Promise<boolean> {
  if (reason.kind === 'rule') return verdictHere(reason.rule)
  if (reason.kind !== 'pattern') {
    const [row] = await duckdb.rows(reason.sql)
    return row?.v === true
  }
  const rows = await duckdb.rows(patternValues(context))
  if (rows.length === 0) return context.scope !== null
  return rows.every(({ v }) => typeof v === 'string' && patternMatches(reason.operator, reason.pattern, v))
}

/** Whether the data holds what makes the engines differ. */
async function applies(reason: Reason, { context }: Leaf, duckdb: Duckdb): Promise<boolean> {
  if (reason.kind !== 'meaning' || reason.onlyIf === null) return true
  const [row] = await duckdb.rows(
    `SELECT count(*) > 0 AS v FROM sluice_data WHERE ${context.scope ?? true} AND ${reason.onlyIf}`,
  )
  return row?.v === true
}

/**
 * The subject in dqdl/differences.md that accounts for a difference, or `null`. Each leaf of the rule is read as the
 * reference reads it where a known difference touches it, and as here where none does; the whole must then give the
 * reference's verdict. A difference in metrics alone is accounted for by a known difference that touches a leaf.
 */
export async function differenceOf(compared: Compared, scope: DifferenceScope): Promise<string | null> {
  const { duckdb } = scope
  const subjects: string[] = []
  let unpredictable = false
  const relation = scope.relationOf(compared.table.name)
  const verdictHere = async (rule: Rule): Promise<boolean> => {
    const { result } = await evaluateRuleset(
      { ruleset: rulesetOf(rule), relation, references: scope.references, now: scope.now },
      duckdb,
    )
    return result.RuleResults[0]?.Result === 'PASS'
  }
  const verdictOf = async (expression: RuleExpression): Promise<boolean> => {
    if (expression.kind === 'composite') {
      const verdicts: boolean[] = []
      for (const part of expression.parts) verdicts.push(await verdictOf(part))
      return expression.operator === 'and' ? verdicts.every(Boolean) : verdicts.some(Boolean)
    }
    const own = await verdictHere(expression)
    const found = await leafOf(expression, compared)
    if (found === null) return own
    const leaf = { ...found, context: { ...found.context, now: scope.now } }
    for (const { subject, reasonFor } of DIFFERENCES) {
      const reason = reasonFor(leaf)
      if (reason === null || !(await applies(reason, leaf, duckdb))) continue
      const held = await holds(reason, leaf, duckdb, verdictHere)
      if (reason.kind === 'condition') {
        if (!held) continue
        unpredictable = true
      }
      subjects.push(subject)
      return reason.kind === 'condition' ? own : held
    }
    return own
  }
  const predicted = await verdictOf(compared.rule)
  const [subject = null] = subjects
  if (unpredictable || predicted === compared.reference.passed) return subject
  return null
}
