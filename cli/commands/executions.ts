import { type ExecutionListItem, ExecutionStatus, type SFNClient } from '@aws-sdk/client-sfn'
import { clientSettings, lambdaClient } from '../deployment.ts'
import { millisBetween, printMillis, printTree } from '../executions/print.ts'
import { findExecution, historyOf, listExecutions } from '../executions/read.ts'
import { executionTree } from '../executions/tree.ts'
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
  if (options.follow === true)
    await followExecution(states, executionArn, (name) => output.progress(`${machineOf(executionArn)}: ${name}`))
  const found = await findExecution(states, executionArn)
  const tree = executionTree(await historyOf(states, executionArn))
  const { status, startDate, stopDate, input, error, cause } = found
  const took = startDate === undefined || stopDate === undefined ? null : millisBetween(startDate, stopDate)
  output.result(
    {
      executionArn,
      status,
      startedAt: startDate?.toISOString() ?? null,
      endedAt: stopDate?.toISOString() ?? null,
      millis: took,
      input,
      output: found.output ?? null,
      error: error ?? null,
      cause: cause ?? null,
      states: tree,
    },
    () =>
      [
        executionArn,
        `${status}  started ${startDate?.toISOString() ?? ''}${took === null ? '' : `  took ${printMillis(took)}`}`,
        ...(error === undefined ? [] : [`${error}: ${cause ?? ''}`]),
        printTree(tree, options.data === true),
      ].join('\n'),
  )
  return EXIT.done
}
