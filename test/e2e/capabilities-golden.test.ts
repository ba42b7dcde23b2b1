import { DescribeExecutionCommand } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import { getJob } from '../../cli/jobs-client.ts'
import { openStore } from '../../local/store.ts'
import { documentOf, sluice } from '../cli/command.ts'
import { GOLDEN_FILES, goldenPath, statesOfWay } from '../golden/golden.ts'
import { promotionTests } from './golden-promotion-cases.ts'
import { type Ran, remainsTests } from './golden-remains-cases.ts'
import { deployedState, dropFile, jobOf, type RunningRuntime, readText, rowsOf, scratchFolder, up } from './harness.ts'
import { historyOf } from './history.ts'
import { objectOf, textOf } from './json.ts'
import { allObjects, attemptsOf, readObject, statesEntered } from './observed.ts'

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

remainsTests({ runtime: () => runtime, ran, ranOf, folder: scratch.path })

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

promotionTests({ runtime: () => runtime, folder: scratch.path })
