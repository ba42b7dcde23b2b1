import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { RuleModel, TargetModel } from '../../../local/assembly/model.ts'
import { createEventsService, type EventsService } from '../../../local/events/service.ts'
import { memoryStore } from '../../../local/memory-store.ts'
import { AwsError, type CallContext, type Store } from '../../../local/service.ts'
import { type ManualClock, manualClock } from '../manual-clock.ts'
import { countedIds, type RecordingBus, recordingBus } from '../recording-bus.ts'

const MACHINE = 'arn:aws:states:us-east-2:000000000000:stateMachine:intake:live'
const DEAD = 'arn:aws:sqs:us-east-2:000000000000:dead'
const CREATED = {
  source: 'aws.s3',
  detailType: 'Object Created',
  resources: ['arn:aws:s3:::raw'],
  detail: { bucket: { name: 'raw' }, object: { key: 'landing/acme/a "b" é.csv', size: 5 } },
}

let bus: RecordingBus
let store: Store
let clock: ManualClock
let service: EventsService

const make = (): EventsService =>
  createEventsService({
    store,
    bus: () => bus,
    clock,
    random: () => 0.5,
    ids: countedIds(),
    accountId: '000000000000',
    region: 'us-east-2',
    log: () => undefined,
  })

const target = (overrides: Partial<TargetModel> = {}): TargetModel => ({
  id: 'Target0',
  arn: MACHINE,
  roleArn: 'arn:aws:iam::000000000000:role/rule',
  input: null,
  inputPath: null,
  inputTransformer: null,
  deadLetterArn: DEAD,
  maximumRetryAttempts: 2,
  maximumEventAgeSeconds: 3600,
  ...overrides,
})

const rule = (overrides: Partial<RuleModel> = {}): RuleModel => ({
  name: 'arrived',
  arn: 'arn:aws:events:us-east-2:000000000000:rule/arrived',
  busName: 'default',
  state: 'ENABLED',
  description: '',
  eventPattern: { source: ['aws.s3'], detail: { object: { key: [{ prefix: 'landing/' }] } } },
  scheduleExpression: null,
  targets: [target()],
  ...overrides,
})

const deploy = (...rules: RuleModel[]): Promise<void> =>
  service.deploy([{ name: 'sluice', arn: 'arn:aws:events:us-east-2:000000000000:event-bus/sluice' }], rules, [])

const operator: CallContext = {
  caller: { principalArn: 'arn:aws:iam::000000000000:user/operator', roleArn: null, servicePrincipal: null },
  requestId: 'r',
  signal: new AbortController().signal,
}
const run = (operation: string, input: unknown): Promise<unknown> =>
  Promise.resolve(service.operations[operation]?.run(input, operator))

beforeEach(() => {
  bus = recordingBus()
  store = memoryStore()
  clock = manualClock()
  service = make()
})
afterEach(() => service.close())

describe('the EventBridge service', () => {
  test('starts the target of a matching rule as the rule role, with the whole event', async () => {
    await deploy(rule(), rule({ name: 'other', eventPattern: { source: ['aws.x'] } }))
    await service.emit(CREATED)
    await service.idle()
    expect(bus.calls).toHaveLength(1)
    expect(bus.calls[0]).toMatchObject({ target: 'states:StartExecution', caller: { roleArn: target().roleArn } })
    expect(JSON.parse(String(bus.calls[0]?.input.input))).toMatchObject({
      'detail-type': 'Object Created',
      detail: CREATED.detail,
    })
  })

  test('an event is wanted by a rule or an archive whose pattern describes it', async () => {
    const event = (source: string) => ({
      version: '0' as const,
      id: 'e',
      'detail-type': 'd',
      source,
      account: '000000000000',
      time: '2026-01-01T00:00:00Z',
      region: 'us-east-2',
      resources: [],
      detail: CREATED.detail,
    })
    await deploy(rule())
    expect(['aws.s3', 'aws.states'].map((source) => service.wants(event(source)))).toEqual([true, false])
    await run('CreateArchive', {
      ArchiveName: 'all',
      EventSourceArn: 'arn:aws:events:us-east-2:000000000000:event-bus/default',
      EventPattern: '{"source":["aws.states"]}',
    })
    expect(service.wants(event('aws.states'))).toBe(true)
  })

  test('fills a template: JSON outside quotes, text inside, empty for what is missing', async () => {
    const inputTransformer = {
      paths: { key: '$.detail.object.key', version: '$.detail.object.version-id', bucket: '$.detail.bucket.name' },
      template: '{"key":<key>,"version":<version>,"place":"s3://<bucket>/","rule":<aws.events.rule-name>}',
    }
    await deploy(rule({ targets: [target({ inputTransformer })] }))
    await service.emit(CREATED)
    await service.idle()
    expect(JSON.parse(String(bus.calls[0]?.input.input))).toEqual({
      key: CREATED.detail.object.key,
      version: '',
      place: 's3://raw/',
      rule: 'arrived',
    })
  })

  test('refuses a template with a variable that no path names', async () => {
    const inputTransformer = { paths: {}, template: '{"key":<key>}' }
    await expect(deploy(rule({ targets: [target({ inputTransformer })] }))).rejects.toThrow('invalid placeholder key')
  })

  test('bus.calls a function asynchronously as its service principal, for the rule', async () => {
    const arn = 'arn:aws:lambda:us-east-2:000000000000:function:metadata:1'
    await deploy(rule({ targets: [target({ arn, roleArn: null })] }))
    await service.emit(CREATED)
    await service.idle()
    expect(bus.calls[0]).toMatchObject({
      target: 'lambda:Invoke',
      input: { FunctionName: arn, InvocationType: 'Event' },
      caller: { servicePrincipal: 'events.amazonaws.com', sourceArn: rule().arn },
    })
  })

  test('tries again with backoff and leaves the event to the dead-letter queue after the last try', async () => {
    bus.failure = (called) => (called === 'sqs:SendMessage' ? null : new AwsError('ThrottlingException', 'slow down'))
    await deploy(rule())
    await service.emit(CREATED)
    for (const seconds of [1, 2]) {
      await service.idle()
      await clock.advance(seconds)
    }
    await service.idle()
    expect(bus.calls.map((call) => call.target)).toEqual([...Array(3).fill('states:StartExecution'), 'sqs:SendMessage'])
    expect(bus.calls[3]?.input).toMatchObject({
      QueueUrl: 'https://sqs.us-east-2.amazonaws.com/000000000000/dead',
      MessageAttributes: {
        RULE_ARN: { DataType: 'String', StringValue: rule().arn },
        TARGET_ARN: { StringValue: MACHINE },
        ERROR_CODE: { StringValue: 'THROTTLING' },
        ERROR_MESSAGE: { StringValue: 'slow down' },
        EXHAUSTED_RETRY_CONDITION: { StringValue: 'MaximumRetryAttempts' },
        RETRY_ATTEMPTS: { StringValue: '2' },
      },
    })
  })

  test('leaves a call that is not allowed to the dead-letter queue at once', async () => {
    bus.failure = (called) =>
      called === 'sqs:SendMessage' ? null : new AwsError('AccessDeniedException', 'not allowed')
    await deploy(rule())
    await service.emit(CREATED)
    await service.idle()
    expect(bus.calls.map((call) => call.target)).toEqual(['states:StartExecution', 'sqs:SendMessage'])
    expect(JSON.stringify(bus.calls[1]?.input)).toContain('NO_PERMISSIONS')
  })

  test('delivers an accepted event after a restart', async () => {
    await deploy(rule())
    bus.failure = () => new AwsError('InternalError', 'gone')
    await service.emit(CREATED)
    await service.idle()
    await service.close()
    bus.failure = null
    bus.calls.length = 0
    service = make()
    service.start()
    await clock.advance(5)
    await service.idle()
    expect(bus.calls.map((call) => call.target)).toEqual(['states:StartExecution'])
  })

  test('accepts events of the account on its own bus and answers entry by entry', async () => {
    await deploy(rule({ busName: 'sluice', eventPattern: { source: ['sluice'] } }))
    const entry = { Source: 'sluice', DetailType: 'IngestionJobCompleted', EventBusName: 'sluice' }
    const output = await run('PutEvents', {
      Entries: [
        { ...entry, Detail: '{"jobId":"j1"}' },
        { ...entry, Detail: 'no json' },
        { ...entry, Detail: '{}', Source: 'aws.s3' },
        { ...entry, Detail: '{}', EventBusName: 'nowhere' },
      ],
    })
    await service.idle()
    expect(output).toMatchObject({
      FailedEntryCount: 3,
      Entries: [
        { EventId: expect.any(String) },
        { ErrorCode: 'MalformedDetail' },
        { ErrorCode: 'NotAuthorizedForSourceException' },
        { ErrorCode: 'ResourceNotFoundException' },
      ],
    })
    expect(bus.calls).toHaveLength(1)
  })

  test('fires a scheduled rule at its times', async () => {
    await deploy(
      rule({
        eventPattern: null,
        scheduleExpression: 'rate(15 minutes)',
        targets: [target({ input: '{"operation":"sweep"}' })],
      }),
    )
    service.start()
    await clock.advance(15 * 60)
    await clock.advance(0)
    await service.idle()
    expect(bus.calls.map((call) => call.input.input)).toEqual(['{"operation":"sweep"}'])
  })

  test('keeps rules put by bus.calls over a deployment and drops those that left the template', async () => {
    await deploy(rule(), rule({ name: 'old', arn: 'arn:aws:events:us-east-2:000000000000:rule/old' }))
    await run('PutRule', { Name: 'mine', EventPattern: '{"source":["x"]}' })
    await deploy(rule())
    expect(await run('ListRules', {})).toMatchObject({ Rules: [{ Name: 'arrived' }, { Name: 'mine' }] })
  })
})
