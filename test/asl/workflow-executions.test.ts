import { describe, expect, test } from '@jest/globals'
import { transitionsOf } from '../../asl/transitions.ts'
import { isJsonObject } from '../../core/json.ts'
import { AwsError } from '../../local/service.ts'
import { type Answer, type Harness, harness, type SeenCall } from '../local/states/harness.ts'
import { sentTo } from './ingest-scenario.ts'
import { definitionOf } from './repository-definitions.ts'

const METADATA = 'arn:aws:lambda:us-east-2:000000000000:function:metadata:1'
const INGEST = 'arn:aws:states:us-east-2:000000000000:stateMachine:ingest'

const payload = (value: unknown) => ({
  StatusCode: 200,
  ExecutedVersion: '1',
  Payload: Buffer.from(JSON.stringify(value)),
})

async function createMachine(
  runtime: Harness,
  name: string,
  substitutions: Readonly<Record<string, string>>,
  type: 'STANDARD' | 'EXPRESS' = 'STANDARD',
): Promise<string> {
  const definition = definitionOf(`${name}/v1`).text.replaceAll(
    /\$\{(\w+)\}/g,
    (_, placeholder: string) => substitutions[placeholder] ?? '',
  )
  const roleArn = `arn:aws:iam::000000000000:role/sluice-${name}`
  const created = await runtime.call('CreateStateMachine', { name, type, roleArn, definition })
  return String(created.stateMachineArn)
}

/** An ingest machine that waits, behind the alias `live`, for intake and sweep to start. */
async function createIngest(runtime: Harness): Promise<string> {
  const stateMachineArn = await runtime.create('ingest', { Wait: { Type: 'Wait', Seconds: 1, End: true } })
  const { stateMachineVersionArn } = await runtime.call('PublishStateMachineVersion', { stateMachineArn })
  const routingConfiguration = [{ stateMachineVersionArn, weight: 100 }]
  const { stateMachineAliasArn } = await runtime.call('CreateStateMachineAlias', { name: 'live', routingConfiguration })
  return String(stateMachineAliasArn)
}

async function executionNames(runtime: Harness): Promise<readonly string[]> {
  const { executions } = await runtime.call('ListExecutions', { stateMachineArn: INGEST })
  return (Array.isArray(executions) ? executions : []).map((one: unknown) =>
    isJsonObject(one) ? String(one.name) : '',
  )
}

const landed = (key: string, versionId = 'v1') => ({
  'detail-type': 'Object Created',
  source: 'aws.s3',
  time: '2026-01-01T00:00:00Z',
  detail: {
    bucket: { name: 'raw' },
    object: { key, size: 5, etag: 'e', 'version-id': versionId, sequencer: '0A' },
  },
})

describe('intake/v1 on the executor', () => {
  async function intake(answer: Answer = () => ({}), withIngest = true) {
    const runtime = harness(answer)
    const IngestAliasArn = withIngest ? await createIngest(runtime) : `${INGEST}:live`
    const DeadLetterQueueUrl = 'https://sqs.us-east-2.amazonaws.com/000000000000/sluice-dead-letters'
    const machine = await createMachine(runtime, 'intake', { IngestAliasArn, DeadLetterQueueUrl }, 'EXPRESS')
    const deliver = (event: object) =>
      runtime.call('StartSyncExecution', { stateMachineArn: machine, input: JSON.stringify(event) })
    return { runtime, deliver }
  }

  test('TEN-02, IN-37: starts ingest under a name of tenant, dataset and hash, with what the event says', async () => {
    const { runtime, deliver } = await intake()
    expect(await deliver(landed('landing/acme/orders/a b+%é.csv'))).toMatchObject({ status: 'SUCCEEDED' })
    const [name = ''] = await executionNames(runtime)
    expect(name).toMatch(/^acme-orders-[0-9a-f]{16}$/)
    const { input } = await runtime.describe(`${INGEST.replace('stateMachine', 'execution')}:${name}`)
    expect(JSON.parse(String(input))).toEqual({
      sourceType: 's3',
      trigger: 'event',
      replay: null,
      source: {
        bucket: 'raw',
        key: 'landing/acme/orders/a b+%é.csv',
        versionId: 'v1',
        sizeBytes: 5,
        etag: 'e',
        sequencer: '0A',
        landedAt: '2026-01-01T00:00:00Z',
      },
    })
    await runtime.states.close()
  })

  test('IDEM-07, IDEM-08, IDEM-12: the same event twice is one execution and no failure', async () => {
    const { runtime, deliver } = await intake()
    await deliver(landed('landing/acme/orders/a.csv'))
    expect(await deliver({ ...landed('landing/acme/orders/a.csv'), time: '2026-01-01T00:00:01Z' })).toMatchObject({
      status: 'SUCCEEDED',
    })
    expect(await executionNames(runtime)).toHaveLength(1)
    await runtime.states.close()
  })

  test('IDEM-09: another version of the same key is another execution', async () => {
    const { runtime, deliver } = await intake()
    await deliver(landed('landing/acme/orders/a.csv'))
    await deliver(landed('landing/acme/orders/a.csv', 'v2'))
    expect(new Set(await executionNames(runtime)).size).toBe(2)
    await runtime.states.close()
  })

  test('IN-36: a key of another form is started under a name that any key allows', async () => {
    const { runtime, deliver } = await intake()
    await deliver(landed('landing/No Tenant/#.csv'))
    expect(await executionNames(runtime)).toEqual([expect.stringMatching(/^unknown-[0-9a-f]{16}$/)])
    await runtime.states.close()
  })

  test('an event that cannot be started goes whole to the dead-letter queue, and intake fails', async () => {
    const sent: SeenCall[] = []
    const { runtime, deliver } = await intake((call) => {
      sent.push(call)
      return { MessageId: 'm' }
    }, false)
    const event = landed('landing/acme/orders/a.csv')
    expect(await deliver(event)).toMatchObject({ status: 'FAILED' })
    expect(sent.map(({ operation }) => operation)).toEqual(['SendMessage'])
    expect(JSON.parse(String(sent[0]?.input.MessageBody))).toEqual(event)
    await runtime.states.close()
  })
})

describe('sweep/v1 on the executor', () => {
  const input = (key: string) => ({
    sourceType: 's3',
    trigger: 'sweep',
    replay: null,
    source: { bucket: 'raw', key, versionId: 'v1', sizeBytes: 1, etag: 'e', sequencer: '0', landedAt: 'then' },
  })

  async function sweep(answer: Answer, event: object = {}) {
    const runtime = harness(answer)
    const IngestAliasArn = await createIngest(runtime)
    const substitutions = {
      RawBucket: 'raw',
      MetadataFunctionArn: METADATA,
      IngestAliasArn,
      IngestMachineArn: INGEST,
      SweepGraceSeconds: '900',
    }
    const machine = await createMachine(runtime, 'sweep', substitutions)
    const end = await runtime.run(machine, JSON.parse(JSON.stringify(event)))
    return { runtime, end }
  }

  const version = (key: string) => ({ Key: key, VersionId: 'v1', Size: 1, ETag: '"e"', LastModified: new Date(0) })

  test('starts the versions that have no job, page by page', async () => {
    const { runtime, end } = await sweep((call) => {
      if (call.operation === 'ListObjectVersions')
        return call.input.KeyMarker === undefined
          ? {
              Versions: [version('landing/acme/orders/1')],
              IsTruncated: true,
              NextKeyMarker: 'k',
              NextVersionIdMarker: 'v',
            }
          : { Versions: [version('landing/acme/orders/2')], IsTruncated: false }
      const { landed: versions } = sentTo(call)
      const keys = (Array.isArray(versions) ? versions : []).map((one: unknown) =>
        isJsonObject(one) ? String(one.key) : '',
      )
      return payload({ start: keys.map(input), check: [] })
    })
    expect(JSON.parse(String(end.output))).toEqual({ pages: 2, started: 2, closed: 0 })
    expect(await executionNames(runtime)).toEqual(
      Array(2).fill(expect.stringMatching(/^acme-orders-[0-9a-f]{16}-w\d{10}$/)),
    )
    await runtime.states.close()
  })

  test('closes jobs whose execution ended or is gone, and leaves those that run', async () => {
    const closed: unknown[] = []
    const arn = (name: string) => `${INGEST.replace('stateMachine', 'execution')}:${name}`
    const { runtime, end } = await sweep((call) => {
      if (call.operation === 'ListObjectVersions') return { IsTruncated: false }
      const sent = sentTo(call)
      if (sent.operation === 'sweep') return payload({ start: [], check: [{ executionArn: arn('gone') }] })
      closed.push(isJsonObject(sent.detail) ? sent.detail.executionArn : sent)
      return payload({})
    })
    expect(JSON.parse(String(end.output))).toEqual({ pages: 1, started: 0, closed: 1 })
    expect(closed).toEqual([arn('gone')])
    await runtime.states.close()
  })

  test('a sweep that cannot list fails, for the next one to begin anew', async () => {
    const { runtime, end } = await sweep(() => {
      throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404)
    })
    expect(end).toMatchObject({ status: 'FAILED', error: 'S3.NoSuchBucketException' })
    await runtime.states.close()
  })
})

describe('deploy/v1 on the executor', () => {
  const BATCHES = [
    { name: 'schemas', key: 'b1.json', tolerate: null },
    { name: 'role of analysts', key: 'b2.json', tolerate: 'already exists' },
  ]

  async function deploy(statements: (sql: string) => object) {
    const sent = new Map<string, string>()
    const runtime = harness((call) => {
      if (call.operation === 'Invoke') return payload({ done: sentTo(call).operation })
      if (call.operation === 'GetObject')
        return {
          Body: JSON.stringify(
            call.input.Key === 'index.json' ? { batches: BATCHES } : { statements: [`SQL of ${call.input.Key}`] },
          ),
        }
      if (call.operation === 'BatchExecuteStatement') {
        const id = `s${sent.size}`
        sent.set(id, String(Array.isArray(call.input.Sqls) ? call.input.Sqls[0] : ''))
        return { Id: id }
      }
      return { Id: call.input.Id, ...statements(sent.get(String(call.input.Id)) ?? '') }
    })
    const machine = await createMachine(runtime, 'deploy', {
      MetadataFunctionArn: METADATA,
      AssetBucket: 'assets',
      WarehouseBatchesKey: 'index.json',
      WarehouseWorkgroup: 'sluice',
      WarehouseDatabase: 'sluice',
      WarehouseAdminSecretArn: 'arn:aws:secretsmanager:us-east-2:000000000000:secret:sluice/warehouse-admin',
    })
    const end = await runtime.run(machine)
    await runtime.states.close()
    return end
  }

  test('migrates, seeds and sends the batches in order; its output is the diff', async () => {
    const end = await deploy(() => ({ Status: 'FINISHED' }))
    expect(JSON.parse(String(end.output))).toEqual({
      migrations: { done: 'migrate' },
      seeded: { done: 'seed' },
      warehouse: [
        { name: 'schemas', statements: 1 },
        { name: 'role of analysts', statements: 1 },
      ],
    })
  })

  test('run again, a batch that may find its thing there finds it', async () => {
    const end = await deploy((sql) =>
      sql.endsWith('b2.json')
        ? { Status: 'FAILED', Error: 'ERROR: role "analyst" Already Exists' }
        : { Status: 'FINISHED' },
    )
    expect(JSON.parse(String(end.output))).toMatchObject({
      warehouse: [{ statements: 1 }, { name: 'role of analysts', statements: 0 }],
    })
  })

  test('a statement that fails stops the deployment with its error', async () => {
    const end = await deploy(() => ({ Status: 'FAILED', Error: 'ERROR: syntax error' }))
    expect(end).toMatchObject({
      status: 'FAILED',
      error: 'WarehouseStatementFailed',
      cause: 'schemas: ERROR: syntax error',
    })
  })
})

describe('the definitions', () => {
  test('name their transitions once', () => {
    for (const name of ['intake/v1', 'sweep/v1', 'deploy/v1']) {
      const edges = transitionsOf(definitionOf(name).definition).map((edge) => JSON.stringify(edge))
      expect(new Set(edges).size).toBe(edges.length)
    }
  })
})
