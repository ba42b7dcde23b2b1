/**
 * Evaluates a ruleset over a Parquet file as `sluice dq run` does, without the start of the process.
 * `tsx quality-run.ts FILE RULESET THREADS` prints one JSON line {seconds, rows, peakMb, score}.
 */
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { evaluateRuleset, relationOfFile } from '../../dqdl/evaluate.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { peakMbOf } from '../processes.ts'

const MEMORY_LIMIT_BYTES = 3 * 1024 ** 3
const [file = '', rulesFile = '', threads = '2'] = process.argv.slice(2)
const text = await readFile(rulesFile, 'utf8')
const engine = await openDuckdb({
  threads: Number(threads),
  memoryLimitBytes: MEMORY_LIMIT_BYTES,
  tempDirectory: tmpdir(),
})
await engine.run("SET TimeZone = 'UTC'")
const began = performance.now()
const { result } = await evaluateRuleset(
  { ruleset: requireRuleset(text), relation: relationOfFile(file), now: new Date() },
  engine,
)
const seconds = (performance.now() - began) / 1000
const rows = Number(result.RuleResults[0]?.EvaluatedMetrics['Dataset.*.RowCount'] ?? 0)
process.stdout.write(`${JSON.stringify({ seconds, rows, peakMb: peakMbOf(process.pid), score: result.Score })}\n`)
engine.close()
