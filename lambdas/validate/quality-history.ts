import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import type { DatasetName, TenantId } from '../../core/identifiers.ts'
import { parseGlueResult } from '../../dqdl/glue-result.ts'
import { historyOf } from '../../dqdl/history.ts'
import { depthOf, type MetricHistory } from '../../dqdl/operands.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { historyKey, historyPrefix } from '../../glue/quality-history.ts'

/** Whose earlier runs count, and until when. */
export interface HistoryOwner {
  readonly dataset: DatasetName
  readonly tenantId: TenantId
  /** ISO 8601 UTC. What was there when the source was first registered is its history, however often it runs again. */
  readonly firstRegisteredAt: string
}

/** Reads what `last(k)` of a ruleset means for a source of a tenant's dataset. */
export type QualityHistoryReader = (owner: HistoryOwner, ruleset: string) => Promise<MetricHistory>

const NONE: MetricHistory = () => []

/** Results of jobs that were registered before the source are a page at most apart from those that had ended by then. */
const PAGE = 1000

/** The newest results that were there when the source was first registered. */
async function keysBefore(
  client: S3Client,
  bucket: string,
  owner: HistoryOwner,
  depth: number,
): Promise<readonly string[]> {
  const { firstRegisteredAt } = owner
  const listed = await client.send(
    new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: historyPrefix(owner),
      StartAfter: historyKey({ ...owner, jobId: 'j~', registeredAt: firstRegisteredAt }),
      MaxKeys: PAGE,
    }),
  )
  const then = Date.parse(firstRegisteredAt)
  return (listed.Contents ?? [])
    .filter(({ LastModified }) => LastModified !== undefined && LastModified.getTime() < then)
    .slice(0, depth)
    .flatMap(({ Key }) => Key ?? [])
}

/** Results of earlier runs in the dq-results bucket: as many as the ruleset looks back, none for one that does not. */
export const qualityHistoryReader =
  (client: S3Client, bucket: string): QualityHistoryReader =>
  async (owner, ruleset) => {
    const depth = depthOf(requireRuleset(ruleset))
    if (depth === 0) return NONE
    const keys = await keysBefore(client, bucket, owner, depth)
    const texts = await Promise.all(
      keys.map(async (Key) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
        return (await Body?.transformToString('utf-8')) ?? '{}'
      }),
    )
    return historyOf(texts.map(parseGlueResult))
  }
