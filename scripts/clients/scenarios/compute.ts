/** Lambda and Step Functions. */
import { bytes, contentOf, type Members } from '../client.ts'
import type { Expected, Stage } from '../stage.ts'

const parsed = (payload: unknown): Members => JSON.parse(contentOf(payload).toString('utf8'))

export async function playLambda(stage: Stage): Promise<void> {
  const { region, accountId } = stage
  const lambda = (operation: string, input: Members, expected?: Expected) =>
    stage.ok('lambda', operation, input, expected)
  const FunctionName = 'quarantine'
  const arn = `arn:aws:lambda:${region}:${accountId}:function:${FunctionName}`
  const missing = { code: 'ResourceNotFoundException', status: 404, message: /Function not found/ }
  await stage.part('lambda', 'describe', async () => {
    await lambda('ListFunctions', {}, { Functions: [{}, {}, {}] })
    const paged = await stage.pages('lambda', 'ListFunctions', { MaxItems: 2 }, 'Functions', {
      output: 'NextMarker',
      input: 'Marker',
    })
    await stage.check('lambda', 'ListFunctions: pages', () => {
      if (paged.pages !== 2 || paged.items.length !== 3)
        throw new Error(`${paged.items.length} on ${paged.pages} pages`)
    })
    await lambda(
      'GetFunction',
      { FunctionName },
      { Configuration: { FunctionName, FunctionArn: arn, State: 'Active', Version: '$LATEST' } },
    )
    await lambda(
      'GetFunctionConfiguration',
      { FunctionName: arn },
      {
        Timeout: (value) => typeof value === 'number',
        MemorySize: (value) => typeof value === 'number',
        Environment: { Variables: (variables) => Object.keys(variables as object).length > 0 },
      },
    )
    await stage.fails('lambda', 'GetFunction', { FunctionName: 'none' }, missing)
    await lambda(
      'ListVersionsByFunction',
      { FunctionName },
      {
        Versions: (versions) => Array.isArray(versions) && (versions[0] as Members).Version === '$LATEST',
      },
    )
  })
  await stage.part('lambda', 'invoke', async () => {
    const failed = await lambda(
      'Invoke',
      { FunctionName, Payload: bytes('{}'), LogType: 'Tail' },
      { StatusCode: 200, FunctionError: 'Unhandled', ExecutedVersion: '$LATEST', LogResult: /./ },
    )
    await stage.check('lambda', 'Invoke: error and log', () => {
      const { errorType, errorMessage } = parsed(failed.Payload)
      const log = Buffer.from(String(failed.LogResult), 'base64').toString()
      if (!errorType || !errorMessage || !/^START RequestId: [\s\S]*END RequestId: [\s\S]*REPORT RequestId: /.test(log))
        throw new Error(log)
    })
    await stage.fails('lambda', 'Invoke', { FunctionName: 'none', Payload: bytes('{}') }, missing)
    await stage.fails(
      'lambda',
      'Invoke',
      { FunctionName, Payload: bytes('no json') },
      { code: 'InvalidRequestContentException', status: 400 },
    )
    await lambda('Invoke', { FunctionName, InvocationType: 'DryRun' }, { StatusCode: 204 })
    const migrated = await lambda(
      'Invoke',
      { FunctionName: 'metadata', Payload: bytes('{"operation":"migrate"}') },
      { StatusCode: 200 },
    )
    await stage.check('lambda', 'Invoke: result', () => {
      if (migrated.FunctionError !== undefined) throw new Error(JSON.stringify(parsed(migrated.Payload)))
    })
  })
  await stage.part('lambda', 'versions and aliases', async () => {
    await lambda(
      'UpdateFunctionConfiguration',
      { FunctionName, Description: stage.name('of') },
      { Description: stage.name('of') },
    )
    const { Version = '' } = await lambda(
      'PublishVersion',
      { FunctionName },
      { Version: /^\d+$/, FunctionArn: /:\d+$/ },
    )
    const Name = stage.name('live')
    await lambda('CreateAlias', { FunctionName, Name, FunctionVersion: Version }, { AliasArn: `${arn}:${Name}`, Name })
    const conflict = { FunctionName, Name, FunctionVersion: Version }
    await stage.fails('lambda', 'CreateAlias', conflict, { code: 'ResourceConflictException', status: 409 })
    await lambda(
      'Invoke',
      { FunctionName: `${FunctionName}:${Name}`, Payload: bytes('{}') },
      { ExecutedVersion: String(Version) },
    )
    const weights = { AdditionalVersionWeights: { '1': 0.25 } }
    await lambda('UpdateAlias', { FunctionName, Name, RoutingConfig: weights }, { RoutingConfig: weights })
    await lambda('GetAlias', { FunctionName, Name }, { FunctionVersion: String(Version), RoutingConfig: weights })
    await lambda('ListAliases', { FunctionName }, { Aliases: (aliases) => JSON.stringify(aliases).includes(Name) })
    await lambda('DeleteAlias', { FunctionName, Name })
    await stage.fails('lambda', 'GetAlias', { FunctionName, Name }, { code: 'ResourceNotFoundException', status: 404 })
  })
  await stage.part('lambda', 'reserved concurrency', async () => {
    await lambda(
      'PutFunctionConcurrency',
      { FunctionName: 'validate', ReservedConcurrentExecutions: 7 },
      { ReservedConcurrentExecutions: 7 },
    )
    await lambda('GetFunctionConcurrency', { FunctionName: 'validate' }, { ReservedConcurrentExecutions: 7 })
    await lambda('DeleteFunctionConcurrency', { FunctionName: 'validate' })
  })
  await stage.part('lambda', 'asynchronous', () => asynchronous(stage, lambda))
}

/** An event that fails goes to the queue that the function's configuration names. */
async function asynchronous(
  stage: Stage,
  lambda: (operation: string, input: Members, expected?: Expected) => Promise<Members>,
): Promise<void> {
  const { region, accountId } = stage
  const FunctionName = 'quarantine'
  const { Role = '' } = await lambda('GetFunctionConfiguration', { FunctionName })
  const QueueName = stage.name('failures')
  const queueArn = `arn:aws:sqs:${region}:${accountId}:${QueueName}`
  const statement = { Effect: 'Allow', Principal: { AWS: Role }, Action: 'sqs:SendMessage', Resource: queueArn }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  const { QueueUrl = '' } = await stage.ok('sqs', 'CreateQueue', { QueueName, Attributes: { Policy } })
  const { Version = '' } = await lambda('PublishVersion', { FunctionName })
  const Name = stage.name('async')
  await lambda('CreateAlias', { FunctionName, Name, FunctionVersion: Version })
  const place = { FunctionName, Qualifier: Name }
  await stage.fails('lambda', 'GetFunctionEventInvokeConfig', place, { code: 'ResourceNotFoundException', status: 404 })
  await lambda(
    'PutFunctionEventInvokeConfig',
    { ...place, MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 600 },
    { MaximumRetryAttempts: 1 },
  )
  const DestinationConfig = { OnFailure: { Destination: queueArn } }
  await lambda(
    'UpdateFunctionEventInvokeConfig',
    { ...place, MaximumRetryAttempts: 0, DestinationConfig },
    { MaximumEventAgeInSeconds: 600 },
  )
  await lambda('GetFunctionEventInvokeConfig', place, { MaximumRetryAttempts: 0, DestinationConfig })
  await lambda(
    'ListFunctionEventInvokeConfigs',
    { FunctionName },
    { FunctionEventInvokeConfigs: (list) => JSON.stringify(list).includes(queueArn) },
  )
  await lambda('Invoke', { ...place, InvocationType: 'Event', Payload: bytes('{"asked":1}') }, { StatusCode: 202 })
  await stage.ok(
    'sqs',
    'ReceiveMessage',
    { QueueUrl, WaitTimeSeconds: 10 },
    {
      Messages: [
        {
          Body: (body) => {
            const { requestContext, requestPayload, responseContext } = JSON.parse(String(body))
            return (
              requestContext.condition === 'RetriesExhausted' &&
              requestPayload.asked === 1 &&
              responseContext.functionError === 'Unhandled'
            )
          },
        },
      ],
    },
  )
  await lambda('DeleteFunctionEventInvokeConfig', place)
  await lambda('DeleteAlias', { FunctionName, Name })
  await stage.ok('sqs', 'DeleteQueue', { QueueUrl })
}

const DEFINITION = {
  QueryLanguage: 'JSONata',
  StartAt: 'Decide',
  States: {
    Decide: {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $states.input.fail = true %}', Next: 'Fails' },
        { Condition: '{% $states.input.wait = true %}', Next: 'Waits' },
      ],
      Default: 'Done',
    },
    Fails: { Type: 'Fail', Error: 'Asked', Cause: 'as asked' },
    Waits: { Type: 'Wait', Seconds: 600, Next: 'Done' },
    Done: { Type: 'Succeed', Output: "{% {'seen': $states.input} %}" },
  },
}

export async function playStates(stage: Stage): Promise<void> {
  const { region, accountId } = stage
  const states = (operation: string, input: Members, expected?: Expected) =>
    stage.ok('states', operation, input, expected)
  const base = `arn:aws:states:${region}:${accountId}`
  const { stateMachines } = await states(
    'ListStateMachines',
    {},
    { stateMachines: (list) => Array.isArray(list) && list.length >= 5 },
  )
  const [deployed] = (stateMachines as readonly Members[]).filter(({ name }) => name === 'ingest')
  const { roleArn = '' } = await states(
    'DescribeStateMachine',
    { stateMachineArn: String(deployed?.stateMachineArn) },
    { status: 'ACTIVE' },
  )
  const name = stage.name('machine')
  const definition = JSON.stringify(DEFINITION)
  const stateMachineArn = `${base}:stateMachine:${name}`
  const tags = [{ key: 'team', value: 'data' }]
  await states('CreateStateMachine', { name, definition, roleArn, tags }, { stateMachineArn })
  await stage.part('states', 'machines', async () => {
    await states('ValidateStateMachineDefinition', { definition }, { result: 'OK' })
    await states('ValidateStateMachineDefinition', { definition: '{"StartAt":"no","States":{}}' }, { result: 'FAIL' })
    const broken = { name: `${name}-2`, definition: '{}', roleArn }
    await stage.fails('states', 'CreateStateMachine', broken, { code: 'InvalidDefinition', status: 400 })
    const absent = { stateMachineArn: `${stateMachineArn}-none` }
    await stage.fails('states', 'DescribeStateMachine', absent, { code: 'StateMachineDoesNotExist', status: 400 })
    const paged = await stage.pages('states', 'ListStateMachines', { maxResults: 2 }, 'stateMachines', {
      output: 'nextToken',
      input: 'nextToken',
    })
    await stage.check('states', 'ListStateMachines: pages', () => {
      if (paged.pages < 3) throw new Error(`${paged.pages} pages`)
    })
    await states('ListTagsForResource', { resourceArn: stateMachineArn }, { tags })
    await states('TagResource', { resourceArn: stateMachineArn, tags: [{ key: 'more', value: 'x' }] })
    await states('UntagResource', { resourceArn: stateMachineArn, tagKeys: ['team'] })
    await states('ListTagsForResource', { resourceArn: stateMachineArn }, { tags: [{ key: 'more' }] })
  })
  await stage.part('states', 'executions', () => executions(stage, stateMachineArn, name))
  await stage.part('states', 'versions and aliases', async () => {
    await states('UpdateStateMachine', { stateMachineArn, definition }, { updateDate: (date) => date !== undefined })
    const first = await states(
      'PublishStateMachineVersion',
      { stateMachineArn, description: 'first' },
      { stateMachineVersionArn: /:\d+$/ },
    )
    const version = String(first.stateMachineVersionArn)
    const routingConfiguration = [{ stateMachineVersionArn: version, weight: 100 }]
    const alias = `${stateMachineArn}:live`
    await states('CreateStateMachineAlias', { name: 'live', routingConfiguration }, { stateMachineAliasArn: alias })
    await states('UpdateStateMachineAlias', {
      stateMachineAliasArn: alias,
      description: 'changed',
      routingConfiguration,
    })
    await states(
      'DescribeStateMachineAlias',
      { stateMachineAliasArn: alias },
      { description: 'changed', routingConfiguration },
    )
    await states(
      'ListStateMachineAliases',
      { stateMachineArn },
      { stateMachineAliases: [{ stateMachineAliasArn: alias }] },
    )
    await states(
      'ListStateMachineVersions',
      { stateMachineArn },
      { stateMachineVersions: [{ stateMachineVersionArn: version }] },
    )
    await states('StartExecution', { stateMachineArn: alias, input: '{}' })
    await stage.fails(
      'states',
      'DeleteStateMachineVersion',
      { stateMachineVersionArn: version },
      { code: 'ConflictException', status: 400 },
    )
    await states('DeleteStateMachineAlias', { stateMachineAliasArn: alias })
    await states('DeleteStateMachineVersion', { stateMachineVersionArn: version })
  })
  await stage.part('states', 'express', async () => {
    const express = stage.name('express')
    await states('CreateStateMachine', { name: express, definition, roleArn, type: 'EXPRESS' })
    const arn = `${base}:stateMachine:${express}`
    await states(
      'StartSyncExecution',
      { stateMachineArn: arn, input: '{"a":1}' },
      { status: 'SUCCEEDED', output: '{"seen":{"a":1}}' },
    )
    await states(
      'StartSyncExecution',
      { stateMachineArn: arn, input: '{"fail":true}' },
      { status: 'FAILED', error: 'Asked', cause: 'as asked' },
    )
    await states('DeleteStateMachine', { stateMachineArn: arn })
  })
  await stage.part('states', 'task tokens', async () => {
    for (const [operation, rest] of [
      ['SendTaskSuccess', { output: '{}' }],
      ['SendTaskFailure', {}],
      ['SendTaskHeartbeat', {}],
    ] as const)
      await stage.fails('states', operation, { taskToken: 'none', ...rest }, { code: 'InvalidToken', status: 400 })
  })
  await states('DeleteStateMachine', { stateMachineArn })
}

async function executions(stage: Stage, stateMachineArn: string, machine: string): Promise<void> {
  const states = (operation: string, input: Members, expected?: Expected) =>
    stage.ok('states', operation, input, expected)
  const executionArn = `arn:aws:states:${stage.region}:${stage.accountId}:execution:${machine}:one`
  await states('StartExecution', { stateMachineArn, name: 'one', input: '{"ü":1}' }, { executionArn })
  await ended(stage, executionArn)
  await states(
    'DescribeExecution',
    { executionArn },
    { status: 'SUCCEEDED', output: '{"seen":{"ü":1}}', input: '{"ü":1}' },
  )
  const again = { stateMachineArn, name: 'one', input: '{}' }
  await stage.fails('states', 'StartExecution', again, { code: 'ExecutionAlreadyExists', status: 400 })
  await stage.fails(
    'states',
    'StartExecution',
    { stateMachineArn, input: 'no' },
    { code: 'InvalidExecutionInput', status: 400 },
  )
  await states('DescribeStateMachineForExecution', { executionArn }, { stateMachineArn, name: machine })
  await states(
    'GetExecutionHistory',
    { executionArn, reverseOrder: true, maxResults: 1 },
    { events: [{ type: 'ExecutionSucceeded' }] },
  )
  const history = await stage.pages('states', 'GetExecutionHistory', { executionArn, maxResults: 2 }, 'events', {
    output: 'nextToken',
    input: 'nextToken',
  })
  await stage.check('states', 'GetExecutionHistory: pages', () => {
    const types = history.items.map((event) => (event as Members).type)
    if (history.pages < 3 || types[0] !== 'ExecutionStarted') throw new Error(JSON.stringify(types))
  })
  const failed = `${executionArn.slice(0, -3)}failed`
  await states('StartExecution', { stateMachineArn, name: 'failed', input: '{"fail":true}' })
  await ended(stage, failed)
  await states('DescribeExecution', { executionArn: failed }, { status: 'FAILED', error: 'Asked', cause: 'as asked' })
  await states('RedriveExecution', { executionArn: failed }, { redriveDate: (date) => date !== undefined })
  await ended(stage, failed)
  const waiting = `${executionArn.slice(0, -3)}waiting`
  await states('StartExecution', { stateMachineArn, name: 'waiting', input: '{"wait":true}' })
  await states('ListExecutions', { stateMachineArn, statusFilter: 'RUNNING' }, { executions: [{ name: 'waiting' }] })
  await states('StopExecution', { executionArn: waiting, error: 'Stopped', cause: 'enough' })
  await states('DescribeExecution', { executionArn: waiting }, { status: 'ABORTED', error: 'Stopped' })
  await stage.fails(
    'states',
    'DescribeExecution',
    { executionArn: `${executionArn}x` },
    { code: 'ExecutionDoesNotExist', status: 400 },
  )
  await states('ListMapRuns', { executionArn }, { mapRuns: [] })
  const mapRunArn = `arn:aws:states:${stage.region}:${stage.accountId}:mapRun:${machine}/none:none`
  const absent = { code: 'ResourceNotFound', status: 400 }
  await stage.fails('states', 'DescribeMapRun', { mapRunArn }, absent)
  await stage.fails('states', 'UpdateMapRun', { mapRunArn, maxConcurrency: 1 }, absent)
}

async function ended(stage: Stage, executionArn: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { status } = await stage.ok('states', 'DescribeExecution', { executionArn })
    if (status !== 'RUNNING') return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
