/** Evaluation of a ruleset beside Deequ on a local Spark and beside one plain statement; 131 rules beside 20. */
import { existsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openDuckdb } from '../glue/duckdb.ts'
import type { BenchContext } from './context.ts'
import { type PeerOutcome, type PeerResult, readResult, THREADS } from './peers.ts'
import { runCommand } from './processes.ts'
import { manyRules, rulesetOf, TWENTY_RULES, tableSql } from './quality-case.ts'
import { type Measurement, type Report, round } from './report.ts'

const MEMORY_LIMIT_BYTES = 2 * 1024 ** 3
const ROUNDS = 3
const DEEQU_PYTHON = resolve('.cache', 'spark', 'py311', 'bin', 'python')
const DEEQU_JARS = resolve('.cache', 'spark', 'deequ-jars')

interface QualityCase {
  readonly parquet: string
  readonly rules: string
  readonly manyRules: string
}

async function prepare({ scratch, rows, note }: BenchContext): Promise<QualityCase> {
  const parquet = join(scratch, `quality-${rows}.parquet`)
  const files = { parquet, rules: join(scratch, 'twenty.dqdl'), manyRules: join(scratch, 'many.dqdl') }
  if (existsSync(parquet)) return files
  note(`${rows} rows of 8 columns are written to ${parquet}`)
  const engine = await openDuckdb({ threads: 2, memoryLimitBytes: MEMORY_LIMIT_BYTES, tempDirectory: tmpdir() })
  await engine.run(`COPY (${tableSql(rows)}) TO '${parquet}' (FORMAT parquet, COMPRESSION zstd)`)
  engine.close()
  writeFileSync(files.rules, rulesetOf(TWENTY_RULES))
  writeFileSync(files.manyRules, rulesetOf(manyRules()))
  return files
}

async function script(peer: string, file: string, args: readonly string[]): Promise<PeerOutcome> {
  return readResult(
    peer,
    await runCommand(process.execPath, ['--import', 'tsx', resolve('bench/peers', file), ...args]),
  )
}
const ownRun = (parquet: string, rules: string): Promise<PeerOutcome> =>
  script('sluice', 'quality-run.ts', [parquet, rules, THREADS])

async function deequ({ parquet, rules }: QualityCase): Promise<PeerOutcome> {
  if (!existsSync(DEEQU_PYTHON) || !existsSync(join(DEEQU_JARS, 'complete')))
    return { skipped: { name: 'deequ', reason: 'not installed: bash scripts/install-deequ.sh installs it' } }
  const args = [resolve('bench/peers/quality_deequ.py'), parquet, rules, THREADS, DEEQU_JARS]
  return readResult('deequ', await runCommand(DEEQU_PYTHON, args))
}

function needed(outcome: PeerOutcome): PeerResult {
  if ('result' in outcome) return outcome.result
  throw new Error(`${outcome.skipped.name} could not be measured: ${outcome.skipped.reason}`)
}

/** Runs both sides in turn; the fastest run of each counts, as a shared machine slows some of them down. */
async function inTurn(
  one: () => Promise<PeerOutcome>,
  other: () => Promise<PeerOutcome>,
): Promise<readonly [PeerResult, PeerResult]> {
  const runs: (readonly [PeerResult, PeerResult])[] = []
  for (let round = 0; round < ROUNDS; round += 1) runs.push([needed(await one()), needed(await other())])
  const fastest = (side: 0 | 1): PeerResult =>
    runs.map((each) => each[side]).reduce((best, each) => (each.seconds < best.seconds ? each : best))
  return [fastest(0), fastest(1)]
}

function beside(name: string, own: PeerResult, peer: PeerResult): Measurement {
  return {
    name,
    rows: own.rows,
    seconds: round(own.seconds),
    peer: peer.peer,
    peerSeconds: round(peer.seconds),
    ratio: round(own.seconds / peer.seconds),
    peakMb: own.peakMb,
    peerPeakMb: peer.peakMb,
    stages: [],
  }
}

/** Twenty rules beside Deequ, and beside one statement by hand. */
export async function dq(context: BenchContext): Promise<Report> {
  const files = await prepare(context)
  const [own, statement] = await inTurn(
    () => ownRun(files.parquet, files.rules),
    () => script('duckdb-statement', 'quality-statement.ts', [files.parquet, THREADS]),
  )
  context.note('dq: Deequ works on the same file')
  const reference = await deequ(files)
  return {
    measurements: [
      ...('result' in reference ? [beside('dq', own, reference.result)] : []),
      beside('dq-vs-statement', own, statement),
    ],
    skipped: 'skipped' in reference ? [reference.skipped] : [],
  }
}

/** 131 rules beside twenty over the same columns. */
export async function dqManyRules(context: BenchContext): Promise<Report> {
  const files = await prepare(context)
  const [twenty, many] = await inTurn(
    () => ownRun(files.parquet, files.rules),
    () => ownRun(files.parquet, files.manyRules),
  )
  return { measurements: [beside('dq-131', many, { ...twenty, peer: 'dq-20' })], skipped: [] }
}
