/** Completing an upload: the named parts become one version. */

import { createHash } from 'node:crypto'
import { type Input, readInput } from '../input.ts'
import { AwsError, type Operation } from '../service.ts'
import { checksumMembers, encryptionMembers, versionMember } from './attributes.ts'
import { checksumOfParts } from './checksum.ts'
import { commitVersion, sweepAll } from './commit.ts'
import { checkWriteConditions } from './conditions.ts'
import { placeOf, type S3Context } from './context.ts'
import type { Blob, BucketRecord, Checksum, ObjectVersion, PartRecord, Segment, UploadRecord } from './records.ts'
import { forgetUpload, partPermissions, partsOf, uploadOf, writingPermissions } from './uploads.ts'

/** Every part but the last: at least 5 MiB. */
const MIN_PART_BYTES = 5 * 1024 ** 2

/** The parts a completion names, in order. @throws AwsError `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `MalformedXML` */
function namedParts(context: S3Context, upload: UploadRecord, input: Input): PartRecord[] {
  const named = input.structure('MultipartUpload').structures('Parts')
  if (named.length === 0) {
    throw new AwsError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our schema',
    )
  }
  const parts = named.map((entry) => {
    const part = context.catalog.parts.get([upload.bucket, upload.uploadId, entry.numberOr('PartNumber', 0)])
    const etag = entry.textOr('ETag', '').replace(/^"|"$/g, '')
    if (part !== undefined && part.etag === etag && checksumMatches(entry, part)) return part
    throw new AwsError(
      'InvalidPart',
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      400,
      { UploadId: upload.uploadId, PartNumber: entry.numberOr('PartNumber', 0), ETag: etag },
    )
  })
  const ascending = parts.every((part, index) => part.partNumber > (parts[index - 1]?.partNumber ?? 0))
  if (!ascending)
    throw new AwsError(
      'InvalidPartOrder',
      'The list of parts was not in ascending order. Parts must be ordered by part number.',
    )
  const small = parts.slice(0, -1).find(({ sizeBytes }) => sizeBytes < MIN_PART_BYTES)
  if (small !== undefined) {
    throw new AwsError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', 400, {
      ProposedSize: small.sizeBytes,
      MinSizeAllowed: MIN_PART_BYTES,
      PartNumber: small.partNumber,
    })
  }
  return parts
}

const checksumMatches = (entry: Input, { checksum }: PartRecord): boolean => {
  if (checksum === null) return true
  const claimed = entry.textOr(`Checksum${checksum.algorithm}`, null)
  return claimed === null || claimed === checksum.value
}

/** Neighbouring stretches of one file become one: a file copied in ranges is that file again. */
function joined(parts: readonly PartRecord[]): Blob {
  const segments: Segment[] = []
  for (const segment of parts.flatMap(({ blob }) => blob)) {
    const last = segments.at(-1)
    const continues =
      last !== undefined &&
      !last.inline &&
      last.origin === segment.origin &&
      last.offsetBytes + last.lengthBytes === segment.offsetBytes
    if (continues) segments[segments.length - 1] = { ...last, lengthBytes: last.lengthBytes + segment.lengthBytes }
    else segments.push(segment)
  }
  return segments
}

async function completedChecksum(upload: UploadRecord, parts: readonly PartRecord[]): Promise<Checksum | null> {
  const algorithm = upload.checksumAlgorithm ?? 'CRC64NVME'
  const values = parts.flatMap(({ checksum, sizeBytes }) =>
    checksum?.algorithm === algorithm ? [{ value: checksum.value, sizeBytes }] : [],
  )
  return values.length < parts.length ? null : checksumOfParts(algorithm, upload.checksumType, values)
}

function completedEtag(parts: readonly PartRecord[]): string {
  const hash = createHash('md5')
  for (const { md5, etag } of parts) hash.update(Buffer.from(md5 ?? etag, 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}

/** @throws AwsError `BadDigest`, `InvalidRequest` when what the client says of the whole differs */
function checkWhole(input: Input, checksum: Checksum | null, sizeBytes: number): void {
  const claimed = checksum === null ? null : input.textOr(`Checksum${checksum.algorithm}`, null)
  if (claimed !== null && claimed !== checksum?.value && claimed !== checksum?.value.split('-')[0]) {
    throw new AwsError('BadDigest', `The ${checksum?.algorithm} you specified did not match the calculated checksum.`)
  }
  const claimedSize = input.numberOr('MpuObjectSize', null)
  if (claimedSize !== null && claimedSize !== sizeBytes) {
    throw new AwsError(
      'InvalidRequest',
      'The provided x-amz-mp-object-size header does not match the actual object size.',
    )
  }
}

/** CompleteMultipartUpload: no byte is copied. */
export const completeMultipartUpload = (context: S3Context): Operation => ({
  permissions: (raw) => {
    const input = readInput(raw)
    const completed = completedBefore(context, input)
    return completed === null
      ? partPermissions(context, input)
      : writingPermissions(context, input, completed.encryption.kmsKeyArn)
  },
  run: async (raw, call) => {
    const input = readInput(raw)
    const before = completedBefore(context, input)
    if (before !== null) return answerOf(context, input, context.catalog.bucket(input.text('Bucket')), before)
    const upload = uploadOf(context, input)
    checkWriteConditions(input, () => context.catalog.find(upload.bucket, upload.key))
    const parts = namedParts(context, upload, input)
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
    const checksum = await completedChecksum(upload, parts)
    checkWhole(input, checksum, sizeBytes)
    const blob = joined(parts)
    const kept = new Set(blob.map(({ id }) => id))
    const stored = partsOf(context, upload)
    const leftOver = stored.map((part) => ({ blob: part.blob.filter(({ id }) => !kept.has(id)) }))
    const { headers, metadata, tags, encryption, storageClass } = upload
    const partSizes = parts.map((part) => part.sizeBytes)
    const etag = completedEtag(parts)
    const { uploadId } = upload
    const object = { headers, metadata, tags, encryption, storageClass, blob, sizeBytes, checksum, partSizes, etag }
    const made = { ...object, uploadId }
    const completed = {
      forget: () => {
        uploadOf(context, input)
        forgetUpload(context, upload, stored)
        for (const part of leftOver) context.blobs.release(part.blob)
      },
    }
    const { bucket, version } = await commitVersion(context, call, input, made, 'CompleteMultipartUpload', completed)
    await sweepAll(context, leftOver)
    return answerOf(context, input, bucket, version)
  },
})

/** The newest version, where this very upload was completed to it: who did not hear the answer asks again, and hears the same. */
function completedBefore({ catalog }: S3Context, input: Input): ObjectVersion | null {
  const { bucket, key } = placeOf(input)
  catalog.bucket(bucket)
  const uploadId = input.text('UploadId')
  if (catalog.uploads.get([bucket, uploadId]) !== undefined) return null
  const newest = catalog.find(bucket, key)
  return newest?.uploadId === uploadId ? newest : null
}

function answerOf({ region }: S3Context, input: Input, bucket: BucketRecord, version: ObjectVersion): unknown {
  const { bucket: name, key } = placeOf(input)
  return {
    Bucket: name,
    Key: key,
    Location: `https://${name}.s3.${region}.amazonaws.com/${encodeURIComponent(key)}`,
    ETag: `"${version.etag}"`,
    ...versionMember(version, bucket),
    ...encryptionMembers(version.encryption),
    ...checksumMembers(version.checksum),
  }
}
