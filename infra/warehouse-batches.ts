import { Asset } from 'aws-cdk-lib/aws-s3-assets'
import { Construct } from 'constructs'
import { SluiceError } from '../core/errors.ts'
import type { DeploymentBatch } from '../warehouse/deploy.ts'
import { assetArnOf } from './asset-arn.ts'
import type { GeneratedFiles } from './generated-files.ts'

/** What one request of the Data API takes with certainty. */
const MAX_STATEMENTS = 40
const MAX_SQL_BYTES = 90_000

/**
 * The warehouse's statements as assets: one JSON file a batch (`{"statements": […]}`) and an index of them in order, which
 * asl/deploy/v1 reads. Content-addressed, so a batch that did not change is not uploaded again.
 */
export class WarehouseBatches extends Construct {
  readonly index: Asset
  /** ARNs of index and batches. */
  readonly arns: readonly string[]

  constructor(scope: Construct, id: string, batches: readonly DeploymentBatch[], files: GeneratedFiles) {
    super(scope, id)
    const assets = batches.map((batch, position) => {
      assertSendable(batch)
      return new Asset(this, `Batch${position + 1}`, {
        path: files.json(`batch-${position + 1}.json`, { statements: batch.sqls }),
      })
    })
    const entries = batches.map(({ name, tolerate }, position) => ({
      name,
      key: assets[position]?.s3ObjectKey,
      tolerate,
    }))
    this.index = new Asset(this, 'Index', { path: files.json('warehouse-batches.json', { batches: entries }) })
    this.arns = [this.index, ...assets].map(assetArnOf)
  }
}

function assertSendable({ name, sqls }: DeploymentBatch): void {
  const bytes = sqls.reduce((total, sql) => total + Buffer.byteLength(sql), 0)
  if (sqls.length >= 1 && sqls.length <= MAX_STATEMENTS && bytes <= MAX_SQL_BYTES) return
  throw new SluiceError('batch_too_large', `Cannot send warehouse batch "${name}" in one request`, {
    expected: `1 to ${MAX_STATEMENTS} statements, ${MAX_SQL_BYTES} bytes`,
    found: `${sqls.length} statements, ${bytes} bytes`,
  })
}
