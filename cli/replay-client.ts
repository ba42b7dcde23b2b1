import type { LambdaClient } from '@aws-sdk/client-lambda'
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn'
import type { SourceVersion } from '../core/source.ts'
import { auditKey, manifestKeyOf, resultKeyOf } from '../replay/manifest.ts'
import type { ReplayReport, ReportLine } from '../replay/report.ts'
import { isAbsent } from './absent-object.ts'
import { bucketOf, invokeMetadata } from './deployment.ts'
import { expected } from './guards.ts'
import { CommandError, EXIT } from './output.ts'
import { isLinesPage, isReplayView, isReport, type LinesPage, type ReplayView } from './replay-answers.ts'

export interface ReplayClients {
  readonly lambda: LambdaClient
  readonly s3: S3Client
  readonly states: SFNClient
}

/** Drops a manifest, which is all that starts its replay; answers the version that is then the manifest. */
export async function dropManifest({ lambda, s3 }: ReplayClients, key: string, text: string): Promise<SourceVersion> {
  const bucket = await bucketOf(lambda, 'REPLAY')
  const { VersionId } = await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, ContentType: 'application/json' }),
  )
  if (VersionId === undefined) throw new Error(`Bucket ${bucket} keeps no versions`)
  return { bucket, key, versionId: VersionId }
}

/** Reads results beside a manifest; each object once. */
class ResultReader {
  readonly #s3: S3Client
  readonly #place: { readonly Bucket: string; readonly Key: string }
  #seen = ''

  constructor(s3: S3Client, { bucket, key }: Pick<SourceVersion, 'bucket' | 'key'>) {
    this.#s3 = s3
    this.#place = { Bucket: bucket, Key: key }
  }

  /** `null` when there is none, or the one that was read before. */
  async next(): Promise<ReplayReport | null> {
    try {
      const { VersionId = '' } = await this.#s3.send(new HeadObjectCommand(this.#place))
      if (VersionId === this.#seen) return null
      this.#seen = VersionId
      const { Body } = await this.#s3.send(new GetObjectCommand(this.#place))
      const report: unknown = JSON.parse((await Body?.transformToString()) ?? 'null')
      return isReport(report) ? report : null
    } catch (thrown) {
      if (isAbsent(thrown)) return null
      throw thrown
    }
  }
}

const besideOf = ({ bucket, key }: Pick<SourceVersion, 'bucket' | 'key'>) => ({ bucket, key: resultKeyOf(key) })

/** What the audit has of a replay that ended; of one that was never accepted, the result that lies beside its manifest now. */
export const readResult = (
  s3: S3Client,
  bucket: string,
  replayId: string,
  ended: boolean,
): Promise<ReplayReport | null> =>
  new ResultReader(
    s3,
    ended ? { bucket, key: auditKey(replayId, 'result.json') } : besideOf({ bucket, key: manifestKeyOf(replayId) }),
  ).next()

/** `null` when no manifest of that id was accepted. */
export async function describeReplay(lambda: LambdaClient, replayId: string): Promise<ReplayView | null> {
  try {
    return expected(await invokeMetadata(lambda, { operation: 'getReplay', replayId }), isReplayView, 'replay')
  } catch (thrown) {
    if (thrown instanceof CommandError && thrown.code === 'unknown_replay') return null
    throw thrown
  }
}

/** What has become of each source of a replay that is planned, in the order of its plan. */
export async function linesSoFar(lambda: LambdaClient, bucket: string, replayId: string): Promise<ReportLine[]> {
  const lines: ReportLine[] = []
  let fromLine: number | null = 0
  while (fromLine !== null) {
    const answer = await invokeMetadata(lambda, { operation: 'replayLines', replayId, bucket, fromLine })
    const page: LinesPage = expected(answer, isLinesPage, 'lines')
    lines.push(...page.lines)
    fromLine = page.nextLine
  }
  return lines
}

const sleep = (millis: number): Promise<void> => new Promise((done) => setTimeout(done, millis))

/** How long an event may take from the bucket to the plan of a large replay. */
const PLANNING_SECONDS = 900

/** How long a replay may stand still: dropped again, it is taken over from an execution that has ended. */
const TAKE_OVER_SECONDS = 30

/** Whether an execution stands still for good: it ended in another way than well, or is gone. */
export async function hasEnded(states: SFNClient, executionArn: string): Promise<boolean> {
  try {
    const { status } = await states.send(new DescribeExecutionCommand({ executionArn }))
    return status !== 'RUNNING' && status !== 'SUCCEEDED'
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ExecutionDoesNotExist') return true
    throw thrown
  }
}

/** Notices that the execution of a replay has ended before its time, and that no other one takes it up. */
class Watch {
  readonly #states: SFNClient
  #endedAt: number | null = null

  constructor(states: SFNClient) {
    this.#states = states
  }

  /** @throws CommandError `replay_stopped` */
  async look({ replayId, executionArn }: ReplayView): Promise<void> {
    if (!(await hasEnded(this.#states, executionArn))) {
      this.#endedAt = null
      return
    }
    this.#endedAt ??= Date.now()
    if (Date.now() - this.#endedAt < TAKE_OVER_SECONDS * 1000) return
    throw new CommandError(
      EXIT.impossible,
      'replay_stopped',
      `The execution of replay ${replayId} ended before its sources; jobs that it started go on`,
      'Drop the manifest again to go on where it stopped: sluice replay run MANIFEST',
    )
  }
}

/**
 * Waits for the result of a dropped manifest.
 * @param onProgress called with the replay as it stands while it runs
 * @throws CommandError `replay_not_seen`, `replay_stopped`
 */
export async function awaitResult(
  { lambda, s3, states }: ReplayClients,
  manifest: SourceVersion,
  replayId: string | null,
  onProgress: (view: ReplayView) => void,
): Promise<ReplayReport> {
  const reader = new ResultReader(s3, besideOf(manifest))
  const watch = new Watch(states)
  const began = Date.now()
  for (let round = 0; ; round += 1) {
    const report = await reader.next()
    if (report?.manifest.versionId === manifest.versionId) return report
    const view = replayId === null ? null : await describeReplay(lambda, replayId)
    if (view !== null) onProgress(view)
    if (view !== null && view.status !== 'COMPLETED') await watch.look(view)
    if (view?.status !== 'RUNNING' && Date.now() - began > PLANNING_SECONDS * 1000)
      throw new CommandError(
        EXIT.impossible,
        'replay_not_seen',
        `No result of s3://${manifest.bucket}/${manifest.key} within ${PLANNING_SECONDS} s`,
        'See the executions of the machine replay, and docs/for-operators.md',
      )
    await sleep(Math.min(50 + round * 50, 2000))
  }
}
