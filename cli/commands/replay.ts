import { existsSync } from 'node:fs'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { manifestKeyOf, type ReplayManifest } from '../../replay/manifest.ts'
import type { Release } from '../../replay/release-manifest.ts'
import type { ReplayReport, ReportLine } from '../../replay/report.ts'
import { bucketOf, clientSettings, invokeMetadata, lambdaClient } from '../deployment.ts'
import { expected } from '../guards.ts'
import type { Invocation } from '../invocation.ts'
import { getJob } from '../jobs-client.ts'
import { confirmed, nextManifest } from '../next-manifest.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { actorOf } from '../quarantine-options.ts'
import { isPreviewPage, type PreviewPage, type ReplayView } from '../replay-answers.ts'
import {
  awaitResult,
  describeReplay,
  dropManifest,
  hasEnded,
  linesSoFar,
  type ReplayClients,
  readResult,
} from '../replay-client.ts'
import { readManifest } from '../replay-manifest-file.ts'
import { printLines, printReplay, printReport } from '../replay-view.ts'
import { connectionOf } from '../session.ts'
import type { BacktestOptions } from './replay-backtest.ts'

async function clientsOf({ state, directory, environment }: Invocation): Promise<ReplayClients> {
  const connection = connectionOf(state, directory, environment)
  const settings = clientSettings(connection)
  return {
    lambda: await lambdaClient(connection),
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    states: new SFNClient(settings),
  }
}

const NOT_WANTED = ['QUARANTINED', 'REFUSED', 'DEFERRED', 'NOT_STARTED']

/** 0 when every source ended as wanted, 1 when the answer is no for some, 3 when some could not be done. */
function exitCodeOf({ status, totals, problems }: ReplayReport): ExitCode {
  if (status === 'REFUSED' || problems.length > 0) return EXIT.wrongUse
  if ((totals.FAILED ?? 0) > 0) return EXIT.impossible
  return NOT_WANTED.some((outcome) => (totals[outcome] ?? 0) > 0) ? EXIT.no : EXIT.done
}

const previewPage = async ({ lambda }: ReplayClients, manifest: string, fromLine: number): Promise<PreviewPage> =>
  expected(await invokeMetadata(lambda, { operation: 'previewReplay', manifest, fromLine }), isPreviewPage, 'plan')

/** The plan tells of the sources as they are now; a replay that has ended is not run a second time. */
async function noteEnded({ output }: Invocation, { lambda }: ReplayClients, { replayId, options }: ReplayManifest) {
  const replay = options.dryRun ? null : await describeReplay(lambda, replayId)
  if (replay?.status === 'COMPLETED')
    output.note(
      `Replay ${replayId} has ended: dropped again, its manifest only reports what came of it. What is planned here needs another id.`,
    )
}

/** `sluice replay plan MANIFEST`: what would happen to each source; nothing is written anywhere. */
export async function replayPlan(invocation: Invocation, file: string, options: BacktestOptions): Promise<ExitCode> {
  if (options.backtest === true || options.diff === true || options.with !== undefined)
    return (await import('./replay-backtest.ts')).replayBacktest(invocation, file, options)
  const { text, manifest } = readManifest(file)
  const clients = await clientsOf(invocation)
  let page = await previewPage(clients, text, 0)
  const lines: ReportLine[] = [...page.report.lines]
  while (page.nextLine !== null) {
    page = await previewPage(clients, text, page.nextLine)
    lines.push(...page.report.lines)
  }
  const report = { ...page.report, lines }
  invocation.output.result(report, () => printReport(report))
  if (report.problems.length === 0) await noteEnded(invocation, clients, manifest)
  return exitCodeOf(report)
}

const progressText = ({ replayId, status, runs, progress }: ReplayView): string => {
  const ended = Object.entries(progress).flatMap(([name, count]) => (name === 'PROCESSING' ? [] : [`${count} ${name}`]))
  return `${replayId} ${status}: ${ended.length === 0 ? 'starting' : ended.join(', ')} of ${runs ?? '?'}`
}

interface FollowOptions {
  readonly wait: boolean
}

/** Drops a manifest and follows its replay to the end, unless told not to. */
async function dropAndFollow(
  { output }: Invocation,
  clients: ReplayClients,
  { replayId, text }: { readonly replayId: string; readonly text: string },
  { wait }: FollowOptions,
): Promise<ExitCode> {
  const dropped = await dropManifest(clients, manifestKeyOf(replayId), text)
  if (!wait) {
    output.result({ replayId, manifest: dropped }, () =>
      [
        `dropped s3://${dropped.bucket}/${dropped.key} (version ${dropped.versionId})`,
        `Follow it with: sluice replay status ${replayId}`,
      ].join('\n'),
    )
    return EXIT.done
  }
  const report = await awaitResult(clients, dropped, replayId, (view) => output.progress(progressText(view)))
  output.result(report, () => printReport(report))
  return exitCodeOf(report)
}

/** `sluice replay run MANIFEST`: drops the manifest in the replay bucket and follows the replay to its end. */
export async function replayRun(invocation: Invocation, file: string, options: FollowOptions): Promise<ExitCode> {
  const { text, manifest } = readManifest(file)
  return dropAndFollow(invocation, await clientsOf(invocation), { replayId: manifest.replayId, text }, options)
}

interface JobsOptions extends FollowOptions {
  readonly why: string
  readonly by?: string
  readonly confirm?: string
}

/** `sluice replay jobs JOB…`: what failed runs again as it was; the manifest that says so is made here and dropped. */
export async function replayJobs(
  invocation: Invocation,
  named: readonly string[],
  options: JobsOptions,
): Promise<ExitCode> {
  const clients = await clientsOf(invocation)
  const jobs: Release['jobs'][number][] = []
  for (const jobId of new Set(named)) {
    const { attempts = [], tenantId } = await getJob(clients.lambda, { jobId })
    jobs.push({ jobId, tenantId, attempt: attempts.at(-1)?.attempt ?? 1 })
  }
  const release = confirmed(
    {
      jobs,
      reason: options.why,
      requestedBy: actorOf(options.by),
      configuration: 'original',
      dryRun: false,
      acceptRejects: false,
      overrideGate: [],
    },
    options.confirm,
  )
  return dropAndFollow(invocation, clients, await nextManifest(clients.lambda, release, 'again'), options)
}

/** A file's replay, or the id itself. */
const replayIdOf = (named: string): string => (existsSync(named) ? readManifest(named).manifest.replayId : named)

/** `sluice replay status MANIFEST|ID`: how far a replay and each of its sources is. */
export async function replayStatus(invocation: Invocation, named: string): Promise<ExitCode> {
  const replayId = replayIdOf(named)
  const clients = await clientsOf(invocation)
  const view = await describeReplay(clients.lambda, replayId)
  const bucket = await bucketOf(clients.lambda, 'REPLAY')
  const report =
    view === null || view.status === 'COMPLETED' ? await readResult(clients.s3, bucket, replayId, view !== null) : null
  if (view === null && report === null)
    throw new CommandError(
      EXIT.wrongUse,
      'unknown_replay',
      `No manifest of replay "${replayId}" was accepted, and none lies at s3://${bucket}/${manifestKeyOf(replayId)}`,
      'A manifest dropped under another key has its result beside it there',
    )
  const running = view?.status === 'RUNNING' ? view : null
  const stopped = running !== null && (await hasEnded(clients.states, running.executionArn))
  const lines = running === null ? null : await linesSoFar(clients.lambda, bucket, replayId)
  invocation.output.result({ replay: view === null ? null : { ...view, stopped }, report, lines }, () =>
    [
      ...(view === null ? [] : [printReplay(view, stopped)]),
      ...(report === null ? [] : [printReport(report)]),
      ...(lines === null ? [] : [printLines(lines)]),
    ].join('\n\n'),
  )
  return report === null ? EXIT.done : exitCodeOf(report)
}
