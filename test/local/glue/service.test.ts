import { beforeEach, describe, expect, test } from '@jest/globals'
import type { GlueJobModel, GlueModel } from '../../../local/assembly/model.ts'
import type { JobEngine, JobOrder, JobOutcome } from '../../../local/glue/job-engine.ts'
import { createGlueService, type GlueService } from '../../../local/glue/service.ts'
import { memoryStore } from '../../../local/memory-store.ts'
import type { CallContext, Store } from '../../../local/service.ts'
import { type ManualClock, manualClock } from '../manual-clock.ts'

const JOB: GlueJobModel = {
  name: 'transform-small',
  arn: 'arn:aws:glue:us-east-2:000000000000:job/transform-small',
  roleArn: 'arn:aws:iam::000000000000:role/runs',
  command: { name: 'pythonshell', scriptLocation: 's3://assets/x.py', pythonVersion: '3.9' },
  defaultArguments: { '--entry': 'transform_small', '--run_id': 'default' },
  maxConcurrentRuns: 2,
  maxRetries: 0,
  timeoutMinutes: 60,
  queuing: false,
  glueVersion: null,
  workerType: null,
  numberOfWorkers: null,
  maxCapacity: 1,
  securityConfiguration: null,
  executionClass: null,
}
const MODEL: GlueModel = {
  databases: [{ name: 'curated', input: {} }],
  tables: [
    {
      databaseName: 'curated',
      name: 'orders',
      input: {
        Name: 'orders',
        PartitionKeys: [
          { Name: 'tenant', Type: 'string' },
          { Name: 'run', Type: 'string' },
        ],
      },
    },
  ],
  jobs: [JOB],
  rulesets: [{ name: 'orders', dqdl: 'Rules = [ RowCount > 0 ]', description: '', targetTable: null }],
  securityConfigurations: [],
}

interface Work {
  readonly order: JobOrder
  readonly succeed: (outcome?: JobOutcome) => void
  readonly fail: (error: Error) => void
}

let store: Store
let clock: ManualClock
let service: GlueService
let works: Work[]
let parallel: number

/** Runs end when the test says so. */
const engine: JobEngine = (order) =>
  new Promise((resolve, reject) => {
    works.push({ order, succeed: (outcome = { verdict: null }) => resolve(outcome), fail: reject })
  })

const make = (): GlueService => {
  let made = 0
  return createGlueService({
    store,
    clock,
    ids: () => {
      made += 1
      return `${made}`
    },
    accountId: '000000000000',
    region: 'us-east-2',
    engine,
    parallelRuns: () => parallel,
    readDocument: async ({ key }) => ({ Score: 1, RuleResults: [{ Name: 'Rule_1', Result: 'PASS' }], key }),
    log: () => undefined,
  })
}

const CONTEXT: CallContext = {
  caller: { principalArn: 'arn:aws:iam::000000000000:user/operator', roleArn: null, servicePrincipal: null },
  requestId: 'r',
  signal: new AbortController().signal,
}
const call = async (operation: string, input: unknown): Promise<Record<string, unknown>> =>
  (await service.operations[operation]?.run(input, CONTEXT)) as Record<string, unknown>
const start = async (runId: string): Promise<string> =>
  String((await call('StartJobRun', { JobName: JOB.name, Arguments: { '--run_id': runId } })).JobRunId)
const run = async (id: string): Promise<Record<string, unknown>> =>
  (await call('GetJobRun', { JobName: JOB.name, RunId: id })).JobRun as Record<string, unknown>
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))

beforeEach(async () => {
  store = memoryStore()
  clock = manualClock()
  works = []
  parallel = 10
  service = make()
  await service.deploy(MODEL)
})

describe('Glue jobs', () => {
  test('a run gets the job defaults under its own arguments and shows only its own', async () => {
    const id = await start('j1')
    expect(works[0]?.order.arguments).toEqual({ '--entry': 'transform_small', '--run_id': 'j1' })
    expect(await run(id)).toMatchObject({ JobRunState: 'RUNNING', Arguments: { '--run_id': 'j1' }, JobName: JOB.name })
  })

  test('a run that ended well has succeeded, one that threw has failed with its message', async () => {
    const [good, bad] = [await start('good'), await start('bad')]
    works[0]?.succeed()
    works[1]?.fail(new Error('disk full'))
    await settled()
    expect(await run(good)).toMatchObject({ JobRunState: 'SUCCEEDED', CompletedOn: expect.any(Date) })
    expect(await run(bad)).toMatchObject({ JobRunState: 'FAILED', ErrorMessage: 'disk full' })
  })

  test('more runs than the job allows are refused where it does not queue', async () => {
    await start('one')
    await start('two')
    await expect(start('three')).rejects.toMatchObject({ code: 'ConcurrentRunsExceededException' })
  })

  test('more runs than the job allows wait where it queues', async () => {
    await service.deploy({ ...MODEL, jobs: [{ ...JOB, queuing: true }] })
    await start('one')
    await start('two')
    const third = await start('three')
    expect(await run(third)).toMatchObject({ JobRunState: 'WAITING' })
    works[0]?.succeed()
    await settled()
    expect(await run(third)).toMatchObject({ JobRunState: 'RUNNING' })
  })

  test('more runs than the machine works on at a time are started one after another', async () => {
    parallel = 1
    await start('one')
    const second = await start('two')
    expect(works).toHaveLength(1)
    expect(await run(second)).toMatchObject({ JobRunState: 'STARTING' })
    works[0]?.succeed()
    await settled()
    expect(works).toHaveLength(2)
  })

  test('a run beyond its time-out ends as TIMEOUT', async () => {
    const id = await start('slow')
    await clock.advance(3600)
    await settled()
    expect(await run(id)).toMatchObject({ JobRunState: 'TIMEOUT' })
    expect(works[0]?.order.signal.aborted).toBe(true)
  })

  test('a stopped run is STOPPED, and an ended one cannot be stopped', async () => {
    const id = await start('one')
    expect(await call('BatchStopJobRun', { JobName: JOB.name, JobRunIds: [id, 'jr_none'] })).toMatchObject({
      SuccessfulSubmissions: [{ JobRunId: id }],
      Errors: [{ JobRunId: 'jr_none' }],
    })
    await settled()
    expect(await run(id)).toMatchObject({ JobRunState: 'STOPPED' })
  })

  test('a run that was alive when the runtime was killed has failed after the restart', async () => {
    const id = await start('one')
    service = make()
    await service.recover()
    expect(await run(id)).toMatchObject({ JobRunState: 'FAILED', ErrorMessage: expect.stringContaining('interrupted') })
  })

  test('lists the runs of a job, newest first', async () => {
    const first = await start('one')
    await clock.advance(1)
    const second = await start('two')
    const { JobRuns } = await call('GetJobRuns', { JobName: JOB.name })
    expect((JobRuns as { Id: string }[]).map(({ Id }) => Id)).toEqual([second, first])
  })

  test('asks for the permission on the job', () => {
    expect(service.operations.StartJobRun?.permissions({ JobName: JOB.name })).toEqual([
      { action: 'glue:StartJobRun', resource: JOB.arn },
    ])
  })
})

describe('the Glue catalog', () => {
  const PARTITION = { DatabaseName: 'curated', TableName: 'orders' }
  const partition = (tenant: string, runId: string) => ({
    Values: [tenant, runId],
    StorageDescriptor: { Location: `s3://c/${runId}/` },
  })

  test('registers a partition once', async () => {
    await call('CreatePartition', { ...PARTITION, PartitionInput: partition('acme', 'r1') })
    await expect(
      call('CreatePartition', { ...PARTITION, PartitionInput: partition('acme', 'r1') }),
    ).rejects.toMatchObject({ code: 'AlreadyExistsException' })
    expect(await call('GetPartition', { ...PARTITION, PartitionValues: ['acme', 'r1'] })).toMatchObject({
      Partition: { Values: ['acme', 'r1'], StorageDescriptor: { Location: 's3://c/r1/' } },
    })
  })

  test('answers a batch partition by partition', async () => {
    const inputs = [partition('acme', 'r1'), partition('acme', 'r1'), { Values: ['acme'] }]
    expect(await call('BatchCreatePartition', { ...PARTITION, PartitionInputList: inputs })).toMatchObject({
      Errors: [
        { ErrorDetail: { ErrorCode: 'AlreadyExistsException' } },
        { ErrorDetail: { ErrorCode: 'InvalidInputException' } },
      ],
    })
  })

  test('filters and pages partitions', async () => {
    const inputs = [partition('acme', 'r1'), partition('acme', 'r2'), partition('globex', 'r3')]
    await call('BatchCreatePartition', { ...PARTITION, PartitionInputList: inputs })
    const found = async (extra: object) => {
      const output = await call('GetPartitions', { ...PARTITION, ...extra })
      return {
        runs: (output.Partitions as { Values: string[] }[]).map(({ Values }) => Values[1]),
        next: output.NextToken,
      }
    }
    expect((await found({ Expression: "tenant = 'acme' AND run <> 'r1'" })).runs).toEqual(['r2'])
    expect((await found({ Expression: "(tenant in ('globex')) or run = 'r1'" })).runs).toEqual(['r1', 'r3'])
    const { runs, next } = await found({ MaxResults: 2 })
    expect(runs).toEqual(['r1', 'r2'])
    expect((await found({ MaxResults: 2, NextToken: next })).runs).toEqual(['r3'])
  })

  test('counts the versions of a table and keeps the former ones', async () => {
    await call('UpdateTable', { DatabaseName: 'curated', TableInput: { Name: 'orders', PartitionKeys: [] } })
    const { TableVersions } = await call('GetTableVersions', PARTITION)
    expect((TableVersions as { VersionId: string }[]).map(({ VersionId }) => VersionId)).toEqual(['1', '0'])
  })

  test('names what is not there', async () => {
    await expect(call('GetTable', { DatabaseName: 'curated', Name: 'none' })).rejects.toMatchObject({
      code: 'EntityNotFoundException',
      message: 'Table none not found.',
    })
  })
})

describe('Glue data quality', () => {
  test('shows the rulesets of the template', async () => {
    expect(await call('GetDataQualityRuleset', { Name: 'orders' })).toMatchObject({
      Ruleset: 'Rules = [ RowCount > 0 ]',
    })
  })

  test('a run that evaluated a ruleset leaves a result', async () => {
    await start('j1-1-0')
    works[0]?.succeed({ verdict: { bucket: 'dq', key: 'orders/run=j1-1-0/verdict.json' } })
    await settled()
    expect(await call('GetDataQualityResult', { ResultId: 'dqresult-j1-1-0' })).toMatchObject({
      Score: 1,
      JobName: JOB.name,
      key: 'orders/run=j1-1-0/result.json',
    })
  })
})
