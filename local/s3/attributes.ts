/** What a request says about an object beside its bytes, and what answers say back. */

import type { Input } from '../input.ts'
import { AwsError } from '../service.ts'
import {
  type BucketRecord,
  CHECKSUM_ALGORITHMS,
  type Checksum,
  type ChecksumAlgorithm,
  type Encryption,
  type ObjectAttributes,
  type ObjectVersion,
} from './records.ts'

const HEADERS = [
  'ContentType',
  'CacheControl',
  'ContentDisposition',
  'ContentEncoding',
  'ContentLanguage',
  'Expires',
] as const

/** @throws AwsError for tags, keys and algorithms that S3 would refuse, and for what is not implemented here */
export function attributesOf(input: Input, bucket: BucketRecord): ObjectAttributes {
  const given = HEADERS.map((name) => [name, headerText(input, name)] as const).filter(([, value]) => value !== null)
  return {
    headers: { ContentType: 'binary/octet-stream', ...Object.fromEntries(given) },
    metadata: input.texts('Metadata'),
    tags: parseTagging(input.textOr('Tagging', '')),
    encryption: encryptionOf(input, bucket),
    storageClass: input.textOr('StorageClass', 'STANDARD'),
  }
}

function headerText(input: Input, name: string): string | null {
  const value = input.members[name]
  if (value instanceof Date) return value.toUTCString()
  return input.textOr(name, null)
}

/** The request's encryption, or the bucket's. */
export function encryptionOf(input: Input, bucket: BucketRecord): Encryption {
  if (input.has('SSECustomerAlgorithm') || input.has('SSECustomerKey')) {
    throw new AwsError('NotImplemented', 'Cannot encrypt with a customer-provided key: SSE-C is not implemented', 501)
  }
  const algorithm = input.textOr('ServerSideEncryption', null)
  const kmsKeyArn = input.textOr('SSEKMSKeyId', bucket.kmsKeyArn)
  if (algorithm === 'AES256') return { algorithm: 'AES256', kmsKeyArn: null, bucketKeyEnabled: false }
  if (algorithm !== null && algorithm !== 'aws:kms') {
    throw new AwsError('InvalidArgument', `The encryption method specified is not supported: "${algorithm}"`)
  }
  if (algorithm === null && bucket.kmsKeyArn === null) {
    return { algorithm: 'AES256', kmsKeyArn: null, bucketKeyEnabled: false }
  }
  const bucketKeyEnabled = input.booleanOr('BucketKeyEnabled', bucket.bucketKeyEnabled)
  return { algorithm: 'aws:kms', kmsKeyArn, bucketKeyEnabled }
}

/** Parses `a=b&c=d`. @throws AwsError `InvalidTag` */
export function parseTagging(tagging: string): readonly (readonly [string, string])[] {
  return checkTags([...new URLSearchParams(tagging)])
}

/** @throws AwsError `InvalidTag` for more than 10 tags, a repeated or an over-long one */
export function checkTags(tags: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  if (tags.length > 10) throw new AwsError('BadRequest', 'Object tags cannot be greater than 10')
  const names = new Set(tags.map(([name]) => name))
  if (names.size < tags.length) {
    throw new AwsError('InvalidTag', 'Cannot provide multiple Tags with the same key')
  }
  for (const [name, value] of tags) {
    if (name.length === 0 || name.length > 128)
      throw new AwsError('InvalidTag', 'The TagKey you have provided is invalid')
    if (value.length > 256) throw new AwsError('InvalidTag', 'The TagValue you have provided is invalid')
  }
  return tags
}

/** The algorithm that a request names. @throws AwsError `InvalidRequest` */
export function namedAlgorithm(input: Input): ChecksumAlgorithm | null {
  const name = input.textOr('ChecksumAlgorithm', null)
  if (name === null) return null
  const known = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name)
  if (known === undefined) {
    throw new AwsError('InvalidRequest', `Checksum algorithm provided is unsupported: "${name}"`)
  }
  return known
}

/** Output members of a checksum; none where there is none. */
export const checksumMembers = (checksum: Checksum | null): Record<string, string> =>
  checksum === null ? {} : { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type }

export const encryptionMembers = ({ algorithm, kmsKeyArn, bucketKeyEnabled }: Encryption): Record<string, unknown> =>
  algorithm === 'AES256'
    ? { ServerSideEncryption: algorithm }
    : {
        ServerSideEncryption: algorithm,
        ...(kmsKeyArn === null ? {} : { SSEKMSKeyId: kmsKeyArn }),
        ...(bucketKeyEnabled ? { BucketKeyEnabled: true } : {}),
      }

/** `VersionId`, unless the bucket never had versioning. */
export const versionMember = (version: ObjectVersion, bucket: BucketRecord): Record<string, string> =>
  bucket.versioning === 'Never' ? {} : { VersionId: version.versionId }
