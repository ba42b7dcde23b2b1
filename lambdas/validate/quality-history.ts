import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import type { DatasetName, TenantId } from '../../core/identifiers.ts'
import { parseGlueResult } from '../../dqdl/glue-result.ts'
import { historyOf } from '../../dqdl/history.ts'
import { depthOf, type MetricHistory } from '../../dqdl/operands.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { historyPrefix } from '../../glue/quality-history.ts'

/** Reads what `last(k)` of a ruleset means for a tenant's dataset. */
export type QualityHistoryReader = (
  owner: { readonly dataset: DatasetName; readonly tenantId: TenantId },
  ruleset: string,
) => Promise<MetricHistory>

const NONE: MetricHistory = () => []

/** Results of earlier runs in the dq-results bucket: as many as the ruleset looks back, none for one that does not. */
export const qualityHistoryReader =
  (client: S3Client, bucket: string): QualityHistoryReader =>
  async (owner, ruleset) => {
    const depth = depthOf(requireRuleset(ruleset))
    if (depth === 0) return NONE
    const listed = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: historyPrefix(owner), MaxKeys: depth }),
    )
    const texts = await Promise.all(
      (listed.Contents ?? []).map(async ({ Key }) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
        return (await Body?.transformToString('utf-8')) ?? '{}'
      }),
    )
    return historyOf(texts.map(parseGlueResult))
  }
