import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  type ExecutionListItem,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  type SFNClient,
  type StateMachineListItem,
} from '@aws-sdk/client-sfn'
import { closest } from 'fastest-levenshtein'
import { CommandError, EXIT } from '../output.ts'

/** All state machines, by name. */
export async function stateMachines(states: SFNClient): Promise<readonly StateMachineListItem[]> {
  const found: StateMachineListItem[] = []
  let nextToken: string | undefined
  do {
    const page = await states.send(new ListStateMachinesCommand({ ...(nextToken === undefined ? {} : { nextToken }) }))
    found.push(...(page.stateMachines ?? []))
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  return found
}

/** Express machines keep no executions to list. */
const keepsExecutions = ({ type }: StateMachineListItem): boolean => type === 'STANDARD'

/** @throws CommandError `unknown_machine` */
function machinesNamed(
  machines: readonly StateMachineListItem[],
  name: string | null,
): readonly StateMachineListItem[] {
  if (name === null) return machines.filter(keepsExecutions)
  const found = machines.filter((machine) => machine.name === name)
  if (found.length > 0) return found
  const names = machines.map((machine) => machine.name ?? '')
  const nearest = names.length === 0 ? '' : `; the nearest is "${closest(name, names)}"`
  throw new CommandError(EXIT.wrongUse, 'unknown_machine', `There is no state machine "${name}"${nearest}`)
}

async function executionsOf(
  states: SFNClient,
  stateMachineArn: string,
  { status, limit }: { readonly status: ExecutionStatus | null; readonly limit: number },
): Promise<readonly ExecutionListItem[]> {
  const found: ExecutionListItem[] = []
  let nextToken: string | undefined
  do {
    const page = await states.send(
      new ListExecutionsCommand({
        stateMachineArn,
        maxResults: Math.min(limit - found.length, 1000),
        ...(status === null ? {} : { statusFilter: status }),
        ...(nextToken === undefined ? {} : { nextToken }),
      }),
    )
    found.push(...(page.executions ?? []))
    nextToken = page.nextToken
  } while (nextToken !== undefined && found.length < limit)
  return found
}

export interface ExecutionFilter {
  readonly machine: string | null
  readonly status: ExecutionStatus | null
  readonly limit: number
}

/** Executions of all Standard machines, or of one, newest first. @throws CommandError `unknown_machine` */
export async function listExecutions(
  states: SFNClient,
  filter: ExecutionFilter,
): Promise<readonly ExecutionListItem[]> {
  const machines = machinesNamed(await stateMachines(states), filter.machine)
  const lists = await Promise.all(
    machines.map(({ stateMachineArn = '' }) => executionsOf(states, stateMachineArn, filter)),
  )
  return lists
    .flat()
    .sort((left, right) => (right.startDate?.getTime() ?? 0) - (left.startDate?.getTime() ?? 0))
    .slice(0, filter.limit)
}

async function describe(states: SFNClient, executionArn: string): Promise<DescribeExecutionCommandOutput | null> {
  try {
    return await states.send(new DescribeExecutionCommand({ executionArn }))
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ExecutionDoesNotExist') return null
    throw thrown
  }
}

/** An execution by its ARN, or by its name on any machine. @throws CommandError `unknown_execution` */
export async function findExecution(states: SFNClient, id: string): Promise<DescribeExecutionCommandOutput> {
  const arns = id.startsWith('arn:')
    ? [id]
    : (await stateMachines(states))
        .filter(keepsExecutions)
        .map(({ stateMachineArn = '' }) => `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${id}`)
  for (const arn of arns) {
    const found = await describe(states, arn)
    if (found !== null) return found
  }
  throw new CommandError(
    EXIT.wrongUse,
    'unknown_execution',
    `There is no execution "${id}"`,
    'List executions with: sluice executions; a job’s id is taken too',
  )
}

/** The whole history, oldest first. */
export async function historyOf(states: SFNClient, executionArn: string): Promise<readonly HistoryEvent[]> {
  const events: HistoryEvent[] = []
  let nextToken: string | undefined
  do {
    const page = await states.send(
      new GetExecutionHistoryCommand({
        executionArn,
        maxResults: 1000,
        ...(nextToken === undefined ? {} : { nextToken }),
      }),
    )
    events.push(...(page.events ?? []))
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  return events
}
