import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { columns } from '../../../cli/table.ts'
import { isJsonObject } from '../../../core/json.ts'
import { type Duckdb, openDuckdb } from '../../../glue/duckdb.ts'
import type { Plan } from '../../../glue/plan.ts'
import { text } from '../../../glue/sql/literals.ts'
import { SETTINGS } from '../harness.ts'
import { compareVerdicts } from './compare-verdicts.ts'
import { PLAN_URI, type PreparedCase, RUN_IDS } from './prepared-case.ts'

type Json = Readonly<Record<string, unknown>>

/** Sums of doubles depend on the order in which threads add. */
const roundNumber = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(12)) : value

/** What a run left, without what differs from run to run. */
interface Left {
  readonly summary: Json
  readonly contentHash: unknown
  readonly rejectSample: unknown
  readonly curatedFiles: readonly string[]
  readonly rejectFiles: string | null
  readonly quality: readonly unknown[]
}

const readJson = (path: string): unknown => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null)
const asObject = (value: unknown): Json => (isJsonObject(value) ? value : {})

/** Says the same of each run: no ids, no times, no sizes of files, no engine's own words about broken content. */
function comparableSummary(summary: Json): Json {
  const { runId: _runId, stages: _stages, files: _files, bytes: _bytes, ...rest } = summary
  const { manifest: _manifest, curatedUri: _curatedUri, rejectsUri, quality: _quality, message, ...same } = rest
  const described = asObject(same.counts).input === 0 ? null : message
  return { ...same, message: described, hasRejects: rejectsUri !== null }
}

function leftBy(prepared: PreparedCase, plan: Plan, runId: string): Left {
  const at = (name: Exclude<keyof Plan['destinations'], 'qualityHistory'>): string =>
    join(prepared.folder, plan.destinations[name].replaceAll('{runId}', runId).slice('s3://'.length))
  const manifest = asObject(readJson(at('manifest')))
  const entries = Array.isArray(manifest.entries) ? manifest.entries : []
  const rejects = at('rejects')
  return {
    summary: comparableSummary(asObject(readJson(at('summary')))),
    contentHash: asObject(manifest.author).contentHash ?? null,
    rejectSample: readJson(at('rejectSample')),
    curatedFiles: entries.map((entry) => join(prepared.folder, String(asObject(entry).url).slice('s3://'.length))),
    rejectFiles: existsSync(rejects) ? join(rejects, '*.parquet') : null,
    quality: ['qualityResult' as const, 'qualityVerdict' as const].map((name) =>
      JSON.parse(JSON.stringify(readJson(at(name)) ?? null).replaceAll(runId, ''), roundNumber),
    ),
  }
}

/** Rows of one relation that the other has not, counted both ways; 0 where both are absent. */
async function differingRows(engine: Duckdb, one: string | null, other: string | null): Promise<number> {
  if (one === null && other === null) return 0
  if (one === null || other === null) return Number.POSITIVE_INFINITY
  const differing = `(SELECT count(*) FROM (FROM ${one} EXCEPT ALL FROM ${other})) + (SELECT count(*) FROM (FROM ${other} EXCEPT ALL FROM ${one}))`
  const [row] = await engine.rows(`SELECT ${differing} AS n`)
  return Number(row?.n)
}

const relationOf = (files: readonly string[] | string | null): string | null => {
  const list = typeof files === 'string' ? [files] : (files ?? [])
  return list.length === 0 ? null : `read_parquet([${list.map(text).join(', ')}], hive_partitioning = false)`
}

async function differences(engine: Duckdb, expected: Left, found: Left, withQuality: boolean): Promise<string[]> {
  const list: string[] = []
  const note = (what: string, one: unknown, other: unknown): void => {
    if (!isDeepStrictEqual(one, other))
      list.push(`${what}: ${JSON.stringify(one).slice(0, 600)} <> ${JSON.stringify(other).slice(0, 600)}`)
  }
  note('summary', expected.summary, found.summary)
  note('content hash', expected.contentHash, found.contentHash)
  note('reject sample', expected.rejectSample, found.rejectSample)
  if (withQuality) note('quality', expected.quality, found.quality)
  const curated = await differingRows(engine, relationOf(expected.curatedFiles), relationOf(found.curatedFiles))
  if (curated > 0) list.push(`${curated} curated rows differ`)
  const rejects = await differingRows(engine, relationOf(expected.rejectFiles), relationOf(found.rejectFiles))
  if (rejects > 0) list.push(`${rejects} rejects differ`)
  return list
}

const EXECUTORS = [
  { title: 'small, DuckDB 1.4', runId: RUN_IDS.small14, withQuality: true },
  { title: 'small, DuckDB 1.5', runId: RUN_IDS.small15, withQuality: true },
  { title: 'large', runId: RUN_IDS.large, withQuality: false },
]

const countsOf = ({ summary }: Left): string => {
  const { input, curated, rejected, duplicates } = asObject(summary.counts)
  return summary.outcome === 'refused'
    ? `${String(summary.reasonCode)}`
    : [input, curated, rejected, duplicates].map(String).join(' / ')
}

async function main(folder: string): Promise<number> {
  const prepared: readonly PreparedCase[] = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'))
  const engine = await openDuckdb(SETTINGS)
  const head = [
    'case',
    'in / curated / rejected / duplicates',
    ...EXECUTORS.map(({ title }) => title),
    'quality on Spark',
  ]
  const table = [head]
  const problems: string[] = []
  for (const one of prepared) {
    const plan: Plan = JSON.parse(readFileSync(join(one.folder, PLAN_URI.small.slice('s3://'.length)), 'utf8'))
    const expected = leftBy(one, plan, RUN_IDS.inProcess)
    const cells: string[] = []
    for (const { title, runId, withQuality } of EXECUTORS) {
      const left = leftBy(one, plan, runId)
      const found = await differences(engine, expected, left, withQuality)
      problems.push(...found.map((difference) => `${one.name}, ${title}: ${difference}`))
      cells.push(found.length === 0 ? `equal (${left.curatedFiles.length})` : 'DIFFERS')
    }
    const verdicts = one.hasRules ? compareVerdicts(one, plan) : null
    problems.push(...(verdicts?.problems ?? []).map((problem) => `${one.name}, quality: ${problem}`))
    table.push([one.name, countsOf(expected), ...cells, verdicts?.told ?? ''])
  }
  engine.close()
  const printed = columns(
    table,
    head.map(() => 'left' as const),
  )
  process.stdout.write(`${printed}\n(in brackets: curated files)\n`)
  for (const problem of problems) process.stdout.write(`${problem}\n`)
  return problems.length === 0 ? 0 : 1
}

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new TypeError('Cannot compare: a folder is needed')
process.exitCode = await main(folder)
