import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListStateMachinesCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn'
import { executionNameOf } from '../core/execution-name.ts'
import type { SourceVersion } from '../core/source.ts'
import { CommandError, EXIT } from './output.ts'

const sleep = (millis: number): Promise<void> => new Promise((done) => setTimeout(done, millis))

/** How long an event may take from the bucket to the first state; on AWS typically seconds. */
const INTAKE_SECONDS = 180

/** The ARN that the source's ingest execution has or will have. */
export async function executionArnOf(states: SFNClient, source: SourceVersion): Promise<string> {
  let nextToken: string | undefined
  do {
    const page = await states.send(new ListStateMachinesCommand({ ...(nextToken === undefined ? {} : { nextToken }) }))
    const arn = page.stateMachines?.find((machine) => machine.name === 'ingest')?.stateMachineArn
    if (arn !== undefined) return `${arn.replace(':stateMachine:', ':execution:')}:${executionNameOf(source)}`
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  throw new CommandError(
    EXIT.impossible,
    'not_deployed',
    'State machine ingest is not deployed',
    'Deploy Sluice first, see docs/deploy.md',
  )
}

async function statusOf(states: SFNClient, executionArn: string): Promise<string | null> {
  try {
    return (await states.send(new DescribeExecutionCommand({ executionArn }))).status ?? null
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ExecutionDoesNotExist') return null
    throw thrown
  }
}

/** The name of the state that was entered last. */
export async function currentState(states: SFNClient, executionArn: string): Promise<string | null> {
  const { events } = await states.send(
    new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 20, includeExecutionData: false }),
  )
  return events?.find((event) => event.stateEnteredEventDetails !== undefined)?.stateEnteredEventDetails?.name ?? null
}

/**
 * Waits until an execution has ended; asks again after a fiftieth of the time so far, and after a second at most.
 * @param onLook called each time while it runs, when someone watches
 * @throws CommandError `intake_not_seen` when no execution starts
 */
export async function followExecution(
  states: SFNClient,
  executionArn: string,
  onLook: (() => Promise<void>) | null,
): Promise<void> {
  const began = Date.now()
  for (;;) {
    const status = await statusOf(states, executionArn)
    if (status !== null && status !== 'RUNNING') return
    if (status === null && Date.now() - began > INTAKE_SECONDS * 1000) {
      throw new CommandError(
        EXIT.impossible,
        'intake_not_seen',
        `No execution started for the upload within ${INTAKE_SECONDS} s`,
        'The sweep will find it; see docs/for-operators.md',
      )
    }
    if (status !== null) await onLook?.()
    await sleep(Math.min(Math.max((Date.now() - began) / 50, 20), 1000))
  }
}
