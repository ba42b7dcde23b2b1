import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { policyRegistry } from '../../../local/iam/policy-registry.ts'
import type { Clock } from '../../../local/service.ts'
import { defaultQueueSettings, type QueueSettings } from '../../../local/sqs/queue-state.ts'
import { createSqsService, type SqsService } from '../../../local/sqs/service.ts'
import { systemClock } from '../../../local/system-clock.ts'
import { ACCOUNT, REGION, startRuntime, type TestRuntime } from '../endpoint/runtime.ts'

let runtime: TestRuntime
let sqs: SQSClient
let service: SqsService
/** Moved by tests; a request is signed with the machine's clock, so queues have their own. */
let aheadMillis = 0
const clock: Clock = {
  now: () => new Date(Date.now() + aheadMillis),
  sleepUntil: (at, signal) => systemClock.sleepUntil(new Date(at.getTime() - aheadMillis), signal),
}

const urlOf = (name: string): string => `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`
const queue = (name: string, redrive: QueueSettings['redrive'] = null): QueueSettings => ({
  ...defaultQueueSettings({ name, arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`, url: urlOf(name) }),
  redrive,
})

beforeAll(async () => {
  runtime = await startRuntime({
    services: async ({ store }) => {
      service = createSqsService({
        store,
        clock,
        accountId: ACCOUNT,
        region: REGION,
        endpointUrl: () => runtime.endpoint.url,
        policies: policyRegistry(),
      })
      await service.provisionQueue(queue('dead'))
      await service.provisionQueue(queue('work', { deadLetterArn: queue('dead').arn, maxReceiveCount: 2 }))
      return [service]
    },
  })
  sqs = new SQSClient({
    endpoint: runtime.endpoint.url,
    region: REGION,
    credentials: runtime.credentials.operator,
    maxAttempts: 1,
  })
})
afterAll(async () => {
  sqs.destroy()
  await runtime.close()
})
beforeEach(async () => {
  for (const name of ['work', 'dead']) await sqs.send(new PurgeQueueCommand({ QueueUrl: urlOf(name) }))
})

const receive = (name: string, WaitTimeSeconds = 0) =>
  sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: urlOf(name),
      WaitTimeSeconds,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    }),
  )

test('a message is received with its attributes, hidden, and gone once deleted', async () => {
  const QueueUrl = urlOf('work')
  const MessageAttributes = { RULE_ARN: { DataType: 'String', StringValue: 'arn:é' } }
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"a":1}', MessageAttributes }))
  const [message] = (await receive('work')).Messages ?? []
  expect(message).toMatchObject({ Body: '{"a":1}', MessageAttributes, Attributes: { ApproximateReceiveCount: '1' } })
  expect((await receive('work')).Messages ?? []).toEqual([])
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }))
  aheadMillis += 31_000
  expect((await receive('work')).Messages ?? []).toEqual([])
})

test('a message received too often goes to the dead-letter queue', async () => {
  const QueueUrl = urlOf('work')
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'poison' }))
  for (let receives = 0; receives < 2; receives += 1) {
    expect((await receive('work')).Messages).toHaveLength(1)
    aheadMillis += 31_000
  }
  expect((await receive('work')).Messages ?? []).toEqual([])
  expect((await receive('dead')).Messages?.map(({ Body }) => Body)).toEqual(['poison'])
})

test('visibility can be given back, and a waiting receiver gets the message at once', async () => {
  const QueueUrl = urlOf('work')
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'again' }))
  const [message] = (await receive('work')).Messages ?? []
  const waiting = receive('work', 20)
  await sqs.send(
    new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 0 }),
  )
  expect((await waiting).Messages?.map(({ Body }) => Body)).toEqual(['again'])
})

test('attributes count what is visible and what is hidden', async () => {
  const QueueUrl = urlOf('work')
  const Entries = ['1', '2', '3'].map((Id) => ({ Id, MessageBody: Id }))
  expect((await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).Successful).toHaveLength(3)
  await sqs.send(new ReceiveMessageCommand({ QueueUrl }))
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))
  expect(Attributes).toMatchObject({
    ApproximateNumberOfMessages: '2',
    ApproximateNumberOfMessagesNotVisible: '1',
    QueueArn: queue('work').arn,
  })
})

test('queues are found by name, and one that is not there is named as SQS names it', async () => {
  const reachable = (name: string): string => `${runtime.endpoint.url}/${ACCOUNT}/${name}`
  expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'dead' }))).QueueUrl).toBe(reachable('dead'))
  expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls).toEqual([reachable('dead'), reachable('work')])
  await expect(sqs.send(new SendMessageCommand({ QueueUrl: urlOf('none'), MessageBody: 'x' }))).rejects.toMatchObject({
    name: 'QueueDoesNotExist',
    message: 'The specified queue does not exist.',
  })
})
