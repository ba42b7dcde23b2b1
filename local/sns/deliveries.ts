/** Messages on their way to subscribers: on disk before Publish answers, tried again until they are taken. */
import { messageOf } from '../../core/errors.ts'
import { createDueQueue, type DueQueue } from '../due-queue.ts'
import { sendMessage } from '../events/deliveries.ts'
import { compilePattern } from '../events/pattern.ts'
import { serviceCaller } from '../iam/credentials.ts'
import { AwsError, type CallContext, type Clock, type ServiceBus, type Store } from '../service.ts'
import type { SubscriptionRecord } from './topics.ts'

export interface MessageAttribute {
  readonly Type: string
  readonly Value: string
}

export interface PublishedMessage {
  readonly messageId: string
  readonly topicArn: string
  readonly subject: string | null
  readonly message: string
  readonly attributes: Readonly<Record<string, MessageAttribute>>
  readonly publishedAtMillis: number
}

export interface SnsDelivery {
  readonly subscription: SubscriptionRecord
  readonly published: PublishedMessage
}

export interface SnsDeliveryDependencies {
  readonly store: Store
  readonly clock: Clock
  readonly bus: () => ServiceBus
  readonly ids: () => string
  readonly log: (message: string) => void
}

const CONCURRENCY = 16
/** As AWS tries queues and functions: three times at once, then ever more slowly. */
const MAX_TRIES = 50
const delayMillis = (tries: number): number => (tries < 3 ? 0 : Math.min(20_000, 1_000 * 2 ** (tries - 3)))

export function createSnsDeliveries(dependencies: SnsDeliveryDependencies): DueQueue<SnsDelivery> {
  const { store, clock, log } = dependencies
  return createDueQueue<SnsDelivery>({
    store,
    name: 'sns.deliveries',
    clock,
    concurrency: CONCURRENCY,
    log,
    attempt: async ({ value, tries }, signal) => {
      try {
        await deliver(value, signal, dependencies)
        return { kind: 'done' }
      } catch (thrown) {
        if (signal.aborted) throw thrown
        const isHopeless = thrown instanceof AwsError && /AccessDenied|DoesNotExist|NotFound/.test(thrown.code)
        if (isHopeless || tries >= MAX_TRIES) {
          log(`sns ${value.published.topicArn}: gave up on ${value.subscription.endpoint}: ${messageOf(thrown)}`)
          return { kind: 'done' }
        }
        return { kind: 'again', dueAt: new Date(clock.now().getTime() + delayMillis(tries)), counted: true }
      }
    },
  })
}

async function deliver(
  { subscription, published }: SnsDelivery,
  signal: AbortSignal,
  { bus, ids }: SnsDeliveryDependencies,
): Promise<void> {
  const caller = { ...serviceCaller('sns.amazonaws.com'), sourceArn: published.topicArn }
  const context: CallContext = { caller, requestId: ids(), signal }
  if (subscription.protocol === 'sqs') {
    const { service, operation, input } = queueCall(subscription, published)
    await bus().call(service, operation, input, context)
    return
  }
  const event = {
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: subscription.arn,
        Sns: notification(published, subscription),
      },
    ],
  }
  const Payload = new Uint8Array(Buffer.from(JSON.stringify(event)))
  await bus().call(
    'lambda',
    'Invoke',
    { FunctionName: subscription.endpoint, InvocationType: 'Event', Payload },
    context,
  )
}

/** Raw messages go as they are, with their attributes; the others in an envelope. */
function queueCall(subscription: SubscriptionRecord, published: PublishedMessage) {
  if (!subscription.rawDelivery)
    return sendMessage(subscription.endpoint, JSON.stringify(notification(published, subscription)))
  const call = sendMessage(subscription.endpoint, published.message)
  const attributes = Object.entries(published.attributes).map(
    ([name, { Type, Value }]) =>
      [
        name,
        Type.startsWith('Binary')
          ? { DataType: Type, BinaryValue: new Uint8Array(Buffer.from(Value, 'base64')) }
          : { DataType: Type, StringValue: Value },
      ] as const,
  )
  if (attributes.length === 0) return call
  return { ...call, input: { ...(call.input as object), MessageAttributes: Object.fromEntries(attributes) } }
}

/** The envelope. It carries no signature: nothing here has AWS's key. */
function notification(published: PublishedMessage, { arn }: SubscriptionRecord): Record<string, unknown> {
  const { attributes } = published
  return {
    Type: 'Notification',
    MessageId: published.messageId,
    TopicArn: published.topicArn,
    ...(published.subject === null ? {} : { Subject: published.subject }),
    Message: published.message,
    Timestamp: new Date(published.publishedAtMillis).toISOString(),
    UnsubscribeURL: `https://sns.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=${arn}`,
    ...(Object.keys(attributes).length === 0 ? {} : { MessageAttributes: attributes }),
  }
}

/** Whether a subscription wants a message: by its attributes or its body, with EventBridge's operators. */
export function wants({ filterPolicy, filterScope }: SubscriptionRecord, published: PublishedMessage): boolean {
  if (filterPolicy === null) return true
  const matches = compilePattern(JSON.parse(filterPolicy))
  try {
    return matches(filterScope === 'MessageBody' ? JSON.parse(published.message) : attributeValues(published))
  } catch (thrown) {
    // A body that is not JSON matches no policy.
    if (thrown instanceof SyntaxError) return false
    throw thrown
  }
}

const attributeValues = ({ attributes }: PublishedMessage): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { Type, Value }]) => [
      name,
      Type === 'Number' ? Number(Value) : Type === 'String.Array' ? JSON.parse(Value) : Value,
    ]),
  )
