import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { S3Client } from '@aws-sdk/client-s3'
import { type BacktestedJob, backtest, type PastJob, type PastRows } from '../../dqdl/backtest/backtest.ts'
import { readableFile } from '../../dqdl/data-file.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { bucketOf, clientSettings, lambdaClient } from '../deployment.ts'
import type { Invocation } from '../invocation.ts'
import type { JobDocument } from '../job-document.ts'
import { listJobs } from '../jobs-client.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { curatedRows, keptResult } from '../past-runs.ts'
import { withQualityEngine } from '../quality-engine.ts'
import { referencesOf } from '../references.ts'
import { connectionOf } from '../session.ts'
import { columns } from '../table.ts'
import { requireFile } from '../upload.ts'
import { parseLimit } from './jobs.ts'

/** Jobs of all datasets that are looked through for those of one. */
const JOBS_LISTED = 10_000

interface BacktestOptions {
  readonly rules?: string
  readonly dataset?: string
  readonly tenant?: string
  readonly limit: string
  readonly reference?: readonly string[]
}

interface JudgedJob extends JobDocument {
  readonly registeredAt: string
  readonly runId: string
  readonly attemptKind: string
}

/** Jobs that a ruleset judged: they have a result, and a run whose rows it judged. */
const isJudged = (job: JobDocument): job is JudgedJob =>
  typeof job.objects.quality === 'string' &&
  'runId' in job &&
  typeof job.runId === 'string' &&
  'registeredAt' in job &&
  typeof job.registeredAt === 'string'

const isReplay = (job: JudgedJob): boolean => String(job.attemptKind).startsWith('replay')

async function pastJob(
  job: JudgedJob,
  s3: S3Client,
  rows: (job: JudgedJob) => Promise<PastRows | null>,
): Promise<PastJob | null> {
  const result = await keptResult(s3, job.objects.quality ?? '')
  if (result === null) return null
  const { jobId, tenantId, registeredAt, status } = job
  return { jobId, tenantId, registeredAt, status, isReplay: isReplay(job), result, rows: () => rows(job) }
}

const CHANGE_WORDS: Readonly<Record<BacktestedJob['change'], string>> = {
  same: 'same',
  would_stop: 'WOULD STOP',
  would_pass: 'WOULD PASS',
  unknown: 'unknown',
}

function printJobs(jobs: readonly BacktestedJob[]): string {
  const rows = jobs.map(({ jobId, tenantId, registeredAt, was, would, change, evidence }) => [
    jobId,
    tenantId,
    registeredAt.slice(0, 19),
    was.gate,
    would.gate,
    CHANGE_WORDS[change],
    evidence,
  ])
  const head = ['JOB', 'TENANT', 'REGISTERED', 'WAS', 'WOULD BE', 'CHANGE', 'FROM']
  const table = columns(
    [head, ...rows],
    head.map(() => 'left'),
  )
  const details = jobs.flatMap(({ jobId, rules }) =>
    rules.map(
      ({ rule, severity, was, would, message }) =>
        `  ${jobId}  ${rule} (${severity}): ${was ?? 'new'} -> ${would ?? 'removed'}${message === null ? '' : `  ${message.split('\n')[0]}`}`,
    ),
  )
  return details.length === 0 ? table : `${table}\n\nrules that differ\n${details.join('\n')}`
}

interface Summary {
  readonly jobs: number
  readonly same: number
  readonly wouldStop: number
  readonly wouldPass: number
  readonly unknown: number
  /** Jobs whose result is not kept any more. */
  readonly withoutResult: number
}

function summaryOf(jobs: readonly BacktestedJob[], withoutResult: number): Summary {
  const count = (change: BacktestedJob['change']): number => jobs.filter((job) => job.change === change).length
  return {
    jobs: jobs.length,
    same: count('same'),
    wouldStop: count('would_stop'),
    wouldPass: count('would_pass'),
    unknown: count('unknown'),
    withoutResult,
  }
}

const printSummary = ({ jobs, same, wouldStop, wouldPass, unknown, withoutResult }: Summary): string =>
  `${jobs} jobs: ${wouldStop} would have been stopped, ${wouldPass} would have passed, ${same} as they were, ${unknown} unknown${withoutResult === 0 ? '' : `; ${withoutResult} without a result were left out`}`

/** `sluice dq backtest`: 0 no job would end otherwise, 1 one would, 3 none would but some cannot be told. */
export async function dqBacktest(
  { output, state, directory, environment }: Invocation,
  options: BacktestOptions,
): Promise<ExitCode> {
  const { rules } = options
  if (rules === undefined)
    throw new CommandError(
      EXIT.wrongUse,
      'missing_option',
      'Option --rules is needed',
      'sluice dq backtest --rules FILE',
    )
  requireFile(rules)
  const ruleset = requireRuleset(readFileSync(rules, 'utf8'), rules)
  const dataset = options.dataset ?? basename(rules, '.dqdl')
  const limit = parseLimit(options.limit)
  const connection = connectionOf(state, directory, environment)
  const lambda = await lambdaClient(connection)
  const listed = await listJobs(lambda, { tenantId: options.tenant ?? null, status: null, limit: JOBS_LISTED })
  const judged = listed
    .filter((job) => job.dataset === dataset)
    .filter(isJudged)
    .slice(0, limit)
    .reverse()
  const { S3Client: Client } = await import('@aws-sdk/client-s3')
  const s3 = new Client({ ...clientSettings(connection), forcePathStyle: true })
  const workBucket = await bucketOf(lambda, 'WORK')
  const jobs = await withQualityEngine(async (engine, scratch) => {
    const references: Record<string, string> = {}
    for (const [alias, file] of Object.entries(referencesOf(options.reference ?? [])))
      references[alias] = (await readableFile(file, engine)).relation
    const rows = (job: JudgedJob): Promise<PastRows | null> => {
      output.progress(`judging ${job.jobId}, ${judged.indexOf(job) + 1} of ${judged.length}`)
      return curatedRows(s3, workBucket, job, scratch)
    }
    const found = await Promise.all(judged.map((job) => pastJob(job, s3, rows)))
    const past = found.filter((job) => job !== null)
    return backtest(past, { ruleset, references }, engine)
  })
  const summary = summaryOf(jobs, judged.length - jobs.length)
  output.result({ dataset, rules, summary, jobs }, () =>
    [...(jobs.length === 0 ? [] : [printJobs(jobs), '']), printSummary(summary)].join('\n'),
  )
  if (summary.wouldStop + summary.wouldPass > 0) return EXIT.no
  return summary.unknown > 0 ? EXIT.impossible : EXIT.done
}
