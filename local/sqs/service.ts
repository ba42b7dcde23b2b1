/** SQS: durable standard queues with visibility, long polling and dead-letter redrive. */

import type { Input } from '../input.ts'
import { AwsError, type CallContext, type Service } from '../service.ts'
import { onQueue, type SqsContext, type SqsOptions } from './context.ts'
import { md5Of, md5OfAttributes, parseAttributes, selected } from './message-attributes.ts'
import { policyInForce, queueOperations } from './queue-operations.ts'
import { openQueueState, type QueueRecord, type QueueSettings, type StoredMessage } from './queue-state.ts'

export interface SqsService extends Service {
  /** Makes a queue or brings it to these settings; its messages stay. @throws AwsError `NotImplemented` for a FIFO queue */
  provisionQueue(settings: QueueSettings): Promise<void>
}

const MAX_BATCH = 10
const MAX_WAIT_SECONDS = 20
const MAX_VISIBILITY_SECONDS = 43_200

const inRange = (name: string, value: number, max: number): number => {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value
  throw new AwsError(
    'InvalidParameterValue',
    `Value ${value} for parameter ${name} is invalid. Reason: Must be between 0 and ${max}.`,
  )
}

function sendOne(
  context: SqsContext,
  queue: QueueRecord,
  input: Input,
  call: CallContext,
): () => Record<string, unknown> {
  const body = input.text('MessageBody')
  const attributes = parseAttributes(input, 'MessageAttributes')
  const delaySeconds = inRange('DelaySeconds', input.numberOr('DelaySeconds', queue.delaySeconds), 900)
  if (body === '') throw new AwsError('MissingParameter', 'The request must contain the parameter MessageBody.')
  if (Buffer.byteLength(body) > queue.maximumMessageBytes) {
    const message = `One or more parameters are invalid. Reason: Message must be shorter than ${queue.maximumMessageBytes} bytes.`
    throw new AwsError('InvalidParameterValue', message)
  }
  return () => {
    const { messageId } = context.state.add(
      queue,
      { body, attributes, senderId: call.caller.principalArn },
      delaySeconds,
    )
    const md5 = md5OfAttributes(attributes)
    return {
      MessageId: messageId,
      MD5OfMessageBody: md5Of(body),
      ...(md5 === undefined ? {} : { MD5OfMessageAttributes: md5 }),
    }
  }
}

function wake({ waiting }: SqsContext, queueName: string): void {
  for (const receiver of waiting.get(queueName) ?? []) receiver()
}

interface Failed {
  readonly Id: string
  readonly Code: string
  readonly Message: string
  readonly SenderFault: boolean
}

/** Runs each entry of a batch; what fails is listed, the rest happens. */
async function batch(
  context: SqsContext,
  input: Input,
  prepare: (entry: Input) => () => Record<string, unknown>,
): Promise<unknown> {
  const entries = input.structures('Entries')
  if (entries.length === 0)
    throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.')
  if (entries.length > MAX_BATCH) {
    const message = `Maximum number of entries per request are ${MAX_BATCH}. You have sent ${entries.length}.`
    throw new AwsError('TooManyEntriesInBatchRequest', message)
  }
  const ids = entries.map((entry) => entry.text('Id'))
  if (new Set(ids).size < ids.length) {
    throw new AwsError('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.')
  }
  const failed: Failed[] = []
  const steps = entries.flatMap((entry) => {
    try {
      return [{ id: entry.text('Id'), step: prepare(entry) }]
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown
      failed.push({ Id: entry.text('Id'), Code: thrown.code, Message: thrown.message, SenderFault: true })
      return []
    }
  })
  const done = await context.store.transaction(() => steps.map(({ id, step }) => ({ Id: id, ...step() })))
  return { Successful: done, Failed: failed }
}

/** A receipt names the message and the receive that gave it. */
const receiptOf = (queue: QueueRecord, { sequence, record }: StoredMessage): string =>
  Buffer.from(`${queue.name}\n${sequence}\n${record.receiveCount}`).toString('base64')

/** @throws AwsError `ReceiptHandleIsInvalid` */
function sequenceOf(queue: QueueRecord, input: Input): { sequence: number; receiveCount: number } {
  const [name, sequence, receiveCount] = Buffer.from(input.text('ReceiptHandle'), 'base64').toString().split('\n')
  if (name !== queue.name || !Number.isInteger(Number(sequence))) {
    throw new AwsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.', 404)
  }
  return { sequence: Number(sequence), receiveCount: Number(receiveCount) }
}

async function receive(context: SqsContext, queue: QueueRecord, input: Input, call: CallContext): Promise<unknown> {
  const limit = input.numberOr('MaxNumberOfMessages', 1)
  if (limit < 1 || limit > MAX_BATCH) {
    throw new AwsError(
      'InvalidParameterValue',
      `Value ${limit} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.`,
    )
  }
  const wait = inRange('WaitTimeSeconds', input.numberOr('WaitTimeSeconds', queue.receiveWaitSeconds), MAX_WAIT_SECONDS)
  const visibility = inRange(
    'VisibilityTimeout',
    input.numberOr('VisibilityTimeout', queue.visibilityTimeoutSeconds),
    MAX_VISIBILITY_SECONDS,
  )
  const deadline = context.clock.now().getTime() + wait * 1000
  for (;;) {
    const taken = await context.store.transaction(() => context.state.take(queue, limit, visibility))
    const now = context.clock.now().getTime()
    if (taken.length > 0 || now >= deadline || call.signal.aborted) {
      return taken.length === 0 ? {} : { Messages: taken.map((message) => messageMembers(queue, message, input)) }
    }
    const next = context.state.nextVisibleAt(queue) ?? deadline
    await untilChanged(context, queue.name, new Date(Math.min(deadline, Math.max(next, now))), call.signal)
  }
}

/** Resolves at a time, at a change of the queue, or when the caller leaves. */
async function untilChanged(context: SqsContext, queueName: string, at: Date, left: AbortSignal): Promise<void> {
  const done = new AbortController()
  const receivers = context.waiting.get(queueName) ?? new Set()
  context.waiting.set(queueName, receivers)
  const stop = (): void => done.abort()
  receivers.add(stop)
  left.addEventListener('abort', stop, { once: true })
  try {
    await context.clock.sleepUntil(at, done.signal)
  } catch (thrown) {
    if (!done.signal.aborted) throw thrown
  } finally {
    receivers.delete(stop)
    left.removeEventListener('abort', stop)
  }
}

function messageMembers(queue: QueueRecord, message: StoredMessage, input: Input): Record<string, unknown> {
  const { record } = message
  const systemNames = [...input.list('AttributeNames'), ...input.list('MessageSystemAttributeNames')].map(String)
  const system = selected(
    {
      SenderId: record.senderId,
      SentTimestamp: String(record.sentAtMillis),
      ApproximateReceiveCount: String(record.receiveCount),
      ApproximateFirstReceiveTimestamp: String(record.firstReceivedAtMillis ?? ''),
    },
    systemNames,
  )
  const attributes = selected(record.attributes, input.list('MessageAttributeNames').map(String))
  const md5 = md5OfAttributes(attributes)
  return {
    MessageId: record.messageId,
    ReceiptHandle: receiptOf(queue, message),
    MD5OfBody: md5Of(record.body),
    Body: record.body,
    ...(Object.keys(system).length === 0 ? {} : { Attributes: system }),
    ...(md5 === undefined ? {} : { MessageAttributes: attributes, MD5OfMessageAttributes: md5 }),
  }
}

function hide(context: SqsContext, queue: QueueRecord, input: Input): () => Record<string, unknown> {
  const seconds = inRange('VisibilityTimeout', input.numberOr('VisibilityTimeout', 0), MAX_VISIBILITY_SECONDS)
  const { sequence, receiveCount } = sequenceOf(queue, input)
  return () => {
    const record = context.state.find(queue, sequence)
    const now = context.clock.now().getTime()
    if (record === undefined || record.receiveCount !== receiveCount || record.visibleAtMillis <= now) {
      throw new AwsError('MessageNotInflight', 'The specified message is not in flight.')
    }
    context.state.show(queue, sequence, now + seconds * 1000)
    return {}
  }
}

function remove(context: SqsContext, queue: QueueRecord, input: Input): () => Record<string, unknown> {
  const { sequence } = sequenceOf(queue, input)
  return () => {
    context.state.remove(queue, sequence)
    return {}
  }
}

/** Standard queues: those of the template, and those that clients make. */
export function createSqsService(options: SqsOptions): SqsService {
  const context: SqsContext = { ...options, state: openQueueState(options.store, options.clock), waiting: new Map() }
  const { state, store } = context
  for (const queue of state.queues()) policyInForce(context, queue)
  const change = async <T>(queue: QueueRecord, step: () => T): Promise<T> => {
    const result = await store.transaction(step)
    wake(context, queue.name)
    return result
  }
  const woken = async (queue: QueueRecord, done: Promise<unknown>): Promise<unknown> => {
    const result = await done
    wake(context, queue.name)
    return result
  }
  return {
    id: 'sqs',
    provisionQueue: async (settings) => {
      if (settings.fifo)
        throw new AwsError(
          'NotImplemented',
          `Cannot make the queue "${settings.name}": FIFO queues are not implemented`,
          501,
        )
      await store.transaction(() => {
        const createdAtMillis = state.queue(settings.name)?.createdAtMillis ?? options.clock.now().getTime()
        state.putQueue({ ...state.queue(settings.name), ...settings, createdAtMillis })
      })
    },
    operations: {
      SendMessage: onQueue(context, 'sqs:SendMessage', (queue, input, call) =>
        change(queue, sendOne(context, queue, input, call)),
      ),
      SendMessageBatch: onQueue(context, 'sqs:SendMessage', (queue, input, call) =>
        woken(
          queue,
          batch(context, input, (entry) => sendOne(context, queue, entry, call)),
        ),
      ),
      ReceiveMessage: onQueue(context, 'sqs:ReceiveMessage', (queue, input, call) =>
        receive(context, queue, input, call),
      ),
      DeleteMessage: onQueue(context, 'sqs:DeleteMessage', (queue, input) =>
        change(queue, remove(context, queue, input)),
      ),
      DeleteMessageBatch: onQueue(context, 'sqs:DeleteMessage', (queue, input) =>
        batch(context, input, (entry) => remove(context, queue, entry)),
      ),
      ChangeMessageVisibility: onQueue(context, 'sqs:ChangeMessageVisibility', (queue, input) =>
        change(queue, hide(context, queue, input)),
      ),
      ChangeMessageVisibilityBatch: onQueue(context, 'sqs:ChangeMessageVisibility', (queue, input) =>
        woken(
          queue,
          batch(context, input, (entry) => hide(context, queue, entry)),
        ),
      ),
      PurgeQueue: onQueue(context, 'sqs:PurgeQueue', async (queue) => {
        await change(queue, () => state.purge(queue))
        return {}
      }),
      ...queueOperations(context),
    },
  }
}
