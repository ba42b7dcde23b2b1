import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { FunctionModel } from '../../../local/assembly/model.ts'
import { createLambdaService, type LambdaService } from '../../../local/lambda/service.ts'
import { memoryStore } from '../../../local/memory-store.ts'
import type { CallContext, Clock, Store } from '../../../local/service.ts'
import { systemClock } from '../../../local/system-clock.ts'
import { manualClock } from '../manual-clock.ts'

const BUNDLE = `
import { setTimeout as sleep } from 'node:timers/promises'
let invocations = 0
class NotAllowed extends Error { name = 'TenantNotAllowed' }
export const handler = async (event, context) => {
  invocations += 1
  console.log('seen ' + event.kind)
  if (event.kind === 'throw') throw new NotAllowed('no such tenant')
  if (event.kind === 'forever') await sleep(60_000)
  if (event.kind === 'exit') process.exit(3)
  if (event.kind === 'wait') await sleep(event.millis)
  return { invocations, zone: process.env.RAW_BUCKET, port: process.env.DATABASE_PORT, key: process.env.AWS_ACCESS_KEY_ID,
    endpoint: process.env.AWS_ENDPOINT_URL, version: context.functionVersion, arn: context.invokedFunctionArn }
}
`
const CALLER = { principalArn: 'arn:aws:iam::000000000000:user/operator', roleArn: null, servicePrincipal: null }

let directory: string
let store: Store
let service: LambdaService
let lines: string[]
let destinations: { arn: string; role: string; record: unknown }[]
let requests = 0

const context = (): CallContext => {
  requests += 1
  return { caller: CALLER, requestId: `request-${requests}`, signal: new AbortController().signal }
}

const model = (overrides: Partial<FunctionModel> = {}): FunctionModel => ({
  name: 'validate',
  arn: 'arn:aws:lambda:us-east-2:000000000000:function:validate',
  logicalId: 'Validate',
  roleArn: 'arn:aws:iam::000000000000:role/validate',
  codeDirectory: join(directory, 'bundle'),
  codeHash: 'one',
  handler: 'index.handler',
  runtime: 'nodejs24.x',
  environment: { RAW_BUCKET: 'raw', DATABASE_PORT: '{port}' },
  timeoutSeconds: 30,
  memoryMegabytes: 256,
  reservedConcurrency: null,
  description: '',
  versions: ['1'],
  aliases: [{ name: 'live', version: '1' }],
  asyncInvocation: [],
  ...overrides,
})

const serviceWith = (clock: Clock): LambdaService =>
  createLambdaService({
    store,
    stateDirectory: directory,
    clock,
    ids: () => 'id',
    accountId: '000000000000',
    region: 'us-east-2',
    endpointUrl: () => 'http://127.0.0.1:4566',
    credentialsFor: (roleArn) => ({ accessKeyId: `key of ${roleArn.split('/')[1]}`, secretAccessKey: 'secret' }),
    localValue: (value) => value.replace('{port}', '5433'),
    sendToDestination: async (arn, role, record) => {
      destinations.push({ arn, role, record: JSON.parse(record) as unknown })
    },
    logLine: (functionName, line) => lines.push(`${functionName}: ${line}`),
    platformLine: () => undefined,
    versionNumber: async () => '2',
    random: () => 0,
    log: () => undefined,
  })

interface Answer {
  readonly StatusCode: number
  readonly FunctionError?: string
  readonly payload: Record<string, unknown>
}

const invoke = async (functionName: string, event: unknown, extra: object = {}): Promise<Answer> => {
  const input = { FunctionName: functionName, Payload: Buffer.from(JSON.stringify(event)), ...extra }
  const output = (await service.operations.Invoke?.run(input, context())) as Answer & { Payload: Uint8Array }
  const text = Buffer.from(output.Payload).toString()
  return { ...output, payload: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-lambda-'))
  mkdirSync(join(directory, 'bundle'))
  writeFileSync(join(directory, 'bundle', 'index.mjs'), BUNDLE)
  store = memoryStore()
  lines = []
  destinations = []
  service = serviceWith(systemClock)
})
afterEach(async () => {
  await service.close()
  rmSync(directory, { recursive: true, force: true })
})

describe('the Lambda service', () => {
  test('runs the deployed bundle with the deployed environment and the keys of its role', async () => {
    await service.deploy(model())
    const { StatusCode, payload } = await invoke('validate:live', {})
    expect(StatusCode).toBe(200)
    expect(payload).toEqual({
      invocations: 1,
      zone: 'raw',
      port: '5433',
      key: 'key of validate',
      endpoint: 'http://127.0.0.1:4566',
      version: '1',
      arn: 'arn:aws:lambda:us-east-2:000000000000:function:validate:live',
    })
  })

  test('keeps a sandbox warm between invocations', async () => {
    await service.deploy(model())
    await service.warm([model()])
    await invoke('validate:1', {})
    expect((await invoke('validate:1', {})).payload.invocations).toBe(2)
  })

  test('answers an error as Lambda words it: type, message and trace', async () => {
    await service.deploy(model())
    const answer = await invoke('validate', { kind: 'throw' })
    expect(answer.FunctionError).toBe('Unhandled')
    expect(answer.payload).toMatchObject({ errorType: 'TenantNotAllowed', errorMessage: 'no such tenant' })
    expect(answer.payload.trace).toEqual(expect.arrayContaining([expect.stringContaining('index.mjs')]))
  })

  test('kills a function that runs into its time-out, and the next invocation starts afresh', async () => {
    await service.deploy(model({ timeoutSeconds: 1 }))
    const answer = await invoke('validate', { kind: 'forever' })
    expect(answer.payload.errorType).toBe('Sandbox.Timedout')
    expect(answer.payload.errorMessage).toMatch(/^RequestId: request-\d+ Error: Task timed out after 1\.00 seconds$/)
    expect((await invoke('validate', {})).payload.invocations).toBe(1)
  })

  test('reports a function that ends its process', async () => {
    await service.deploy(model())
    expect((await invoke('validate', { kind: 'exit' })).payload).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining('exit status 3'),
    })
  })

  test('reports a bundle that does not load', async () => {
    await service.deploy(model({ handler: 'missing.handler' }))
    expect((await invoke('validate', {})).payload).toMatchObject({ errorType: 'Runtime.ImportModuleError' })
  })

  test('refuses what goes beyond the reserved concurrency of all versions together', async () => {
    await service.deploy(model({ reservedConcurrency: 1 }))
    const running = invoke('validate:1', { kind: 'wait', millis: 200 })
    await expect(invoke('validate', {})).rejects.toMatchObject({ code: 'TooManyRequestsException', httpStatus: 429 })
    expect((await running).StatusCode).toBe(200)
  })

  test('keeps a published version as it was when a newer one is deployed', async () => {
    await service.deploy(model())
    await service.deploy(model({ environment: { RAW_BUCKET: 'newer' }, versions: ['2'], codeHash: 'two' }))
    expect((await invoke('validate:1', {})).payload.zone).toBe('raw')
    expect((await invoke('validate:2', {})).payload.zone).toBe('newer')
  })

  test('writes what the function prints to its log', async () => {
    await service.deploy(model())
    await invoke('validate', { kind: 'hello' })
    expect(lines).toContain('validate: seen hello')
  })

  test('names a function that is not there, as Lambda does', async () => {
    await expect(invoke('nobody', {})).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'Function not found: arn:aws:lambda:us-east-2:000000000000:function:nobody',
    })
  })

  test('asks for the permission on the qualified function', () => {
    expect(service.operations.Invoke?.permissions({ FunctionName: 'validate', Qualifier: '1' })).toEqual([
      { action: 'lambda:InvokeFunction', resource: 'arn:aws:lambda:us-east-2:000000000000:function:validate:1' },
    ])
  })

  test('tries an event again after one and two minutes, then sends it to the failure destination', async () => {
    const clock = manualClock()
    service = serviceWith(clock)
    const failing = { qualifier: '1', maximumRetryAttempts: 2, maximumEventAgeSeconds: 3600, onSuccessArn: null }
    await service.deploy(model({ asyncInvocation: [{ ...failing, onFailureArn: 'arn:aws:sqs:us-east-2:0:dead' }] }))
    await invoke('validate:1', { kind: 'throw' }, { InvocationType: 'Event' })
    for (const delaySeconds of [60, 120]) {
      await until(() => lines.length === (delaySeconds === 60 ? 1 : 2))
      await settle()
      await clock.advance(delaySeconds)
    }
    await until(() => destinations.length === 1)
    expect(lines).toHaveLength(3)
    expect(destinations[0]).toMatchObject({
      arn: 'arn:aws:sqs:us-east-2:0:dead',
      record: {
        requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
        requestPayload: { kind: 'throw' },
        responsePayload: { errorType: 'TenantNotAllowed' },
      },
    })
  })

  test('takes up an accepted event after a restart', async () => {
    await service.deploy(model())
    const closed = serviceWith(systemClock)
    await closed.close()
    const input = { FunctionName: 'validate', InvocationType: 'Event', Payload: Buffer.from('{"kind":"kept"}') }
    await closed.operations.Invoke?.run(input, context())
    expect(lines).toEqual([])
    service.resume()
    await until(() => lines.includes('validate: seen kept'))
  })
})

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
