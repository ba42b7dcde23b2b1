/** Multipart uploads: parts are stored as they come; completing one only names their bytes. */

import { createHash, randomBytes } from 'node:crypto'
import { type Input, readInput } from '../input.ts'
import { AwsError, type Operation } from '../service.ts'
import { attributesOf, checksumMembers, encryptionMembers, namedAlgorithm, versionMember } from './attributes.ts'
import { base64, checksumOfParts, digesterOf } from './checksum.ts'
import { commitVersion, etagOf, sweepAll } from './commit.ts'
import { checkWriteConditions } from './conditions.ts'
import { bucketArn, kmsPermissions, objectArn, placeOf, type S3Context } from './context.ts'
import { findSource, parseCopySource, sourcePermissions } from './copy.ts'
import { checkKey, writePermissions } from './objects.ts'
import { parseCopyRange } from './ranges.ts'
import { receiveBody } from './receive.ts'
import type { Blob, Checksum, ChecksumAlgorithm, PartRecord, Segment, UploadRecord } from './records.ts'

/** Every part but the last: at least 5 MiB. */
const MIN_PART_BYTES = 5 * 1024 ** 2
const MAX_PART_NUMBER = 10_000

const noSuchUpload = (uploadId: string): AwsError =>
  new AwsError(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    404,
    { UploadId: uploadId },
  )

/** @throws AwsError `NoSuchUpload` */
function uploadOf({ catalog }: S3Context, input: Input): UploadRecord {
  const { bucket, key } = placeOf(input)
  catalog.bucket(bucket)
  const uploadId = input.text('UploadId')
  const upload = catalog.uploads.get([bucket, uploadId])
  if (upload === undefined || upload.key !== key) throw noSuchUpload(uploadId)
  return upload
}

const partsOf = ({ catalog }: S3Context, upload: UploadRecord): PartRecord[] =>
  [...catalog.parts.range([upload.bucket, upload.uploadId])].map(({ value }) => value)

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

/** What writing to an upload that has begun needs: its encryption is fixed. */
const partPermissions = (context: S3Context, input: Input) => {
  const { bucket, key } = placeOf(input)
  const { encryption } = uploadOf(context, input)
  return [
    { action: 's3:PutObject', resource: objectArn(bucket, key) },
    ...kmsPermissions(context, encryption.kmsKeyArn, ['kms:GenerateDataKey', 'kms:Decrypt']),
  ]
}

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
    const digests = await copiedDigests(upload, () => context.blobs.read(source.blob, range.first, range.lengthBytes))
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
  read: () => AsyncIterable<Uint8Array>,
): Promise<{ checksum: Checksum | null; md5: string | null }> {
  const md5 = encryption.algorithm === 'AES256' ? digesterOf('MD5') : null
  const checksum = checksumAlgorithm === null ? null : digesterOf(checksumAlgorithm)
  const digesters = [md5, checksum].filter((digester) => digester !== null)
  if (digesters.length > 0) for await (const chunk of read()) for (const digester of digesters) digester.update(chunk)
  return {
    md5: md5 === null ? null : Buffer.from(await md5.digest()).toString('hex'),
    checksum:
      checksum === null || checksumAlgorithm === null
        ? null
        : { algorithm: checksumAlgorithm, type: 'FULL_OBJECT', value: base64(await checksum.digest()) },
  }
}

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

const completeMultipartUpload = (context: S3Context): Operation => ({
  permissions: (raw) => partPermissions(context, readInput(raw)),
  run: async (raw, call) => {
    const input = readInput(raw)
    const upload = uploadOf(context, input)
    checkWriteConditions(input, context.catalog.find(upload.bucket, upload.key))
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
    const made = { headers, metadata, tags, encryption, storageClass, blob, sizeBytes, checksum, partSizes, etag }
    const completed = {
      forget: () => {
        uploadOf(context, input)
        forget(context, upload, stored)
        for (const part of leftOver) context.blobs.release(part.blob)
      },
    }
    const { bucket, version } = await commitVersion(context, call, input, made, 'CompleteMultipartUpload', completed)
    await sweepAll(context, leftOver)
    return {
      Bucket: upload.bucket,
      Key: upload.key,
      Location: `https://${upload.bucket}.s3.${context.region}.amazonaws.com/${encodeURIComponent(upload.key)}`,
      ETag: `"${version.etag}"`,
      ...versionMember(version, bucket),
      ...encryptionMembers(version.encryption),
      ...checksumMembers(version.checksum),
    }
  },
})

/** Inside a transaction: removes an upload and the records of its parts. */
function forget({ catalog }: S3Context, upload: UploadRecord, parts: readonly PartRecord[]): void {
  catalog.uploads.remove([upload.bucket, upload.uploadId])
  for (const { partNumber } of parts) catalog.parts.remove([upload.bucket, upload.uploadId, partNumber])
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
      forget(context, upload, parts)
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

const listMultipartUploads = (context: S3Context): Operation => ({
  permissions: (raw) => {
    const bucket = readInput(raw).text('Bucket')
    context.catalog.bucket(bucket)
    return [{ action: 's3:ListBucketMultipartUploads', resource: bucketArn(bucket) }]
  },
  run: async (raw) => {
    const input = readInput(raw)
    const bucket = input.text('Bucket')
    const prefix = input.textOr('Prefix', '')
    const uploads = [...context.catalog.uploads.range([bucket])]
      .map(({ value }) => value)
      .filter(({ key }) => key.startsWith(prefix))
      .sort((a, b) => (a.key === b.key ? compare(a.initiatedAt, b.initiatedAt) : compare(a.key, b.key)))
    return {
      Bucket: bucket,
      Prefix: prefix,
      MaxUploads: 1000,
      IsTruncated: false,
      Uploads: uploads.map(({ uploadId, key, initiatedAt, storageClass }) => ({
        UploadId: uploadId,
        Key: key,
        Initiated: new Date(initiatedAt),
        StorageClass: storageClass,
      })),
    }
  },
})

const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

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
