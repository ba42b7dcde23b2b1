/** SQS and SNS. */
import type { Members } from '../client.ts'
import type { Stage } from '../stage.ts'

const memberOf = (value: unknown, name: string): string => String((value as Members | undefined)?.[name])

export async function playSqs(stage: Stage): Promise<void> {
  const { region, accountId } = stage
  const arnOf = (name: string): string => `arn:aws:sqs:${region}:${accountId}:${name}`
  const sqs = (operation: string, input: Members, expected?: Parameters<Stage['ok']>[3]) =>
    stage.ok('sqs', operation, input, expected)
  const [name, deadName] = [stage.name('queue'), stage.name('dead')]
  const { QueueUrl: dead = '' } = await sqs('CreateQueue', { QueueName: deadName })
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(deadName), maxReceiveCount: '2' })
  const { QueueUrl = '' } = await sqs('CreateQueue', {
    QueueName: name,
    Attributes: { VisibilityTimeout: '30', RedrivePolicy },
    tags: { team: 'data' },
  })
  const missing = {
    code: ['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'],
    status: 400,
    message: /does not exist/,
  }
  await stage.part('sqs', 'queues', async () => {
    await sqs('GetQueueUrl', { QueueName: name }, { QueueUrl: String(QueueUrl) })
    await stage.fails('sqs', 'GetQueueUrl', { QueueName: `no-${name}` }, missing)
    await sqs(
      'GetQueueAttributes',
      { QueueUrl, AttributeNames: ['All'] },
      {
        Attributes: {
          QueueArn: arnOf(name),
          VisibilityTimeout: '30',
          ApproximateNumberOfMessages: '0',
          RedrivePolicy: /maxReceiveCount/,
        },
      },
    )
    await sqs('SetQueueAttributes', { QueueUrl, Attributes: { VisibilityTimeout: '0' } })
    await sqs(
      'GetQueueAttributes',
      { QueueUrl, AttributeNames: ['VisibilityTimeout'] },
      { Attributes: { VisibilityTimeout: '0' } },
    )
    await sqs('ListQueues', { QueueNamePrefix: name }, { QueueUrls: [String(QueueUrl)] })
    const listed = await stage.pages('sqs', 'ListQueues', { MaxResults: 1 }, 'QueueUrls', {
      output: 'NextToken',
      input: 'NextToken',
    })
    await stage.check('sqs', 'ListQueues: pages', () => {
      if (listed.pages < 3 || !listed.items.includes(QueueUrl)) throw new Error(`${listed.pages} pages`)
    })
    await sqs('ListDeadLetterSourceQueues', { QueueUrl: dead }, { queueUrls: [String(QueueUrl)] })
    await sqs('ListQueueTags', { QueueUrl }, { Tags: { team: 'data' } })
    await sqs('TagQueue', { QueueUrl, Tags: { more: 'yes' } })
    await sqs('UntagQueue', { QueueUrl, TagKeys: ['team'] })
    await sqs('ListQueueTags', { QueueUrl }, (output: unknown) => JSON.stringify(output) === '{"Tags":{"more":"yes"}}')
  })
  await stage.part('sqs', 'messages', async () => {
    const attribute = { DataType: 'String', StringValue: 'grün' }
    await sqs(
      'SendMessage',
      { QueueUrl, MessageBody: 'one <&> ü', MessageAttributes: { colour: attribute } },
      { MessageId: /-/, MD5OfMessageBody: /^[0-9a-f]{32}$/, MD5OfMessageAttributes: /^[0-9a-f]{32}$/ },
    )
    const received = await sqs(
      'ReceiveMessage',
      { QueueUrl, VisibilityTimeout: 30, AttributeNames: ['All'], MessageAttributeNames: ['All'] },
      {
        Messages: [
          { Body: 'one <&> ü', Attributes: { ApproximateReceiveCount: '1' }, MessageAttributes: { colour: attribute } },
        ],
      },
    )
    const handle = memberOf((received.Messages as readonly unknown[])[0], 'ReceiptHandle')
    await sqs(
      'ReceiveMessage',
      { QueueUrl, WaitTimeSeconds: 0 },
      (output: unknown) => !JSON.stringify(output).includes('Body'),
    )
    await sqs('ChangeMessageVisibility', { QueueUrl, ReceiptHandle: handle, VisibilityTimeout: 0 })
    const again = await sqs(
      'ReceiveMessage',
      { QueueUrl, VisibilityTimeout: 30 },
      { Messages: [{ Body: 'one <&> ü' }] },
    )
    const second = memberOf((again.Messages as readonly unknown[])[0], 'ReceiptHandle')
    await sqs(
      'ChangeMessageVisibilityBatch',
      { QueueUrl, Entries: [{ Id: 'a', ReceiptHandle: second, VisibilityTimeout: 0 }] },
      { Successful: [{ Id: 'a' }] },
    )
    await sqs('ReceiveMessage', { QueueUrl }, (output: unknown) => !JSON.stringify(output).includes('Body'))
    await sqs('ReceiveMessage', { QueueUrl: dead, VisibilityTimeout: 0 }, { Messages: [{ Body: 'one <&> ü' }] })
    const broken = { QueueUrl, ReceiptHandle: 'no' }
    await stage.fails('sqs', 'DeleteMessage', broken, { code: 'ReceiptHandleIsInvalid', status: 404 })
    const entries = ['1', '2', '3'].map((Id) => ({ Id, MessageBody: `batch ${Id}` }))
    await sqs(
      'SendMessageBatch',
      { QueueUrl, Entries: entries },
      { Successful: [{ Id: '1' }, { Id: '2' }, { Id: '3' }] },
    )
    const twice = { QueueUrl, Entries: [entries[0] ?? {}, entries[0] ?? {}] }
    const code = ['BatchEntryIdsNotDistinct', 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct']
    await stage.fails('sqs', 'SendMessageBatch', twice, { code, status: 400 })
    const batch = await sqs(
      'ReceiveMessage',
      { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 30 },
      { Messages: [{}, {}, {}] },
    )
    const [one, ...others] = (batch.Messages as readonly unknown[]).map((message) => memberOf(message, 'ReceiptHandle'))
    await sqs('DeleteMessage', { QueueUrl, ReceiptHandle: one })
    const Entries = others.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }))
    await sqs('DeleteMessageBatch', { QueueUrl, Entries }, { Successful: [{ Id: '0' }, { Id: '1' }] })
    await sqs('PurgeQueue', { QueueUrl: dead })
  })
  await sqs('DeleteQueue', { QueueUrl })
  await sqs('DeleteQueue', { QueueUrl: dead })
  await stage.fails('sqs', 'SendMessage', { QueueUrl, MessageBody: 'x' }, missing)
}

export async function playSns(stage: Stage): Promise<void> {
  const { region, accountId } = stage
  const sns = (operation: string, input: Members, expected?: Parameters<Stage['ok']>[3]) =>
    stage.ok('sns', operation, input, expected)
  const name = stage.name('topic')
  const TopicArn = `arn:aws:sns:${region}:${accountId}:${name}`
  const queueArn = `arn:aws:sqs:${region}:${accountId}:${stage.name('subscriber')}`
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
      },
    ],
  })
  const { QueueUrl = '' } = await stage.ok('sqs', 'CreateQueue', {
    QueueName: stage.name('subscriber'),
    Attributes: { Policy },
  })
  await sns(
    'CreateTopic',
    { Name: name, Attributes: { DisplayName: 'shown' }, Tags: [{ Key: 'a', Value: 'b' }] },
    { TopicArn },
  )
  await stage.part('sns', 'topics', async () => {
    await sns('GetTopicAttributes', { TopicArn }, { Attributes: { TopicArn, DisplayName: 'shown', Owner: accountId } })
    await sns('SetTopicAttributes', { TopicArn, AttributeName: 'DisplayName', AttributeValue: 'changed & <kept>' })
    await sns('GetTopicAttributes', { TopicArn }, { Attributes: { DisplayName: 'changed & <kept>' } })
    await sns('ListTopics', {}, { Topics: (topics) => JSON.stringify(topics).includes(TopicArn) })
    await sns('ListTagsForResource', { ResourceArn: TopicArn }, { Tags: [{ Key: 'a', Value: 'b' }] })
    await stage.fails(
      'sns',
      'GetTopicAttributes',
      { TopicArn: `${TopicArn}x` },
      { code: ['NotFound', 'NotFoundException'], status: 404 },
    )
  })
  await stage.part('sns', 'subscriptions', async () => {
    const { SubscriptionArn = '' } = await sns('Subscribe', {
      TopicArn,
      Protocol: 'sqs',
      Endpoint: queueArn,
      Attributes: { FilterPolicy: '{"kind":["wanted"]}' },
    })
    const received = (expected: (body: string) => boolean) =>
      stage.ok(
        'sqs',
        'ReceiveMessage',
        { QueueUrl, WaitTimeSeconds: 5, VisibilityTimeout: 300, MessageAttributeNames: ['All'] },
        {
          Messages: [{ Body: (body) => expected(String(body)) }],
        },
      )
    const kind = (StringValue: string) => ({ kind: { DataType: 'String', StringValue } })
    await sns('Publish', { TopicArn, Message: 'not this', MessageAttributes: kind('other') }, { MessageId: /-/ })
    await sns(
      'Publish',
      { TopicArn, Message: 'this', Subject: 'about', MessageAttributes: kind('wanted') },
      { MessageId: /-/ },
    )
    await received((body) => {
      const { Type, Message, Subject, TopicArn: from } = JSON.parse(body)
      return Type === 'Notification' && Message === 'this' && Subject === 'about' && from === TopicArn
    })
    await sns('SetSubscriptionAttributes', {
      SubscriptionArn,
      AttributeName: 'RawMessageDelivery',
      AttributeValue: 'true',
    })
    await sns(
      'GetSubscriptionAttributes',
      { SubscriptionArn },
      {
        Attributes: {
          RawMessageDelivery: 'true',
          FilterPolicy: '{"kind":["wanted"]}',
          Protocol: 'sqs',
          Endpoint: queueArn,
        },
      },
    )
    const entry = { Id: '1', Message: 'raw', MessageAttributes: kind('wanted') }
    await sns('PublishBatch', { TopicArn, PublishBatchRequestEntries: [entry] }, { Successful: [{ Id: '1' }] })
    await received((body) => body === 'raw')
    await sns(
      'ListSubscriptionsByTopic',
      { TopicArn },
      { Subscriptions: [{ SubscriptionArn: String(SubscriptionArn), Endpoint: queueArn }] },
    )
    await sns('ListSubscriptions', {}, { Subscriptions: (list) => JSON.stringify(list).includes(queueArn) })
    await stage.fails(
      'sns',
      'Publish',
      { TopicArn, Message: '' },
      { code: ['InvalidParameter', 'InvalidParameterException'], status: 400 },
    )
    await sns('Unsubscribe', { SubscriptionArn })
  })
  await sns('DeleteTopic', { TopicArn })
  await stage.ok('sqs', 'DeleteQueue', { QueueUrl })
}
