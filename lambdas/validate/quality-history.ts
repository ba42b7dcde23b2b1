import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import type { DatasetName, TenantId } from '../../core/identifiers.ts'
import { hasDailyRules } from '../../dqdl/cadence.ts'
import { parseGlueResult } from '../../dqdl/glue-result.ts'
import { historyOf } from '../../dqdl/history.ts'
import { depthOf, type MetricHistory } from '../../dqdl/operands.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { historyKey, historyPrefix, registeredAtOf } from '../../glue/quality-history.ts'

/** Whose earlier runs count, and until when. */
export interface HistoryOwner {
  readonly dataset: DatasetName
  readonly tenantId: TenantId
  /** ISO 8601 UTC. What was there when the source was first registered is its history, however often it runs again. */
  readonly firstRegisteredAt: string
}

/** What a ruleset has to know of earlier runs of a tenant's dataset. */
export interface EarlierRuns {
  /** What `last(k)` means. */
  readonly history: MetricHistory
  /** A result was kept on the day (UTC) on which the source was first registered, before that: daily rules are not due. */
  readonly judgedToday: boolean
}
export type QualityHistoryReader = (owner: HistoryOwner, ruleset: string) => Promise<EarlierRuns>

export const NO_EARLIER_RUNS: EarlierRuns = { history: () => [], judgedToday: false }

/** Results of jobs that were registered before the source are a page at most apart from those that had ended by then. */
const PAGE = 1000
/** Whether there was a run today, the newest ones tell; where all of them ended too late, a daily rule is judged once more. */
const NEWEST = 100

/** The newest results that were there when the source was first registered, newest first. */
async function keysBefore(
  client: S3Client,
  bucket: string,
  owner: HistoryOwner,
  atMost: number,
): Promise<readonly string[]> {
  const { firstRegisteredAt } = owner
  const listed = await client.send(
    new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: historyPrefix(owner),
      StartAfter: historyKey({ ...owner, jobId: 'j~', registeredAt: firstRegisteredAt }),
      MaxKeys: atMost,
    }),
  )
  const then = Date.parse(firstRegisteredAt)
  return (listed.Contents ?? [])
    .filter(({ LastModified }) => LastModified !== undefined && LastModified.getTime() < then)
    .flatMap(({ Key }) => Key ?? [])
}

const dayOf = (instant: string): string => new Date(instant).toISOString().slice(0, 10)

/** Results of earlier runs in the dq-results bucket: as many as the ruleset looks back, none for one that does not. */
export const qualityHistoryReader =
  (client: S3Client, bucket: string): QualityHistoryReader =>
  async (owner, text) => {
    const ruleset = requireRuleset(text)
    const depth = depthOf(ruleset)
    const daily = hasDailyRules(ruleset)
    if (depth === 0 && !daily) return NO_EARLIER_RUNS
    const keys = await keysBefore(client, bucket, owner, depth === 0 ? NEWEST : PAGE)
    const texts = await Promise.all(
      keys.slice(0, depth).map(async (Key) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
        return (await Body?.transformToString('utf-8')) ?? '{}'
      }),
    )
    const [newest] = keys
    return {
      history: historyOf(texts.map(parseGlueResult)),
      judgedToday: newest !== undefined && dayOf(registeredAtOf(newest)) === dayOf(owner.firstRegisteredAt),
    }
  }
