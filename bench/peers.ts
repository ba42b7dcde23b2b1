/** Peers that do the work, or a part of it, on the same file in the same run. */
import { existsSync, mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { isJsonObject } from '../core/json.ts'
import { type Finished, runCommand } from './processes.ts'
import type { Skipped } from './report.ts'

export interface PeerResult {
  readonly peer: string
  readonly seconds: number
  readonly peakMb: number | null
  readonly rows: number
}

export type PeerOutcome = { readonly result: PeerResult } | { readonly skipped: Skipped }

export interface PeerOrder {
  readonly csv: string
  /** An empty folder for what the peer writes. */
  readonly folder: string
}

const PYTHON = resolve('.cache', 'bench-venv', 'bin', 'python')
export const THREADS = String(availableParallelism())

/** Reads the JSON line that a peer prints. */
export function readResult(peer: string, { code, stdout, stderr }: Finished): PeerOutcome {
  if (code !== 0) return { skipped: { name: peer, reason: stderr.trim().split('\n').at(-1) ?? `exit code ${code}` } }
  const value: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null')
  if (!isJsonObject(value) || typeof value.seconds !== 'number' || typeof value.rows !== 'number')
    throw new Error(`Cannot read what ${peer} answered: ${stdout.slice(0, 200)}`)
  const peakMb = typeof value.peakMb === 'number' ? value.peakMb : null
  return { result: { peer, seconds: value.seconds, rows: value.rows, peakMb } }
}

/** The same work in a plain DuckDB script, with the same threads. */
export async function duckdbScript({ csv, folder }: PeerOrder): Promise<PeerOutcome> {
  const args = ['--import', 'tsx', resolve('bench/peers/duckdb-script.ts'), csv, folder, THREADS]
  return readResult('duckdb-script', await runCommand(process.execPath, args))
}

/** Makes the Python environment of the peers below once. @returns why there is none, or `null` */
async function preparePython(): Promise<string | null> {
  if (existsSync(PYTHON)) return null
  const python = process.env.PYTHON ?? 'python3'
  mkdirSync(resolve('.cache'), { recursive: true })
  const folder = resolve('.cache', 'bench-venv')
  const made = await runCommand(python, ['-m', 'venv', folder]).catch(() => null)
  if (made === null) return `${python} is not installed`
  if (made.code !== 0) return `${python} cannot make a virtual environment: ${made.stderr.trim().split('\n').at(-1)}`
  const packages = ['dlt[duckdb]==1.21.0', 'duckdb==1.4.4', 'pyarrow==22.0.0']
  const installed = await runCommand(PYTHON, ['-m', 'pip', 'install', '--quiet', ...packages])
  return installed.code === 0 ? null : `pip cannot install ${packages.join(' ')}`
}

async function pythonPeer(peer: string, script: string, { csv, folder }: PeerOrder): Promise<PeerOutcome> {
  const missing = await preparePython()
  if (missing !== null) return { skipped: { name: peer, reason: missing } }
  return readResult(peer, await runCommand(PYTHON, [resolve('bench', 'peers', script), csv, folder, THREADS]))
}

/** dlt loads the file into DuckDB: no rules, no rejects, no Parquet; it drops the broken rows. */
export const dlt = (order: PeerOrder): Promise<PeerOutcome> => pythonPeer('dlt', 'dlt_load.py', order)

/** Spark in local mode: the csv with casts and rejects, de-duplication, Parquet and aggregates; no warehouse. */
export async function spark(order: PeerOrder): Promise<PeerOutcome> {
  const python = [process.env.SPARK_PYTHON, resolve('.cache', 'spark', 'py311', 'bin', 'python')].find(
    (path) => path !== undefined && existsSync(path),
  )
  if (python === undefined)
    return {
      skipped: {
        name: 'spark',
        reason: 'no Python with pyspark: npm run test:spark installs one, or set SPARK_PYTHON',
      },
    }
  const script = resolve('bench', 'peers', 'spark_batch.py')
  return readResult('spark', await runCommand(python, [script, order.csv, order.folder, THREADS]))
}

/** A folder for one peer. */
export function peerFolder(scratch: string, peer: string): string {
  const folder = join(scratch, peer)
  mkdirSync(folder, { recursive: true })
  return folder
}
