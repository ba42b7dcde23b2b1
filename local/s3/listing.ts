/** Listing keys and versions, in the order of their UTF-8 bytes. */

import { type Input, readInput } from '../input.ts'
import type { Collection, Operation } from '../service.ts'
import { AwsError } from '../service.ts'
import { bucketArn, owner, type S3Context } from './context.ts'
import type { ObjectVersion } from './records.ts'

/** Sorts after every key that begins with what stands before it. */
const AFTER_ALL = '\u{10FFFF}'
const MAX_KEYS = 1000

interface Listed<T> {
  readonly contents: readonly T[]
  readonly commonPrefixes: readonly string[]
  /** Where the next page begins, or `null`. */
  readonly next: string | null
}

interface Page {
  readonly prefix: string
  readonly delimiter: string
  /** Keys up to and with this one are left out. */
  readonly after: string
  readonly maxKeys: number
}

/** Current objects of a bucket; keys that share what follows the prefix up to the delimiter are rolled up. */
function listKeys(
  heads: Collection<ObjectVersion>,
  bucket: string,
  page: Page,
): Listed<{ key: string; version: ObjectVersion }> {
  const contents: { key: string; version: ObjectVersion }[] = []
  const commonPrefixes: string[] = []
  let last = page.after
  let cursor = startOf(page)
  for (;;) {
    const entry = nextHead(heads, bucket, cursor)
    if (entry === null || !entry.key.startsWith(page.prefix)) return { contents, commonPrefixes, next: null }
    if (contents.length + commonPrefixes.length >= page.maxKeys) return { contents, commonPrefixes, next: last }
    const rolledUp = commonPrefixOf(entry.key, page)
    if (rolledUp === null) contents.push(entry)
    else commonPrefixes.push(rolledUp)
    last = rolledUp === null ? entry.key : `${rolledUp}${AFTER_ALL}`
    cursor = { after: last }
  }
}

type Cursor = { readonly after: string } | { readonly from: string }

const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const startOf = ({ prefix, after }: Page): Cursor =>
  after !== '' && compareText(after, prefix) >= 0 ? { after } : { from: prefix }

function nextHead(
  heads: Collection<ObjectVersion>,
  bucket: string,
  cursor: Cursor,
): { key: string; version: ObjectVersion } | null {
  if ('from' in cursor && cursor.from !== '') {
    const exact = heads.get([bucket, cursor.from])
    if (exact !== undefined) return { key: cursor.from, version: exact }
  }
  const start = 'from' in cursor ? cursor.from : cursor.after
  const options = start === '' ? { limit: 1 } : { limit: 1, after: [bucket, start] }
  for (const { key, value } of heads.range([bucket], options)) return { key: String(key[1]), version: value }
  return null
}

/** What keys with this one are rolled up into, or `null`. */
export function commonPrefixOf(key: string, { prefix, delimiter }: Pick<Page, 'prefix' | 'delimiter'>): string | null {
  if (delimiter === '') return null
  const index = key.indexOf(delimiter, prefix.length)
  return index === -1 ? null : key.slice(0, index + delimiter.length)
}

/** Keys in answers: as they are, or URL-encoded where the request asks for it. */
export const encoderOf = (input: Input): ((text: string) => string) =>
  input.textOr('EncodingType', '') === 'url'
    ? (text) =>
        encodeURIComponent(text)
          .replace(/%2F/g, '/')
          .replace(/[!'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    : (text) => text

function pageOf(input: Input, after: string): Page {
  const maxKeys = input.numberOr('MaxKeys', MAX_KEYS)
  if (maxKeys < 0) {
    throw new AwsError('InvalidArgument', 'Argument maxKeys must be an integer between 0 and 2147483647')
  }
  return {
    prefix: input.textOr('Prefix', ''),
    delimiter: input.textOr('Delimiter', ''),
    after,
    maxKeys: Math.min(maxKeys, MAX_KEYS),
  }
}

const listPermission = (context: S3Context, raw: unknown, action: string) => {
  const input = readInput(raw)
  const bucket = input.text('Bucket')
  context.catalog.bucket(bucket)
  const prefix = { 's3:prefix': input.textOr('Prefix', ''), 's3:delimiter': input.textOr('Delimiter', '') }
  return [{ action, resource: bucketArn(bucket), context: prefix }]
}

function echoed(input: Input, page: Page, encode: (text: string) => string): Record<string, unknown> {
  return {
    Name: input.text('Bucket'),
    Prefix: encode(page.prefix),
    MaxKeys: page.maxKeys,
    ...(page.delimiter === '' ? {} : { Delimiter: encode(page.delimiter) }),
    ...(input.has('EncodingType') ? { EncodingType: 'url' } : {}),
  }
}

const objectEntry = (key: string, version: ObjectVersion): Record<string, unknown> => ({
  Key: key,
  LastModified: new Date(version.lastModified),
  ETag: `"${version.etag}"`,
  Size: version.sizeBytes,
  StorageClass: version.storageClass,
  ...(version.checksum === null
    ? {}
    : { ChecksumAlgorithm: [version.checksum.algorithm], ChecksumType: version.checksum.type }),
})

/** Continuation tokens name where a page ended, and say that they are ours. */
const TOKEN_MARK = '1/'
const token = (text: string): string => Buffer.from(`${TOKEN_MARK}${text}`).toString('base64url')

/** @throws AwsError `InvalidArgument` */
function untoken(text: string): string {
  const place = Buffer.from(text, 'base64url').toString()
  if (place.startsWith(TOKEN_MARK)) return place.slice(TOKEN_MARK.length)
  throw new AwsError('InvalidArgument', 'The continuation token provided is incorrect', 400, {
    ArgumentName: 'continuation-token',
  })
}

const listObjectsV2 = (context: S3Context): Operation => ({
  permissions: (raw) => listPermission(context, raw, 's3:ListBucket'),
  run: async (raw) => {
    const input = readInput(raw)
    const continuation = input.textOr('ContinuationToken', null)
    const page = pageOf(input, continuation === null ? input.textOr('StartAfter', '') : untoken(continuation))
    const listed = pageKeys(context, input.text('Bucket'), page)
    const encode = encoderOf(input)
    const owned = input.booleanOr('FetchOwner', false) ? { Owner: owner(context) } : {}
    return {
      ...echoed(input, page, encode),
      ...(input.has('StartAfter') ? { StartAfter: encode(input.text('StartAfter')) } : {}),
      ...(continuation === null ? {} : { ContinuationToken: continuation }),
      ...contentsOf(listed, encode, owned),
      KeyCount: listed.contents.length + listed.commonPrefixes.length,
      IsTruncated: listed.next !== null,
      ...(listed.next === null ? {} : { NextContinuationToken: token(listed.next) }),
    }
  },
})

const pageKeys = (context: S3Context, bucket: string, page: Page) =>
  page.maxKeys === 0 ? { contents: [], commonPrefixes: [], next: null } : listKeys(context.catalog.heads, bucket, page)

const contentsOf = (
  listed: Listed<{ key: string; version: ObjectVersion }>,
  encode: (text: string) => string,
  owned: { readonly Owner?: { readonly ID: string } },
): Record<string, unknown> => ({
  ...(listed.contents.length === 0
    ? {}
    : { Contents: listed.contents.map(({ key, version }) => ({ ...objectEntry(encode(key), version), ...owned })) }),
  ...(listed.commonPrefixes.length === 0
    ? {}
    : { CommonPrefixes: listed.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })) }),
})

const listObjects = (context: S3Context): Operation => ({
  permissions: (raw) => listPermission(context, raw, 's3:ListBucket'),
  run: async (raw) => {
    const input = readInput(raw)
    const marker = input.textOr('Marker', '')
    const page = pageOf(input, markerOf(marker, input))
    const listed = pageKeys(context, input.text('Bucket'), page)
    const encode = encoderOf(input)
    const next = listed.next === null ? {} : { NextMarker: encode(listed.next.replace(AFTER_ALL, '')) }
    return {
      ...echoed(input, page, encode),
      Marker: encode(marker),
      ...contentsOf(listed, encode, { Owner: owner(context) }),
      IsTruncated: listed.next !== null,
      ...next,
    }
  },
})

/** A marker that is a common prefix stands for all keys below it. */
const markerOf = (marker: string, input: Input): string => {
  const delimiter = input.textOr('Delimiter', '')
  return delimiter !== '' && marker.endsWith(delimiter) ? `${marker}${AFTER_ALL}` : marker
}

interface VersionEntry {
  readonly key: string
  readonly version: ObjectVersion
  readonly isLatest: boolean
}

interface VersionPage {
  readonly entries: readonly VersionEntry[]
  readonly commonPrefixes: readonly string[]
  readonly next: { readonly key: string; readonly versionId: string | null } | null
}

/** Versions and delete markers, newest first within a key. */
function listVersions(context: S3Context, input: Input, page: Page): VersionPage {
  const bucket = input.text('Bucket')
  const entries: VersionEntry[] = []
  const commonPrefixes: string[] = []
  let previous: { key: string; versionId: string | null } = { key: page.after, versionId: null }
  for (const { key: place, value: version } of versionsFrom(context, input, page)) {
    const key = String(place[1])
    if (!key.startsWith(page.prefix)) {
      if (compareText(key, page.prefix) > 0) break
      continue
    }
    const rolledUp = commonPrefixOf(key, page)
    if (rolledUp !== null && (commonPrefixes.at(-1) === rolledUp || page.after.startsWith(rolledUp))) continue
    if (entries.length + commonPrefixes.length >= page.maxKeys) return { entries, commonPrefixes, next: previous }
    if (rolledUp === null) {
      const newest = context.catalog.find(bucket, key)
      entries.push({ key, version, isLatest: newest?.sequence === version.sequence })
      previous = { key, versionId: version.versionId }
    } else {
      commonPrefixes.push(rolledUp)
      previous = { key: rolledUp, versionId: null }
    }
  }
  return { entries, commonPrefixes, next: null }
}

function versionsFrom(context: S3Context, input: Input, page: Page) {
  const { versions } = context.catalog
  const bucket = input.text('Bucket')
  const marker = input.textOr('KeyMarker', null)
  const versionId = input.textOr('VersionIdMarker', null)
  if (marker === null) {
    // The key that equals the prefix sorts after [bucket, prefix] itself, as its sequence follows.
    return versions.range([bucket], page.prefix === '' ? {} : { after: [bucket, page.prefix] })
  }
  const found = versionId === null ? undefined : context.catalog.find(bucket, marker, versionId)
  const after = found === undefined ? [bucket, marker, Number.MAX_SAFE_INTEGER] : [bucket, marker, -found.sequence]
  return versions.range([bucket], { after })
}

const listObjectVersions = (context: S3Context): Operation => ({
  permissions: (raw) => listPermission(context, raw, 's3:ListBucketVersions'),
  run: async (raw) => {
    const input = readInput(raw)
    const page = pageOf(input, input.textOr('KeyMarker', ''))
    const listed = listVersions(context, input, page)
    const encode = encoderOf(input)
    const entries = listed.entries.map(({ key, version, isLatest }) => ({
      deleteMarker: version.deleteMarker,
      members: {
        Key: encode(key),
        VersionId: version.versionId,
        IsLatest: isLatest,
        LastModified: new Date(version.lastModified),
        Owner: owner(context),
      },
      version,
    }))
    return {
      ...echoed(input, page, encode),
      KeyMarker: encode(page.after),
      VersionIdMarker: input.textOr('VersionIdMarker', ''),
      Versions: entries
        .filter(({ deleteMarker }) => !deleteMarker)
        .map(({ members, version }) => ({ ...objectEntry(members.Key, version), ...members })),
      DeleteMarkers: entries.filter(({ deleteMarker }) => deleteMarker).map(({ members }) => members),
      CommonPrefixes: listed.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
      IsTruncated: listed.next !== null,
      ...(listed.next === null ? {} : { NextKeyMarker: encode(listed.next.key) }),
      ...(listed.next?.versionId == null ? {} : { NextVersionIdMarker: listed.next.versionId }),
    }
  },
})

/** ListObjectsV2, ListObjects, ListObjectVersions. */
export const listingOperations = (context: S3Context): Record<string, Operation> => ({
  ListObjectsV2: listObjectsV2(context),
  ListObjects: listObjects(context),
  ListObjectVersions: listObjectVersions(context),
})
