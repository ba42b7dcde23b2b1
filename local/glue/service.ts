/** Glue: jobs and their runs, the catalog, rulesets and their results. */
import { isJsonObject } from '../../core/json.ts'
import type { GlueJobModel, GlueModel, GlueRulesetModel } from '../assembly/model.ts'
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import {
  AwsError,
  type Clock,
  type Collection,
  type Operation,
  type Permission,
  type Service,
  type Store,
} from '../service.ts'
import { createCatalog } from './catalog.ts'
import type { JobEngine } from './job-engine.ts'
import { describeJob, describeJobRun } from './job-run.ts'
import { createJobRunner, type JobRunner } from './job-runner.ts'
import { GLUE_PAGING, nextToken } from './pages.ts'

export interface GlueOptions {
  readonly store: Store
  readonly clock: Clock
  readonly ids: () => string
  readonly accountId: string
  readonly region: string
  readonly engine: JobEngine
  /** Runs of a job that work at a time on this machine. */
  readonly parallelRuns: (job: GlueJobModel) => number
  /** A small JSON document of the dq-results zone, read as the service itself. */
  readonly readDocument: (place: { readonly bucket: string; readonly key: string }) => Promise<unknown>
  readonly log: (message: string) => void
}

export interface GlueService extends Service {
  /** Puts what the template declares. Runs, partitions and results stay. */
  deploy(model: GlueModel): Promise<void>
  /** Marks runs that an earlier process left unfinished as failed. */
  recover(): Promise<void>
  close(): Promise<void>
}

interface ResultRecord {
  readonly jobName: string
  readonly jobRunId: string
  readonly verdict: { readonly bucket: string; readonly key: string }
  readonly completedAtMillis: number
  readonly startedAtMillis: number
}

export function createGlueService(options: GlueOptions): GlueService {
  const { store, clock } = options
  const jobs: Collection<GlueJobModel> = store.collection('glue.jobs')
  const rulesets: Collection<GlueRulesetModel> = store.collection('glue.rulesets')
  const results: Collection<ResultRecord> = store.collection('glue.results')
  const catalog = createCatalog(store, clock, options)
  const runner = createJobRunner({
    ...options,
    onEnd: async (run, _job, outcome) => {
      const engineRunId = run.arguments['--run_id']
      if (outcome?.verdict === null || outcome === null || engineRunId === undefined) return
      await results.put([`dqresult-${engineRunId}`], {
        jobName: run.jobName,
        jobRunId: run.id,
        verdict: outcome.verdict,
        startedAtMillis: run.startedAtMillis,
        completedAtMillis: run.completedAtMillis ?? run.startedAtMillis,
      })
    },
  })
  return {
    id: 'glue',
    operations: {
      ...jobOperations(jobs, runner, options),
      ...catalog.operations,
      ...qualityOperations(rulesets, results, options),
    },
    deploy: async (model) => {
      await catalog.deploy(model)
      await Promise.all([...replaced(jobs, model.jobs), ...replaced(rulesets, model.rulesets)])
    },
    recover: () => runner.recover(),
    close: () => runner.close(),
  }
}

/** Writes that make a collection hold exactly these, by name. */
function replaced<V extends { readonly name: string }>(
  collection: Collection<V>,
  wanted: readonly V[],
): Promise<void>[] {
  const gone = [...collection.range([])].filter(({ key }) => !wanted.some(({ name }) => name === key[0]))
  return [
    ...gone.map(({ key }) => collection.remove(key)),
    ...wanted.map((value) => collection.put([value.name], value)),
  ]
}

const arnOf = ({ region, accountId }: GlueOptions, resource: string): string =>
  `arn:aws:glue:${region}:${accountId}:${resource}`

function jobOperations(
  jobs: Collection<GlueJobModel>,
  runner: JobRunner,
  options: GlueOptions,
): Record<string, Operation> {
  const jobOf = (name: string): GlueJobModel => {
    const job = jobs.get([name])
    if (job !== undefined) return job
    throw new AwsError('EntityNotFoundException', `Job ${name} not found`)
  }
  const all = (): readonly GlueJobModel[] => [...jobs.range([])].map(({ value }) => value)
  const onJob = (action: string, run: (request: Input) => unknown, member = 'JobName'): Operation => ({
    permissions: (input): Permission[] => [
      { action: `glue:${action}`, resource: arnOf(options, `job/${readInput(input).textOr(member, '*')}`) },
    ],
    run: async (input) => run(readInput(input)),
  })
  const onAll = (action: string, run: (request: Input) => unknown): Operation => ({
    permissions: () => [{ action: `glue:${action}`, resource: '*' }],
    run: async (input) => run(readInput(input)),
  })
  return {
    GetJob: onJob('GetJob', (request) => ({ Job: describeJob(jobOf(request.text('JobName'))) })),
    GetJobs: onAll('GetJobs', (request) => {
      const { page, next } = pageOf(all(), request, GLUE_PAGING)
      return { Jobs: page.map(describeJob), ...nextToken(next) }
    }),
    ListJobs: onAll('ListJobs', (request) => {
      const { page, next } = pageOf(all(), request, GLUE_PAGING)
      return { JobNames: page.map(({ name }) => name), ...nextToken(next) }
    }),
    BatchGetJobs: onAll('BatchGetJobs', (request) => {
      const names = request.list('JobNames').map(String)
      const found = all().filter(({ name }) => names.includes(name))
      return {
        Jobs: found.map(describeJob),
        JobsNotFound: names.filter((name) => !found.some((job) => job.name === name)),
      }
    }),
    StartJobRun: onJob('StartJobRun', async (request) => {
      const job = jobOf(request.text('JobName'))
      const id = await runner.start({
        job,
        arguments: request.texts('Arguments'),
        timeoutMinutes: request.numberOr('Timeout', null),
        queuing: request.booleanOr('JobRunQueuingEnabled', job.queuing),
      })
      return { JobRunId: id }
    }),
    GetJobRun: onJob('GetJobRun', (request) => {
      const [jobName, runId] = [request.text('JobName'), request.text('RunId')]
      const run = runner.find(jobName, runId)
      if (run === undefined) throw new AwsError('EntityNotFoundException', `Job run ${runId} not found`)
      return { JobRun: describeJobRun(run, jobs.get([jobName])) }
    }),
    GetJobRuns: onJob('GetJobRuns', (request) => {
      const job = jobOf(request.text('JobName'))
      const { page, next } = pageOf(runner.list(job.name), request, { ...GLUE_PAGING, size: 200 })
      return { JobRuns: page.map((run) => describeJobRun(run, job)), ...nextToken(next) }
    }),
    BatchStopJobRun: onJob('BatchStopJobRun', async (request) => {
      const jobName = request.text('JobName')
      const stopped = await Promise.all(
        request
          .list('JobRunIds')
          .map(String)
          .map(async (id) => ({ id, stopped: await runner.stop(jobName, id) })),
      )
      return {
        SuccessfulSubmissions: stopped
          .filter((run) => run.stopped)
          .map(({ id }) => ({ JobName: jobName, JobRunId: id })),
        Errors: stopped
          .filter((run) => !run.stopped)
          .map(({ id }) => ({
            JobName: jobName,
            JobRunId: id,
            ErrorDetail: { ErrorCode: 'InvalidInputException', ErrorMessage: 'Job run is not running' },
          })),
      }
    }),
  }
}

function qualityOperations(
  rulesets: Collection<GlueRulesetModel>,
  results: Collection<ResultRecord>,
  options: GlueOptions,
): Record<string, Operation> {
  const describeRuleset = (ruleset: GlueRulesetModel): Record<string, unknown> => ({
    Name: ruleset.name,
    Description: ruleset.description,
    ...(ruleset.targetTable === null
      ? {}
      : { TargetTable: { DatabaseName: ruleset.targetTable.databaseName, TableName: ruleset.targetTable.tableName } }),
  })
  const resultOf = async (id: string): Promise<Record<string, unknown>> => {
    const record = results.get([id])
    if (record === undefined) throw new AwsError('EntityNotFoundException', `Data quality result ${id} not found`)
    const place = { bucket: record.verdict.bucket, key: record.verdict.key.replace(/verdict\.json$/, 'result.json') }
    const document = await options.readDocument(place)
    return {
      ...(isJsonObject(document) ? document : {}),
      ResultId: id,
      StartedOn: new Date(record.startedAtMillis),
      CompletedOn: new Date(record.completedAtMillis),
      JobName: record.jobName,
      JobRunId: record.jobRunId,
    }
  }
  const operation = (
    action: string,
    resource: (request: Input) => string,
    run: (request: Input) => unknown,
  ): Operation => ({
    permissions: (input) => [{ action: `glue:${action}`, resource: resource(readInput(input)) }],
    run: async (input) => run(readInput(input)),
  })
  const ruleset = (request: Input): string => arnOf(options, `dataQualityRuleset/${request.textOr('Name', '*')}`)
  const anyRuleset = (): string => arnOf(options, 'dataQualityRuleset/*')
  return {
    GetDataQualityRuleset: operation('GetDataQualityRuleset', ruleset, (request) => {
      const found = rulesets.get([request.text('Name')])
      if (found === undefined)
        throw new AwsError('EntityNotFoundException', `Ruleset ${request.text('Name')} not found`)
      return { ...describeRuleset(found), Ruleset: found.dqdl }
    }),
    ListDataQualityRulesets: operation('ListDataQualityRulesets', anyRuleset, (request) => {
      const { page, next } = pageOf([...rulesets.range([])], request, GLUE_PAGING)
      return { Rulesets: page.map(({ value }) => describeRuleset(value)), ...nextToken(next) }
    }),
    GetDataQualityResult: operation('GetDataQualityResult', anyRuleset, (request) =>
      resultOf(request.text('ResultId')),
    ),
    BatchGetDataQualityResult: operation('BatchGetDataQualityResult', anyRuleset, async (request) => {
      const ids = request.list('ResultIds').map(String)
      const known = ids.filter((id) => results.get([id]) !== undefined)
      return {
        Results: await Promise.all(known.map(resultOf)),
        ResultsNotFound: ids.filter((id) => !known.includes(id)),
      }
    }),
    ListDataQualityResults: operation('ListDataQualityResults', anyRuleset, (request) => {
      const filter = request.structure('Filter')
      const [jobName, jobRunId] = [filter.textOr('JobName', null), filter.textOr('JobRunId', null)]
      const [after, before] = [filter.dateOr('StartedAfter', null), filter.dateOr('StartedBefore', null)]
      const wanted = [...results.range([])].filter(
        ({ value }) =>
          (jobName === null || value.jobName === jobName) &&
          (jobRunId === null || value.jobRunId === jobRunId) &&
          (after === null || value.startedAtMillis > after.getTime()) &&
          (before === null || value.startedAtMillis < before.getTime()),
      )
      const { page, next } = pageOf(wanted, request, GLUE_PAGING)
      const listed = page.map(({ key, value }) => ({
        ResultId: String(key[0]),
        JobName: value.jobName,
        JobRunId: value.jobRunId,
        StartedOn: new Date(value.startedAtMillis),
      }))
      return { Results: listed, ...nextToken(next) }
    }),
  }
}
