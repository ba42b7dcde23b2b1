/** Runs one machine many times on an endpoint of Step Functions. */
import { randomUUID } from 'node:crypto'
import type { MeasuredMachine } from './machines.ts'
import type { SignedClient } from './signed-client.ts'

/** How a server of Step Functions is measured: executions at once, and one after another. */
export interface Rounds {
  readonly atOnce: number
  readonly inTurn: number
}

export interface Seconds {
  readonly atOnce: number
  /** At once by a server that has run the machine for a while: one on Node compiles what it runs much. */
  readonly warm: number
  readonly inTurn: number
}

const LOOK_AGAIN_MILLIS = 10
const PATIENCE_MILLIS = 300_000

const pause = (millis: number): Promise<void> => new Promise((done) => setTimeout(done, millis))

/** Creates the machine and returns its ARN. */
export async function createMachine(client: SignedClient, name: string, definition: string): Promise<string> {
  const roleArn = 'arn:aws:iam::000000000000:role/bench'
  const { stateMachineArn } = await client.states('CreateStateMachine', { name, definition, roleArn })
  return String(stateMachineArn)
}

/** Starts an execution. It is named, as moto gives no name of its own. */
export const start = (client: SignedClient, stateMachineArn: string, machine: MeasuredMachine) =>
  client.states('StartExecution', { stateMachineArn, name: randomUUID(), input: JSON.stringify(machine.input) })

/** Rounds at once, of which the fastest counts: what else the machine does is not of the measured. */
export const ROUNDS_AT_ONCE = 3
/** Rounds before the last ones, which are those of the warm; fewer where they take longer. */
export const WARMING = { rounds: 12, seconds: 15 } as const

/** Executions one after another: their number times the median of one. At once: until none runs any more. */
export async function measure(
  client: SignedClient,
  arn: string,
  machine: MeasuredMachine,
  rounds: Rounds,
): Promise<Seconds> {
  const one = async (): Promise<void> => follow(client, await start(client, arn, machine))
  await one()
  const single: number[] = []
  for (let index = 0; index < rounds.inTurn; index += 1) single.push(await timed(one))
  const together: number[] = []
  const round = async (): Promise<number> => {
    const seconds = await timed(async () => {
      await Promise.all(Array.from({ length: rounds.atOnce }, () => start(client, arn, machine)))
      await untilIdle(client, arn)
    })
    return together.push(seconds)
  }
  const began = performance.now()
  while ((await round()) < ROUNDS_AT_ONCE);
  while ((await round()) < WARMING.rounds && performance.now() - began < WARMING.seconds * 1_000);
  await checkSucceeded(client, arn, rounds.atOnce * together.length + rounds.inTurn + 1)
  return {
    atOnce: Math.min(...together.slice(0, ROUNDS_AT_ONCE)),
    warm: Math.min(...together.slice(-ROUNDS_AT_ONCE)),
    inTurn: median(single) * rounds.inTurn,
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1_000
}

async function follow(client: SignedClient, { executionArn }: Record<string, unknown>): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MILLIS; waited += 1) {
    const { status } = await client.states('DescribeExecution', { executionArn })
    if (status === 'SUCCEEDED') return
    if (status !== 'RUNNING') throw new Error(`The execution ${String(executionArn)} ended as ${String(status)}`)
    await pause(1)
  }
  throw new Error(`The execution ${String(executionArn)} does not end`)
}

async function untilIdle(client: SignedClient, stateMachineArn: string): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MILLIS; waited += LOOK_AGAIN_MILLIS) {
    const { executions } = await client.states('ListExecutions', {
      stateMachineArn,
      statusFilter: 'RUNNING',
      maxResults: 1,
    })
    if (Array.isArray(executions) && executions.length === 0) return
    await pause(LOOK_AGAIN_MILLIS)
  }
  throw new Error(`Executions of ${stateMachineArn} do not end`)
}

/** @throws Error when fewer executions succeeded than were started: a figure of them would mean nothing */
async function checkSucceeded(client: SignedClient, stateMachineArn: string, expected: number): Promise<void> {
  let found = 0
  let nextToken: unknown
  do {
    const page = await client.states('ListExecutions', {
      stateMachineArn,
      statusFilter: 'SUCCEEDED',
      maxResults: 1_000,
      nextToken,
    })
    found += Array.isArray(page.executions) ? page.executions.length : 0
    nextToken = page.nextToken
  } while (nextToken !== undefined && nextToken !== null)
  if (found !== expected) throw new Error(`${found} of ${expected} executions of ${stateMachineArn} succeeded`)
}
