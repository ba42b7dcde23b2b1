import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseGlueResult } from '../../../dqdl/glue-result.ts'
import type { Plan } from '../../../glue/plan.ts'
import { type PreparedCase, RUN_IDS } from './prepared-case.ts'

/**
 * Rules that the open evaluator cannot judge as Glue does, each with the reason; dqdl/differences.md lists more of them. They
 * are counted as not comparable.
 */
const NOT_COMPARABLE: readonly { readonly rule: RegExp; readonly reason: string }[] = [
  { rule: /with threshold/, reason: 'Deequ ignores thresholds' },
  { rule: /EMPTY|WHITESPACES_ONLY/, reason: 'Deequ and the guide differ on NULL beside EMPTY' },
  { rule: /ColumnDataType .* = "(?:Date|Integer)"/, reason: 'Deequ judges typed columns by their text' },
]

const DECIDED = new Set(['PASS', 'FAIL'])

/** Compares the verdicts of the Spark job with those of the quality plan, rule by rule. */
export function compareVerdicts(one: PreparedCase, plan: Plan): { told: string; problems: readonly string[] } {
  const pathOf = (runId: string): string =>
    join(one.folder, plan.destinations.qualityResult.replaceAll('{runId}', runId).slice('s3://'.length))
  const [own, spark] = [pathOf(RUN_IDS.inProcess), pathOf(RUN_IDS.large)]
  if (!existsSync(own)) return { told: 'refused', problems: [] }
  if (!existsSync(spark)) return { told: 'MISSING', problems: ['no result of the Spark job'] }
  const expected = parseGlueResult(readFileSync(own, 'utf8')).RuleResults
  const found = new Map(parseGlueResult(readFileSync(spark, 'utf8')).RuleResults.map((rule) => [rule.Name, rule]))
  const problems: string[] = []
  let equal = 0
  let aside = 0
  for (const { Name, Description, Result, Labels } of expected) {
    const other = found.get(Name)
    if (other?.Result === Result && other.Description === Description && other.Labels.severity === Labels.severity)
      equal++
    else if (NOT_COMPARABLE.some(({ rule }) => rule.test(Description)) || !DECIDED.has(Result)) aside++
    else if (other?.Result === 'ERROR' && /Rule Type: \w+ is not valid/.test(other.EvaluationMessage ?? '')) aside++
    else problems.push(`${Name} ${Description}: ${Result} <> ${other?.Result} (${other?.EvaluationMessage ?? ''})`)
  }
  return { told: `${equal} of ${expected.length} equal, ${aside} not comparable`, problems }
}
