import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  GetJobRunCommand,
  GetJobRunsCommand,
  GetPartitionsCommand,
  GlueClient,
  StartJobRunCommand,
} from '@aws-sdk/client-glue'
import { type HistoryEvent, ListStateMachinesCommand } from '@aws-sdk/client-sfn'
import { describe, expect, test } from '@jest/globals'
import { clientSettings } from '../../cli/deployment.ts'
import type { JobDocument } from '../../cli/job-document.ts'
import { getJob, listJobs } from '../../cli/jobs-client.ts'
import { documentOf, sluice } from '../cli/command.ts'
import { GOLDEN_FILES } from '../golden/golden.ts'
import { imbalanceOf, type RunningRuntime, readText, rowsOf } from './harness.ts'
import { executionsOf } from './history.ts'
import { objectOf, textOf } from './json.ts'
import { allObjects, type StoredObject } from './observed.ts'
import { eventually } from './operator.ts'

/** A golden file that ran. */
export interface Ran {
  readonly job: JobDocument
  readonly events: readonly HistoryEvent[]
}

/** What the tests need of the runtime that ran the golden files. */
export interface GoldenHarness {
  runtime(): RunningRuntime
  readonly ran: ReadonlyMap<string, Ran>
  ranOf(file: string): Ran
  /** For files of the tests. */
  readonly folder: string
}

/** What golden files leave behind in zones, logs and histories. */
export function remainsTests({ runtime, ran, ranOf, folder }: GoldenHarness): void {
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
      const objects = (await allObjects(runtime().clients.s3))
        .map((object) => `${zoneOf(object)} ${object.key}`)
        .filter((place) => /^(raw|validated|curated|quarantine|dq-results|work|replay) /.test(place))
      expect(objects.length).toBeGreaterThan(30)
      expect(objects.filter((place) => !allowed.some((pattern) => pattern.test(place)))).toEqual([])
    })

    test('TEN-01: as many executions ran as there are jobs', async () => {
      const { stateMachines = [] } = await runtime().clients.states.send(new ListStateMachinesCommand({}))
      const ingest = stateMachines.find(({ name }) => name === 'ingest')?.stateMachineArn ?? ''
      const jobs = await listJobs(runtime().clients.lambda, { tenantId: null, status: null, limit: 1000 })
      expect(jobs).toHaveLength(GOLDEN_FILES.length)
      expect(new Set(await executionsOf(runtime().clients.states, ingest))).toEqual(
        new Set(jobs.map(({ executionArn }) => executionArn)),
      )
    })

    test('TEST-16 WH-13: input = curated + rejected + duplicates holds for every job', async () => {
      const jobs = await listJobs(runtime().clients.lambda, { tenantId: null, status: null, limit: 1000 })
      expect(jobs.map(imbalanceOf)).toEqual(jobs.map(() => null))
    })

    test('OBS-01 TEN-05: every line that the functions log parses and has the keys', () => {
      const folder = join(runtime().state, 'logs')
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
      const glue = new GlueClient(clientSettings(runtime().connection))
      const statementName = (parameters: string): string => textOf(objectOf(JSON.parse(parameters)).StatementName)
      const logLines = (name: string) =>
        readText(join(runtime().state, 'logs', `${name}.log`))
          .split('\n')
          .filter((line) => line.includes(runId))
      const sent = (state: string) => {
        const entered = events.findIndex(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === state)
        const scheduled = events.slice(entered).find(({ taskScheduledEventDetails: details }) => details !== undefined)
        return [scheduled?.taskScheduledEventDetails?.parameters ?? '']
      }
      const { JobRuns = [] } = await glue.send(new GetJobRunsCommand({ JobName: 'transform-small' }))
      glue.destroy()
      const quality = (await allObjects(runtime().clients.s3)).map(({ key }) => key)
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
      const judged = (await listJobs(runtime().clients.lambda, { tenantId: null, status: null, limit: 1000 })).filter(
        ({ objects }) => typeof objects.quality === 'string',
      )
      const against = (rules: string) =>
        sluice(['dq', 'backtest', '--rules', rules, '--dataset', 'orders', '--state', runtime().state, '--json'])
      const same = await against('dq-rules/orders.dqdl')
      expect([same.exitCode, objectOf(documentOf(same)).summary]).toEqual([
        0,
        { jobs: judged.length, same: judged.length, wouldStop: 0, wouldPass: 0, unknown: 0, withoutResult: 0 },
      ])
      const strict = join(folder, 'strict.dqdl')
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
      const glue = new GlueClient(clientSettings(runtime().connection))
      const scheduled = events.find(({ taskScheduledEventDetails: details }) => details?.resourceType === 'glue')
      const sent = objectOf(JSON.parse(scheduled?.taskScheduledEventDetails?.parameters ?? '{}'))
      const own = Object.entries(objectOf(sent.Arguments)).map(([name, value]) => [name, textOf(value)] as const)
      const lateId = `${job.jobId}-1-7`
      const seen = async () => ({
        job: await getJob(runtime().clients.lambda, { jobId: job.jobId }),
        rows: await rowsOf(runtime(), 'select * from orders order by order_id'),
        partitions: (
          await glue.send(new GetPartitionsCommand({ DatabaseName: 'curated', TableName: 'orders' }))
        ).Partitions?.map(({ Values }) => Values),
        objects: (await allObjects(runtime().clients.s3)).filter(({ key }) => !key.includes(lateId)),
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
      const late = (await allObjects(runtime().clients.s3)).filter(({ key }) => key.includes(lateId))
      expect(late.map(({ key }) => key)).toContainEqual(expect.stringMatching(/manifest\.json$/))
      glue.destroy()
    })
  })
}
