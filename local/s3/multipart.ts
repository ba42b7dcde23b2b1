/** Multipart uploads: parts are stored as they come; completing one only names their bytes. */

import { randomBytes } from 'node:crypto'
import { type Input, readInput } from '../input.ts'
import { AwsError, type Operation } from '../service.ts'
import { attributesOf, encryptionMembers, namedAlgorithm } from './attributes.ts'
import { base64, type DigestAlgorithm, type Digests, digestIn } from './checksum.ts'
import { etagOf, sweepAll } from './commit.ts'
import { completeMultipartUpload } from './complete-upload.ts'
import { objectArn, placeOf, type S3Context } from './context.ts'
import { findSource, parseCopySource, sourcePermissions } from './copy.ts'
import { listMultipartUploads } from './list-uploads.ts'
import { checkKey, writePermissions } from './objects.ts'
import { parseCopyRange } from './ranges.ts'
import { receiveBody } from './receive.ts'
import type { Checksum, ChecksumAlgorithm, PartRecord, UploadRecord } from './records.ts'
import { forgetUpload, partPermissions, partsOf, uploadOf } from './uploads.ts'

const MAX_PART_NUMBER = 10_000

function checksumTypeOf(input: Input, algorithm: ChecksumAlgorithm | null): Checksum['type'] {
  const asked = input.textOr('ChecksumType', null)
  const natural = algorithm === null || algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE'
  if (asked === null || asked === natural) return natural
  if (asked === 'FULL_OBJECT' && (algorithm === 'CRC32' || algorithm === 'CRC32C')) return 'FULL_OBJECT'
  throw new AwsError(
    'InvalidRequest',
    `The ${asked} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
  )
}

const createMultipartUpload = (context: S3Context): Operation => ({
  permissions: (raw) => writePermissions(context, readInput(raw), ['kms:Decrypt']),
  run: async (raw) => {
    const input = readInput(raw)
    const { bucket, key } = placeOf(input)
    checkKey(key)
    const checksumAlgorithm = namedAlgorithm(input)
    const upload: UploadRecord = {
      ...attributesOf(input, context.catalog.bucket(bucket)),
      uploadId: randomBytes(48).toString('base64url'),
      bucket,
      key,
      initiatedAt: context.clock.now().toISOString(),
      checksumAlgorithm,
      checksumType: checksumTypeOf(input, checksumAlgorithm),
    }
    await context.catalog.uploads.put([bucket, upload.uploadId], upload)
    return {
      Bucket: bucket,
      Key: key,
      UploadId: upload.uploadId,
      ...encryptionMembers(upload.encryption),
      ...(checksumAlgorithm === null
        ? {}
        : { ChecksumAlgorithm: checksumAlgorithm, ChecksumType: upload.checksumType }),
    }
  },
})

function partNumberOf(input: Input): number {
  const partNumber = input.numberOr('PartNumber', 0)
  if (Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= MAX_PART_NUMBER) return partNumber
  throw new AwsError('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', 400, {
    ArgumentName: 'partNumber',
    ArgumentValue: partNumber,
  })
}

/** Keeps a part, in place of an earlier one of that number. */
async function keepPart(context: S3Context, input: Input, part: PartRecord): Promise<void> {
  const { catalog, blobs, store } = context
  try {
    const replaced = await store.transaction(() => {
      const upload = uploadOf(context, input)
      const place = [upload.bucket, upload.uploadId, part.partNumber]
      const former = catalog.parts.get(place)
      catalog.parts.put(place, part)
      blobs.claim(part.blob)
      if (former !== undefined) blobs.release(former.blob)
      return former
    })
    if (replaced !== undefined) await blobs.sweep(replaced.blob)
  } catch (thrown) {
    await blobs.sweep(part.blob)
    throw thrown
  }
}

const uploadPart = (context: S3Context): Operation => ({
  permissions: (raw) => partPermissions(context, readInput(raw)),
  run: async (raw) => {
    const input = readInput(raw)
    const partNumber = partNumberOf(input)
    const upload = uploadOf(context, input)
    const { blob, sizeBytes, checksum, md5 } = await receiveBody(context.blobs, input, {
      withMd5: upload.encryption.algorithm === 'AES256',
      fallback: upload.checksumAlgorithm ?? 'CRC64NVME',
    })
    const etag = etagOf(upload.encryption, md5)
    const lastModified = context.clock.now().toISOString()
    await keepPart(context, input, { partNumber, blob, sizeBytes, etag, md5, checksum, lastModified })
    return {
      ETag: `"${etag}"`,
      ...encryptionMembers(upload.encryption),
      [`Checksum${checksum.algorithm}`]: checksum.value,
    }
  },
})

const uploadPartCopy = (context: S3Context): Operation => ({
  permissions: (raw) => {
    const input = readInput(raw)
    return [
      ...sourcePermissions(context, parseCopySource(input.text('CopySource'))),
      ...partPermissions(context, input),
    ]
  },
  run: async (raw, call) => {
    const input = readInput(raw)
    const partNumber = partNumberOf(input)
    const upload = uploadOf(context, input)
    const from = parseCopySource(input.text('CopySource'))
    const source = await findSource(context, call, input, from)
    const header = input.textOr('CopySourceRange', null)
    const range =
      header === null ? { first: 0, lengthBytes: source.sizeBytes } : parseCopyRange(header, source.sizeBytes)
    const digests = await copiedDigests(upload, (algorithms) =>
      context.blobs.digest(source.blob, range.first, range.lengthBytes, algorithms),
    )
    const blob = await context.blobs.share(source.blob, range.first, range.lengthBytes)
    const etag = etagOf(upload.encryption, digests.md5)
    const lastModified = context.clock.now().toISOString()
    await keepPart(context, input, { partNumber, blob, sizeBytes: range.lengthBytes, etag, lastModified, ...digests })
    return {
      CopyPartResult: { ETag: `"${etag}"`, LastModified: new Date(lastModified), ...partChecksum(digests.checksum) },
      ...(from.versionId === undefined ? {} : { CopySourceVersionId: from.versionId }),
      ...encryptionMembers(upload.encryption),
    }
  },
})

const partChecksum = (checksum: Checksum | null): Record<string, string> =>
  checksum === null ? {} : { [`Checksum${checksum.algorithm}`]: checksum.value }

/** Digests of a copied part; its bytes are read only where the upload's etag or checksum is made of them. */
async function copiedDigests(
  { encryption, checksumAlgorithm }: UploadRecord,
  digestsOfPart: (algorithms: readonly DigestAlgorithm[]) => Promise<Digests>,
): Promise<{ checksum: Checksum | null; md5: string | null }> {
  const withMd5 = encryption.algorithm === 'AES256'
  const algorithms: DigestAlgorithm[] = [
    ...(withMd5 ? (['MD5'] as const) : []),
    ...(checksumAlgorithm === null ? [] : [checksumAlgorithm]),
  ]
  const digests: Digests = algorithms.length === 0 ? new Map() : await digestsOfPart(algorithms)
  return {
    md5: withMd5 ? Buffer.from(digestIn(digests, 'MD5')).toString('hex') : null,
    checksum:
      checksumAlgorithm === null
        ? null
        : { algorithm: checksumAlgorithm, type: 'FULL_OBJECT', value: base64(digestIn(digests, checksumAlgorithm)) },
  }
}

const abortMultipartUpload = (context: S3Context): Operation => ({
  permissions: (raw) => {
    const { bucket, key } = placeOf(readInput(raw))
    context.catalog.bucket(bucket)
    return [{ action: 's3:AbortMultipartUpload', resource: objectArn(bucket, key) }]
  },
  run: async (raw) => {
    const input = readInput(raw)
    const dropped = await context.store.transaction(() => {
      const upload = uploadOf(context, input)
      const parts = partsOf(context, upload)
      forgetUpload(context, upload, parts)
      for (const { blob } of parts) context.blobs.release(blob)
      return parts
    })
    await sweepAll(context, dropped)
    return {}
  },
})

const listParts = (context: S3Context): Operation => ({
  permissions: (raw) => {
    const { bucket, key } = placeOf(readInput(raw))
    context.catalog.bucket(bucket)
    return [{ action: 's3:ListMultipartUploadParts', resource: objectArn(bucket, key) }]
  },
  run: async (raw) => {
    const input = readInput(raw)
    const upload = uploadOf(context, input)
    const marker = Number(input.textOr('PartNumberMarker', '0'))
    const maxParts = Math.min(input.numberOr('MaxParts', 1000), 1000)
    const later = partsOf(context, upload).filter(({ partNumber }) => partNumber > marker)
    const page = later.slice(0, maxParts)
    return {
      Bucket: upload.bucket,
      Key: upload.key,
      UploadId: upload.uploadId,
      PartNumberMarker: String(marker),
      NextPartNumberMarker: String(page.at(-1)?.partNumber ?? 0),
      MaxParts: maxParts,
      IsTruncated: later.length > page.length,
      StorageClass: upload.storageClass,
      ...(upload.checksumAlgorithm === null
        ? {}
        : { ChecksumAlgorithm: upload.checksumAlgorithm, ChecksumType: upload.checksumType }),
      Parts: page.map((part) => ({
        PartNumber: part.partNumber,
        LastModified: new Date(part.lastModified),
        ETag: `"${part.etag}"`,
        Size: part.sizeBytes,
        ...partChecksum(part.checksum),
      })),
    }
  },
})

/** Create, upload and copy parts, complete, abort, list. */
export const multipartOperations = (context: S3Context): Record<string, Operation> => ({
  CreateMultipartUpload: createMultipartUpload(context),
  UploadPart: uploadPart(context),
  UploadPartCopy: uploadPartCopy(context),
  CompleteMultipartUpload: completeMultipartUpload(context),
  AbortMultipartUpload: abortMultipartUpload(context),
  ListParts: listParts(context),
  ListMultipartUploads: listMultipartUploads(context),
})
