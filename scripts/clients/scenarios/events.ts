/** EventBridge: rules, patterns, targets, dead letters, archives. */
import { bytes, type Members } from '../client.ts'
import type { Expected, Stage } from '../stage.ts'
import { versionedBucket } from './s3-objects.ts'

/** Everything that a pattern can say, and an event that it describes. */
const PATTERN = {
  source: [{ prefix: 'clients.' }],
  'detail-type': [{ 'equals-ignore-case': 'CALLED' }],
  detail: {
    key: [{ suffix: '.csv' }],
    zone: [{ 'anything-but': ['raw'] }],
    size: [{ numeric: ['>', 0, '<=', 10] }],
    gone: [{ exists: false }],
    path: [{ wildcard: 'a/*/c' }],
    address: [{ cidr: '10.0.0.0/8' }],
    $or: [{ first: ['x'] }, { second: ['y'] }],
  },
}
const DETAIL = { key: 'k.csv', zone: 'curated', size: 3, path: 'a/b/c', address: '10.1.2.3', second: 'y' }

export async function playEvents(stage: Stage): Promise<void> {
  const { region, accountId } = stage
  const events = (operation: string, input: Members, expected?: Expected) =>
    stage.ok('events', operation, input, expected)
  const EventBusName = stage.name('bus')
  const busArn = `arn:aws:events:${region}:${accountId}:event-bus/${EventBusName}`
  const missing = { code: 'ResourceNotFoundException', status: 400 }
  await events('CreateEventBus', { Name: EventBusName }, { EventBusArn: busArn })
  await stage.part('events', 'buses', async () => {
    await events('DescribeEventBus', { Name: EventBusName }, { Arn: busArn })
    await stage.fails('events', 'DescribeEventBus', { Name: 'none' }, missing)
    await events('ListEventBuses', { NamePrefix: EventBusName }, { EventBuses: [{ Name: EventBusName, Arn: busArn }] })
  })
  const queue = async (purpose: string): Promise<{ QueueUrl: string; arn: string }> => {
    const QueueName = stage.name(purpose)
    const arn = `arn:aws:sqs:${region}:${accountId}:${QueueName}`
    const Statement = [
      { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: arn },
    ]
    const Attributes = { Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }
    const { QueueUrl = '' } = await stage.ok('sqs', 'CreateQueue', { QueueName, Attributes })
    return { QueueUrl: String(QueueUrl), arn }
  }
  const [target, dead] = [await queue('target'), await queue('letters')]
  const receives = (
    QueueUrl: string,
    judge: (body: Members) => boolean,
    more: Readonly<Record<string, Expected>> = {},
  ) =>
    stage.ok(
      'sqs',
      'ReceiveMessage',
      { QueueUrl, WaitTimeSeconds: 10, VisibilityTimeout: 600, MessageAttributeNames: ['All'] },
      {
        Messages: [{ Body: (body) => judge(JSON.parse(String(body))), ...more }],
      },
    )
  const entry = (detail: Members) => ({
    Entries: [
      {
        EventBusName,
        Source: 'clients.test',
        DetailType: 'Called',
        Detail: JSON.stringify(detail),
        Resources: ['arn:one'],
      },
    ],
  })
  const Name = stage.name('rule')
  await stage.part('events', 'rules', async () => {
    await events(
      'PutRule',
      { Name, EventBusName, EventPattern: JSON.stringify(PATTERN), Description: 'of a test' },
      { RuleArn: /:rule\// },
    )
    await stage.fails(
      'events',
      'PutRule',
      { Name: 'broken', EventBusName, EventPattern: '{"source":"no list"}' },
      { code: 'InvalidEventPatternException', status: 400 },
    )
    await events(
      'DescribeRule',
      { Name, EventBusName },
      { Name, State: 'ENABLED', EventPattern: /numeric/, Description: 'of a test' },
    )
    await stage.fails('events', 'DescribeRule', { Name: 'none', EventBusName }, missing)
    await events('DisableRule', { Name, EventBusName })
    await events('ListRules', { EventBusName }, { Rules: [{ Name, State: 'DISABLED' }] })
    await events('EnableRule', { Name, EventBusName })
    await stage.pages('events', 'ListRules', { Limit: 1 }, 'Rules', { output: 'NextToken', input: 'NextToken' })
    const event = {
      id: '1',
      account: accountId,
      source: 'clients.test',
      time: '2026-01-01T00:00:00Z',
      region,
      resources: [],
      'detail-type': 'Called',
      detail: DETAIL,
    }
    const tested = (detail: Members, Result: boolean) =>
      events(
        'TestEventPattern',
        { EventPattern: JSON.stringify(PATTERN), Event: JSON.stringify({ ...event, detail }) },
        { Result },
      )
    await tested(DETAIL, true)
    for (const wrong of [
      { key: 'k.tsv' },
      { zone: 'raw' },
      { size: 11 },
      { gone: 1 },
      { path: 'a/c' },
      { address: '11.0.0.1' },
      { second: 'n' },
    ])
      await tested({ ...DETAIL, ...wrong }, false)
  })
  await stage.part('events', 'targets', async () => {
    const InputTransformer = {
      InputPathsMap: { key: '$.detail.key', all: '$.detail' },
      InputTemplate: '{"key": <key>, "text": "is <key>", "all": <all>}',
    }
    const Targets = [
      { Id: 'whole', Arn: target.arn },
      { Id: 'path', Arn: target.arn, InputPath: '$.detail' },
      { Id: 'made', Arn: target.arn, InputTransformer },
    ]
    await events('PutTargets', { Rule: Name, EventBusName, Targets }, { FailedEntryCount: 0 })
    await events(
      'ListTargetsByRule',
      { Rule: Name, EventBusName },
      { Targets: [{ Id: 'whole' }, { InputPath: '$.detail' }, { InputTransformer }] },
    )
    await events('ListRuleNamesByTarget', { TargetArn: target.arn, EventBusName }, { RuleNames: [Name] })
    await events('PutEvents', entry({ ...DETAIL, size: 99 }), { FailedEntryCount: 0 })
    await events('PutEvents', entry(DETAIL), { FailedEntryCount: 0, Entries: [{ EventId: /-/ }] })
    const forms = [
      (body: Members) =>
        (body.detail as Members | undefined)?.size === 3 &&
        body['detail-type'] === 'Called' &&
        body.account === accountId,
      (body: Members) => body.size === 3,
      (body: Members) => body.key === 'k.csv' && body.text === 'is k.csv' && (body.all as Members).size === 3,
    ]
    for (const _ of forms) await receives(target.QueueUrl, (body) => forms.some((form) => form(body)))
    await events(
      'PutEvents',
      { Entries: [{ Source: 'clients', DetailType: 'x', Detail: 'no json' }] },
      {
        FailedEntryCount: 1,
        Entries: [{ ErrorCode: 'MalformedDetail' }],
      },
    )
    await events('RemoveTargets', { Rule: Name, EventBusName, Ids: ['path', 'made'] }, { FailedEntryCount: 0 })
  })
  await stage.part('events', 'archive', () =>
    archive(stage, events, { EventBusName, busArn, entry, receives, queueUrl: target.QueueUrl }),
  )
  await stage.part('events', 'dead letters', async () => {
    await events('RemoveTargets', { Rule: Name, EventBusName, Ids: ['whole'] })
    const Targets = [
      {
        Id: 'none',
        Arn: `${target.arn}-none`,
        DeadLetterConfig: { Arn: dead.arn },
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
      },
    ]
    await events('PutTargets', { Rule: Name, EventBusName, Targets })
    await events('PutEvents', entry(DETAIL))
    await receives(dead.QueueUrl, (body) => body.source === 'clients.test', {
      MessageAttributes: {
        RULE_ARN: { StringValue: /:rule\// },
        TARGET_ARN: { StringValue: /none$/ },
        ERROR_CODE: { StringValue: 'NO_RESOURCE' },
      },
    })
  })
  await stage.part('events', 'of objects', () => ofObjects(stage, events, target))
  await events('RemoveTargets', { Rule: Name, EventBusName, Ids: ['none'] })
  await events('DeleteRule', { Name, EventBusName })
  await events('DeleteEventBus', { Name: EventBusName })
  for (const { QueueUrl } of [target, dead]) await stage.ok('sqs', 'DeleteQueue', { QueueUrl })
}

type Call = (operation: string, input: Members, expected?: Expected) => Promise<Members>

interface ArchiveScene {
  readonly EventBusName: string
  readonly busArn: string
  readonly entry: (detail: Members) => Members
  readonly receives: (queueUrl: string, judge: (body: Members) => boolean) => Promise<Members>
  readonly queueUrl: string
}

async function archive(stage: Stage, events: Call, { busArn, entry, receives, queueUrl }: ArchiveScene): Promise<void> {
  const missing = { code: 'ResourceNotFoundException', status: 400 }
  const ArchiveName = stage.name('archive')
  const EventPattern = JSON.stringify({ source: ['clients.test'] })
  const { ArchiveArn = '' } = await events(
    'CreateArchive',
    { ArchiveName, EventSourceArn: busArn, EventPattern, RetentionDays: 1 },
    { State: 'ENABLED' },
  )
  await stage.fails(
    'events',
    'CreateArchive',
    { ArchiveName, EventSourceArn: busArn },
    { code: 'ResourceAlreadyExistsException', status: 400 },
  )
  await events('UpdateArchive', { ArchiveName, Description: 'changed' }, { State: 'ENABLED' })
  const from = new Date(Date.now() - 60_000).toISOString()
  await events('PutEvents', entry({ ...DETAIL, size: 7 }))
  await receives(queueUrl, (body) => (body.detail as Members).size === 7 && body['replay-name'] === undefined)
  await events(
    'DescribeArchive',
    { ArchiveName },
    { EventCount: 1, RetentionDays: 1, Description: 'changed', EventPattern },
  )
  await events('ListArchives', { NamePrefix: ArchiveName }, { Archives: [{ ArchiveName, EventSourceArn: busArn }] })
  const ReplayName = stage.name('replay')
  const span = { EventStartTime: { $date: from }, EventEndTime: { $date: new Date(Date.now() + 60_000).toISOString() } }
  await events(
    'StartReplay',
    { ReplayName, EventSourceArn: ArchiveArn, ...span, Destination: { Arn: busArn } },
    { State: 'STARTING' },
  )
  await receives(queueUrl, (body) => (body.detail as Members).size === 7 && body['replay-name'] === ReplayName)
  await events('DescribeReplay', { ReplayName }, { State: /RUNNING|COMPLETED/, EventSourceArn: String(ArchiveArn) })
  await events('ListReplays', { NamePrefix: ReplayName }, { Replays: [{ ReplayName }] })
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const { State } = await events('DescribeReplay', { ReplayName })
    if (State === 'COMPLETED') break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await stage.fails('events', 'CancelReplay', { ReplayName }, { code: 'IllegalStatusException', status: 400 })
  await events('DeleteArchive', { ArchiveName })
  await stage.fails('events', 'DescribeArchive', { ArchiveName }, missing)
}

/** A bucket that sends its events: their body as AWS has it. */
async function ofObjects(stage: Stage, events: Call, target: { QueueUrl: string; arn: string }): Promise<void> {
  const { Bucket, s3 } = await versionedBucket(stage, 'watched')
  await s3('PutBucketNotificationConfiguration', { NotificationConfiguration: { EventBridgeConfiguration: {} } })
  const Name = stage.name('objects')
  const EventPattern = JSON.stringify({ source: ['aws.s3'], detail: { bucket: { name: [Bucket] } } })
  await events('PutRule', { Name, EventPattern })
  await events('PutTargets', { Rule: Name, Targets: [{ Id: 'queue', Arn: target.arn }] })
  const Key = 'made/é +%.txt'
  const { VersionId, ETag } = await s3('PutObject', { Key, Body: bytes('seven..') })
  await stage.ok(
    'sqs',
    'ReceiveMessage',
    { QueueUrl: target.QueueUrl, WaitTimeSeconds: 10, VisibilityTimeout: 600 },
    {
      Messages: [
        {
          Body: (body) => {
            const { detail, resources, 'detail-type': type } = JSON.parse(String(body))
            const { object, reason, bucket } = detail
            const isObject =
              object.key === Key &&
              object.size === 7 &&
              object['version-id'] === VersionId &&
              `"${object.etag}"` === ETag
            return (
              type === 'Object Created' &&
              resources[0] === `arn:aws:s3:::${Bucket}` &&
              bucket.name === Bucket &&
              reason === 'PutObject' &&
              isObject &&
              /^[0-9a-fA-F]+$/.test(object.sequencer)
            )
          },
        },
      ],
    },
  )
  await events('RemoveTargets', { Rule: Name, Ids: ['queue'] })
  await events('DeleteRule', { Name })
}
