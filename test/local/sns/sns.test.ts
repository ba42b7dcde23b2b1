import { beforeEach, describe, expect, test } from '@jest/globals'
import { policyRegistry } from '../../../local/iam/policy-registry.ts'
import { memoryStore } from '../../../local/memory-store.ts'
import { AwsError, type CallContext, type Store } from '../../../local/service.ts'
import { createSnsService, type SnsService } from '../../../local/sns/service.ts'
import { systemClock } from '../../../local/system-clock.ts'
import { countedIds, type RecordingBus, recordingBus } from '../recording-bus.ts'

const TOPIC = 'arn:aws:sns:us-east-2:000000000000:alerts'
const QUEUE = 'arn:aws:sqs:us-east-2:000000000000:seen'

let store: Store
let service: SnsService
let bus: RecordingBus

const make = (): SnsService =>
  createSnsService({
    store,
    clock: systemClock,
    accountId: '000000000000',
    region: 'us-east-2',
    ids: countedIds(),
    bus: () => bus,
    policies: policyRegistry(),
    log: () => undefined,
  })
const operator: CallContext = {
  caller: { principalArn: 'arn:aws:iam::000000000000:user/operator', roleArn: null, servicePrincipal: null },
  requestId: 'r',
  signal: new AbortController().signal,
}
const run = (operation: string, input: unknown): Promise<unknown> =>
  Promise.resolve(service.operations[operation]?.run(input, operator))

const subscribe = (Attributes: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  run('Subscribe', { TopicArn: TOPIC, Protocol: 'sqs', Endpoint: QUEUE, Attributes })

beforeEach(async () => {
  store = memoryStore()
  bus = recordingBus()
  service = make()
  await run('CreateTopic', { Name: 'alerts' })
})

describe('a topic', () => {
  test('sends its queue the message in an envelope, as SNS itself and for the topic', async () => {
    await subscribe()
    await run('Publish', { TopicArn: TOPIC, Message: 'it broke', Subject: 'job' })
    await service.idle()
    expect(bus.calls).toMatchObject([
      { target: 'sqs:SendMessage', caller: { servicePrincipal: 'sns.amazonaws.com', sourceArn: TOPIC } },
    ])
    expect(JSON.parse(String(bus.calls[0]?.input.MessageBody))).toMatchObject({
      Type: 'Notification',
      TopicArn: TOPIC,
      Subject: 'job',
      Message: 'it broke',
    })
  })

  test('sends raw messages with their attributes, and only those that the filter describes', async () => {
    await subscribe({ RawMessageDelivery: 'true', FilterPolicy: '{"level":[{"numeric":[">=",3]}]}' })
    for (const level of ['2', '3'])
      await run('Publish', {
        TopicArn: TOPIC,
        Message: `level ${level}`,
        MessageAttributes: { level: { DataType: 'Number', StringValue: level } },
      })
    await service.idle()
    expect(bus.calls.map(({ input }) => input)).toMatchObject([
      { MessageBody: 'level 3', MessageAttributes: { level: { DataType: 'Number', StringValue: '3' } } },
    ])
  })

  test('tries again what a queue did not take, and gives up where nobody may send', async () => {
    await subscribe()
    const failures = [new AwsError('Throttling', 'slowly', 400), new AwsError('AccessDenied', 'no', 403)]
    bus.failure = () => failures.shift() ?? null
    await run('Publish', { TopicArn: TOPIC, Message: 'x' })
    await service.idle()
    expect(bus.calls).toHaveLength(2)
  })

  test('delivers after a restart what it had accepted', async () => {
    await subscribe()
    await service.close()
    await run('Publish', { TopicArn: TOPIC, Message: 'kept' })
    service = make()
    service.resume()
    await service.idle()
    expect(bus.calls).toHaveLength(1)
  })

  test('refuses protocols that are not there, by name', async () => {
    const email = { TopicArn: TOPIC, Protocol: 'email', Endpoint: 'a@example.com' }
    await expect(run('Subscribe', email)).rejects.toMatchObject({
      code: 'InvalidParameter',
      message: expect.stringContaining('email is not implemented'),
    })
  })
})
