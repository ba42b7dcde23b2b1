import type { RunId } from '../core/identifiers.ts'
import { isJsonObject } from '../core/json.ts'
import { executeQualityPlan } from '../dqdl/execute.ts'
import type { Duckdb } from './duckdb.ts'
import { type ObjectAccess, parseUri } from './object-access.ts'
import type { Plan } from './plan.ts'

/** What `last(k)` of later runs looks at: results that passed the gate, and of no replay. */
async function keepForLaterRuns(
  { qualityHistory }: Plan['destinations'],
  { result, verdict }: { readonly result: string; readonly verdict: string },
  objects: ObjectAccess,
): Promise<void> {
  const judged: unknown = JSON.parse(verdict)
  const passed = isJsonObject(judged) && judged.gate === 'PASS'
  if (passed && qualityHistory !== undefined) await objects.putText(qualityHistory, result)
}

/**
 * Evaluates the plan's ruleset over the relation `sluice_data` of the engine and stores `result.json` and `verdict.json`.
 *
 * @returns where the verdict is
 */
export async function evaluateQuality(
  { quality, destinations }: Plan,
  runId: RunId,
  engine: Duckdb,
  objects: ObjectAccess,
): Promise<{ readonly bucket: string; readonly key: string }> {
  const resultUri = destinations.qualityResult.replaceAll('{runId}', runId)
  const verdictUri = destinations.qualityVerdict.replaceAll('{runId}', runId)
  const documents = await executeQualityPlan(quality, engine)
  const { result, verdict } = documents
  await objects.putText(resultUri, result)
  const { bucket, key } = parseUri(resultUri)
  await objects.putText(verdictUri, verdict.replaceAll('{resultBucket}', bucket).replaceAll('{resultKey}', key))
  await keepForLaterRuns(destinations, documents, objects)
  return parseUri(verdictUri)
}
