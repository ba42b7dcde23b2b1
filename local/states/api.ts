import { type Input, readInput } from '../input.ts'
import type { CallContext, Clock, Operation, Permission } from '../service.ts'
import { AwsError } from '../service.ts'
import type { Definitions } from './definitions.ts'
import type { Engine } from './engine.ts'
import type { ExecutionStore } from './execution-store.ts'
import type { Failure } from './log.ts'
import type { MachineStore } from './machine-store.ts'
import type { MapRunStore } from './map-run-store.ts'
import type { Chance } from './turn.ts'

/** What the operations of the service share. */
export interface Api {
  readonly engine: Engine
  readonly machines: MachineStore
  readonly executions: ExecutionStore
  readonly mapRuns: MapRunStore
  readonly definitions: Definitions
  readonly clock: Clock
  readonly chance: Chance
  readonly region: string
  readonly accountId: string
}

/** An operation whose input is read once. */
export function operation(
  permissions: (input: Input) => readonly Permission[],
  run: (input: Input, context: CallContext) => Promise<unknown>,
): Operation {
  return {
    permissions: (input) => permissions(readInput(input)),
    run: (input, context) => run(readInput(input), context),
  }
}

/** A permission on one ARN that the input names. */
export const on =
  (action: string, member: string) =>
  (input: Input): readonly Permission[] => [{ action: `states:${action}`, resource: input.textOr(member, '*') }]

/** A permission that has no resource. */
export const anywhere = (action: string) => (): readonly Permission[] => [{ action: `states:${action}`, resource: '*' }]

/** Position after which a list goes on. */
export type PageKey = readonly (string | number)[]

export const pageToken = (key: PageKey): string => Buffer.from(JSON.stringify(key)).toString('base64url')

/** @throws AwsError InvalidToken */
export function parsePageToken(token: string | undefined): PageKey | undefined {
  if (token === undefined) return undefined
  try {
    const key: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (Array.isArray(key) && key.every((part) => typeof part === 'string' || typeof part === 'number')) return key
  } catch (cause) {
    throw invalidToken(cause)
  }
  throw invalidToken(undefined)
}

function invalidToken(cause: unknown): AwsError {
  const error = new AwsError('InvalidToken', "Invalid Token: 'Invalid token'")
  error.cause = cause
  return error
}

/** One page of what is ranged over: at most `limit`, and the token of the next page if there is one. */
export function page<T>(rows: Iterable<T>, limit: number, keyOf: (row: T) => PageKey) {
  const items: T[] = []
  for (const row of rows) {
    if (items.length === limit) {
      const last = items.at(-1)
      return { items, nextToken: last === undefined ? undefined : pageToken(keyOf(last)) }
    }
    items.push(row)
  }
  return { items, nextToken: undefined }
}

/** 100 by default and for 0, at most 1,000. */
export function maxResults(input: Input): number {
  const given = input.numberOr('maxResults', 0)
  if (given < 0 || given > 1_000)
    throw new AwsError('ValidationException', `Value ${given} at 'maxResults' must be between 0 and 1000`)
  return given === 0 ? 100 : given
}

/** Error and cause that a caller gives, each left out where it is. @throws AwsError ValidationException when one is too long */
export function givenFailure(input: Input): Failure {
  const [error, cause] = [boundedText(input, 'error', 256), boundedText(input, 'cause', 32_768)]
  return { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) }
}

/** @throws AwsError ValidationException */
export function boundedText(input: Input, member: string, maxLength: number): string | undefined {
  const text = input.textOr(member, undefined)
  if (text === undefined || text.length <= maxLength) return text
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must have length less than or equal to ${maxLength}`,
  )
}

/** The output without the members that are undefined or null. */
export function present(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(members)) if (value !== undefined && value !== null) found[name] = value
  return found
}
