/** Uploads in progress, by key and then by time. */
import { type Input, readInput } from '../input.ts'
import type { Operation } from '../service.ts'
import { bucketArn, owner, type S3Context } from './context.ts'
import { commonPrefixOf, encoderOf } from './listing.ts'
import type { UploadRecord } from './records.ts'

const MAX_UPLOADS = 1000

const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const inOrder = (a: UploadRecord, b: UploadRecord): number =>
  compare(a.key, b.key) || compare(a.initiatedAt, b.initiatedAt) || compare(a.uploadId, b.uploadId)

interface UploadPage {
  readonly uploads: readonly UploadRecord[]
  readonly commonPrefixes: readonly string[]
  readonly isTruncated: boolean
  /** The last key or common prefix of the page, and the upload if it is one. */
  readonly last: { readonly key: string; readonly uploadId: string }
}

/** What comes behind the markers: a key alone leaves out all its uploads. */
function behindMarkers(sorted: readonly UploadRecord[], input: Input): readonly UploadRecord[] {
  const keyMarker = input.textOr('KeyMarker', '')
  const uploadMarker = input.textOr('UploadIdMarker', '')
  const delimiter = input.textOr('Delimiter', '')
  const marked = sorted.findIndex(({ key, uploadId }) => key === keyMarker && uploadId === uploadMarker)
  if (marked >= 0) return sorted.slice(marked + 1)
  const isPrefix = delimiter !== '' && keyMarker.endsWith(delimiter)
  return sorted.filter(({ key }) => compare(key, keyMarker) > 0 && !(isPrefix && key.startsWith(keyMarker)))
}

function pageOf(left: readonly UploadRecord[], input: Input, limit: number): UploadPage {
  const place = { prefix: input.textOr('Prefix', ''), delimiter: input.textOr('Delimiter', '') }
  const uploads: UploadRecord[] = []
  const commonPrefixes: string[] = []
  let last = { key: '', uploadId: '' }
  for (const upload of left) {
    const rolledUp = commonPrefixOf(upload.key, place)
    if (rolledUp !== null && commonPrefixes.at(-1) === rolledUp) continue
    if (uploads.length + commonPrefixes.length >= limit) return { uploads, commonPrefixes, isTruncated: true, last }
    if (rolledUp === null) uploads.push(upload)
    else commonPrefixes.push(rolledUp)
    last = rolledUp === null ? upload : { key: rolledUp, uploadId: '' }
  }
  return { uploads, commonPrefixes, isTruncated: false, last }
}

/** ListMultipartUploads. */
export const listMultipartUploads = (context: S3Context): Operation => ({
  permissions: (raw) => {
    const bucket = readInput(raw).text('Bucket')
    context.catalog.bucket(bucket)
    return [{ action: 's3:ListBucketMultipartUploads', resource: bucketArn(bucket) }]
  },
  run: async (raw) => {
    const input = readInput(raw)
    const bucket = input.text('Bucket')
    const prefix = input.textOr('Prefix', '')
    const limit = Math.min(input.numberOr('MaxUploads', MAX_UPLOADS), MAX_UPLOADS)
    const sorted = [...context.catalog.uploads.range([bucket])]
      .map(({ value }) => value)
      .filter(({ key }) => key.startsWith(prefix))
      .sort(inOrder)
    const page = pageOf(behindMarkers(sorted, input), input, limit)
    const encode = encoderOf(input)
    return {
      Bucket: bucket,
      Prefix: encode(prefix),
      KeyMarker: encode(input.textOr('KeyMarker', '')),
      UploadIdMarker: input.textOr('UploadIdMarker', ''),
      MaxUploads: limit,
      ...(input.has('Delimiter') ? { Delimiter: encode(input.text('Delimiter')) } : {}),
      ...(input.has('EncodingType') ? { EncodingType: 'url' } : {}),
      IsTruncated: page.isTruncated,
      ...(page.isTruncated ? { NextKeyMarker: encode(page.last.key), NextUploadIdMarker: page.last.uploadId } : {}),
      Uploads: page.uploads.map((upload) => ({
        UploadId: upload.uploadId,
        Key: encode(upload.key),
        Initiated: new Date(upload.initiatedAt),
        StorageClass: upload.storageClass,
        Owner: owner(context),
        Initiator: owner(context),
        ...(upload.checksumAlgorithm === null
          ? {}
          : { ChecksumAlgorithm: upload.checksumAlgorithm, ChecksumType: upload.checksumType }),
      })),
      CommonPrefixes: page.commonPrefixes.map((common) => ({ Prefix: encode(common) })),
    }
  },
})
