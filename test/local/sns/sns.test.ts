import { beforeEach, describe, expect, test } from '@jest/globals'
import { policyRegistry } from '../../../local/iam/policy-registry.ts'
import { memoryStore } from '../../../local/memory-store.ts'
import { AwsError, type CallContext, type ServiceBus, type Store } from '../../../local/service.ts'
import { createSnsService, type SnsService } from '../../../local/sns/service.ts'
import { systemClock } from '../../../local/system-clock.ts'

const TOPIC = 'arn:aws:sns:us-east-2:000000000000:alerts'
const QUEUE = 'arn:aws:sqs:us-east-2:000000000000:seen'

let store: Store
let service: SnsService
let calls: { target: string; input: Record<string, unknown>; by: CallContext['caller'] }[]
let failures: AwsError[]

const bus: ServiceBus = {
  authorize: async () => undefined,
  call: async (id, operation, input, { caller }) => {
    calls.push({ target: `${id}:${operation}`, input: input as Record<string, unknown>, by: caller })
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    return {}
  },
}
const make = (): SnsService => {
  let id = 0
  return createSnsService({
    store,
    clock: systemClock,
    accountId: '000000000000',
    region: 'us-east-2',
    ids: () => {
      id += 1
      return `id-${id}`
    },
    bus: () => bus,
    policies: policyRegistry(),
    log: () => undefined,
  })
}
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
  calls = []
  failures = []
  service = make()
  await run('CreateTopic', { Name: 'alerts' })
})

describe('a topic', () => {
  test('sends its queue the message in an envelope, as SNS itself and for the topic', async () => {
    await subscribe()
    await run('Publish', { TopicArn: TOPIC, Message: 'it broke', Subject: 'job' })
    await service.idle()
    expect(calls).toMatchObject([
      { target: 'sqs:SendMessage', by: { servicePrincipal: 'sns.amazonaws.com', sourceArn: TOPIC } },
    ])
    expect(JSON.parse(String(calls[0]?.input.MessageBody))).toMatchObject({
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
    expect(calls.map(({ input }) => input)).toMatchObject([
      { MessageBody: 'level 3', MessageAttributes: { level: { DataType: 'Number', StringValue: '3' } } },
    ])
  })

  test('tries again what a queue did not take, and gives up where nobody may send', async () => {
    await subscribe()
    failures = [new AwsError('Throttling', 'slowly', 400), new AwsError('AccessDenied', 'no', 403)]
    await run('Publish', { TopicArn: TOPIC, Message: 'x' })
    await service.idle()
    expect(calls).toHaveLength(2)
  })

  test('delivers after a restart what it had accepted', async () => {
    await subscribe()
    await service.close()
    await run('Publish', { TopicArn: TOPIC, Message: 'kept' })
    service = make()
    service.resume()
    await service.idle()
    expect(calls).toHaveLength(1)
  })

  test('refuses protocols that are not there, by name', async () => {
    const email = { TopicArn: TOPIC, Protocol: 'email', Endpoint: 'a@example.com' }
    await expect(run('Subscribe', email)).rejects.toMatchObject({
      code: 'InvalidParameter',
      message: expect.stringContaining('email is not implemented'),
    })
  })
})
