/** Making a version the truth: record, bytes and event in one transaction. */

import { randomBytes } from 'node:crypto'
import type { Input } from '../input.ts'
import type { CallContext } from '../service.ts'
import { checkWriteConditions } from './conditions.ts'
import type { S3Context } from './context.ts'
import { objectEvent } from './outbox.ts'
import type { Blob, BucketRecord, Encryption, ObjectVersion } from './records.ts'

export type NewVersion = Omit<ObjectVersion, 'versionId' | 'sequence' | 'lastModified' | 'deleteMarker'>

/** The etag of single writes: an MD5 of the content, but under a KMS key, as on AWS, of nothing one could rely on. */
export const etagOf = (encryption: Encryption, md5: string | null): string =>
  encryption.algorithm === 'aws:kms' || md5 === null ? randomBytes(16).toString('hex') : md5

/**
 * Commits a new version whose bytes are written. Durable, with its event, when the promise resolves.
 * @param upload where the bytes are parts of an upload: `forget` removes it in the same transaction
 * @throws AwsError when the request's conditions do not hold, or the bucket is gone; the bytes are deleted then, but for
 * those of an upload, which stays
 */
export async function commitVersion(
  context: S3Context,
  call: CallContext,
  input: Input,
  made: NewVersion,
  reason: string,
  upload?: { readonly forget: () => void },
): Promise<{ bucket: BucketRecord; version: ObjectVersion }> {
  const { catalog, blobs, store } = context
  const key = input.text('Key')
  try {
    const committed = await store.transaction(() => {
      const bucket = catalog.bucket(input.text('Bucket'))
      checkWriteConditions(input, () => catalog.find(bucket.name, key))
      const version = numbered(context, bucket, made)
      const replaced = catalog.add(bucket, key, version)
      blobs.claim(version.blob)
      for (const former of replaced) blobs.release(former.blob)
      upload?.forget()
      announce(context, call, bucket, key, version, reason)
      return { bucket, version, replaced }
    })
    context.outbox.deliver()
    await sweepAll(context, committed.replaced)
    return committed
  } catch (thrown) {
    if (upload === undefined) await blobs.sweep(made.blob)
    throw thrown
  }
}

function numbered(context: S3Context, bucket: BucketRecord, made: NewVersion): ObjectVersion {
  const sequence = context.catalog.nextSequence()
  return {
    ...made,
    sequence,
    versionId: context.catalog.versionIdOf(sequence, bucket),
    lastModified: context.clock.now().toISOString(),
    deleteMarker: false,
  }
}

/** Inside a transaction: keeps the event of a version, if the bucket sends events. */
export function announce(
  context: S3Context,
  call: CallContext,
  bucket: BucketRecord,
  key: string,
  version: ObjectVersion,
  reason: string,
  deletionType?: string,
): void {
  if (!bucket.eventBridge) return
  const { accountId, region } = context
  const facts = { bucket: bucket.name, key, version, reason, requestId: call.requestId, accountId, region }
  context.outbox.put(version.sequence, objectEvent({ ...facts, requester: accountId }, deletionType))
}

/** Deletes the bytes of versions that were released. */
export async function sweepAll(context: S3Context, versions: readonly { readonly blob: Blob }[]): Promise<void> {
  for (const { blob } of versions) await context.blobs.sweep(blob)
}
