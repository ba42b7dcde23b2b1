import {
  type DescribeExecutionCommandOutput,
  type ExecutionListItem,
  ExecutionStatus,
  type SFNClient,
} from '@aws-sdk/client-sfn'
import { clientSettings, lambdaClient } from '../deployment.ts'
import { millisBetween, printMillis, printTree } from '../executions/print.ts'
import { findExecution, historyOf, listExecutions } from '../executions/read.ts'
import { executionTree, type StateVisit } from '../executions/tree.ts'
import { followExecution } from '../follow.ts'
import type { Invocation } from '../invocation.ts'
import { getJob } from '../jobs-client.ts'
import { CommandError, EXIT, type ExitCode, type Output } from '../output.ts'
import { type Connection, connectionOf } from '../session.ts'
import { columns } from '../table.ts'
import { parseLimit } from './jobs.ts'

interface Options {
  readonly machine?: string
  readonly status?: string
  readonly limit: string
  readonly data?: boolean
  readonly follow?: boolean
}

const statusOf = (text: string | undefined): ExecutionStatus | null => {
  if (text === undefined) return null
  const known = Object.values(ExecutionStatus)
  const found = known.find((status) => status === text.toUpperCase())
  if (found !== undefined) return found
  throw new CommandError(
    EXIT.wrongUse,
    'invalid_status',
    `Cannot use "${text}" as --status: expected one of ${known.join(', ')}`,
  )
}

const machineOf = (arn: string): string => arn.split(':')[6] ?? ''

const rowOf = ({ executionArn = '', startDate, stopDate, status, name }: ExecutionListItem): readonly string[] => [
  startDate?.toISOString() ?? '',
  machineOf(executionArn),
  status ?? '',
  startDate === undefined || stopDate === undefined ? '' : printMillis(millisBetween(startDate, stopDate) ?? 0),
  name ?? '',
]

async function list(output: Output, states: SFNClient, options: Options): Promise<ExitCode> {
  const found = await listExecutions(states, {
    machine: options.machine ?? null,
    status: statusOf(options.status),
    limit: parseLimit(options.limit),
  })
  output.result(
    found.map(({ executionArn = '', name, status, startDate, stopDate }) => ({
      executionArn,
      machine: machineOf(executionArn),
      name,
      status,
      startedAt: startDate?.toISOString() ?? null,
      endedAt: stopDate?.toISOString() ?? null,
    })),
    () =>
      columns(
        [['STARTED', 'MACHINE', 'STATUS', 'TOOK', 'NAME'], ...found.map(rowOf)],
        ['left', 'left', 'left', 'right', 'left'],
      ),
  )
  return EXIT.done
}

const JOB_ID = /^j[0-9a-f]{24}$/

/** The ARN that a job's id, an execution's name or an ARN stands for. */
async function arnOf(connection: Connection, id: string): Promise<string> {
  if (!JOB_ID.test(id)) return id
  const job = await getJob(await lambdaClient(connection), { jobId: id })
  return job.executionArn ?? id
}

const startedAt = ({ startDate }: DescribeExecutionCommandOutput): string => `started ${startDate?.toISOString() ?? ''}`

function outcomeOf(found: DescribeExecutionCommandOutput): readonly string[] {
  const { status, startDate, stopDate, error, cause } = found
  const took = startDate === undefined || stopDate === undefined ? null : millisBetween(startDate, stopDate)
  return [
    [status, startedAt(found), ...(took === null ? [] : [`took ${printMillis(took)}`])].join('  '),
    ...(error === undefined ? [] : [`${error}: ${cause ?? ''}`]),
  ]
}

/** Prints each state when the next one was entered, and the rest when the execution has ended. */
async function follow(output: Output, states: SFNClient, executionArn: string, data: boolean): Promise<void> {
  let shown = 0
  const show = async (ended: boolean): Promise<void> => {
    const tree = executionTree(await historyOf(states, executionArn))
    const ready = ended ? tree.length : Math.max(shown, tree.length - 1)
    if (ready > shown) output.lines(printTree(tree.slice(shown, ready), data, !ended))
    shown = ready
  }
  output.lines(`${executionArn}\n${startedAt(await findExecution(states, executionArn))}`)
  await followExecution(states, executionArn, output.json ? null : () => show(false))
  if (!output.json) await show(true)
}

const documentOf = (found: DescribeExecutionCommandOutput, tree: readonly StateVisit[]) => ({
  executionArn: found.executionArn,
  status: found.status,
  startedAt: found.startDate?.toISOString() ?? null,
  endedAt: found.stopDate?.toISOString() ?? null,
  millis:
    found.startDate === undefined || found.stopDate === undefined
      ? null
      : millisBetween(found.startDate, found.stopDate),
  input: found.input,
  output: found.output ?? null,
  error: found.error ?? null,
  cause: found.cause ?? null,
  states: tree,
})

/** `sluice executions [ID]`: a list, or one execution as a tree of its states. */
export async function executions(
  { output, state, directory, environment }: Invocation,
  id: string | undefined,
  options: Options,
): Promise<ExitCode> {
  const connection = connectionOf(state, directory, environment)
  const { SFNClient: Client } = await import('@aws-sdk/client-sfn')
  const states = new Client(clientSettings(connection))
  if (id === undefined) return list(output, states, options)
  const { executionArn = '' } = await findExecution(states, await arnOf(connection, id))
  const isFollowed = options.follow === true
  if (isFollowed) await follow(output, states, executionArn, options.data === true)
  const found = await findExecution(states, executionArn)
  const tree = executionTree(await historyOf(states, executionArn))
  const above = isFollowed ? [] : [executionArn]
  const below = isFollowed ? [] : [printTree(tree, options.data === true)]
  output.result(documentOf(found, tree), () => [...above, ...outcomeOf(found), ...below].join('\n'))
  return EXIT.done
}
