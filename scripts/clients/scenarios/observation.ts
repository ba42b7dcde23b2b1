/** CloudWatch's logs and metrics, SSM parameters, secrets, and who one is. */
import type { Members } from '../client.ts'
import type { Stage } from '../stage.ts'

export async function playLogs(stage: Stage): Promise<void> {
  const logs = (operation: string, input: Members, expected?: Parameters<Stage['ok']>[3]) =>
    stage.ok('logs', operation, input, expected)
  const logGroupName = `/clients/${stage.name('group')}`
  await stage.part('logs', 'put and read', async () => {
    await logs('CreateLogGroup', { logGroupName })
    await stage.fails(
      'logs',
      'CreateLogGroup',
      { logGroupName },
      { code: 'ResourceAlreadyExistsException', status: 400 },
    )
    await logs('PutRetentionPolicy', { logGroupName, retentionInDays: 7 })
    await logs(
      'DescribeLogGroups',
      { logGroupNamePrefix: logGroupName },
      { logGroups: [{ logGroupName, retentionInDays: 7 }] },
    )
    await logs('DeleteRetentionPolicy', { logGroupName })
    for (const logStreamName of ['one', 'two']) await logs('CreateLogStream', { logGroupName, logStreamName })
    const now = Date.now()
    const events = ['first', '{"level":"ERROR","code":500}', 'third'].map((message, index) => ({
      timestamp: now + index,
      message,
    }))
    await logs('PutLogEvents', { logGroupName, logStreamName: 'one', logEvents: events })
    await logs('PutLogEvents', {
      logGroupName,
      logStreamName: 'two',
      logEvents: [{ timestamp: now + 9, message: 'ERROR elsewhere' }],
    })
    await logs(
      'DescribeLogStreams',
      { logGroupName, orderBy: 'LastEventTime', descending: true },
      {
        logStreams: [
          { logStreamName: 'two' },
          { logStreamName: 'one', firstEventTimestamp: now, lastEventTimestamp: now + 2 },
        ],
      },
    )
    const one = { logGroupName, logStreamName: 'one' }
    const page = await logs(
      'GetLogEvents',
      { ...one, limit: 2, startFromHead: true },
      { events: [{ message: 'first' }, {}] },
    )
    await logs(
      'GetLogEvents',
      { ...one, startFromHead: true, nextToken: page.nextForwardToken },
      { events: [{ message: 'third' }] },
    )
    await logs(
      'FilterLogEvents',
      { logGroupName, filterPattern: 'ERROR' },
      { events: [{ logStreamName: 'one' }, { logStreamName: 'two' }] },
    )
    await logs(
      'FilterLogEvents',
      { logGroupName, filterPattern: '{ $.code >= 500 }' },
      { events: [{ timestamp: now + 1 }] },
    )
    const paged = await stage.pages('logs', 'FilterLogEvents', { logGroupName, limit: 3 }, 'events', {
      output: 'nextToken',
      input: 'nextToken',
    })
    await stage.check('logs', 'FilterLogEvents: pages', () => {
      if (paged.pages !== 2 || paged.items.length !== 4)
        throw new Error(`${paged.items.length} on ${paged.pages} pages`)
    })
    await stage.fails(
      'logs',
      'GetLogEvents',
      { logGroupName, logStreamName: 'none' },
      { code: 'ResourceNotFoundException', status: 400 },
    )
    await logs('DeleteLogStream', one)
    await logs('DeleteLogGroup', { logGroupName })
    await stage.fails(
      'logs',
      'DescribeLogStreams',
      { logGroupName },
      { code: 'ResourceNotFoundException', status: 400 },
    )
  })
  await stage.part('logs', 'of functions', async () => {
    const group = '/aws/lambda/metadata'
    await logs(
      'DescribeLogStreams',
      { logGroupName: group, limit: 1 },
      { logStreams: [{ logStreamName: /^\d{4}\/\d\d\/\d\d\/\[/ }] },
    )
    await logs(
      'FilterLogEvents',
      { logGroupName: group, filterPattern: 'REPORT RequestId' },
      {
        events: (events) => Array.isArray(events) && events.length > 0,
      },
    )
  })
}

export async function playMonitoring(stage: Stage): Promise<void> {
  const metrics = (operation: string, input: Members, expected?: Parameters<Stage['ok']>[3]) =>
    stage.ok('monitoring', operation, input, expected)
  const Namespace = stage.name('Sluice')
  const Dimensions = [{ Name: 'tenant', Value: 'acme' }]
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  const at = (millis: number) => ({ $date: new Date(millis).toISOString() })
  const MetricData = [
    { MetricName: 'Rows', Dimensions, Value: 10, Unit: 'Count', Timestamp: at(minute) },
    {
      MetricName: 'Rows',
      Dimensions,
      Values: [1, 2, 3],
      Counts: [1, 1, 2],
      Unit: 'Count',
      Timestamp: at(minute + 1000),
    },
    { MetricName: 'Other', StatisticValues: { SampleCount: 2, Sum: 8, Minimum: 3, Maximum: 5 }, Timestamp: at(minute) },
  ]
  await metrics('PutMetricData', { Namespace, MetricData })
  await metrics('ListMetrics', { Namespace }, { Metrics: [{}, {}] })
  await metrics(
    'ListMetrics',
    { Namespace, MetricName: 'Rows' },
    { Metrics: [{ Namespace, MetricName: 'Rows', Dimensions }] },
  )
  const span = { StartTime: at(minute - 60_000), EndTime: at(minute + 60_000), Period: 60 }
  await metrics(
    'GetMetricStatistics',
    {
      Namespace,
      MetricName: 'Rows',
      Dimensions,
      ...span,
      Statistics: ['Sum', 'Average', 'SampleCount', 'Minimum', 'Maximum'],
    },
    { Label: 'Rows', Datapoints: [{ Sum: 19, SampleCount: 5, Average: 3.8, Minimum: 1, Maximum: 10, Unit: 'Count' }] },
  )
  const { StartTime, EndTime } = span
  const query = { Id: 'q', MetricStat: { Metric: { Namespace, MetricName: 'Other' }, Period: 60, Stat: 'Average' } }
  await metrics(
    'GetMetricData',
    { MetricDataQueries: [query], StartTime, EndTime },
    {
      MetricDataResults: [{ Id: 'q', Values: [4], StatusCode: 'Complete' }],
    },
  )
  await metrics('DescribeAlarms', {}, { MetricAlarms: [] })
  await stage.fails(
    'monitoring',
    'PutMetricData',
    { Namespace, MetricData: [{ MetricName: 'Rows' }] },
    {
      code: ['MissingParameter', 'MissingRequiredParameterException'],
      status: 400,
    },
  )
}

export async function playSsm(stage: Stage): Promise<void> {
  const ssm = (operation: string, input: Members, expected?: Parameters<Stage['ok']>[3]) =>
    stage.ok('ssm', operation, input, expected)
  const path = `/${stage.name('parameters')}`
  const Name = `${path}/one`
  await ssm('PutParameter', { Name, Value: 'first', Type: 'String', Description: 'of a test' }, { Version: 1 })
  await stage.fails(
    'ssm',
    'PutParameter',
    { Name, Value: 'x', Type: 'String' },
    { code: 'ParameterAlreadyExists', status: 400 },
  )
  await ssm('PutParameter', { Name, Value: 'second', Overwrite: true }, { Version: 2 })
  await ssm(
    'GetParameter',
    { Name },
    { Parameter: { Name, Value: 'second', Version: 2, Type: 'String', ARN: /:parameter\// } },
  )
  await ssm('GetParameter', { Name: `${Name}:1` }, { Parameter: { Value: 'first' } })
  await stage.fails('ssm', 'GetParameter', { Name: `${path}/none` }, { code: 'ParameterNotFound', status: 400 })
  for (const name of ['two', 'three', 'deep/four'])
    await ssm('PutParameter', { Name: `${path}/${name}`, Value: name, Type: 'SecureString' })
  await ssm(
    'GetParameters',
    { Names: [Name, `${path}/none`] },
    { Parameters: [{ Name }], InvalidParameters: [`${path}/none`] },
  )
  await ssm('GetParametersByPath', { Path: path }, { Parameters: [{}, {}, {}] })
  const deep = { Path: path, Recursive: true, WithDecryption: true, MaxResults: 3 }
  const tokens = { output: 'NextToken', input: 'NextToken' }
  const paged = await stage.pages('ssm', 'GetParametersByPath', deep, 'Parameters', tokens)
  await stage.check('ssm', 'GetParametersByPath: pages', () => {
    if (paged.pages !== 2 || paged.items.length !== 4) throw new Error(`${paged.items.length} on ${paged.pages} pages`)
  })
  const filter = { Key: 'Name', Option: 'BeginsWith', Values: [path] }
  await ssm('DescribeParameters', { ParameterFilters: [filter] }, { Parameters: [{}, {}, {}, {}] })
  await ssm(
    'GetParameterHistory',
    { Name },
    {
      Parameters: [
        { Value: 'first', Version: 1 },
        { Value: 'second', Version: 2 },
      ],
    },
  )
  await ssm('DeleteParameter', { Name })
  await ssm(
    'DeleteParameters',
    { Names: [`${path}/two`, `${path}/three`, `${path}/deep/four`, Name] },
    {
      DeletedParameters: [/two/, /three/, /four/],
      InvalidParameters: [Name],
    },
  )
}

export async function playSecrets(stage: Stage): Promise<void> {
  const secrets = (operation: string, input: Members, expected?: Parameters<Stage['ok']>[3]) =>
    stage.ok('secretsmanager', operation, input, expected)
  const { SecretList } = await secrets(
    'ListSecrets',
    {},
    { SecretList: (list) => Array.isArray(list) && list.length > 1 },
  )
  const [first] = SecretList as readonly Members[]
  const SecretId = String(first?.ARN)
  const listed = await stage.pages('secretsmanager', 'ListSecrets', { MaxResults: 1 }, 'SecretList', {
    output: 'NextToken',
    input: 'NextToken',
  })
  await stage.check('secretsmanager', 'ListSecrets: pages', () => {
    if (listed.pages < 2) throw new Error('one page')
  })
  await secrets(
    'ListSecrets',
    { Filters: [{ Key: 'name', Values: [String(first?.Name)] }] },
    { SecretList: [{ ARN: SecretId }] },
  )
  await secrets(
    'DescribeSecret',
    { SecretId },
    { ARN: SecretId, VersionIdsToStages: (stages) => JSON.stringify(stages).includes('AWSCURRENT') },
  )
  const value = await secrets(
    'GetSecretValue',
    { SecretId },
    { ARN: SecretId, SecretString: /./, VersionStages: ['AWSCURRENT'] },
  )
  await secrets(
    'ListSecretVersionIds',
    { SecretId },
    { Versions: [{ VersionId: String(value.VersionId), VersionStages: ['AWSCURRENT'] }] },
  )
  await secrets(
    'BatchGetSecretValue',
    { SecretIdList: [SecretId, 'none'] },
    {
      SecretValues: [{ ARN: SecretId, SecretString: String(value.SecretString) }],
      Errors: [{ SecretId: 'none', ErrorCode: 'ResourceNotFoundException' }],
    },
  )
  const missing = { code: 'ResourceNotFoundException', status: 400 }
  await stage.fails('secretsmanager', 'GetSecretValue', { SecretId: 'none' }, missing)
  await stage.fails('secretsmanager', 'DescribeSecret', { SecretId: 'none' }, missing)
}

export async function playIdentity(stage: Stage): Promise<void> {
  await stage.ok(
    'sts',
    'GetCallerIdentity',
    {},
    {
      Account: stage.accountId,
      Arn: `arn:aws:iam::${stage.accountId}:user/operator`,
      UserId: /^AIDA/,
    },
  )
  const unknown = { code: ['NotImplemented'], status: 501 }
  await stage.fails('sts', 'GetFederationToken', { Name: 'someone' }, { ...unknown, message: /sts:GetFederationToken/ })
  await stage.fails('s3', 'GetBucketWebsite', { Bucket: 'any-bucket' }, { ...unknown, message: /s3:GetBucketWebsite/ })
  await stage.fails('lambda', 'GetAccountSettings', {}, { ...unknown, message: /lambda:GetAccountSettings/ })
  await stage.fails('glue', 'GetCrawlers', {}, { ...unknown, message: /glue:GetCrawlers/ })
  await stage.fails(
    'sqs',
    'ListMessageMoveTasks',
    { SourceArn: 'arn:aws:sqs:us-east-2:0:q' },
    { ...unknown, message: /sqs:ListMessageMoveTasks/ },
  )
}
