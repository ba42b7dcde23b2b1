/** Queues themselves: made, looked at, changed, deleted. */

import { isJsonObject } from '../../core/json.ts'
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Operation } from '../service.ts'
import { existing, onQueue, queueOf, reachable, type SqsContext } from './context.ts'
import { selected } from './message-attributes.ts'
import { defaultQueueSettings, type QueueRecord, type QueueSettings } from './queue-state.ts'

function queueAttributes(context: SqsContext, queue: QueueRecord): Record<string, string> {
  const { visible, hidden, delayed } = context.state.count(queue)
  const created = String(Math.floor(queue.createdAtMillis / 1000))
  return {
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(hidden),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: created,
    LastModifiedTimestamp: created,
    VisibilityTimeout: String(queue.visibilityTimeoutSeconds),
    MaximumMessageSize: String(queue.maximumMessageBytes),
    MessageRetentionPeriod: String(queue.retentionSeconds),
    DelaySeconds: String(queue.delaySeconds),
    ReceiveMessageWaitTimeSeconds: String(queue.receiveWaitSeconds),
    ...(queue.policy === undefined ? {} : { Policy: queue.policy }),
    ...(queue.kmsKeyArn === null ? { SqsManagedSseEnabled: 'true' } : { KmsMasterKeyId: queue.kmsKeyArn }),
    ...(queue.redrive === null
      ? {}
      : {
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: queue.redrive.deadLetterArn,
            maxReceiveCount: queue.redrive.maxReceiveCount,
          }),
        }),
  }
}

const arnOf = ({ region, accountId }: SqsContext, name: string): string => `arn:aws:sqs:${region}:${accountId}:${name}`

const NAME = /^[A-Za-z0-9_-]{1,80}$/

const newQueue = (context: SqsContext, name: string): QueueRecord => ({
  ...defaultQueueSettings({
    name,
    arn: arnOf(context, name),
    url: `https://sqs.${context.region}.amazonaws.com/${context.accountId}/${name}`,
  }),
  createdAtMillis: context.clock.now().getTime(),
})

const invalidAttribute = (name: string, value: string): AwsError =>
  new AwsError('InvalidAttributeValue', `Invalid value for the parameter ${name}: ${value}.`)

/** Attributes that are numbers: the member they set, and from which value to which. */
const NUMBERS: Readonly<Record<string, readonly [keyof QueueSettings, number, number]>> = {
  VisibilityTimeout: ['visibilityTimeoutSeconds', 0, 43_200],
  MessageRetentionPeriod: ['retentionSeconds', 60, 1_209_600],
  DelaySeconds: ['delaySeconds', 0, 900],
  MaximumMessageSize: ['maximumMessageBytes', 1_024, 1_048_576],
  ReceiveMessageWaitTimeSeconds: ['receiveWaitSeconds', 0, 20],
}

/** @throws AwsError `InvalidAttributeName`, `InvalidAttributeValue` */
function withAttribute(queue: QueueRecord, name: string, value: string): QueueRecord {
  const number = NUMBERS[name]
  if (number !== undefined) {
    const [member, least, most] = number
    const amount = Number(value)
    if (!Number.isInteger(amount) || amount < least || amount > most) throw invalidAttribute(name, value)
    return { ...queue, [member]: amount }
  }
  if (name === 'RedrivePolicy') return { ...queue, redrive: value === '' ? null : redriveOf(value) }
  if (name === 'Policy') return withPolicy(queue, value)
  if (name === 'KmsMasterKeyId') return { ...queue, kmsKeyArn: value === '' ? null : value }
  if (name === 'SqsManagedSseEnabled') return queue
  throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`)
}

function parsed(name: string, value: string): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(value)
    if (isJsonObject(document)) return document
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
  }
  throw invalidAttribute(name, value)
}

function redriveOf(value: string): QueueSettings['redrive'] {
  const { deadLetterTargetArn, maxReceiveCount } = parsed('RedrivePolicy', value)
  const count = Number(maxReceiveCount)
  if (typeof deadLetterTargetArn !== 'string' || !Number.isInteger(count) || count < 1 || count > 1000)
    throw invalidAttribute('RedrivePolicy', value)
  return { deadLetterArn: deadLetterTargetArn, maxReceiveCount: count }
}

function withPolicy(queue: QueueRecord, value: string): QueueRecord {
  if (value !== '') return { ...queue, policy: JSON.stringify(parsed('Policy', value)) }
  const { policy: _, ...open } = queue
  return open
}

/** Puts a queue, and its policy in force. */
async function keep(context: SqsContext, queue: QueueRecord): Promise<void> {
  await context.store.transaction(() => context.state.putQueue(queue))
  policyInForce(context, queue)
}

/** The policy that a call gave the queue; one of the template is in force already. */
export function policyInForce({ policies }: SqsContext, { arn, policy }: QueueRecord): void {
  if (policy !== undefined) policies.putResourcePolicy(arn, JSON.parse(policy))
}

const changed = (queue: QueueRecord, input: Input): QueueRecord =>
  Object.entries(input.texts('Attributes')).reduce((so, [name, value]) => withAttribute(so, name, value), queue)

/** @throws AwsError `QueueNameExists`, `InvalidParameterValue`, `UnsupportedOperation` */
async function createQueue(context: SqsContext, input: Input): Promise<unknown> {
  const name = input.text('QueueName')
  if (name.endsWith('.fifo') || input.texts('Attributes').FifoQueue === 'true')
    throw new AwsError('NotImplemented', 'Cannot make a FIFO queue: sqs has standard queues only in this runtime', 501)
  if (!NAME.test(name))
    throw new AwsError(
      'InvalidParameterValue',
      'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
    )
  const former = context.state.queue(name)
  const tags = input.texts('tags')
  const made = { ...changed(former ?? newQueue(context, name), input), ...(former === undefined ? { tags } : {}) }
  if (former !== undefined && JSON.stringify(made) !== JSON.stringify(former)) {
    const message = `A queue already exists with the same name and a different value for an attribute`
    throw new AwsError('QueueNameExists', message)
  }
  await keep(context, made)
  return { QueueUrl: reachable(context, made) }
}

const PAGING = { size: 1000, invalidToken: 'InvalidParameterValue' }

function listed(context: SqsContext, input: Input, wanted: (queue: QueueRecord) => boolean) {
  const urls = context.state
    .queues()
    .filter(wanted)
    .map((queue) => reachable(context, queue))
  const { page, next } = pageOf(urls, input, PAGING)
  return { page, ...(next === undefined || !input.has('MaxResults') ? {} : { NextToken: next }) }
}

/** Everything that is not about messages. */
export function queueOperations(context: SqsContext): Record<string, Operation> {
  const { state } = context
  return {
    CreateQueue: {
      permissions: (raw) => [{ action: 'sqs:CreateQueue', resource: arnOf(context, readInput(raw).text('QueueName')) }],
      run: (raw) => createQueue(context, readInput(raw)),
    },
    DeleteQueue: onQueue(context, 'sqs:DeleteQueue', async (queue) => {
      await context.store.transaction(() => state.removeQueue(queue))
      return {}
    }),
    GetQueueAttributes: onQueue(context, 'sqs:GetQueueAttributes', async (queue, input) => {
      const names = input.list('AttributeNames').map(String)
      const attributes = selected(queueAttributes(context, queue), names)
      return Object.keys(attributes).length === 0 ? {} : { Attributes: attributes }
    }),
    SetQueueAttributes: onQueue(context, 'sqs:SetQueueAttributes', async (queue, input) => {
      await keep(context, changed(queue, input))
      return {}
    }),
    GetQueueUrl: {
      permissions: (raw) => [{ action: 'sqs:GetQueueUrl', resource: arnOf(context, readInput(raw).text('QueueName')) }],
      run: async (raw) => ({ QueueUrl: reachable(context, existing(state.queue(readInput(raw).text('QueueName')))) }),
    },
    ListQueues: {
      permissions: () => [{ action: 'sqs:ListQueues', resource: '*' }],
      run: async (raw) => {
        const input = readInput(raw)
        const prefix = input.textOr('QueueNamePrefix', '')
        const { page, ...next } = listed(context, input, ({ name }) => name.startsWith(prefix))
        return { ...(page.length === 0 ? {} : { QueueUrls: page }), ...next }
      },
    },
    ListDeadLetterSourceQueues: onQueue(context, 'sqs:ListDeadLetterSourceQueues', async (queue, input) => {
      const { page, ...next } = listed(context, input, ({ redrive }) => redrive?.deadLetterArn === queue.arn)
      return { queueUrls: page, ...next }
    }),
    ListQueueTags: onQueue(context, 'sqs:ListQueueTags', async ({ tags = {} }) =>
      Object.keys(tags).length === 0 ? {} : { Tags: tags },
    ),
    TagQueue: onQueue(context, 'sqs:TagQueue', async (queue, input) => {
      await keep(context, { ...queue, tags: { ...queue.tags, ...input.texts('Tags') } })
      return {}
    }),
    UntagQueue: onQueue(context, 'sqs:UntagQueue', async (queue, input) => {
      const gone = input.list('TagKeys').map(String)
      const left = Object.entries(queueOf(context, input).tags ?? {}).filter(([key]) => !gone.includes(key))
      await keep(context, { ...queue, tags: Object.fromEntries(left) })
      return {}
    }),
  }
}
