import { messageOf } from '../core/errors.ts'
import type { RunId } from '../core/identifiers.ts'
import type { Duckdb } from './duckdb.ts'
import { type ObjectAccess, parseUri } from './object-access.ts'
import type { Plan } from './plan.ts'
import { text } from './sql/literals.ts'

const oneText = async (engine: Duckdb, sql: string): Promise<string> => {
  const [row] = await engine.rows(sql)
  const value = row === undefined ? undefined : Object.values(row)[0]
  if (typeof value !== 'string') throw new TypeError('Cannot read the quality documents: expected one text')
  return value
}

/** Marks the rules of a statement that failed; the others go on. */
const markError = (rules: readonly number[], message: string): string =>
  `INSERT INTO sluice_verdicts (rule_index, result, metrics, message, evaluated_rule) SELECT r, 'ERROR', NULL, ${text(message)}, NULL FROM (SELECT unnest([${rules.join(', ')}]::INTEGER[]) AS r) WHERE r NOT IN (SELECT rule_index FROM sluice_verdicts)`

/**
 * Evaluates the plan's ruleset over the relation `sluice_data` of the engine and stores `result.json` and `verdict.json`.
 *
 * @returns where the verdict is
 */
export async function evaluateQuality(
  plan: Plan,
  runId: RunId,
  engine: Duckdb,
  objects: ObjectAccess,
): Promise<{ readonly bucket: string; readonly key: string }> {
  const { quality, destinations } = plan
  const result = parseUri(destinations.qualityResult.replaceAll('{runId}', runId))
  const verdict = parseUri(destinations.qualityVerdict.replaceAll('{runId}', runId))
  for (const sql of quality.setup) await engine.run(sql)
  for (const { sql, rules } of quality.statements) {
    try {
      await engine.run(sql)
    } catch (error) {
      await engine.run(markError(rules, messageOf(error).split('\n')[0] ?? ''))
    }
  }
  await objects.putText(
    destinations.qualityResult.replaceAll('{runId}', runId),
    await oneText(engine, quality.resultDocument),
  )
  const document = (await oneText(engine, quality.verdictDocument))
    .replaceAll('{resultBucket}', result.bucket)
    .replaceAll('{resultKey}', result.key)
  await objects.putText(destinations.qualityVerdict.replaceAll('{runId}', runId), document)
  return verdict
}
