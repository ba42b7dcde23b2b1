import { cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  GetJobRunCommand,
  GetJobRunsCommand,
  GetPartitionsCommand,
  GlueClient,
  StartJobRunCommand,
} from '@aws-sdk/client-glue'
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  type HistoryEvent,
  ListStateMachinesCommand,
  PublishStateMachineVersionCommand,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import { clientSettings } from '../../cli/deployment.ts'
import type { JobDocument } from '../../cli/job-view.ts'
import { getJob, listJobs } from '../../cli/jobs-client.ts'
import { openStore } from '../../local/store.ts'
import { documentOf, sluice } from '../cli/command.ts'
import { GOLDEN_FILES, goldenPath, statesOfWay } from '../golden/golden.ts'
import {
  deployedState,
  dropFile,
  imbalanceOf,
  jobOf,
  type RunningRuntime,
  readText,
  rowsOf,
  scratchFolder,
  up,
} from './harness.ts'
import { executionsOf, historyOf } from './history.ts'
import { type JsonObject, objectOf, textOf } from './json.ts'
import { allObjects, attemptsOf, readObject, type StoredObject, statesEntered } from './observed.ts'
import { eventually, machineArn } from './operator.ts'

interface Ran {
  readonly job: JobDocument
  readonly events: readonly HistoryEvent[]
}

const scratch = scratchFolder('golden')
const ran = new Map<string, Ran>()
let runtime: RunningRuntime

const ranOf = (file: string): Ran => {
  const found = ran.get(file)
  if (found !== undefined) return found
  throw new Error(`${file} was not dropped`)
}

beforeAll(async () => {
  runtime = await up(await deployedState(scratch.path))
  for (const { file } of GOLDEN_FILES) {
    const { executionArn } = await dropFile(
      runtime,
      { tenant: 'acme', dataset: 'orders', name: file },
      goldenPath(file),
    )
    const job = await jobOf(runtime, executionArn)
    ran.set(file, { job, events: await historyOf(runtime.clients.states, executionArn) })
  }
}, 120_000)

afterAll(async () => {
  await runtime.stop()
  await scratch.remove()
})

describe('golden files', () => {
  test.each(GOLDEN_FILES)('TEST-35 TEST-40: $file is $way and ends as $status', (golden) => {
    const { job, events } = ranOf(golden.file)
    expect(job).toMatchObject({ status: golden.status, reasonCode: golden.reasonCode })
    if (golden.counts === null) expect(job.counts).toBeNull()
    else expect(job.counts).toMatchObject(golden.counts)
    // Whether a statement is waited for is up to its speed.
    const states = statesEntered(events).filter((state) => state !== 'AwaitStatement')
    expect(states).toEqual(statesOfWay(golden.way))
  })

  test('VAL-18 ORC-03: a verdict of validation is asked for once, and never again', () => {
    expect(attemptsOf(ranOf('missing-column.csv').events, 'ValidateFile')).toBe(1)
  })

  test('VAL-34 VAL-04: a file that validation refuses never enters the transform, and no Glue run starts', () => {
    const { job, events } = ranOf('missing-column.csv')
    expect(attemptsOf(events, 'Transform')).toBe(0)
    expect(job.objects).toMatchObject({ validated: null, curated: null, rejects: null })
  })

  test('DQ-05 DQ-21: rows of a run that fails the gate are never visible', async () => {
    expect(ranOf('impossible-value.csv').job.objects.curated).not.toBeNull()
    expect(await rowsOf(runtime, "select order_id from orders where order_id like 'i%'")).toEqual([])
  })

  test('WH-12 TRF-05: the count of duplicates is on the job, and the row that was changed last is in the table', async () => {
    expect(ranOf('duplicate.csv').job.counts?.duplicates).toBe(2)
    expect(await rowsOf(runtime, "select amount from orders where order_id = 'd1'")).toEqual([{ amount: '3.00' }])
  })

  test.each(GOLDEN_FILES.filter(({ stage }) => stage !== null))(
    'QUA-17 QUA-18: the quarantine record of $file says stage $stage, reason $reasonCode and why',
    async ({ file, stage, reasonCode }) => {
      const { job } = ranOf(file)
      const manifest = objectOf(JSON.parse(await readObject(runtime.clients.s3, job.objects.quarantine)))
      expect(manifest).toMatchObject({ stage, reasonCode, jobId: job.jobId, tenantId: 'acme' })
      expect(textOf(manifest.message).length).toBeGreaterThan(10)
    },
  )

  test('QUA-20: the record of a failed gate holds the rule and what was observed', async () => {
    const { job } = ranOf('impossible-value.csv')
    const manifest = JSON.parse(await readObject(runtime.clients.s3, job.objects.quarantine))
    expect(manifest.quality.notPassed).toEqual([
      expect.objectContaining({
        rule: 'ColumnValues "quantity" > 0',
        result: 'FAIL',
        metrics: { 'Column.quantity.Minimum': -1 },
      }),
    ])
  })

  test('QUA-16 IDEM-09: the source of a quarantined job is still the version that landed', async () => {
    const { source } = ranOf('malformed.csv').job
    expect(await readObject(runtime.clients.s3, `s3://${source.bucket}/${source.key}`)).toBe(
      readText(goldenPath('malformed.csv')),
    )
  })

  test('DQ-01: the total of the amounts that a run loaded is the total of its source', async () => {
    const { job } = ranOf('valid.csv')
    const rows: readonly unknown[] = parse(readText(goldenPath('valid.csv')), { columns: true })
    const totals = rows.map((row) => Number(textOf(objectOf(row).Total)))
    const inSource = totals.reduce((sum, each) => sum + each, 0).toFixed(2)
    expect(await rowsOf(runtime, `select sum(amount) as total from orders where job_id = '${job.jobId}'`)).toEqual([
      { total: inSource },
    ])
  })

  test("DQ-02: the tenant's score over a window is the share of rules that passed, by dataset", async () => {
    const judged = [...ran.values()].filter(({ job }) => job.quality !== null)
    const mean = judged.reduce((sum, { job }) => sum + (job.quality?.score ?? 0), 0) / judged.length
    const asked = await sluice([
      'score',
      '--tenant',
      'acme',
      '--since',
      '2026-01-01',
      '--json',
      '--state',
      runtime.state,
    ])
    expect([asked.exitCode, documentOf(asked)]).toMatchObject([
      0,
      {
        jobs: judged.length,
        quarantined: 1,
        score: expect.closeTo(mean, 9),
        datasets: [{ dataset: 'orders', jobs: judged.length }],
      },
    ])
  })

  test('DQ-18: a result for each run that was measured lies under its dataset, tenant and run', async () => {
    const { job } = ranOf('valid.csv')
    expect(job.objects.quality).toMatch(/\/orders\/tenant=acme\/run=j[0-9a-f]{24}-1-0\/result\.json$/)
    const result = JSON.parse(await readObject(runtime.clients.s3, job.objects.quality))
    expect(result.RuleResults.length).toBeGreaterThan(15)
    for (const rule of result.RuleResults)
      expect(rule).toMatchObject({ Name: expect.any(String), Result: 'PASS', Description: expect.any(String) })
    // What was observed, and over how many rows.
    expect(result.RuleResults[0].EvaluatedMetrics).toEqual({ 'Dataset.*.RowCount': 8 })
    expect(result.RuleResults.filter((rule: object) => 'EvaluatedMetrics' in rule)).toHaveLength(
      result.RuleResults.length,
    )
  })
})

describe('quality rules of daily cadence', () => {
  test('DQ-27: the first run of the day judges them, the runs after it the others', async () => {
    const rulesOf = async (file: string) => {
      const result = JSON.parse(await readObject(runtime.clients.s3, ranOf(file).job.objects.quality))
      return result.RuleResults.map(({ Description }: { Description: string }) => Description)
    }
    const [first, later] = [await rulesOf('valid.csv'), await rulesOf('late.csv')]
    expect(first.filter((rule: string) => !later.includes(rule))).toEqual([
      expect.stringMatching(/^ColumnValues "customer_email" matches/),
    ])
  })
})

describe('the history that rules compare with', () => {
  test('DQ-23: holds one result of each run that passed the gate, under its dataset and tenant, and none of a quarantined one', async () => {
    const keys = (await allObjects(runtime.clients.s3)).map(({ key }) => key)
    const kept = keys.flatMap((key) => /^orders\/tenant=acme\/history\/\d+-(j[0-9a-f]{24})\.json$/.exec(key)?.[1] ?? [])
    const passed = [...ran.values()].filter(({ job }) => job.status === 'COMPLETED').map(({ job }) => job.jobId)
    expect(kept.toSorted()).toEqual(passed.toSorted())
    expect(keys.filter((key) => key.includes('/history/'))).toHaveLength(passed.length)
  })
})

describe('what runs leave behind', () => {
  /** Where a job of acme may write: every key names the tenant. */
  const places = (jobId: string): readonly RegExp[] => [
    new RegExp(`^validated acme/orders/job=${jobId}/`),
    new RegExp(`^curated orders/tenant=acme/ingest_date=[0-9-]{10}/run=${jobId}-`),
    new RegExp(`^curated rejects/orders/tenant=acme/run=${jobId}-`),
    new RegExp(`^quarantine acme/orders/job=${jobId}/`),
    new RegExp(`^dq-results orders/tenant=acme/run=${jobId}-`),
    new RegExp(`^dq-results orders/tenant=acme/history/[0-9]+-${jobId}\\.json$`),
    new RegExp(`^work plans/acme/orders/${jobId}/`),
    new RegExp(`^work runs/acme/${jobId}-`),
  ]
  const zoneOf = ({ bucket }: StoredObject): string =>
    ['raw', 'validated', 'curated', 'quarantine', 'dq-results', 'work', 'replay'].find((zone) =>
      bucket.includes(zone),
    ) ?? bucket

  test('TEN-04 QUA-06 DEP-19: every object lies below its tenant in the zone that is its own', async () => {
    const allowed = [
      /^raw landing\/acme\/orders\//,
      /^work config\/acme\/(contract|mapping|ruleset)\/[0-9a-f]{64}\.json$/,
      ...[...ran.values()].flatMap(({ job }) => places(job.jobId)),
    ]
    const objects = (await allObjects(runtime.clients.s3))
      .map((object) => `${zoneOf(object)} ${object.key}`)
      .filter((place) => /^(raw|validated|curated|quarantine|dq-results|work|replay) /.test(place))
    expect(objects.length).toBeGreaterThan(30)
    expect(objects.filter((place) => !allowed.some((pattern) => pattern.test(place)))).toEqual([])
  })

  test('TEN-01: as many executions ran as there are jobs', async () => {
    const { stateMachines = [] } = await runtime.clients.states.send(new ListStateMachinesCommand({}))
    const ingest = stateMachines.find(({ name }) => name === 'ingest')?.stateMachineArn ?? ''
    const jobs = await listJobs(runtime.clients.lambda, { tenantId: null, status: null, limit: 1000 })
    expect(jobs).toHaveLength(GOLDEN_FILES.length)
    expect(new Set(await executionsOf(runtime.clients.states, ingest))).toEqual(
      new Set(jobs.map(({ executionArn }) => executionArn)),
    )
  })

  test('TEST-16 WH-13: input = curated + rejected + duplicates holds for every job', async () => {
    const jobs = await listJobs(runtime.clients.lambda, { tenantId: null, status: null, limit: 1000 })
    expect(jobs.map(imbalanceOf)).toEqual(jobs.map(() => null))
  })

  test('OBS-01 TEN-05: every line that the functions log parses and has the keys', () => {
    const folder = join(runtime.state, 'logs')
    const functions = readdirSync(folder).map((file) => file.replace('.log', ''))
    expect(functions.sort()).toEqual(['metadata', 'quarantine', 'validate'])
    const lines = functions.flatMap((name) =>
      readText(join(folder, `${name}.log`))
        .trimEnd()
        .split('\n'),
    )
    const logged = lines.map((line) => objectOf(JSON.parse(line.slice(line.indexOf(' ') + 1))))
    for (const line of logged)
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(INFO|WARN|ERROR)$/),
        message: expect.any(String),
        timingMs: expect.any(Number),
      })
    // What no job caused, a connection lost while nobody used it, names none.
    for (const line of logged.filter(({ level }) => level === 'INFO'))
      expect(line).toMatchObject({
        tenantId: 'acme',
        jobId: expect.stringMatching(/^j[0-9a-f]{24}$/),
        executionArn: expect.stringContaining(':execution:ingest:'),
      })
  })

  test('OBS-36: one search for the id of a run leads to every stage, and so does one for its job', async () => {
    const { job, events } = ranOf('valid.csv')
    const runId = `${job.jobId}-1-0`
    const glue = new GlueClient(clientSettings(runtime.connection))
    const statementName = (parameters: string): string => textOf(objectOf(JSON.parse(parameters)).StatementName)
    const logLines = (name: string) =>
      readText(join(runtime.state, 'logs', `${name}.log`))
        .split('\n')
        .filter((line) => line.includes(runId))
    const sent = (state: string) => {
      const entered = events.findIndex(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === state)
      const scheduled = events.slice(entered).find(({ taskScheduledEventDetails: details }) => details !== undefined)
      return [scheduled?.taskScheduledEventDetails?.parameters ?? '']
    }
    const { JobRuns = [] } = await glue.send(new GetJobRunsCommand({ JobName: 'transform-small' }))
    glue.destroy()
    const quality = (await allObjects(runtime.clients.s3)).map(({ key }) => key)
    const found: Readonly<Record<string, readonly string[]>> = {
      'function metadata, registration': logLines('metadata').filter((line) => line.includes('Registration decided')),
      'function metadata, end': logLines('metadata').filter((line) => line.includes('Job closed')),
      'function validate': logLines('validate'),
      'execution, transform': sent('Transform'),
      'execution, partition': sent('RegisterPartition'),
      'Glue run': JobRuns.map(({ Arguments }) => JSON.stringify(Arguments)),
      'quality result': quality.filter((key) => key.endsWith('result.json')),
      'warehouse, staging': sent('StageFiles').map(statementName),
      'warehouse, load': sent('LoadWarehouse').map(statementName),
      events: sent('PublishCompleted'),
    }
    for (const wanted of [runId, job.jobId])
      for (const [stage, entries] of Object.entries(found))
        expect({ wanted, stage, found: entries.some((entry) => entry.includes(wanted)) }).toEqual({
          wanted,
          stage,
          found: true,
        })
  })

  test('the rules that ran would end every job as it ended, and changed ones say what they would have stopped', async () => {
    const judged = (await listJobs(runtime.clients.lambda, { tenantId: null, status: null, limit: 1000 })).filter(
      ({ objects }) => typeof objects.quality === 'string',
    )
    const against = (rules: string) =>
      sluice(['dq', 'backtest', '--rules', rules, '--dataset', 'orders', '--state', runtime.state, '--json'])
    const same = await against('dq-rules/orders.dqdl')
    expect([same.exitCode, objectOf(documentOf(same)).summary]).toEqual([
      0,
      { jobs: judged.length, same: judged.length, wouldStop: 0, wouldPass: 0, unknown: 0, withoutResult: 0 },
    ])
    const strict = join(scratch.path, 'strict.dqdl')
    writeFileSync(strict, 'Rules = [ RowCount > 1000000 ]\n')
    const changed = await against(strict)
    const wouldStop = judged.filter(({ reasonCode }) => reasonCode === null).length
    expect([changed.exitCode, objectOf(documentOf(changed)).summary]).toEqual([
      1,
      { jobs: judged.length, same: judged.length - wouldStop, wouldStop, wouldPass: 0, unknown: 0, withoutResult: 0 },
    ])
  })
})

describe('a run that goes on after another one has committed', () => {
  test('WH-27 IDEM-05: writes below its own prefix, and changes neither the job nor its rows, partitions or ledger', async () => {
    const { job, events } = ranOf('valid.csv')
    const glue = new GlueClient(clientSettings(runtime.connection))
    const scheduled = events.find(({ taskScheduledEventDetails: details }) => details?.resourceType === 'glue')
    const sent = objectOf(JSON.parse(scheduled?.taskScheduledEventDetails?.parameters ?? '{}'))
    const own = Object.entries(objectOf(sent.Arguments)).map(([name, value]) => [name, textOf(value)] as const)
    const lateId = `${job.jobId}-1-7`
    const seen = async () => ({
      job: await getJob(runtime.clients.lambda, { jobId: job.jobId }),
      rows: await rowsOf(runtime, 'select * from orders order by order_id'),
      partitions: (
        await glue.send(new GetPartitionsCommand({ DatabaseName: 'curated', TableName: 'orders' }))
      ).Partitions?.map(({ Values }) => Values),
      objects: (await allObjects(runtime.clients.s3)).filter(({ key }) => !key.includes(lateId)),
    })
    const before = await seen()
    const { JobRunId = '' } = await glue.send(
      new StartJobRunCommand({
        JobName: textOf(sent.JobName),
        Arguments: { ...Object.fromEntries(own), '--run_id': lateId },
      }),
    )
    await eventually('the late run', async () => {
      const { JobRun } = await glue.send(new GetJobRunCommand({ JobName: textOf(sent.JobName), RunId: JobRunId }))
      return JobRun?.JobRunState === 'SUCCEEDED' ? true : null
    })
    expect(await seen()).toEqual(before)
    const late = (await allObjects(runtime.clients.s3)).filter(({ key }) => key.includes(lateId))
    expect(late.map(({ key }) => key)).toContainEqual(expect.stringMatching(/manifest\.json$/))
    glue.destroy()
  })
})

describe('after the history of executions is gone', () => {
  test('JOB-07 JOB-15: jobs still say how they ended', async () => {
    const { job } = ranOf('malformed.csv')
    const state = runtime.state
    await runtime.stop()
    const store = openStore(state)
    for (const name of ['states.executions', 'states.log', 'states.closed', 'states.lists']) {
      const collection = store.collection(name)
      await Promise.all([...collection.range([])].map(({ key }) => collection.remove(key)))
    }
    await store.close()
    runtime = await up(state)
    const { executionArn } = job
    await expect(
      runtime.clients.states.send(new DescribeExecutionCommand({ executionArn: executionArn ?? '' })),
    ).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' })
    expect(await getJob(runtime.clients.lambda, { jobId: job.jobId })).toEqual(job)
  }, 60_000)
})

describe('promotion', () => {
  /** Publishes a version of the ingest machine as a deployment would that is told to leave `live` alone. */
  async function publish(change: (definition: string) => string): Promise<number> {
    const { states } = runtime.clients
    const stateMachineArn = await machineArn(states, 'ingest')
    const { definition = '' } = await states.send(new DescribeStateMachineCommand({ stateMachineArn }))
    await states.send(new UpdateStateMachineCommand({ stateMachineArn, definition: change(definition) }))
    const { stateMachineVersionArn = '' } = await states.send(
      new PublishStateMachineVersionCommand({ stateMachineArn }),
    )
    return Number(stateMachineVersionArn.split(':').at(-1))
  }

  async function promote(...more: readonly string[]): Promise<{ exitCode: number | null; answer: JsonObject }> {
    const files = join(scratch.path, 'smoke')
    cpSync('smoke/acme.orders.csv', join(files, 'acme.orders.csv'))
    const ended = await sluice(['promote', '--json', '--state', runtime.state, '--files', files, ...more])
    return { exitCode: ended.exitCode, answer: objectOf(documentOf(ended)) }
  }

  test('DEP-11 DEP-02: a version in which the smoke run fails does not become live, and live goes on working', async () => {
    const broken = await publish((definition) => definition.replaceAll('transform-small', 'transform-gone'))
    expect(await promote()).toMatchObject({
      exitCode: 1,
      answer: {
        promoted: false,
        version: broken,
        live: [{ version: 1, weight: 100 }],
        outcomes: [
          { dataset: 'orders', machineVersion: broken, passed: false, why: expect.stringContaining('transform') },
        ],
      },
    })
    const dropped = await dropFile(
      runtime,
      { tenant: 'acme', dataset: 'orders', name: 'after-smoke.csv' },
      goldenPath('late.csv'),
    )
    expect(await jobOf(runtime, dropped.executionArn)).toMatchObject({ status: 'SKIPPED' })
  }, 60_000)

  test('DEP-11: a version through which every smoke file passes becomes live, by the share that is asked for', async () => {
    const mended = await publish((definition) =>
      definition.replaceAll('transform-gone', 'transform-small').replace('ingest/v1:', 'ingest/v1 mended:'),
    )
    expect(await promote('--weight', '10')).toMatchObject({
      exitCode: 0,
      answer: {
        promoted: true,
        live: [
          { version: mended, weight: 10 },
          { version: 1, weight: 90 },
        ],
        outcomes: [{ dataset: 'orders', passed: true, job: { tenantId: 'smoke', counts: { input: 8, unchanged: 8 } } }],
      },
    })
  }, 60_000)
})
