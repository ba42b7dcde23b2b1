/** Publishing: a message is on disk for every subscriber that wants it before the answer. */
import { isJsonObject } from '../../core/json.ts'
import type { DueQueue } from '../due-queue.ts'
import { type Input, readInput } from '../input.ts'
import { AwsError, type Operation } from '../service.ts'
import type { SnsContext } from './context.ts'
import { type MessageAttribute, type PublishedMessage, type SnsDelivery, wants } from './deliveries.ts'

const MAX_MESSAGE_BYTES = 262_144
const MAX_ENTRIES = 10

const invalid = (message: string): AwsError => new AwsError('InvalidParameter', `Invalid parameter: ${message}`)

/** Publish, PublishBatch. */
export function publishOperations(context: SnsContext, deliveries: DueQueue<SnsDelivery>): Record<string, Operation> {
  const publish = async (topicArn: string, input: Input): Promise<PublishedMessage> => {
    const published = messageOf(context, topicArn, input)
    const wanted = context.topics.subscriptions(topicArn).filter((subscription) => wants(subscription, published))
    if (wanted.length > 0) await deliveries.accept(wanted.map((subscription) => ({ subscription, published })))
    return published
  }
  const topicOf = (input: Input): string => {
    const arn = input.textOr('TopicArn', null) ?? input.textOr('TargetArn', null)
    if (arn === null) throw invalid('TopicArn or TargetArn Reason: no value for required parameter')
    return arn
  }
  const permissions = (raw: unknown) => [{ action: 'sns:Publish', resource: topicOf(readInput(raw)) }]
  return {
    Publish: {
      permissions,
      run: async (raw) => {
        const input = readInput(raw)
        const { messageId } = await publish(context.topics.topic(topicOf(input)).arn, input)
        return { MessageId: messageId }
      },
    },
    PublishBatch: {
      permissions,
      run: async (raw) => {
        const input = readInput(raw)
        const { arn } = context.topics.topic(topicOf(input))
        const entries = entriesOf(input)
        const outcomes = await Promise.all(
          entries.map(async (entry) => {
            const Id = entry.text('Id')
            try {
              return { Id, MessageId: (await publish(arn, entry)).messageId }
            } catch (thrown) {
              if (!(thrown instanceof AwsError)) throw thrown
              return { Id, Code: thrown.code, Message: thrown.message, SenderFault: true }
            }
          }),
        )
        return {
          Successful: outcomes.filter((outcome) => 'MessageId' in outcome),
          Failed: outcomes.filter((outcome) => 'Code' in outcome),
        }
      },
    },
  }
}

/** @throws AwsError `EmptyBatchRequest`, `TooManyEntriesInBatchRequest`, `BatchEntryIdsNotDistinct` */
function entriesOf(input: Input): readonly Input[] {
  const entries = input.structures('PublishBatchRequestEntries')
  if (entries.length === 0) throw new AwsError('EmptyBatchRequest', 'The batch request does not contain any entries.')
  if (entries.length > MAX_ENTRIES)
    throw new AwsError('TooManyEntriesInBatchRequest', `A batch has at most ${MAX_ENTRIES} entries.`)
  if (new Set(entries.map((entry) => entry.text('Id'))).size < entries.length)
    throw new AwsError('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.')
  return entries
}

function messageOf({ clock, ids }: SnsContext, topicArn: string, input: Input): PublishedMessage {
  const message = input.textOr('Message', '')
  if (message === '') throw invalid('Empty message')
  if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) throw invalid('Message too long')
  return {
    messageId: ids(),
    topicArn,
    subject: input.textOr('Subject', null),
    message: input.textOr('MessageStructure', null) === 'json' ? defaultOf(message) : message,
    attributes: attributesOf(input),
    publishedAtMillis: clock.now().getTime(),
  }
}

/** What all protocols get, of a message with a text for each. @throws AwsError `InvalidParameter` */
function defaultOf(message: string): string {
  const texts: unknown = JSON.parse(message)
  const text = isJsonObject(texts) ? (texts.sqs ?? texts.default) : undefined
  if (typeof text === 'string') return text
  throw invalid('Message Structure - No default entry in JSON message body')
}

/** @throws AwsError `ParameterValueInvalid` */
function attributesOf(input: Input): Record<string, MessageAttribute> {
  const { MessageAttributes: given = {} } = input.members
  const entries = Object.entries(isJsonObject(given) ? given : {}).map(([name, value]) => {
    const attribute = readInput(value)
    const type = attribute.text('DataType')
    const { BinaryValue: binary } = attribute.members
    const text =
      binary instanceof Uint8Array ? Buffer.from(binary).toString('base64') : attribute.textOr('StringValue', '')
    if (text === '')
      throw new AwsError(
        'ParameterValueInvalid',
        `The message attribute '${name}' must contain non-empty message attribute value.`,
      )
    return [name, { Type: type, Value: text }] as const
  })
  return Object.fromEntries(entries)
}
