/** What the operations of CloudWatch Logs share. */
import { type Input, readInput } from '../input.ts'
import type { Clock, Operation, Permission, Store } from '../service.ts'
import type { LogStore } from './log-store.ts'

export interface LogsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly accountId: string
  readonly region: string
  /** Told of lines that could not be kept. */
  readonly report: (message: string) => void
}

export interface LogsContext extends LogsOptions {
  readonly logs: LogStore
  /** Resolves once the lines written so far can be read. */
  readonly flushed: () => Promise<void>
}

export const groupArn = ({ region, accountId }: LogsOptions, name: string): string =>
  `arn:aws:logs:${region}:${accountId}:log-group:${name}`

/** The group of a request, by name or ARN. */
export const groupNameOf = (input: Input): string => {
  const given = input.textOr('logGroupName', null) ?? input.textOr('logGroupIdentifier', '')
  return given.startsWith('arn:') ? given.split(':').slice(6).join(':').replace(/:\*$/, '') : given
}

/** An operation on one group. */
export const onGroup = (
  context: LogsOptions,
  action: string,
  run: (group: string, input: Input) => unknown,
): Operation => ({
  permissions: (raw): Permission[] => [
    { action: `logs:${action}`, resource: `${groupArn(context, groupNameOf(readInput(raw)))}:*` },
  ],
  run: async (raw) => {
    const input = readInput(raw)
    return (await run(groupNameOf(input), input)) ?? {}
  },
})

/** The member that names the next page. */
export const nextToken = (next: string | undefined): { nextToken?: string } =>
  next === undefined ? {} : { nextToken: next }
