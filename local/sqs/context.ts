/** What the operations of SQS share. */

import type { PolicyRegistry } from '../iam/policy-registry.ts'
import { type Input, readInput } from '../input.ts'
import { AwsError, type CallContext, type Clock, type Operation, type Permission, type Store } from '../service.ts'
import type { QueueRecord, QueueState } from './queue-state.ts'

export interface SqsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly accountId: string
  readonly region: string
  /** Of the endpoint: some clients send to the URL of the queue and not to their own endpoint. */
  readonly endpointUrl: () => string
  /** Kept in step with the policies that queues are given by calls. */
  readonly policies: PolicyRegistry
}

/** Shared by the operations. */
export interface SqsContext extends SqsOptions {
  readonly state: QueueState
  /** Called when a queue may have something for a waiting receiver. */
  readonly waiting: Map<string, Set<() => void>>
}

/** @throws AwsError `QueueDoesNotExist` */
export function queueOf({ state }: SqsContext, input: Input): QueueRecord {
  const name = input.text('QueueUrl').split('/').at(-1) ?? ''
  return existing(state.queue(name))
}

/** @throws AwsError `QueueDoesNotExist` */
export function existing(queue: QueueRecord | undefined): QueueRecord {
  if (queue !== undefined) return queue
  throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.')
}

/** Where clients reach a queue: its path on AWS, on this endpoint. */
export const reachable = ({ endpointUrl }: SqsContext, { url }: QueueRecord): string =>
  `${endpointUrl()}${new URL(url).pathname}`

/** An operation on the queue whose URL the request holds. */
export const onQueue = (
  context: SqsContext,
  action: string,
  run: (queue: QueueRecord, input: Input, call: CallContext) => Promise<unknown>,
): Operation => ({
  permissions: (raw): Permission[] => [{ action, resource: queueOf(context, readInput(raw)).arn }],
  run: (raw, call) => {
    const input = readInput(raw)
    return run(queueOf(context, input), input, call)
  },
})
