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

/** Reads the results of a folder that {@link appendHistory} writes; an absent folder has none. */
export async function readHistory(folder: string): Promise<MetricHistory> {
  const names = await readdir(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return []
    throw thrown
  })
  const newest = names
    .filter((name) => RESULT_NAME.test(name))
    .sort()
    .reverse()
    .slice(0, MAX_RESULTS)
  const results = await Promise.all(
    newest.map(async (name) => parseGlueResult(await readFile(join(folder, name), 'utf8'))),
  )
  return historyOf(results)
}

/** Keeps a result under the instant of its evaluation, so that names sort by time. */
export async function appendHistory(folder: string, result: GlueResult, at: Date): Promise<void> {
  await mkdir(folder, { recursive: true })
  const stamp = at.toISOString().replaceAll(':', '-')
  const file = join(folder, `result-${stamp}.json`)
  await writeFile(`${file}.part`, JSON.stringify(result))
  await rename(`${file}.part`, file)
}
