/** Objects: put, get, conditions, versions, copies, tags, checksums, keys. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Crc32c, Crc64Nvme } from '@aws-sdk/checksums/crc'
import { bytes, contentOf, type Members, stream } from '../client.ts'
import type { Expected, Stage } from '../stage.ts'

type Call = (operation: string, input: Members, expected?: Expected) => Promise<Members>

/** A bucket of its own with versions, and calls on it. */
export async function versionedBucket(stage: Stage, purpose: string): Promise<{ Bucket: string; s3: Call }> {
  const Bucket = stage.name(purpose)
  const s3: Call = (operation, input, expected) => stage.ok('s3', operation, { Bucket, ...input }, expected)
  await s3('CreateBucket', { CreateBucketConfiguration: { LocationConstraint: stage.region } })
  await s3('PutBucketVersioning', { VersioningConfiguration: { Status: 'Enabled' } })
  return { Bucket, s3 }
}

/** Checks the body of an object. */
export const holds =
  (text: string): ((output: unknown) => boolean) =>
  (body) =>
    contentOf(body).toString('utf8') === text

export async function playS3Objects(stage: Stage): Promise<void> {
  const { Bucket, s3 } = await versionedBucket(stage, 'objects')
  await stage.part('s3', 'objects: put and get', () => putAndGet(stage, Bucket, s3))
  await stage.part('s3', 'objects: conditions', () => conditions(stage, Bucket, s3))
  await stage.part('s3', 'objects: versions', () => versions(stage, Bucket, s3))
  await stage.part('s3', 'objects: copies', () => copies(stage, Bucket, s3))
  await stage.part('s3', 'objects: tags', () => tags(s3))
  await stage.part('s3', 'objects: checksums', () => checksums(stage, Bucket, s3))
  await stage.part('s3', 'objects: keys', () => keys(stage, Bucket, s3))
}

async function putAndGet(stage: Stage, Bucket: string, s3: Call): Promise<void> {
  const Key = 'a/first.txt'
  const text = 'grüße, 0123456789'
  await s3(
    'PutObject',
    {
      Key,
      Body: bytes(text),
      ContentType: 'text/plain',
      CacheControl: 'no-cache',
      ContentEncoding: 'identity',
      Metadata: { who: 'me', when: 'now' },
    },
    { ETag: `"${createHash('md5').update(text).digest('hex')}"`, VersionId: /./, ServerSideEncryption: 'AES256' },
  )
  const described = {
    ContentLength: Buffer.byteLength(text),
    ContentType: 'text/plain',
    CacheControl: 'no-cache',
    ContentEncoding: 'identity',
    Metadata: { who: 'me', when: 'now' },
    AcceptRanges: 'bytes',
  }
  await s3('HeadObject', { Key }, described)
  await s3('GetObject', { Key }, { ...described, Body: holds(text) })
  const length = Buffer.byteLength(text)
  const ranged = (Range: string, expected: string, ContentRange: string): Promise<Members> =>
    s3('GetObject', { Key, Range }, { Body: holds(expected), ContentRange })
  await ranged('bytes=9-12', '0123', `bytes 9-12/${length}`)
  await ranged('bytes=-4', '6789', `bytes ${length - 4}-${length - 1}/${length}`)
  await ranged(`bytes=${length - 2}-`, '89', `bytes ${length - 2}-${length - 1}/${length}`)
  const beyond = { Bucket, Key, Range: 'bytes=1000-' }
  await stage.fails('s3', 'GetObject', beyond, { code: 'InvalidRange', status: 416 })
  await s3(
    'GetObject',
    { Key, ResponseContentType: 'text/csv', ResponseContentDisposition: 'attachment; filename="a.csv"' },
    { ContentType: 'text/csv', ContentDisposition: 'attachment; filename="a.csv"' },
  )
  await stage.fails(
    's3',
    'GetObject',
    { Bucket, Key: 'nothing' },
    { code: 'NoSuchKey', status: 404, message: /The specified key does not exist\./ },
  )
  await stage.fails('s3', 'GetObject', { Bucket: `no-${Bucket}`, Key }, { code: 'NoSuchBucket', status: 404 })
  await stage.fails('s3', 'HeadObject', { Bucket, Key: 'nothing' }, { code: ['404', 'NotFound'], status: 404 })
  await s3(
    'GetObjectAttributes',
    { Key, ObjectAttributes: ['ETag', 'ObjectSize', 'StorageClass', 'Checksum'] },
    { ObjectSize: length, StorageClass: 'STANDARD', ETag: /^[0-9a-f]{32}$/ },
  )
}

async function conditions(stage: Stage, Bucket: string, s3: Call): Promise<void> {
  const Key = 'conditions'
  const { ETag = '' } = await s3('PutObject', { Key, Body: bytes('one'), IfNoneMatch: '*' })
  const refused = { code: 'PreconditionFailed', status: 412 }
  await stage.fails('s3', 'PutObject', { Bucket, Key, Body: bytes('two'), IfNoneMatch: '*' }, refused)
  await stage.fails('s3', 'PutObject', { Bucket, Key, Body: bytes('two'), IfMatch: '"0"' }, refused)
  await stage.fails(
    's3',
    'PutObject',
    { Bucket, Key: 'nothing', Body: bytes('two'), IfMatch: ETag },
    { code: 'NoSuchKey', status: 404 },
  )
  const { ETag: newer = '' } = await s3('PutObject', { Key, Body: bytes('two'), IfMatch: ETag })
  await s3('GetObject', { Key, IfMatch: newer }, { Body: holds('two') })
  await s3('GetObject', { Key, IfNoneMatch: ETag }, { Body: holds('two') })
  await s3('GetObject', { Key, IfModifiedSince: { $date: '2020-01-01T00:00:00Z' } }, { Body: holds('two') })
  await stage.fails('s3', 'GetObject', { Bucket, Key, IfMatch: ETag }, refused)
  const notModified = { code: ['304', 'NotModified', 'Unknown', 'UnknownError'], status: 304 }
  await stage.fails('s3', 'GetObject', { Bucket, Key, IfNoneMatch: newer }, notModified)
  const long = { $date: '2020-01-01T00:00:00Z' }
  await stage.fails('s3', 'GetObject', { Bucket, Key, IfUnmodifiedSince: long }, refused)
}

async function versions(stage: Stage, Bucket: string, s3: Call): Promise<void> {
  const Key = 'versions'
  const { VersionId: first = '' } = await s3('PutObject', { Key, Body: bytes('one') })
  const { VersionId: second = '' } = await s3('PutObject', { Key, Body: bytes('two') })
  await s3('GetObject', { Key, VersionId: first }, { Body: holds('one'), VersionId: first as string })
  const deleted = await s3('DeleteObject', { Key }, { DeleteMarker: true, VersionId: /./ })
  await stage.fails('s3', 'GetObject', { Bucket, Key }, { code: 'NoSuchKey', status: 404 })
  const marker = { Bucket, Key, VersionId: deleted.VersionId ?? '' }
  await stage.fails('s3', 'GetObject', marker, { code: 'MethodNotAllowed', status: 405 })
  await s3(
    'ListObjectVersions',
    { Prefix: Key },
    {
      DeleteMarkers: [{ Key, IsLatest: true }],
      Versions: [{ Key, VersionId: second as string, IsLatest: false, Size: 3 }, { VersionId: first as string }],
    },
  )
  await s3('DeleteObject', { Key, VersionId: deleted.VersionId }, { DeleteMarker: true })
  await s3('GetObject', { Key }, { Body: holds('two') })
  await s3('DeleteObject', { Key, VersionId: second }, { VersionId: second as string })
  await s3('GetObject', { Key }, { Body: holds('one') })
  await stage.fails('s3', 'GetObject', { Bucket, Key, VersionId: second }, { code: 'NoSuchVersion', status: 404 })
  await s3('PutObject', { Key: 'multi/a', Body: bytes('a') })
  await s3('PutObject', { Key: 'multi/<b>&"', Body: bytes('b') })
  const Objects = [{ Key: 'multi/a' }, { Key: 'multi/<b>&"' }, { Key: Key, VersionId: first }]
  await s3(
    'DeleteObjects',
    { Delete: { Objects } },
    {
      Deleted: [
        { Key: 'multi/a', DeleteMarker: true, DeleteMarkerVersionId: /./ },
        { Key: 'multi/<b>&"', DeleteMarker: true },
        { Key, VersionId: first as string },
      ],
    },
  )
  await s3('ListObjectsV2', { Prefix: 'multi/' }, { KeyCount: 0 })
}

/** botocore encodes a source itself, the SDK for JavaScript takes it as it is. */
const sourceKey = ({ client }: Stage, key: string): string => (client.name === 'sdk-js' ? encodeURIComponent(key) : key)

async function copies(stage: Stage, Bucket: string, s3: Call): Promise<void> {
  const Key = 'copied/source é+%.txt'
  const { VersionId: first = '' } = await s3('PutObject', {
    Key,
    Body: bytes('one'),
    Metadata: { who: 'me' },
    Tagging: 'colour=blue',
  })
  const { ETag = '' } = await s3('PutObject', { Key, Body: bytes('two'), Metadata: { who: 'you' } })
  const CopySource = `${Bucket}/${sourceKey(stage, Key)}`
  const copied = await s3(
    'CopyObject',
    { Key: 'copied/old', CopySource: `${CopySource}?versionId=${first}` },
    { CopySourceVersionId: first as string, VersionId: /./, CopyObjectResult: { ETag: /^"[0-9a-f]{32}"$/ } },
  )
  await s3(
    'GetObject',
    { Key: 'copied/old', VersionId: copied.VersionId },
    { Body: holds('one'), Metadata: { who: 'me' } },
  )
  await s3('GetObjectTagging', { Key: 'copied/old' }, { TagSet: [{ Key: 'colour', Value: 'blue' }] })
  await s3('CopyObject', {
    Key: 'copied/new',
    CopySource,
    CopySourceIfMatch: ETag,
    MetadataDirective: 'REPLACE',
    Metadata: { who: 'them' },
    TaggingDirective: 'REPLACE',
    Tagging: 'colour=red',
    ChecksumAlgorithm: 'SHA256',
  })
  await s3(
    'GetObject',
    { Key: 'copied/new', ChecksumMode: 'ENABLED' },
    {
      Body: holds('two'),
      Metadata: { who: 'them' },
      ChecksumSHA256: createHash('sha256').update('two').digest('base64'),
    },
  )
  const refused = { code: 'PreconditionFailed', status: 412 }
  const onto = { Bucket, Key: 'copied/never', CopySource }
  await stage.fails('s3', 'CopyObject', { ...onto, CopySourceIfMatch: '"0"' }, refused)
  await stage.fails('s3', 'CopyObject', { ...onto, CopySourceIfNoneMatch: ETag }, refused)
  await stage.fails('s3', 'CopyObject', { ...onto, CopySource: `${Bucket}/none` }, { code: 'NoSuchKey', status: 404 })
  await stage.fails('s3', 'CopyObject', { Bucket, Key, CopySource }, { code: 'InvalidRequest', status: 400 })
}

async function tags(s3: Call): Promise<void> {
  const Key = 'tagged'
  await s3('PutObject', { Key, Body: bytes('x'), Tagging: 'a=1&b=two%20words' })
  await s3(
    'GetObjectTagging',
    { Key },
    {
      TagSet: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: 'two words' },
      ],
    },
  )
  await s3('PutObjectTagging', { Key, Tagging: { TagSet: [{ Key: 'c', Value: '<3>' }] } }, { VersionId: /./ })
  await s3('GetObjectTagging', { Key }, { TagSet: [{ Key: 'c', Value: '<3>' }] })
  await s3('DeleteObjectTagging', { Key })
  await s3('GetObjectTagging', { Key }, { TagSet: [] })
}

const base64 = async (content: Uint8Array): Promise<Record<string, string>> => {
  const [crc32c, crc64] = [new Crc32c(), new Crc64Nvme()]
  for (const crc of [crc32c, crc64]) crc.update(content)
  const plain = Buffer.alloc(4)
  plain.writeUInt32BE(crc32(content))
  return {
    CRC32: plain.toString('base64'),
    CRC32C: Buffer.from(await crc32c.digest()).toString('base64'),
    CRC64NVME: Buffer.from(await crc64.digest()).toString('base64'),
    SHA1: createHash('sha1').update(content).digest('base64'),
    SHA256: createHash('sha256').update(content).digest('base64'),
  }
}

async function checksums(stage: Stage, Bucket: string, s3: Call): Promise<void> {
  const content = Buffer.from('checked')
  const right = await base64(content)
  const wrong = await base64(Buffer.from('other'))
  for (const [algorithm, value] of Object.entries(right)) {
    const member = `Checksum${algorithm}`
    const Key = `checksums/${algorithm}`
    await s3(
      'PutObject',
      { Key, Body: bytes(content), [member]: value },
      { [member]: value, ChecksumType: 'FULL_OBJECT' },
    )
    await s3('HeadObject', { Key, ChecksumMode: 'ENABLED' }, { [member]: value, ChecksumType: 'FULL_OBJECT' })
    await s3('GetObject', { Key, ChecksumMode: 'ENABLED' }, { [member]: value, Body: holds('checked') })
    await stage.fails(
      's3',
      'PutObject',
      { Bucket, Key, Body: bytes(content), [member]: wrong[algorithm] ?? '' },
      { code: 'BadDigest', status: 400 },
    )
  }
  await s3(
    'PutObject',
    { Key: 'checksums/named', Body: bytes(content), ChecksumAlgorithm: 'SHA1' },
    { ChecksumSHA1: right.SHA1 ?? '' },
  )
  const body = { Body: stream(content), ContentLength: content.length }
  for (const algorithm of ['CRC32', 'SHA256']) {
    const Key = `checksums/streamed-${algorithm}`
    await s3(
      'PutObject',
      { Key, ...body, ChecksumAlgorithm: algorithm },
      { [`Checksum${algorithm}`]: right[algorithm] ?? '' },
    )
    await s3('GetObject', { Key }, { Body: holds('checked'), ContentEncoding: (encoding) => encoding === undefined })
  }
  const ContentMD5 = createHash('md5').update('other').digest('base64')
  const claimed = { Bucket, Key: 'checksums/md5', Body: bytes(content), ContentMD5 }
  await stage.fails('s3', 'PutObject', claimed, { code: 'BadDigest', status: 400 })
}

/** Characters that travel badly: in paths, queries, XML and headers. */
const KEYS = [
  'plain',
  'with space',
  'plus+and%25',
  'é/ü/日本語/🙂',
  "!-_.*'()",
  '&$@=;:,?',
  '<xml>&"quot"',
  'back\\slash^`{}|~[]#',
  'dots/./and/../so',
  '//double//',
  'trailing/',
  'tab\tand\nnewline',
  'x'.repeat(1024),
]

async function keys(stage: Stage, Bucket: string, s3: Call): Promise<void> {
  for (const name of KEYS) {
    const Key = name.length === 1024 ? name : `k/${name}`
    await s3('PutObject', { Key, Body: bytes(name) })
    await s3('GetObject', { Key }, { Body: holds(name) })
    await s3('HeadObject', { Key }, { ContentLength: Buffer.byteLength(name) })
  }
  const { Contents = [] } = await s3('ListObjectsV2', { Prefix: 'k/' })
  await stage.check('s3', 'ListObjectsV2: any key', () => {
    const listed = (Array.isArray(Contents) ? Contents : []).map((entry: unknown) => (entry as { Key: string }).Key)
    const missing = KEYS.filter((name) => name.length < 1024 && !listed.includes(`k/${name}`))
    if (missing.length > 0) throw new Error(`not listed: ${JSON.stringify(missing)}`)
  })
  const tooLong = { Bucket, Key: 'x'.repeat(1025), Body: bytes('') }
  await stage.fails('s3', 'PutObject', tooLong, { code: 'KeyTooLongError', status: 400 })
}
