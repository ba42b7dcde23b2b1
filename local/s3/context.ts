/** What every S3 operation works with. */

import type { Authorizer } from '../iam/authorizer.ts'
import type { Input } from '../input.ts'
import type { Clock, Permission, Store } from '../service.ts'
import type { BlobStore } from './blobs.ts'
import type { Catalog } from './catalog.ts'
import type { Outbox } from './outbox.ts'
import type { BucketRecord, ObjectVersion } from './records.ts'

export interface S3Context {
  readonly accountId: string
  readonly region: string
  readonly store: Store
  readonly clock: Clock
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly outbox: Outbox
  readonly authorizer: Authorizer
  /** Told of each bucket policy as it is put or removed. */
  readonly policyChanged: (bucket: BucketRecord) => void
}

/** The account as S3 names owners: a canonical user id has 64 hex characters. */
export const owner = ({ accountId }: Pick<S3Context, 'accountId'>): { ID: string } => ({
  ID: accountId.padStart(64, '0'),
})

export const bucketArn = (bucket: string): string => `arn:aws:s3:::${bucket}`
export const objectArn = (bucket: string, key: string): string => `arn:aws:s3:::${bucket}/${key}`

/** Bucket and key of a request, at once. */
export const placeOf = (input: Input): { bucket: string; key: string } => ({
  bucket: input.text('Bucket'),
  key: input.text('Key'),
})

/** What the key must allow; none for S3's own key. */
export function kmsPermissions(
  { region }: Pick<S3Context, 'region'>,
  kmsKeyArn: string | null,
  actions: readonly ('kms:Decrypt' | 'kms:GenerateDataKey')[],
): Permission[] {
  if (kmsKeyArn === null) return []
  const context = { 'kms:ViaService': `s3.${region}.amazonaws.com` }
  return actions.map((action) => ({ action, resource: kmsKeyArn, context }))
}

/** Reading one version, by the rule that a version id needs a grant of its own. */
export function readPermissions(
  context: S3Context,
  bucket: string,
  key: string,
  versionId: string | undefined,
): Permission[] {
  context.catalog.bucket(bucket)
  const version = context.catalog.find(bucket, key, versionId)
  return [
    { action: versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion', resource: objectArn(bucket, key) },
    ...kmsPermissions(context, keyOf(version), ['kms:Decrypt']),
  ]
}

const keyOf = (version: ObjectVersion | undefined): string | null => version?.encryption?.kmsKeyArn ?? null
