import { DescribeExecutionCommand, ListExecutionsCommand } from '@aws-sdk/client-sfn'
import { DeleteMessageCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { clientSettings } from '../../cli/deployment.ts'
import type { RunningRuntime } from './harness.ts'
import { historyOf } from './history.ts'
import { MACHINES } from './iam-assembly.ts'
import { isJsonObject } from './json.ts'
import { machineArn, sleep } from './operator.ts'

/** What a scenario has to work with. */
export interface Stage {
  readonly runtime: RunningRuntime
  /** That no other run of a scenario has; at most 16 characters. */
  readonly name: string
  /** What the dead-letter queue got since the scenario began. */
  deadLetters(): Promise<readonly string[]>
}

/** How a scenario ended, and what was said of it elsewhere than in histories. */
export interface Ending {
  readonly end: string
  readonly texts: readonly string[]
}

const PATIENCE_MILLIS = 60_000
export const NOTHING: Ending = { end: 'nothing', texts: [] }

/** Asks until there is an answer, or until something is among the dead letters. */
export async function endingOf(stage: Stage, ask: () => Promise<Ending | null>): Promise<Ending> {
  for (const since = Date.now(); Date.now() - since < PATIENCE_MILLIS; await sleep(25)) {
    const found = await ask()
    if (found !== null) return found
    const letters = await stage.deadLetters()
    if (letters.length > 0) return { end: 'dead letter', texts: letters }
  }
  return NOTHING
}

async function describe({ clients: { states } }: RunningRuntime, executionArn: string) {
  try {
    return await states.send(new DescribeExecutionCommand({ executionArn }))
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ExecutionDoesNotExist') return null
    throw thrown
  }
}

/** How an execution ended: the status in its output, else its own; or what the dead-letter queue says instead. */
export async function followed(stage: Stage, executionArn: string): Promise<Ending> {
  return endingOf(stage, async () => {
    const found = await describe(stage.runtime, executionArn)
    if (found === null || found.status === 'RUNNING') return null
    const output: unknown = JSON.parse(found.output ?? 'null')
    const said = isJsonObject(output) ? output.status : undefined
    return { end: typeof said === 'string' ? said : (found.status ?? ''), texts: [] }
  })
}

/** How the next execution of a machine ends that something starts, or what the dead-letter queue says instead. */
export async function startedBy(stage: Stage, machineName: string, cause: () => Promise<unknown>): Promise<Ending> {
  const { states } = stage.runtime.clients
  const stateMachineArn = await machineArn(states, machineName)
  const newest = async (): Promise<string | undefined> =>
    (await states.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 1 }))).executions?.[0]?.executionArn
  const known = await newest()
  let own: string | undefined
  await cause()
  const ending = await endingOf(stage, async () => {
    const found = await newest()
    if (found !== known) own = found
    return own === undefined ? null : NOTHING
  })
  return own === undefined ? ending : followed(stage, own)
}

/** Waits until no execution runs: what a sweep or a replay started belongs to it. */
export async function quiet({ clients: { states } }: RunningRuntime): Promise<void> {
  for (const name of MACHINES) {
    const stateMachineArn = await machineArn(states, name)
    for (const since = Date.now(); Date.now() - since < PATIENCE_MILLIS; await sleep(25)) {
      const { executions = [] } = await states.send(
        new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 1 }),
      )
      if (executions.length === 0) break
    }
  }
}

/** Everything that histories say since a time, with the children of Maps. */
export async function historiesSince({ clients: { states } }: RunningRuntime, since: Date): Promise<readonly string[]> {
  const texts: string[] = []
  for (const name of MACHINES) {
    const stateMachineArn = await machineArn(states, name)
    const { executions = [] } = await states.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 10 }))
    const own = executions.filter(({ startDate }) => startDate !== undefined && startDate >= since)
    for (const { executionArn = '' } of own) {
      const events = await historyOf(states, executionArn)
      texts.push(JSON.stringify(events))
      for (const { mapRunStartedEventDetails } of events) {
        const mapRunArn = mapRunStartedEventDetails?.mapRunArn
        if (mapRunArn === undefined) continue
        const { executions: children = [] } = await states.send(new ListExecutionsCommand({ mapRunArn }))
        for (const child of children) texts.push(JSON.stringify(await historyOf(states, child.executionArn ?? '')))
      }
    }
  }
  return texts
}

/** Operators are told of each execution that failed, by the same queue. */
const EXECUTION_ENDED = 'Step Functions Execution Status Change'

/** The dead-letter queue, read as it fills: what could not be delivered. */
export function deadLetterReader(): (runtime: RunningRuntime) => Promise<readonly string[]> {
  const letters: string[] = []
  return async ({ connection }) => {
    const sqs = new SQSClient(clientSettings(connection))
    const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'sluice-dead-letters' }))
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
    )
    const undelivered = Messages.filter(({ Body = '' }) => !Body.includes(EXECUTION_ENDED))
    for (const { ReceiptHandle } of Messages) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
    sqs.destroy()
    letters.push(...undelivered.map((message) => JSON.stringify(message)))
    return letters
  }
}
