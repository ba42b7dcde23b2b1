import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GlueResult, parseGlueResult } from './glue-result.ts'
import type { MetricHistory } from './operands.ts'

/** Results kept for `last(k)`; older ones stay in the folder and are not read. */
const MAX_RESULTS = 1000
const RESULT_NAME = /^result-.*\.json$/

/** Values of each metric over earlier results, newest first. */
export function historyOf(resultsNewestFirst: readonly GlueResult[]): MetricHistory {
  const values = new Map<string, number[]>()
  for (const { RuleResults, AnalyzerResults } of resultsNewestFirst) {
    // One value a metric and run, whatever the number of rules that report it.
    const metrics = Object.assign({}, ...[...AnalyzerResults, ...RuleResults].map((each) => each.EvaluatedMetrics))
    for (const [name, value] of Object.entries(metrics)) values.set(name, [...(values.get(name) ?? []), Number(value)])
  }
  return (metric) => values.get(metric) ?? []
}

/** A result of an earlier evaluation. */
export interface KeptResult {
  /** ISO 8601 UTC. */
  readonly at: string
  readonly result: GlueResult
}

/** `result-2026-03-10T12-00-00.000Z.json` */
const instantOf = (name: string): string =>
  name.slice('result-'.length, -'.json'.length).replace(/T(\d{2})-(\d{2})-/, 'T$1:$2:')

/** Reads the results of a folder that {@link appendHistory} writes, newest first; an absent folder has none. */
export async function readResults(folder: string): Promise<readonly KeptResult[]> {
  const names = await readdir(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return []
    throw thrown
  })
  const newest = names
    .filter((name) => RESULT_NAME.test(name))
    .sort()
    .reverse()
    .slice(0, MAX_RESULTS)
  return Promise.all(
    newest.map(async (name) => ({
      at: instantOf(name),
      result: parseGlueResult(await readFile(join(folder, name), 'utf8')),
    })),
  )
}

/** Keeps a result under the instant of its evaluation, so that names sort by time. */
export async function appendHistory(folder: string, result: GlueResult, at: Date): Promise<void> {
  await mkdir(folder, { recursive: true })
  const stamp = at.toISOString().replaceAll(':', '-')
  const file = join(folder, `result-${stamp}.json`)
  await writeFile(`${file}.part`, JSON.stringify(result))
  await rename(`${file}.part`, file)
}
