import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { RedshiftDataClient } from '@aws-sdk/client-redshift-data'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { runQuery } from '../../cli/commands/query.ts'
import { bucketOf, clientSettings } from '../../cli/deployment.ts'
import { executionArnOf, followExecution } from '../../cli/follow.ts'
import type { JobDocument } from '../../cli/job-document.ts'
import { getJob } from '../../cli/jobs-client.ts'
import { type Connection, requireRuntime } from '../../cli/session.ts'
import { uploadFile } from '../../cli/upload.ts'
import type { SourceVersion } from '../../core/source.ts'
import { keepFirst, stampOf } from './assembly.ts'

/** A runtime in a process of its own, as `sluice up` starts it, so that it can be killed. */
export interface RunningRuntime {
  readonly state: string
  readonly pid: number
  readonly connection: Connection
  readonly clients: Clients
  /** Ends it in an orderly way. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

export interface Clients {
  readonly s3: S3Client
  readonly states: SFNClient
  readonly lambda: LambdaClient
  readonly warehouse: RedshiftDataClient
}

export interface UpOptions {
  readonly assembly?: string
  readonly environment?: NodeJS.ProcessEnv
  /** A command that runs the one behind it, e.g. with limits. */
  readonly launcher?: readonly string[]
}

const SLUICE = resolve('cli/bin/sluice.mjs')

export const clientsOf = (connection: Connection): Clients => {
  const settings = clientSettings(connection)
  return {
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    states: new SFNClient(settings),
    lambda: new LambdaClient(settings),
    warehouse: new RedshiftDataClient(settings),
  }
}

const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((done) => child.once('exit', () => done()))

async function readyLine(child: ChildProcess): Promise<void> {
  const said: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString('utf8')))
  if (child.stdout === null) throw new Error('the runtime has no stdout')
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('"ready":true')) return
    said.push(line)
  }
  throw new Error(`the runtime ended before it was ready: ${said.join('')}`)
}

/** Starts `sluice up` on a state folder and waits for its ready line. */
export async function up(state: string, options: UpOptions = {}): Promise<RunningRuntime> {
  const assembly = options.assembly ?? 'cdk.out'
  const sluice = [SLUICE, 'up', '--port', '0', '--json', '--state', state, '--assembly', assembly]
  const [command = process.execPath, ...parameters] = [...(options.launcher ?? []), process.execPath, ...sluice]
  const child = spawn(command, parameters, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...options.environment },
  })
  await readyLine(child)
  const { endpoint, region, accessKeyId, secretAccessKey } = requireRuntime(state)
  const connection = { endpoint, region, credentials: { accessKeyId, secretAccessKey } }
  const clients = clientsOf(connection)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    for (const client of Object.values(clients)) client.destroy()
    child.kill(signal)
    await exited(child)
  }
  return { state, pid: child.pid ?? 0, connection, clients, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

/** A folder of its own under the system's temporary one. */
export function scratchFolder(purpose: string): { path: string; remove(): Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), `sluice-${purpose}-`))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/**
 * A state folder in which the assembly is deployed and nothing else happened: made once for an assembly, then copied, as a
 * deployment takes longer than most tests.
 */
export async function deployedState(into: string, assembly = 'cdk.out'): Promise<string> {
  const prepared = resolve('.cache', 'e2e', stampOf(assembly))
  if (!existsSync(prepared)) {
    const fresh = mkdtempSync(join(tmpdir(), 'sluice-deployed-'))
    await (await up(fresh, { assembly })).stop()
    mkdirSync(resolve('.cache', 'e2e'), { recursive: true })
    // Two test files may come here at once; the first one's folder serves both.
    await cp(fresh, `${prepared}.${process.pid}`, { recursive: true })
    await keepFirst(`${prepared}.${process.pid}`, prepared)
    await rm(fresh, { recursive: true, force: true })
  }
  const state = join(into, 'state')
  await cp(prepared, state, { recursive: true })
  return state
}

export interface Landing {
  readonly tenant: string
  readonly dataset: string
  readonly name: string
}

/** Drops bytes in the landing zone; answers the version and the ARN of the execution that it starts. */
export async function drop(
  runtime: RunningRuntime,
  scratch: string,
  landing: Landing,
  content: string | Uint8Array,
): Promise<{ source: SourceVersion; executionArn: string }> {
  const file = join(scratch, `drop-${process.hrtime.bigint()}`)
  writeFileSync(file, content)
  return dropFile(runtime, landing, file)
}

export async function dropFile(
  runtime: RunningRuntime,
  { tenant, dataset, name }: Landing,
  file: string,
): Promise<{ source: SourceVersion; executionArn: string }> {
  const { s3, lambda, states } = runtime.clients
  const source = await uploadFile(
    s3,
    await bucketOf(lambda, 'RAW'),
    `landing/${tenant}/${dataset}/${name}`,
    file,
    () => undefined,
  )
  return { source, executionArn: await executionArnOf(states, source) }
}

/** Waits for the end of an execution and answers its job. */
export async function jobOf(runtime: RunningRuntime, executionArn: string): Promise<JobDocument> {
  await followExecution(runtime.clients.states, executionArn, null)
  return getJob(runtime.clients.lambda, { executionArn })
}

export const ingest = async (
  runtime: RunningRuntime,
  scratch: string,
  landing: Landing,
  content: string | Uint8Array,
): Promise<JobDocument> => jobOf(runtime, (await drop(runtime, scratch, landing, content)).executionArn)

export const rowsOf = async (runtime: RunningRuntime, sql: string, tenant: string | null = null) =>
  (await runQuery(runtime.clients.warehouse, sql, tenant)).rows

/** TEST-16: asserted after every run. Answers what does not balance, or null. */
export function imbalanceOf({ counts, status }: JobDocument): string | null {
  if (status !== 'COMPLETED') return null
  if (counts === null) return 'a completed job has no counts'
  const { input, curated, rejected, duplicates, inserted, updated, unchanged, stale } = counts as Record<string, number>
  if (input !== (curated ?? 0) + (rejected ?? 0) + (duplicates ?? 0))
    return `input ${input} is not ${curated} + ${rejected} + ${duplicates}`
  return curated === (inserted ?? 0) + (updated ?? 0) + (unchanged ?? 0) + (stale ?? 0)
    ? null
    : `curated ${curated} is not ${inserted} + ${updated} + ${unchanged} + ${stale}`
}

export const readText = (file: string): string => readFileSync(file, 'utf8')
