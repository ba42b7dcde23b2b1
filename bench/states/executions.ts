/** What executions cost while nothing happens: memory of those that wait, time to start beside those that ended. */
import type { BenchContext } from '../context.ts'
import { alone, type Report } from '../report.ts'
import { CHAIN, WAITING } from './machines.ts'
import { createMachine, start } from './run-machine.ts'
import { type SignedClient, signedClient } from './signed-client.ts'

const WAITING_EXECUTIONS = 1_000
const AT_ONCE = 50
const SETTLE_MILLIS = 3_000

async function startMany(client: SignedClient, arn: string, machine: typeof CHAIN, count: number): Promise<void> {
  for (let started = 0; started < count; started += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - started) }, () => start(client, arn, machine)))
}

/** Resident memory that a thousand waiting executions add. */
export async function waiting(context: BenchContext): Promise<Report> {
  const runtime = await context.runtime()
  const client = signedClient(runtime.endpoint)
  try {
    const arn = await createMachine(client, `bench-waiting-${Date.now()}`, WAITING.definition('JSONata'))
    await startMany(client, arn, WAITING, AT_ONCE)
    await settle()
    const before = runtime.residentMb() ?? Number.NaN
    const began = performance.now()
    await startMany(client, arn, WAITING, WAITING_EXECUTIONS)
    const seconds = (performance.now() - began) / 1_000
    await settle()
    const added = Math.max(0, (runtime.residentMb() ?? Number.NaN) - before)
    context.note(`waiting: ${WAITING_EXECUTIONS} executions added ${added} MB of resident memory`)
    return { measurements: [alone('waiting', seconds, { rows: WAITING_EXECUTIONS, peakMb: added })], skipped: [] }
  } finally {
    client.close()
  }
}

const settle = (): Promise<void> => new Promise((done) => setTimeout(done, SETTLE_MILLIS))

/** `sluice up` on a state that holds ended executions. */
export async function readyWithExecutions(context: BenchContext): Promise<Report> {
  const { executions } = context.sizes
  const runtime = await context.runtime()
  const client = signedClient(runtime.endpoint)
  try {
    const arn = await createMachine(client, `bench-ready-${Date.now()}`, CHAIN.definition('JSONata'))
    await startMany(client, arn, CHAIN, executions)
  } finally {
    client.close()
  }
  const times: number[] = []
  for (let round = 0; round < 3; round += 1) {
    await context.stopRuntime()
    times.push((await context.runtime()).readySeconds)
  }
  const [fastest = Number.NaN] = times.sort((left, right) => left - right)
  return { measurements: [alone('ready-executions', fastest, { rows: executions })], skipped: [] }
}
