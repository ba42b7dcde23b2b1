import type { RunId } from '../core/identifiers.ts'
import { executeQualityPlan } from '../dqdl/execute.ts'
import type { Duckdb } from './duckdb.ts'
import { type ObjectAccess, parseUri } from './object-access.ts'
import type { Plan } from './plan.ts'

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
  const { result, verdict } = await executeQualityPlan(quality, engine)
  await objects.putText(resultUri, result)
  const { bucket, key } = parseUri(resultUri)
  await objects.putText(verdictUri, verdict.replaceAll('{resultBucket}', bucket).replaceAll('{resultKey}', key))
  return parseUri(verdictUri)
}
