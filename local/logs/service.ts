/** CloudWatch Logs: what functions printed, and what clients put. */
import { messageOf } from '../../core/errors.ts'
import type { LogGroupModel } from '../assembly/model.ts'
import { readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Operation, type Service } from '../service.ts'
import { groupArn, type LogsContext, type LogsOptions, nextToken, onGroup } from './context.ts'
import { eventOperations } from './event-operations.ts'
import { type LogStore, type LogStream, openLogStore } from './log-store.ts'

export interface LogsService extends Service {
  /** Makes the groups of the template. */
  deploy(groups: readonly LogGroupModel[]): Promise<void>
  /** Keeps a line that something here printed; it is on disk a moment later. */
  write(group: string, stream: string, message: string): void
  /** Drops what is older than its group keeps it. */
  expire(): Promise<void>
  /** Resolves once every line is on disk. */
  close(): Promise<void>
}

/** Lines of this long are written together. */
const FLUSH_MILLIS = 50

export function createLogsService(options: LogsOptions): LogsService {
  const logs = openLogStore(options.store, options.clock)
  const writer = createWriter(logs, options)
  const context: LogsContext = { ...options, logs, flushed: () => writer.flush() }
  return {
    id: 'logs',
    operations: { ...groupOperations(context), ...streamOperations(context), ...eventOperations(context) },
    deploy: async (groups) => {
      for (const { name, retentionDays } of groups) await logs.putGroup(name, retentionDays)
    },
    write: writer.write,
    expire: () => logs.expire(),
    close: () => writer.flush(),
  }
}

function createWriter(logs: LogStore, { clock, report }: LogsOptions) {
  interface Waiting {
    readonly group: string
    readonly stream: string
    readonly events: { timestamp: number; message: string }[]
  }
  let waiting = new Map<string, Waiting>()
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()
  const flush = (): Promise<void> => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const batch = [...waiting.values()]
    waiting = new Map()
    if (batch.length > 0) {
      const written = Promise.all(batch.map(({ group, stream, events }) => logs.append(group, stream, events)))
      writing = Promise.all([writing, written]).then(
        () => undefined,
        (thrown: unknown) => report(`logs: lines are lost: ${messageOf(thrown)}`),
      )
    }
    return writing
  }
  return {
    flush,
    write: (group: string, stream: string, message: string): void => {
      const key = `${group}\n${stream}`
      const entry = waiting.get(key) ?? { group, stream, events: [] }
      entry.events.push({ timestamp: clock.now().getTime(), message })
      waiting.set(key, entry)
      timer ??= setTimeout(() => void flush(), FLUSH_MILLIS).unref()
    },
  }
}

const GROUP_NAME = /^[.\-_/#A-Za-z0-9]{1,512}$/
const RETENTIONS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]

const alreadyThere = (what: string): AwsError =>
  new AwsError('ResourceAlreadyExistsException', `The specified ${what} already exists`)

function groupOperations(context: LogsContext): Record<string, Operation> {
  const { logs } = context
  return {
    CreateLogGroup: onGroup(context, 'CreateLogGroup', async (name) => {
      if (!GROUP_NAME.test(name))
        throw new AwsError(
          'InvalidParameterException',
          `Value '${name}' at 'logGroupName' failed to satisfy constraint`,
        )
      if (logs.groups().some((group) => group.name === name)) throw alreadyThere('log group')
      await logs.putGroup(name, null)
    }),
    DeleteLogGroup: onGroup(context, 'DeleteLogGroup', (name) => logs.removeGroup(logs.group(name).name)),
    DescribeLogGroups: {
      permissions: () => [{ action: 'logs:DescribeLogGroups', resource: groupArn(context, '*') }],
      run: async (raw) => {
        const input = readInput(raw)
        const prefix = input.textOr('logGroupNamePrefix', '')
        const part = input.textOr('logGroupNamePattern', '').toLowerCase()
        const named = logs.groups().filter(({ name }) => name.startsWith(prefix) && name.toLowerCase().includes(part))
        const { page, next } = pageOf(named, input, PAGING)
        return { logGroups: page.map(({ name }) => describeGroup(context, name)), ...nextToken(next) }
      },
    },
    PutRetentionPolicy: onGroup(context, 'PutRetentionPolicy', async (name, input) => {
      const days = input.numberOr('retentionInDays', 0)
      if (!RETENTIONS.includes(days))
        throw new AwsError(
          'InvalidParameterException',
          `Retention of ${days} days is not one of ${RETENTIONS.join(', ')}`,
        )
      await logs.putGroup(logs.group(name).name, days)
    }),
    DeleteRetentionPolicy: onGroup(context, 'DeleteRetentionPolicy', (name) =>
      logs.putGroup(logs.group(name).name, null),
    ),
  }
}

const PAGING = { token: 'nextToken', limit: 'limit', size: 50, invalidToken: 'InvalidParameterException' }
function describeGroup(context: LogsContext, name: string): Record<string, unknown> {
  const { createdAtMillis, retentionDays } = context.logs.group(name)
  const streams = context.logs.streams(name)
  return {
    logGroupName: name,
    creationTime: createdAtMillis,
    ...(retentionDays === null ? {} : { retentionInDays: retentionDays }),
    metricFilterCount: 0,
    arn: `${groupArn(context, name)}:*`,
    logGroupArn: groupArn(context, name),
    logGroupClass: 'STANDARD',
    storedBytes: streams.reduce((sum, stream) => sum + stream.storedBytes, 0),
  }
}

function streamOperations(context: LogsContext): Record<string, Operation> {
  const { logs } = context
  return {
    CreateLogStream: onGroup(context, 'CreateLogStream', async (group, input) => {
      const name = input.text('logStreamName')
      if (logs.hasStream(logs.group(group).name, name)) throw alreadyThere('log stream')
      await logs.putStream(group, name)
    }),
    DeleteLogStream: onGroup(context, 'DeleteLogStream', (group, input) =>
      logs.removeStream(group, logs.stream(group, input.text('logStreamName')).name),
    ),
    DescribeLogStreams: onGroup(context, 'DescribeLogStreams', async (group, input) => {
      await context.flushed()
      const prefix = input.textOr('logStreamNamePrefix', '')
      const byTime = input.textOr('orderBy', 'LogStreamName') === 'LastEventTime'
      if (byTime && prefix !== '')
        throw new AwsError('InvalidParameterException', 'Cannot order by LastEventTime with a logStreamNamePrefix.')
      const sorted = logs.streams(group).filter(({ name }) => name.startsWith(prefix))
      if (byTime) sorted.sort((a, b) => (a.lastEventMillis ?? 0) - (b.lastEventMillis ?? 0))
      if (input.booleanOr('descending', false)) sorted.reverse()
      const { page, next } = pageOf(sorted, input, PAGING)
      return { logStreams: page.map((stream) => describeStream(context, group, stream)), ...nextToken(next) }
    }),
  }
}

const describeStream = (context: LogsContext, group: string, stream: LogStream): Record<string, unknown> => ({
  logStreamName: stream.name,
  creationTime: stream.createdAtMillis,
  ...(stream.firstEventMillis === null ? {} : { firstEventTimestamp: stream.firstEventMillis }),
  ...(stream.lastEventMillis === null ? {} : { lastEventTimestamp: stream.lastEventMillis }),
  ...(stream.lastIngestionMillis === null ? {} : { lastIngestionTime: stream.lastIngestionMillis }),
  arn: `${groupArn(context, group)}:log-stream:${stream.name}`,
  storedBytes: 0,
})
