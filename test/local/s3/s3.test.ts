import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { KEY_ARN, startRuntime, type TestRuntime } from '../endpoint/runtime.ts'

let runtime: TestRuntime
let s3: S3Client

beforeAll(async () => {
  runtime = await startRuntime()
  s3 = runtime.client()
  await runtime.s3.provisionBucket({ name: 'raw', versioned: true, kmsKeyArn: KEY_ARN, eventBridge: true })
  await runtime.s3.provisionBucket({ name: 'validated', versioned: true, kmsKeyArn: KEY_ARN })
  await runtime.s3.provisionBucket({ name: 'plain' })
})
afterAll(() => runtime.close())

const textOf = async (command: GetObjectCommand): Promise<string> =>
  (await s3.send(command)).Body?.transformToString() ?? ''

describe('objects', () => {
  test('come back as they were put, with their attributes and KMS encryption', async () => {
    const put = await s3.send(
      new PutObjectCommand({
        Bucket: 'raw',
        Key: 'a/b.csv',
        Body: 'id\n1\n',
        ContentType: 'text/csv',
        Metadata: { who: 'acme' },
      }),
    )
    expect(put.ServerSideEncryption).toBe('aws:kms')
    const got = await s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'a/b.csv', ChecksumMode: 'ENABLED' }))
    expect(await got.Body?.transformToString()).toBe('id\n1\n')
    expect(got).toMatchObject({
      ContentType: 'text/csv',
      Metadata: { who: 'acme' },
      ContentLength: 5,
      VersionId: put.VersionId,
      ETag: put.ETag,
      SSEKMSKeyId: KEY_ARN,
      ChecksumCRC32: put.ChecksumCRC32,
    })
    const head = await s3.send(new HeadObjectCommand({ Bucket: 'raw', Key: 'a/b.csv' }))
    expect(head).toMatchObject({ ContentLength: 5, ServerSideEncryption: 'aws:kms', ContentType: 'text/csv' })
  })

  const KEYS = [
    'landing/acme/orders/a b+c%d é#.csv',
    'x//y',
    '%2F%20',
    'emoji 😀',
    "it's (1)!*~",
    'a=b&c;d@e:f,g?h',
    'tab\tnl\n',
  ]
  test.each(KEYS)('keep the key %j', async (Key) => {
    await s3.send(new PutObjectCommand({ Bucket: 'raw', Key, Body: Key }))
    expect(await textOf(new GetObjectCommand({ Bucket: 'raw', Key }))).toBe(Key)
    const listed = await s3.send(new ListObjectsV2Command({ Bucket: 'raw', Prefix: Key }))
    expect(listed.Contents?.map((entry) => entry.Key)).toEqual([Key])
    expect(runtime.events.at(-1)?.detail.object).toMatchObject({ key: Key })
  })

  test('of megabytes stream in and out and answer ranges', async () => {
    const content = randomBytes(3_000_000)
    const Key = 'big.bin'
    const ContentLength = content.length
    await s3.send(
      new PutObjectCommand({ Bucket: 'raw', Key, Body: Readable.from(chunksOf(content, 70_000)), ContentLength }),
    )
    const got = await s3.send(new GetObjectCommand({ Bucket: 'raw', Key }))
    expect(sha(await got.Body?.transformToByteArray())).toBe(sha(content))
    const ranged = await s3.send(new GetObjectCommand({ Bucket: 'raw', Key, Range: 'bytes=1000000-1000004' }))
    expect(ranged.ContentRange).toBe('bytes 1000000-1000004/3000000')
    expect(ranged.$metadata.httpStatusCode).toBe(206)
    expect(await ranged.Body?.transformToByteArray()).toEqual(new Uint8Array(content.subarray(1000000, 1000005)))
    const tail = await s3.send(new GetObjectCommand({ Bucket: 'raw', Key, Range: 'bytes=-5' }))
    expect(await tail.Body?.transformToByteArray()).toEqual(new Uint8Array(content.subarray(-5)))
    await expect(s3.send(new GetObjectCommand({ Bucket: 'raw', Key, Range: 'bytes=3000000-' }))).rejects.toMatchObject({
      name: 'InvalidRange',
      $metadata: { httpStatusCode: 416 },
    })
  })

  test('answer the errors of S3 where they are missing', async () => {
    await expect(s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'nowhere' }))).rejects.toMatchObject({
      name: 'NoSuchKey',
      message: 'The specified key does not exist.',
    })
    await expect(s3.send(new HeadObjectCommand({ Bucket: 'raw', Key: 'nowhere' }))).rejects.toMatchObject({
      name: 'NotFound',
    })
    await expect(s3.send(new GetObjectCommand({ Bucket: 'nobucket', Key: 'x' }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
    })
  })
})

describe('versions', () => {
  test('IN-33: are kept, hidden by delete markers and removed one by one', async () => {
    const Bucket = 'raw'
    const Key = 'versions/one'
    const first = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'first' }))
    const second = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'second' }))
    expect(await textOf(new GetObjectCommand({ Bucket, Key, VersionId: first.VersionId }))).toBe('first')
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    expect(marker.DeleteMarker).toBe(true)
    await expect(s3.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NoSuchKey' })
    await expect(s3.send(new GetObjectCommand({ Bucket, Key, VersionId: marker.VersionId }))).rejects.toMatchObject({
      name: 'MethodNotAllowed',
      $metadata: { httpStatusCode: 405 },
    })
    const listed = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }))
    expect(listed.DeleteMarkers?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [marker.VersionId, true],
    ])
    expect(listed.Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [second.VersionId, false],
      [first.VersionId, false],
    ])
    await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: marker.VersionId }))
    expect(await textOf(new GetObjectCommand({ Bucket, Key }))).toBe('second')
    await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: second.VersionId }))
    expect(await textOf(new GetObjectCommand({ Bucket, Key }))).toBe('first')
  })

  test('of many keys are deleted at once, as the answer lists them', async () => {
    const Bucket = 'plain'
    for (const Key of ['many/1', 'many/2']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const Objects = [{ Key: 'many/1' }, { Key: 'many/2' }, { Key: 'many/absent' }]
    const deleted = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(deleted.Deleted?.map(({ Key }) => Key)).toEqual(['many/1', 'many/2', 'many/absent'])
    expect((await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'many/' }))).KeyCount).toBe(0)
  })
})

describe('conditions and checksums', () => {
  test('a conditional put happens once', async () => {
    const put = (): PutObjectCommand =>
      new PutObjectCommand({ Bucket: 'raw', Key: 'once', Body: 'x', IfNoneMatch: '*' })
    const outcomes = await Promise.allSettled([s3.send(put()), s3.send(put()), s3.send(put())])
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await expect(s3.send(put())).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    })
  })

  test('reads hold If-Match and If-None-Match', async () => {
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket: 'raw', Key: 'etag', Body: 'x' }))
    await expect(
      s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'etag', IfNoneMatch: ETag })),
    ).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    })
    await expect(s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'etag', IfMatch: '"no"' }))).rejects.toMatchObject({
      name: 'PreconditionFailed',
    })
  })

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    '%s is verified and kept',
    async (ChecksumAlgorithm) => {
      const Key = `sum/${ChecksumAlgorithm}`
      const put = await s3.send(new PutObjectCommand({ Bucket: 'raw', Key, Body: 'hello', ChecksumAlgorithm }))
      const head = await s3.send(new HeadObjectCommand({ Bucket: 'raw', Key, ChecksumMode: 'ENABLED' }))
      expect(head[`Checksum${ChecksumAlgorithm}`]).toBe(put[`Checksum${ChecksumAlgorithm}`])
      expect(head.ChecksumType).toBe('FULL_OBJECT')
      const wrong = { [`Checksum${ChecksumAlgorithm}`]: put[`Checksum${ChecksumAlgorithm}`] }
      await expect(
        s3.send(new PutObjectCommand({ Bucket: 'raw', Key: `${Key}/wrong`, Body: 'other', ...wrong })),
      ).rejects.toMatchObject({ name: 'BadDigest' })
      expect((await s3.send(new ListObjectsV2Command({ Bucket: 'raw', Prefix: `${Key}/wrong` }))).KeyCount).toBe(0)
    },
  )

  test('an object outside of KMS has the MD5 of its content as etag', async () => {
    const put = await s3.send(new PutObjectCommand({ Bucket: 'plain', Key: 'md5', Body: 'hello' }))
    expect(put.ETag).toBe(`"${createHash('md5').update('hello').digest('hex')}"`)
    expect(put.ServerSideEncryption).toBe('AES256')
  })
})

describe('copies', () => {
  test('take one version, its attributes and, unless replaced, its tags', async () => {
    const Key = 'copy me +%é#.csv'
    const source = await s3.send(
      new PutObjectCommand({
        Bucket: 'raw',
        Key,
        Body: 'old',
        Tagging: 'a=1',
        ContentType: 'text/csv',
        ChecksumAlgorithm: 'SHA256',
      }),
    )
    await s3.send(new PutObjectCommand({ Bucket: 'raw', Key, Body: 'new' }))
    const CopySource = `${encodeURIComponent(`raw/${Key}`)}?versionId=${source.VersionId}`
    const copy = await s3.send(
      new CopyObjectCommand({
        Bucket: 'validated',
        Key: 'copied',
        CopySource,
        CopySourceIfMatch: source.ETag,
        ChecksumAlgorithm: 'SHA256',
      }),
    )
    expect(copy.CopySourceVersionId).toBe(source.VersionId)
    expect(copy.CopyObjectResult?.ChecksumSHA256).toBe(source.ChecksumSHA256)
    const got = await s3.send(new GetObjectCommand({ Bucket: 'validated', Key: 'copied' }))
    expect([await got.Body?.transformToString(), got.ContentType, got.TagCount]).toEqual(['old', 'text/csv', 1])
    await s3.send(
      new CopyObjectCommand({ Bucket: 'validated', Key: 'untagged', CopySource, TaggingDirective: 'REPLACE' }),
    )
    expect((await s3.send(new GetObjectTaggingCommand({ Bucket: 'validated', Key: 'untagged' }))).TagSet).toEqual([])
    await expect(
      s3.send(new CopyObjectCommand({ Bucket: 'validated', Key: 'no', CopySource, CopySourceIfMatch: '"other"' })),
    ).rejects.toMatchObject({ name: 'PreconditionFailed' })
  })

  test('survive the deletion of their source', async () => {
    const content = randomBytes(200_000)
    const source = await s3.send(new PutObjectCommand({ Bucket: 'raw', Key: 'source', Body: content }))
    await s3.send(new CopyObjectCommand({ Bucket: 'validated', Key: 'kept', CopySource: 'raw/source' }))
    await s3.send(new DeleteObjectCommand({ Bucket: 'raw', Key: 'source', VersionId: source.VersionId }))
    const got = await s3.send(new GetObjectCommand({ Bucket: 'validated', Key: 'kept' }))
    expect(sha(await got.Body?.transformToByteArray())).toBe(sha(content))
  })
})

describe('listings', () => {
  test('page through keys in UTF-8 order and roll up by delimiter', async () => {
    const Bucket = 'plain'
    const keys = ['l/a', 'l/b/1', 'l/b/2', 'l/c', 'l/d/1', 'l/é', 'l/�', 'l/😀']
    for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const paged: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'l/', MaxKeys: 3, ContinuationToken }))
      paged.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    expect(paged).toEqual(keys)
    const first = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'l/', Delimiter: '/', MaxKeys: 2 }))
    expect([first.Contents?.map(({ Key }) => Key), first.CommonPrefixes, first.IsTruncated]).toEqual([
      ['l/a'],
      [{ Prefix: 'l/b/' }],
      true,
    ])
    const rest = await s3.send(
      new ListObjectsV2Command({
        Bucket,
        Prefix: 'l/',
        Delimiter: '/',
        ContinuationToken: first.NextContinuationToken,
      }),
    )
    expect([rest.Contents?.map(({ Key }) => Key), rest.CommonPrefixes]).toEqual([
      ['l/c', 'l/é', 'l/�', 'l/😀'],
      [{ Prefix: 'l/d/' }],
    ])
  })

  test('of versions page on by key and version', async () => {
    const Bucket = 'validated'
    for (const Key of ['v/1', 'v/1', 'v/2']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const seen: (string | undefined)[] = []
    let markers: { KeyMarker?: string; VersionIdMarker?: string } = {}
    do {
      const page = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'v/', MaxKeys: 1, ...markers }))
      seen.push(...(page.Versions ?? []).map(({ Key }) => Key))
      markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
    } while (markers.KeyMarker !== undefined)
    expect(seen).toEqual(['v/1', 'v/1', 'v/2'])
  })
})

test('tags are put, read and counted, and attributes answered', async () => {
  const at = { Bucket: 'raw', Key: 'tagged' }
  await s3.send(new PutObjectCommand({ ...at, Body: 'x' }))
  await s3.send(new PutObjectTaggingCommand({ ...at, Tagging: { TagSet: [{ Key: 'a', Value: 'é b' }] } }))
  expect((await s3.send(new GetObjectTaggingCommand(at))).TagSet).toEqual([{ Key: 'a', Value: 'é b' }])
  const attributes = await s3.send(
    new GetObjectAttributesCommand({ ...at, ObjectAttributes: ['ETag', 'ObjectSize', 'Checksum', 'StorageClass'] }),
  )
  expect(attributes).toMatchObject({
    ObjectSize: 1,
    StorageClass: 'STANDARD',
    Checksum: { ChecksumType: 'FULL_OBJECT' },
  })
})

function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const sha = (bytes: Uint8Array | undefined): string =>
  createHash('sha256')
    .update(bytes ?? new Uint8Array())
    .digest('hex')
