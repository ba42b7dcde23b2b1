import { isJsonObject } from '../../core/json.ts'
import { Fields } from '../input.ts'
import type { ObjectStore } from '../object-store.ts'

/** A rule that did not pass, with what was observed. */
export interface FailedRule {
  readonly name: string
  readonly rule: string | null
  readonly result: string
  readonly message: string | null
  readonly metrics: Readonly<Record<string, unknown>>
}

const MAX_RESULT_BYTES = 16 * 1024 * 1024
const MAX_RULES = 200

function failedRuleOf(rule: Fields): readonly FailedRule[] {
  const result = rule.text('Result')
  if (result === 'PASS') return []
  const metrics = rule.unknown('EvaluatedMetrics')
  return [
    {
      name: rule.text('Name'),
      rule: rule.textOrNull('Description'),
      result,
      message: rule.textOrNull('EvaluationMessage'),
      metrics: isJsonObject(metrics) ? metrics : {},
    },
  ]
}

/** The rules of a run's `result.json` (the shape of Glue's GetDataQualityResult) that did not pass; `null` without a result. */
export async function readFailedRules(
  objects: ObjectStore,
  bucket: string,
  key: string,
): Promise<readonly FailedRule[] | null> {
  const text = await objects.readText(bucket, key, MAX_RESULT_BYTES)
  if (text === null) return null
  const result = new Fields(JSON.parse(text), 'result.json')
  return result.objects('RuleResults').flatMap(failedRuleOf).slice(0, MAX_RULES)
}
