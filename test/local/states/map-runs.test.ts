import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, test } from '@jest/globals'
import { memoryStore } from '../../../local/memory-store.ts'
import { AwsError } from '../../../local/service.ts'
import { manualClock } from '../manual-clock.ts'
import { type Answer, harness } from './harness.ts'

const PROCESSOR = { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } }
const passing = (more = {}) => ({ ...PROCESSOR, StartAt: 'P', States: { P: { Type: 'Pass', End: true, ...more } } })
const reading = (InputType: string, more = {}) => ({
  ItemReader: {
    Resource: 'arn:aws:states:::s3:getObject',
    ReaderConfig: { InputType, ...more },
    Arguments: { Bucket: 'b', Key: 'k' },
  },
})
const object =
  (text: string): Answer =>
  ({ operation }) => {
    if (operation === 'GetObject') return { Body: Buffer.from(text) }
    throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404)
  }

describe('item readers', () => {
  const CASES = [
    {
      why: 'a CSV file with a header',
      text: 'a,b\n1,x y\n2\n',
      map: reading('CSV', { CSVHeaderLocation: 'FIRST_ROW' }),
      items: [
        { a: '1', b: 'x y' },
        { a: '2', b: '' },
      ],
    },
    {
      why: 'a CSV file with given headers and another delimiter',
      text: '1|2|3\n',
      map: reading('CSV', { CSVHeaderLocation: 'GIVEN', CSVHeaders: ['x', 'y'], CSVDelimiter: 'PIPE' }),
      items: [{ x: '1', y: '2' }],
    },
    { why: 'JSON lines', text: '{"a":1}\n\n2\n', map: reading('JSONL'), items: [{ a: 1 }, 2] },
    { why: 'a JSON array', text: '[1,2,3]', map: reading('JSON', { MaxItems: 2 }), items: [1, 2] },
    { why: 'as many items as a text says', text: '[1,2]', map: reading('JSON', { MaxItems: "{% '1' %}" }), items: [1] },
    {
      why: 'a JSON array behind a pointer',
      text: '{"a":{"b":[1]}}',
      map: reading('JSON', { ItemsPointer: '/a/b' }),
      items: [1],
    },
  ]
  test.each(CASES)('reads $why', async ({ text, map, items }) => {
    const { create, run } = harness(object(text))
    const description = await run(
      await create('m', { M: { Type: 'Map', ...map, ItemProcessor: passing(), End: true } }),
    )
    expect(JSON.parse(String(description.output))).toEqual(items)
  })

  test('lists the objects under a prefix over pages', async () => {
    const { create, run } = harness(({ input }) => ({
      Contents: [
        {
          Key: `k${input.ContinuationToken ?? 0}`,
          Size: 1,
          ETag: '"e"',
          LastModified: new Date(1_000),
          StorageClass: 'STANDARD',
        },
      ],
      ...(input.ContinuationToken === undefined ? { NextContinuationToken: '1' } : {}),
    }))
    const reader = { Resource: 'arn:aws:states:::s3:listObjectsV2', Arguments: { Bucket: 'b', Prefix: 'p' } }
    const machine = await create('m', {
      M: {
        Type: 'Map',
        ItemReader: reader,
        ItemSelector: '{% $states.context.Map.Item.Value.Key %}',
        ItemProcessor: passing(),
        End: true,
      },
    })
    expect((await run(machine)).output).toBe('["k0","k1"]')
  })

  test('LOAD_AND_FLATTEN reads what the listed objects hold', async () => {
    const bodies: Readonly<Record<string, string>> = { a: '[1,2]', b: '[3]' }
    const { create, run } = harness(({ operation, input }) =>
      operation === 'GetObject'
        ? { Body: Buffer.from(bodies[String(input.Key)] ?? '') }
        : { Contents: Object.keys(bodies).map((Key) => ({ Key, Size: 1, ETag: '"e"' })) },
    )
    const ItemReader = {
      Resource: 'arn:aws:states:::s3:listObjectsV2',
      ReaderConfig: { InputType: 'JSON', Transformation: 'LOAD_AND_FLATTEN', MaxItems: 2 },
      Arguments: { Bucket: 'b' },
    }
    const machine = await create('m', { M: { Type: 'Map', ItemReader, ItemProcessor: passing(), End: true } })
    expect((await run(machine)).output).toBe('[1,2]')
  })

  test('rows of Parquet are items', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'parquet-')), 'items.parquet')
    const database = await DuckDBInstance.create(':memory:')
    const connection = await database.connect()
    await connection.run(`COPY (SELECT i AS id, 'n' || i AS name FROM range(3) t(i)) TO '${file}' (FORMAT parquet)`)
    connection.closeSync()
    database.closeSync()
    const { create, run } = harness(() => ({ Body: readFileSync(file) }))
    const machine = await create('m', {
      M: { Type: 'Map', ...reading('PARQUET', { MaxItems: 2 }), ItemProcessor: passing(), End: true },
    })
    expect(JSON.parse(String((await run(machine)).output))).toEqual([
      { id: 0, name: 'n0' },
      { id: 1, name: 'n1' },
    ])
    rmSync(dirname(file), { recursive: true })
  })

  test('the manifest of an UNLOAD names the files that hold the items', async () => {
    const objects: Readonly<Record<string, string>> = {
      k: 's3://b/x.csv\ns3://b/y.jsonl\n',
      'x.csv': 'a\n1\n',
      'y.jsonl': '{"a":2}',
    }
    const { create, run } = harness(({ input }) => ({ Body: Buffer.from(objects[String(input.Key)] ?? '') }))
    const machine = await create('m', {
      M: { Type: 'Map', ...reading('MANIFEST', { ManifestType: 'ATHENA_DATA' }), ItemProcessor: passing(), End: true },
    })
    expect((await run(machine)).output).toBe('[{"a":"1"},{"a":2}]')
  })

  const FAILURES = [
    {
      why: 'two equal headers',
      text: 'a,a\n1,2',
      map: reading('CSV', { CSVHeaderLocation: 'FIRST_ROW' }),
      cause: 'CSV headers cannot contain duplicates.',
    },
    {
      why: 'a JSON root that is no array',
      text: '{}',
      map: reading('JSON'),
      cause: 'Attempting to map over non-iterable node.',
    },
    {
      why: 'a negative MaxItems',
      text: '[]',
      map: reading('JSON', { MaxItems: '{% -1 %}' }),
      cause: 'field MaxItems must be positive',
    },
  ]
  test.each(FAILURES)('fails the run for $why', async ({ text, map, cause }) => {
    const { create, run, history } = harness(object(text))
    const description = await run(
      await create('m', { M: { Type: 'Map', ...map, ItemProcessor: passing(), End: true } }),
    )
    expect(description).toMatchObject({ status: 'FAILED', error: 'States.ItemReaderFailed', cause })
    expect(await history(String(description.executionArn))).toEqual([
      '1<0 ExecutionStarted',
      '2<0 MapStateEntered',
      '3<2 MapStateStarted',
      '4<3 MapRunStarted',
      '5<4 MapRunFailed',
      '6<5 MapStateFailed',
      '7<6 ExecutionFailed',
    ])
  })
})

const FAIL_ODD = {
  ...PROCESSOR,
  StartAt: 'C',
  States: {
    C: { Type: 'Choice', Choices: [{ Condition: '{% $states.input % 2 = 1 %}', Next: 'F' }], Default: 'S' },
    F: { Type: 'Fail', Error: 'Odd' },
    S: { Type: 'Succeed' },
  },
}

describe('children', () => {
  test('ORC-13: fifty thousand items leave six events in the parent', async () => {
    const { create, run, history } = harness()
    const machine = await create('m', {
      M: {
        Type: 'Map',
        Items: '{% [1..50000] %}',
        ItemBatcher: { MaxItemsPerBatch: 1_000 },
        ItemProcessor: passing({ Output: '{% $count($states.input.Items) %}' }),
        Output: '{% $sum($states.result) %}',
        End: true,
      },
    })
    const description = await run(machine)
    expect(description).toMatchObject({ status: 'SUCCEEDED', output: '50000' })
    expect(await history(String(description.executionArn))).toHaveLength(8)
  })

  test('more failures than tolerated fail the run; within the tolerance the successes are the result', async () => {
    const { create, run } = harness()
    const states = (more: object) => ({
      M: { Type: 'Map', Items: [1, 2, 3, 4], ItemProcessor: FAIL_ODD, ...more, End: true },
    })
    expect(await run(await create('strict', states({ ToleratedFailureCount: 1 })))).toMatchObject({
      status: 'FAILED',
      error: 'States.ExceedToleratedFailureThreshold',
      cause: 'The specified tolerated failure threshold was exceeded',
    })
    expect(await run(await create('lax', states({ ToleratedFailurePercentage: 50 })))).toMatchObject({
      status: 'SUCCEEDED',
      output: '[2,4]',
    })
  })

  test('what a child is given fits 256 KiB: batches end there, and a larger item fails the run', async () => {
    const { create, run } = harness()
    const batched = {
      ItemBatcher: { MaxItemsPerBatch: 10 },
      ItemProcessor: passing({ Output: '{% $count($states.input.Items) %}' }),
    }
    const items = (bytes: number, count: number) => `{% [1..${count}].$pad('', ${bytes}, 'x')[] %}`
    const distributed = (Items: string, more: object) => ({ M: { Type: 'Map', Items, ...more, End: true } })
    const inParts = await run(await create('parts', distributed(items(60_000, 6), batched)))
    expect(inParts.output).toBe('[4,2]')
    const selector = { ItemSelector: "{% $pad('', 300000, 'x') %}", ItemProcessor: passing() }
    expect(await run(await create('large', distributed('{% [1] %}', selector)))).toMatchObject({
      error: 'States.DataLimitExceeded',
    })
  })

  test('a Map Run is described by counts, and its children are listed', async () => {
    const { create, run, call } = harness()
    const machine = await create('m', {
      M: { Type: 'Map', Label: 'rows', Items: [1, 2], ToleratedFailureCount: 1, ItemProcessor: FAIL_ODD, End: true },
    })
    const { executionArn } = await run(machine)
    const { mapRuns } = await call('ListMapRuns', { executionArn })
    const [{ mapRunArn }] = mapRuns as [{ mapRunArn: string }]
    expect(mapRunArn).toMatch(/^arn:aws:states:us-east-2:000000000000:mapRun:m\/rows:/)
    expect(await call('DescribeMapRun', { mapRunArn })).toMatchObject({
      status: 'SUCCEEDED',
      itemCounts: { total: 2, succeeded: 1, failed: 1, pending: 0 },
    })
    const { executions } = await call('ListExecutions', { mapRunArn, statusFilter: 'FAILED' })
    expect(executions).toMatchObject([{ stateMachineArn: `${machine}/rows`, mapRunArn, itemCount: 1 }])
  })

  test('UpdateMapRun lets more children run at once and more of them fail', async () => {
    const waiting: (() => void)[] = []
    const {
      create,
      start,
      call,
      states,
      describe: described,
    } = harness(
      ({ input }) =>
        new Promise((resolve) => {
          waiting.push(() => resolve({ StatusCode: 200, Payload: input.Payload }))
        }),
      { clock: manualClock() },
    )
    const Resource = 'arn:aws:lambda:us-east-2:000000000000:function:f'
    const processor = {
      ...PROCESSOR,
      StartAt: 'T',
      States: { T: { Type: 'Task', Resource, Next: 'F' }, F: { Type: 'Fail' } },
    }
    const machine = await create('m', {
      M: { Type: 'Map', Items: [1, 2, 3], MaxConcurrency: 1, ItemProcessor: processor, End: true },
    })
    const executionArn = await start(machine)
    const turns = async () => {
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    }
    await turns()
    expect(waiting).toHaveLength(1)
    const { mapRuns } = await call('ListMapRuns', { executionArn })
    const [{ mapRunArn }] = mapRuns as [{ mapRunArn: string }]
    await call('UpdateMapRun', { mapRunArn, maxConcurrency: 3, toleratedFailurePercentage: 100 })
    await turns()
    expect(waiting).toHaveLength(3)
    for (const answer of waiting) answer()
    await states.whenClosed(executionArn)
    expect(await described(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '[]' })
    expect(await call('DescribeMapRun', { mapRunArn })).toMatchObject({ maxConcurrency: 3, itemCounts: { failed: 3 } })
    await expect(call('UpdateMapRun', { mapRunArn, maxConcurrency: 1 })).rejects.toMatchObject({
      code: 'ValidationException',
    })
  })

  test('a ResultWriter writes the results and the manifest and answers with its place', async () => {
    const written = new Map<string, string>()
    const { create, run } = harness(({ input }) => {
      written.set(String(input.Key), Buffer.from(input.Body as Uint8Array).toString())
      return { ETag: '"e"' }
    })
    const machine = await create('m', {
      M: {
        Type: 'Map',
        Items: [[1], [2, 3]],
        ItemProcessor: passing(),
        ResultWriter: {
          Resource: 'arn:aws:states:::s3:putObject',
          Arguments: { Bucket: 'out', Prefix: 'runs' },
          WriterConfig: { Transformation: 'FLATTEN', OutputType: 'JSON' },
        },
        End: true,
      },
    })
    const { output } = await run(machine)
    const { Key } = JSON.parse(String(output)).ResultWriterDetails
    const manifest = JSON.parse(written.get(Key) ?? '')
    expect(manifest.DestinationBucket).toBe('out')
    expect(written.get(manifest.ResultFiles.SUCCEEDED[0].Key)).toBe('[1,2,3]')
  })

  test('a Map Run that is interrupted runs only the children that are missing, and its waits go on', async () => {
    const store = memoryStore()
    const started: unknown[] = []
    const count: Answer = ({ input }) => {
      started.push(JSON.parse(Buffer.from(input.Payload as Uint8Array).toString()))
      return { StatusCode: 200, Payload: input.Payload }
    }
    const first = harness(count, { store, clock: manualClock() })
    const processor = {
      ...PROCESSOR,
      StartAt: 'T',
      States: {
        T: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke',
          Arguments: { FunctionName: 'f', Payload: { n: '{% $states.input %}' } },
          Output: '{% $states.result.Payload.n %}',
          Next: 'W',
        },
        W: { Type: 'Wait', Seconds: '{% $states.input > 2 ? 100 : 0 %}', End: true },
      },
    }
    const machine = await first.create('m', {
      M: { Type: 'Map', MaxConcurrency: 3, Items: [1, 2, 3, 4, 5], ItemProcessor: processor, End: true },
    })
    const executionArn = await first.start(machine)
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
    await first.states.close()
    expect(started).toHaveLength(5)
    const second = harness(count, { store, generation: 'second' })
    await second.states.resume()
    await second.states.whenClosed(executionArn)
    expect(await second.describe(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '[1,2,3,4,5]' })
    expect(started).toHaveLength(5)
  })
})
