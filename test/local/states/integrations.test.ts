import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import type { Json } from '../../../core/json.ts'
import { AwsError } from '../../../local/service.ts'
import { type Answer, harness } from './harness.ts'

const task = (resource: string, args: Json, more: Record<string, Json> = {}) => ({
  T: { Type: 'Task', Resource: `arn:aws:states:::${resource}`, Arguments: args, End: true, ...more },
})
const outputOf = (description: Record<string, unknown>): unknown => JSON.parse(String(description.output))

describe('arguments', () => {
  test('of a service are an object: any other value fails the evaluation', async () => {
    const { create, run, calls } = harness()
    expect(await run(await create('m', task('lambda:invoke', '{% 3 %}')))).toMatchObject({
      error: 'States.QueryEvaluationError',
      cause: expect.stringMatching(
        /field 'Arguments' returned an unexpected result type. Expected 'object', but was 'number'/,
      ),
    })
    expect(calls).toEqual([])
  })
})

describe('aws-sdk', () => {
  test('an object is its text, its times ISO 8601, what is absent is left out', async () => {
    const { create, run, calls } = harness(() => ({
      Body: Readable.from(['{"a"', ':1}']),
      ETag: '"e"',
      LastModified: new Date('2025-11-06T12:21:01Z'),
      Metadata: { lower: 'kept' },
      VersionId: undefined,
    }))
    const machine = await create('m', task('aws-sdk:s3:getObject', { Bucket: 'b', Key: 'k' }))
    expect(outputOf(await run(machine))).toEqual({
      Body: '{"a":1}',
      ETag: '"e"',
      LastModified: '2025-11-06T12:21:01Z',
      Metadata: { lower: 'kept' },
    })
    expect(calls).toMatchObject([{ service: 's3', operation: 'GetObject', input: { Bucket: 'b', Key: 'k' } }])
  })

  test('a body that is put is its JSON text, with the quotes of a string', async () => {
    const { create, run, calls } = harness()
    await run(await create('m', task('aws-sdk:s3:putObject', { Bucket: 'b', Key: 'k', Body: 'text data' })))
    expect(Buffer.from(calls[0]?.input.Body as Uint8Array).toString()).toBe('"text data"')
  })

  test('members of Redshift Data are capitalised, also of records', async () => {
    const { create, run, calls } = harness(() => ({
      Records: [[{ longValue: 1 }, { isNull: true }]],
      ColumnMetadata: [{ name: 'n', typeName: 'int8' }],
    }))
    const args = { Sql: 'select :a', Parameters: [{ Name: 'a', Value: '1' }] }
    await run(await create('s', task('aws-sdk:redshiftdata:executeStatement', args)))
    const description = await run(await create('m', task('aws-sdk:redshiftdata:getStatementResult', { Id: 'i' })))
    expect(outputOf(description)).toEqual({
      Records: [[{ LongValue: 1 }, { IsNull: true }]],
      ColumnMetadata: [{ Name: 'n', TypeName: 'int8' }],
    })
    expect(calls[0]?.input.Parameters).toEqual([{ name: 'a', value: '1' }])
  })

  const ERRORS = [
    { resource: 'aws-sdk:glue:createPartition', code: 'AlreadyExistsException', error: 'Glue.AlreadyExistsException' },
    { resource: 'aws-sdk:s3:copyObject', code: 'AccessDenied', error: 'S3.S3Exception' },
    { resource: 'aws-sdk:s3:getObject', code: 'NoSuchKey', error: 'S3.NoSuchKeyException' },
    {
      resource: 'aws-sdk:redshiftdata:executeStatement',
      code: 'AccessDeniedException',
      error: 'RedshiftData.RedshiftDataException',
    },
    {
      resource: 'aws-sdk:sfn:describeExecution',
      code: 'ExecutionDoesNotExist',
      error: 'Sfn.ExecutionDoesNotExistException',
    },
    {
      resource: 'sqs:sendMessage',
      code: 'AWS.SimpleQueueService.NonExistentQueue',
      error: 'SQS.QueueDoesNotExistException',
    },
  ]
  test.each(ERRORS)('$code of $resource is $error', async ({ resource, code, error }) => {
    const { create, run } = harness(() => {
      throw new AwsError(code, 'no', 400)
    })
    const args = resource.startsWith('aws-sdk:sfn')
      ? { ExecutionArn: 'arn:aws:states:us-east-2:000000000000:execution:x:y' }
      : {}
    expect(await run(await create('m', task(resource, args)))).toMatchObject({ status: 'FAILED', error })
  })

  test('members go by their names in PascalCase; values become text, keys of data stay as they are', async () => {
    const { create, run, calls, describe: described } = harness()
    await run(
      await create(
        'm',
        task('aws-sdk:eventbridge:putEvents', {
          Entries: [{ Source: 's', DetailType: 'd', Detail: { lower: 1 }, Time: '2025-11-06T12:21:01Z' }],
        }),
      ),
    )
    expect(calls[0]?.input.Entries).toEqual([
      { Source: 's', DetailType: 'd', Detail: '{"lower":1}', Time: new Date('2025-11-06T12:21:01Z') },
    ])
    const child = await create('child', { P: { Type: 'Pass', End: true } })
    const parent = await create('p', task('aws-sdk:sfn:startExecution', { StateMachineArn: child, Input: { Key: 1 } }))
    const { ExecutionArn } = outputOf(await run(parent)) as { readonly ExecutionArn: string }
    expect((await described(ExecutionArn)).input).toBe('{"Key":1}')
  })

  test('a member that the operation does not have fails the task by its name', async () => {
    const { create, run } = harness()
    expect(await run(await create('m', task('aws-sdk:s3:getObject', "{% {'bucket': 'b'} %}")))).toMatchObject({
      error: 'States.Runtime',
      cause: "The field 'bucket' is not supported by Step Functions",
    })
  })
})

describe('glue:startJobRun.sync', () => {
  const job =
    (last: Record<string, unknown>): Answer =>
    ({ operation, input }) => {
      if (operation === 'StartJobRun') return { JobRunId: 'jr_1' }
      polls += 1
      const running = polls < 3
      return {
        JobRun: {
          Id: input.RunId,
          JobName: input.JobName,
          JobRunState: 'RUNNING',
          Arguments: { '--run_id': 'r' },
          ...(running ? {} : last),
        },
      }
    }
  let polls = 0

  test('TRF-16: the next state starts after SUCCEEDED, with the run that was asked for', async () => {
    polls = 0
    const { create, run, calls, history } = harness(job({ JobRunState: 'SUCCEEDED', CompletedOn: new Date(5) }))
    const machine = await create('m', task('glue:startJobRun.sync', { JobName: 'j', Arguments: { '--run_id': 'r' } }))
    const description = await run(machine)
    expect(outputOf(description)).toMatchObject({
      Id: 'jr_1',
      JobRunState: 'SUCCEEDED',
      CompletedOn: 5,
      Arguments: { '--run_id': 'r' },
    })
    expect(calls[0]?.input).toEqual({ JobName: 'j', Arguments: { '--run_id': 'r' } })
    expect((await history(String(description.executionArn))).slice(2, 6)).toEqual([
      '3<2 TaskScheduled',
      '4<3 TaskStarted',
      '5<4 TaskSubmitted',
      '6<5 TaskSucceeded',
    ])
  })

  test('any other end is States.TaskFailed with the run as its cause', async () => {
    polls = 0
    const { create, run } = harness(job({ JobRunState: 'FAILED', ErrorMessage: 'boom' }))
    const description = await run(await create('m', task('glue:startJobRun.sync', { JobName: 'j' })))
    expect(description).toMatchObject({ status: 'FAILED', error: 'States.TaskFailed' })
    expect(JSON.parse(String(description.cause))).toMatchObject({ JobRunState: 'FAILED', ErrorMessage: 'boom' })
  })

  test('a task that times out stops its job', async () => {
    polls = Number.NEGATIVE_INFINITY
    const { create, run, calls } = harness(job({}))
    const machine = await create('m', task('glue:startJobRun.sync', { JobName: 'j' }, { TimeoutSeconds: 2 }))
    expect(await run(machine)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' })
    expect(calls.at(-1)).toMatchObject({ operation: 'BatchStopJobRun', input: { JobName: 'j', JobRunIds: ['jr_1'] } })
  })
})

describe('events:putEvents', () => {
  test('OBS-35: an event goes out as text, with the execution among its resources', async () => {
    const { create, run, calls } = harness(() => ({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] }))
    const machine = await create(
      'm',
      task('events:putEvents', { Entries: [{ Source: 's', DetailType: 'd', Detail: { a: 1 } }] }),
    )
    const description = await run(machine)
    expect(outputOf(description)).toEqual({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] })
    expect(calls[0]?.input.Entries).toEqual([
      { Source: 's', DetailType: 'd', Detail: '{"a":1}', Resources: [description.executionArn, machine] },
    ])
  })

  test('one entry that fails fails the task', async () => {
    const response = {
      Entries: [{ ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' }],
      FailedEntryCount: 1,
    }
    const { create, run } = harness(() => response)
    const description = await run(await create('m', task('events:putEvents', { Entries: [{}] })))
    expect(description).toMatchObject({ error: 'EventBridge.FailedEntry', cause: JSON.stringify(response) })
  })
})
