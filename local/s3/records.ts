/** What the S3 service keeps of buckets, object versions and uploads. */

import type { Json, JsonObject } from '../../core/json.ts'

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number]

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64; of a COMPOSITE one with `-{parts}`. */
  readonly value: string
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
}

/** A stretch of bytes of a blob file, or of a small blob kept in the store. */
export interface Segment {
  readonly id: string
  readonly inline: boolean
  readonly offsetBytes: number
  readonly lengthBytes: number
  /** The first id of the file's bytes: links of one file share it. */
  readonly origin: string
}

/** An object's bytes, in order; no segment for an empty object. */
export type Blob = readonly Segment[]

export const sizeOf = (blob: Blob): number => blob.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)

export interface Encryption {
  readonly algorithm: 'AES256' | 'aws:kms'
  readonly kmsKeyArn: string | null
  readonly bucketKeyEnabled: boolean
}

/** What a writer says about an object beside its bytes. */
export interface ObjectAttributes {
  /** ContentType, CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, Expires; as given. */
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: readonly (readonly [string, string])[]
  readonly encryption: Encryption
  readonly storageClass: string
}

export interface ObjectVersion extends ObjectAttributes {
  /** The upload that it was completed from: completing that once more answers with this version. */
  readonly uploadId?: string
  readonly versionId: string
  /** Greater for a later write, over all buckets. */
  readonly sequence: number
  readonly lastModified: string
  readonly deleteMarker: boolean
  readonly blob: Blob
  readonly sizeBytes: number
  /** Without quotes. */
  readonly etag: string
  readonly checksum: Checksum | null
  /** Sizes of the parts of a multipart upload, else `null`. */
  readonly partSizes: readonly number[] | null
}

export interface BucketRecord {
  readonly name: string
  readonly createdAt: string
  readonly versioning: 'Enabled' | 'Suspended' | 'Never'
  /** `null`: S3's own key (AES256). */
  readonly kmsKeyArn: string | null
  readonly bucketKeyEnabled: boolean
  readonly eventBridge: boolean
  readonly policy: JsonObject | null
  /** Configurations kept and given back as they were put, by the name of their Get operation's output. */
  readonly configurations: Readonly<Record<string, Json>>
}

export interface UploadRecord extends ObjectAttributes {
  readonly uploadId: string
  readonly bucket: string
  readonly key: string
  readonly initiatedAt: string
  readonly checksumAlgorithm: ChecksumAlgorithm | null
  readonly checksumType: 'FULL_OBJECT' | 'COMPOSITE'
}

export interface PartRecord {
  readonly partNumber: number
  readonly blob: Blob
  readonly sizeBytes: number
  readonly etag: string
  /** MD5 in hex, where the object's etag is made of it. */
  readonly md5: string | null
  readonly checksum: Checksum | null
  readonly lastModified: string
}
