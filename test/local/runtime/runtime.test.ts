import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { status } from '../../../cli/commands/status.ts'
import { createOutput } from '../../../cli/output.ts'
import { type Runtime, startRuntime } from '../../../local/runtime.ts'
import { synthesizeSample } from '../assembly/sample-app.ts'

const BUCKET = 'sample-raw-000000000000-us-east-2'
const MACHINE = 'arn:aws:states:us-east-2:000000000000:stateMachine:ingest'

let directory: string
let assemblyDirectory: string
let runtime: Runtime

const start = (state = 'state'): Promise<Runtime> =>
  startRuntime({
    assemblyDirectory,
    stateDirectory: join(directory, state),
  })

const runtimeFile = (): string => join(directory, 'state', 'runtime.json')

/** Settings of a client as `sluice env` would give them. */
function connection() {
  const { endpoint, region, accessKeyId, secretAccessKey } = JSON.parse(readFileSync(runtimeFile(), 'utf8'))
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } }
}

async function drop(key: string): Promise<void> {
  const s3 = new S3Client(connection())
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: 'a,b\n1,2\n' }))
  s3.destroy()
}

/** Outputs of the executions that have ended well, once there are as many as wanted. */
async function outputs(wanted: number): Promise<unknown[]> {
  const sfn = new SFNClient(connection())
  for (;;) {
    const listed = await sfn.send(new ListExecutionsCommand({ stateMachineArn: MACHINE, statusFilter: 'SUCCEEDED' }))
    const ended = listed.executions ?? []
    if (ended.length >= wanted) {
      const described = ended.map(({ executionArn }) => sfn.send(new DescribeExecutionCommand({ executionArn })))
      const texts = (await Promise.all(described)).map(({ output }) => output ?? 'null')
      sfn.destroy()
      return texts.map((text) => JSON.parse(text) as unknown)
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-runtime-'))
  assemblyDirectory = synthesizeSample(directory)
  runtime = await start()
}, 60_000)
afterAll(async () => {
  await runtime.close()
  rmSync(directory, { recursive: true, force: true })
})

describe('the runtime', () => {
  test('takes a dropped object through the deployed rule, machine and function, each with its own role', async () => {
    await drop('landing/a b+%é#.csv')
    expect(await outputs(1)).toEqual([{ hello: 'landing/a b+%é#.csv', bucket: BUCKET }])
  })

  test('lets only its owner read how to reach it', () => {
    expect(statSync(runtimeFile()).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(runtimeFile(), 'utf8'))).toMatchObject({
      endpoint: runtime.endpoint,
      region: 'us-east-2',
      pid: process.pid,
    })
  })

  test('lists in status what it implements, and names what it does not', async () => {
    const documents: unknown[] = []
    const output = { ...createOutput(true, {}), result: (document: unknown) => void documents.push(document) }
    await status({ output, state: join(directory, 'state'), directory, environment: {} })
    expect(documents).toMatchObject([
      {
        operations: {
          s3: expect.arrayContaining(['GetObject', 'PutObject']),
          states: expect.arrayContaining(['StartExecution']),
          sts: ['GetCallerIdentity'],
        },
      },
    ])
    const call = (operation: string): Promise<unknown> => runtime.services.call('glue', operation, {})
    await expect(call('CreateCrawler')).rejects.toMatchObject({
      code: 'NotImplemented',
      message: expect.stringContaining('glue:CreateCrawler'),
    })
  })

  test('keeps what functions print where CloudWatch Logs would', async () => {
    await runtime.services.call('lambda', 'Invoke', { FunctionName: 'greet', Payload: Buffer.from('{"name":"you"}') })
    const found = await runtime.services.call('logs', 'FilterLogEvents', {
      logGroupName: '/aws/lambda/greet',
      filterPattern: 'REPORT',
    })
    expect(found).toMatchObject({ events: [{ message: expect.stringMatching(/^REPORT RequestId: /) }, {}] })
  })

  test('refuses a second runtime on the same state folder', async () => {
    await expect(start()).rejects.toMatchObject({ code: 'state_in_use' })
    await drop('landing/still-alive.csv')
    expect(await outputs(2)).toHaveLength(2)
  })

  test('has all it had after a restart, and does not deploy the same assembly again', async () => {
    await runtime.close()
    runtime = await start()
    expect(runtime.startSteps.map(({ name }) => name)).not.toContain('provision')
    await drop('landing/after-restart.csv')
    expect(await outputs(3)).toHaveLength(3)
  })

  test('publishes a changed function as a new version, moves the alias to it and keeps the old one', async () => {
    await runtime.close()
    synthesizeSample(directory, 'welcome')
    runtime = await start()
    await drop('landing/changed.csv')
    expect(await outputs(4)).toContainEqual({ welcome: 'landing/changed.csv', bucket: BUCKET })
    expect(runtime.assembly.functions[0]?.versions).toEqual(['2'])
    const old = await runtime.services.call('lambda', 'Invoke', {
      FunctionName: 'greet',
      Qualifier: '1',
      Payload: Buffer.from('{"name":"again"}'),
    })
    expect(Buffer.from(Reflect.get(Object(old), 'Payload')).toString()).toBe(
      JSON.stringify({ hello: 'again', bucket: BUCKET }),
    )
  })

  test('says what is missing where there is no assembly, and gives the state folder back', async () => {
    const kept = assemblyDirectory
    assemblyDirectory = join(directory, 'nowhere')
    await expect(start('other')).rejects.toMatchObject({ code: 'assembly_missing' })
    assemblyDirectory = kept
    const other = await start('other')
    await other.close()
  })
})
