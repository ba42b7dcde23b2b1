/** Which buckets, versions and uploads there are. Functions that write are called inside a transaction of the store. */

import { randomBytes } from 'node:crypto'
import { ReadCache } from '../read-cache.ts'
import { AwsError, type Clock, type Collection, type Store } from '../service.ts'
import type { BucketRecord, ObjectVersion, PartRecord, UploadRecord } from './records.ts'

/** The version id of objects written while versioning is off. */
export const NULL_VERSION = 'null'

export interface Catalog {
  /** Remembered, as every request reads them: written inside `changeBuckets` only. */
  readonly buckets: Collection<BucketRecord>
  /** A durable transaction in which buckets are written. */
  changeBuckets<T>(work: () => T): Promise<T>
  /** Current versions that are objects, by bucket and key. */
  readonly heads: Collection<ObjectVersion>
  /** All versions and delete markers, by bucket, key and negated sequence: newest first. */
  readonly versions: Collection<ObjectVersion>
  /** By bucket and upload id. */
  readonly uploads: Collection<UploadRecord>
  /** By bucket, upload id and part number. */
  readonly parts: Collection<PartRecord>
  /** @throws AwsError `NoSuchBucket` */
  bucket(name: string): BucketRecord
  /** The next sequence: greater than every earlier one, microseconds since 1970 where the clock allows. */
  nextSequence(): number
  versionIdOf(sequence: number, bucket: BucketRecord): string
  /** The version with that id, or the newest one; delete markers included. */
  find(bucket: string, key: string, versionId?: string): ObjectVersion | undefined
  /** Adds a version and makes it current. Returns the versions it replaces for good (versioning off or suspended). */
  add(bucket: BucketRecord, key: string, version: ObjectVersion): readonly ObjectVersion[]
  /** Replaces a version's record, e.g. for new tags. */
  update(bucket: string, key: string, version: ObjectVersion): void
  /** Removes one version for good; the next newest becomes current. */
  remove(bucket: string, key: string, version: ObjectVersion): void
}

/** The catalog in a store. */
export function openCatalog(store: Store, clock: Clock): Catalog {
  const cache = new ReadCache()
  const buckets = cache.over(store.collection<BucketRecord>('s3.buckets'))
  const heads = store.collection<ObjectVersion>('s3.heads')
  const versions = store.collection<ObjectVersion>('s3.versions')
  const counters = store.collection<number>('s3.counters')

  const newest = (bucket: string, key: string): ObjectVersion | undefined => {
    for (const { value } of versions.range([bucket, key], { limit: 1 })) return value
    return undefined
  }
  const drop = (bucket: string, key: string, version: ObjectVersion): void =>
    void versions.remove([bucket, key, -version.sequence])
  const makeCurrent = (bucket: string, key: string, version: ObjectVersion | undefined): void => {
    if (version === undefined || version.deleteMarker) heads.remove([bucket, key])
    else heads.put([bucket, key], version)
  }
  const nullVersion = (bucket: string, key: string): ObjectVersion | undefined => {
    for (const { value } of versions.range([bucket, key])) if (value.versionId === NULL_VERSION) return value
    return undefined
  }
  /** Without versioning a key has one version at most, its head; a bucket that had it once may have others beside it. */
  const replacedBy = ({ name, versioning }: BucketRecord, key: string): ObjectVersion | undefined => {
    if (versioning === 'Enabled') return undefined
    return versioning === 'Never' ? heads.get([name, key]) : nullVersion(name, key)
  }
  const find: Catalog['find'] = (bucket, key, versionId) => {
    if (versionId === undefined) return heads.get([bucket, key]) ?? newest(bucket, key)
    if (versionId === NULL_VERSION) return nullVersion(bucket, key)
    const sequence = Number.parseInt(versionId.slice(0, SEQUENCE_DIGITS), 36)
    const found = Number.isSafeInteger(sequence) ? versions.get([bucket, key, -sequence]) : undefined
    return found?.versionId === versionId ? found : undefined
  }
  return {
    buckets,
    changeBuckets: (work) => cache.during(() => store.transaction(work)),
    heads,
    versions,
    uploads: store.collection<UploadRecord>('s3.uploads'),
    parts: store.collection<PartRecord>('s3.parts'),
    bucket: (name) => {
      const found = buckets.get([name])
      if (found === undefined) {
        throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: name })
      }
      return found
    },
    nextSequence: () => {
      const next = Math.max((counters.get(['sequence']) ?? 0) + 1, clock.now().getTime() * 1000)
      counters.put(['sequence'], next)
      return next
    },
    versionIdOf: (sequence, { versioning }) =>
      versioning === 'Enabled'
        ? `${sequence.toString(36).padStart(SEQUENCE_DIGITS, '0')}${randomText(32 - SEQUENCE_DIGITS)}`
        : NULL_VERSION,
    find,
    add: (bucket, key, version) => {
      const replaced = replacedBy(bucket, key)
      if (replaced !== undefined) drop(bucket.name, key, replaced)
      versions.put([bucket.name, key, -version.sequence], version)
      makeCurrent(bucket.name, key, version)
      return replaced === undefined ? [] : [replaced]
    },
    update: (bucket, key, version) => {
      versions.put([bucket, key, -version.sequence], version)
      if (newest(bucket, key)?.sequence === version.sequence) makeCurrent(bucket, key, version)
    },
    remove: (bucket, key, version) => {
      drop(bucket, key, version)
      makeCurrent(bucket, key, newest(bucket, key))
    },
  }
}

/** A sequence in base 36. */
const SEQUENCE_DIGITS = 11

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._'
const randomText = (length: number): string =>
  [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('')
