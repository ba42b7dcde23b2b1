import { createHash } from 'node:crypto'
import { Sha256 } from '@aws-crypto/sha256-js'
import { GetFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { DescribeExecutionCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SignatureV4 } from '@smithy/signature-v4'
import { AwsError, type Operation } from '../../../local/service.ts'
import { createStsService } from '../../../local/sts/service.ts'
import { ACCOUNT, REGION, startRuntime, type TestRuntime } from './runtime.ts'

let runtime: TestRuntime
let states: SFNClient
let lambda: LambdaClient
/** The input that an operation got last. */
let received: unknown

const STARTED = new Date('2026-11-21T10:00:00.123Z')
/** Answers with a fixed output: what the codec makes of input and output is under test. */
const answering = (output: unknown): Operation => ({
  permissions: () => [],
  run: async (input) => {
    received = input
    if (output instanceof Error) throw output
    return output
  },
})

beforeAll(async () => {
  runtime = await startRuntime({
    services: async () => [
      createStsService({ accountId: ACCOUNT }),
      {
        id: 'states',
        operations: {
          DescribeExecution: answering({
            executionArn: 'arn',
            stateMachineArn: 'arn',
            status: 'RUNNING',
            startDate: STARTED,
            notOfTheModel: 1,
          }),
          StopExecution: answering(new AwsError('ExecutionDoesNotExist', "Execution Does Not Exist: 'x'")),
        },
      },
      {
        id: 'lambda',
        operations: {
          Invoke: answering({
            StatusCode: 200,
            FunctionError: 'Unhandled',
            ExecutedVersion: '3',
            Payload: new Uint8Array(Buffer.from('{"é":1}')),
          }),
          GetFunction: answering(new AwsError('ResourceNotFoundException', 'Function not found: x', 404)),
        },
      },
    ],
  })
  const config = {
    endpoint: runtime.endpoint.url,
    region: REGION,
    credentials: runtime.credentials.operator,
    maxAttempts: 1,
  }
  states = new SFNClient(config)
  lambda = new LambdaClient(config)
})
afterAll(async () => {
  states.destroy()
  lambda.destroy()
  await runtime.close()
})

describe('JSON by target', () => {
  test('carries times as epoch seconds, and only what the model has', async () => {
    const described = await states.send(new DescribeExecutionCommand({ executionArn: 'arn:x' }))
    expect(received).toEqual({ executionArn: 'arn:x' })
    expect([described.startDate, described.status]).toEqual([STARTED, 'RUNNING'])
    const raw = await post('states', { 'x-amz-target': 'AWSStepFunctions.DescribeExecution' }, '{"executionArn":"a"}')
    expect(raw.headers.get('content-type')).toBe('application/x-amz-json-1.0')
    expect(await raw.json()).toEqual({
      executionArn: 'arn',
      stateMachineArn: 'arn',
      status: 'RUNNING',
      startDate: 1795255200.123,
    })
  })

  test("gives a service's errors by name", async () => {
    await expect(states.send(new StopExecutionCommand({ executionArn: 'x' }))).rejects.toMatchObject({
      name: 'ExecutionDoesNotExist',
      message: "Execution Does Not Exist: 'x'",
      $metadata: { httpStatusCode: 400 },
    })
  })

  test('refuses what it cannot read, and operations there are not', async () => {
    const target = { 'x-amz-target': 'AWSStepFunctions.DescribeExecution' }
    for (const body of ['{"executionArn":1}', '{"executionArn"', '[]']) {
      const answer = await post('states', target, body)
      expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([400, 'SerializationException'])
    }
    const unknown = await post('states', { 'x-amz-target': 'AWSStepFunctions.Fly' }, '{}')
    expect(await unknown.json()).toEqual({
      __type: 'UnknownOperationException',
      message: 'Cannot answer: states has no operation "Fly"',
    })
    const missing = await post('states', { 'x-amz-target': 'AWSStepFunctions.ListActivities' }, '{}')
    expect(await missing.json()).toMatchObject({
      __type: 'NotImplemented',
      message: expect.stringContaining('states:ListActivities'),
    })
  })
})

describe('REST with JSON', () => {
  test('binds path, query, headers, payload and status', async () => {
    const FunctionName = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:validate`
    const Payload = Buffer.from('{"a":1}')
    const invoked = await lambda.send(
      new InvokeCommand({ FunctionName, Qualifier: '3', InvocationType: 'RequestResponse', Payload }),
    )
    expect(received).toMatchObject({ FunctionName, Qualifier: '3', InvocationType: 'RequestResponse' })
    expect(invoked).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled', ExecutedVersion: '3' })
    expect(Buffer.from(invoked.Payload ?? []).toString()).toBe('{"é":1}')
  })

  test("gives a service's errors with their status", async () => {
    await expect(lambda.send(new GetFunctionCommand({ FunctionName: 'x' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 404 },
    })
  })
})

describe('Query', () => {
  test('answers who the caller is, as XML', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
    const answer = await post('sts', form, 'Action=GetCallerIdentity&Version=2011-06-15')
    expect(await answer.text()).toContain(
      `<Account>${ACCOUNT}</Account><Arn>arn:aws:iam::${ACCOUNT}:user/operator</Arn>`,
    )
    const other = await post('iam', form, 'Action=ListRoles&Version=2010-05-08')
    expect([other.status, await other.text()]).toEqual([501, expect.stringContaining('<Code>NotImplemented</Code>')])
  })
})

async function post(service: string, headers: Record<string, string>, body: string): Promise<Response> {
  const credentials = runtime.credentials.operator
  const signer = new SignatureV4({ service, region: REGION, credentials, sha256: Sha256 })
  const host = `127.0.0.1:${runtime.endpoint.port}`
  const hash = createHash('sha256').update(body).digest('hex')
  const all = { ...headers, host, 'x-amz-content-sha256': hash }
  const signed = await signer.sign({ method: 'POST', path: '/', headers: all, body, protocol: 'http:', hostname: host })
  return fetch(runtime.endpoint.url, { method: 'POST', headers: signed.headers, body })
}
