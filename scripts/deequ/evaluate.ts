import { leavesOf, type RuleExpression } from '../../dqdl/ast.ts'
import { evaluateRuleset } from '../../dqdl/evaluate.ts'
import type { GlueRuleResult } from '../../dqdl/glue-result.ts'
import { parseRuleset } from '../../dqdl/parse.ts'
import { printRule } from '../../dqdl/print.ts'
import { literal } from '../../dqdl/sql.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { agrees, type Compared } from './compare.ts'
import type { Reference, ReferenceOutcome } from './reference.ts'
import type { TestTable } from './tables.ts'

/** Rules in one statement here. */
const OWN_BATCH = 100
/** Rules in one ruleset there: a scan of many is cheaper than many scans. */
const REFERENCE_BATCH = 16

export interface Engines {
  readonly duckdb: Duckdb
  readonly reference: Reference
  /** Folder of the tables as Parquet files. */
  readonly folder: string
  readonly now: Date
  /** Table names that rules may use as aliases. */
  readonly aliases: readonly string[]
}
export interface TableComparison {
  readonly compared: readonly Compared[]
  /** Rules that the reference's older parser does not know. */
  readonly refused: readonly { readonly text: string; readonly reason: string }[]
}

/** The reference reports one pattern's figure for all patterns of a column, and one statement's for all statements. */
const isMixedUp = (rule: RuleExpression): boolean =>
  leavesOf(rule).some(({ type, condition }) => type === 'CustomSql' || condition?.operator.endsWith('matches') === true)

interface ParsedRule {
  readonly text: string
  readonly canonical: string
  readonly rule: RuleExpression
}

const parsed = (text: string): ParsedRule => {
  const { ruleset, problems } = parseRuleset(`Rules = [ ${text} ]`)
  const [rule] = ruleset.rules
  if (rule === undefined || problems.length > 0)
    throw new RangeError(`Cannot read the rule ${text}: ${problems[0]?.message ?? 'it is none'}`)
  return { text, canonical: printRule(rule), rule }
}

const chunks = <T>(items: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))

/** What stands behind FROM for a table. */
export const relationOf =
  ({ folder }: Engines) =>
  (table: string): string =>
    `read_parquet(${literal(`${folder}/${table}.parquet`)})`
/** The relations of all aliases. */
export const referencesOf = (engines: Engines): Readonly<Record<string, string>> =>
  Object.fromEntries(engines.aliases.map((alias) => [alias, relationOf(engines)(alias)]))

async function ownResults(table: TestTable, rules: readonly ParsedRule[], engines: Engines): Promise<GlueRuleResult[]> {
  const results: GlueRuleResult[] = []
  const references = referencesOf(engines)
  for (const chunk of chunks(rules, OWN_BATCH)) {
    const { ruleset } = parseRuleset(`Rules = [ ${chunk.map(({ text }) => text).join(', ')} ]`)
    const relation = relationOf(engines)(table.name)
    const { result } = await evaluateRuleset({ ruleset, relation, references, now: engines.now }, engines.duckdb)
    results.push(...result.RuleResults)
  }
  return results
}

/** Outcomes by canonical text; a ruleset that is refused whole has none. */
async function referenceOutcomes(
  table: TestTable,
  rules: readonly ParsedRule[],
  { reference, aliases }: Engines,
): Promise<{ readonly outcomes: ReadonlyMap<string, ReferenceOutcome>; readonly refused: string | null }> {
  const sources = Object.fromEntries(aliases.map((alias) => [alias, alias]))
  const answer = await reference.evaluate(
    table.name,
    sources,
    `Rules = [ ${rules.map(({ text }) => text).join(', ')} ]`,
  )
  if (answer.kind === 'refused') return { outcomes: new Map(), refused: answer.reason }
  const [only] = answer.outcomes
  if (rules.length === 1 && rules[0] !== undefined && only !== undefined)
    return { outcomes: new Map([[rules[0].canonical, only]]), refused: null }
  return { outcomes: new Map(answer.outcomes.map((outcome) => [outcome.rule, outcome])), refused: null }
}

/**
 * Evaluates rules over a table with both engines. The reference gets many rules at once; since it mixes up figures of rules
 * in one ruleset, every rule whose outcome then differs is evaluated alone, and that outcome counts.
 * @throws RangeError for a rule that does not parse here; SluiceError `reference_failed`
 */
export async function compareTable(
  table: TestTable,
  texts: readonly string[],
  engines: Engines,
): Promise<TableComparison> {
  const rules = [...new Map(texts.map(parsed).map((rule) => [rule.canonical, rule])).values()]
  const own = await ownResults(table, rules, engines)
  const compared: Compared[] = []
  const refused: { text: string; reason: string }[] = []
  const compareOne = (rule: ParsedRule, result: GlueRuleResult, outcome: ReferenceOutcome): Compared => ({
    rule: rule.rule,
    text: rule.text,
    table,
    own: result,
    reference: outcome,
  })
  for (const chunk of chunks(
    rules.map((rule, index) => ({ rule, result: own[index] })),
    REFERENCE_BATCH,
  )) {
    const together = await referenceOutcomes(
      table,
      chunk.map(({ rule }) => rule),
      engines,
    )
    for (const { rule, result } of chunk) {
      if (result === undefined) throw new RangeError(`No result of ${rule.text}`)
      const outcome = together.outcomes.get(rule.canonical)
      const first = outcome === undefined ? undefined : compareOne(rule, result, outcome)
      if (first !== undefined && agrees(first) && !isMixedUp(rule.rule)) {
        compared.push(first)
        continue
      }
      const alone = await referenceOutcomes(table, [rule], engines)
      const last = alone.outcomes.get(rule.canonical)
      if (last === undefined) refused.push({ text: rule.text, reason: alone.refused ?? 'no outcome' })
      else compared.push(compareOne(rule, result, last))
    }
  }
  return { compared, refused }
}
