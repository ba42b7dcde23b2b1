import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { operatorCaller } from '../../../local/iam/credentials.ts'
import { checksumOfParts } from '../../../local/s3/checksum.ts'
import { digesterOf } from '../../../local/s3/digesters.mjs'
import { createObjectAccess } from '../../../local/s3/object-access.ts'
import { ACCOUNT, KEY_ARN, startRuntime, type TestRuntime } from '../endpoint/runtime.ts'

const PART_BYTES = 5 * 1024 ** 2
const content = randomBytes(2 * PART_BYTES + 1000)
let runtime: TestRuntime
let s3: S3Client

beforeAll(async () => {
  runtime = await startRuntime()
  s3 = runtime.client()
  await runtime.s3.provisionBucket({ name: 'raw', versioned: true, kmsKeyArn: KEY_ARN, eventBridge: true })
  await runtime.s3.provisionBucket({ name: 'plain', versioned: true })
})
afterAll(() => runtime.close())

const sha = (bytes: Uint8Array | undefined): string =>
  createHash('sha256')
    .update(bytes ?? new Uint8Array())
    .digest('hex')
const read = async (Bucket: string, Key: string): Promise<Uint8Array | undefined> =>
  (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToByteArray()

describe('multipart uploads', () => {
  test('of a stream by lib-storage arrive whole, with one event', async () => {
    const params = { Bucket: 'raw', Key: 'uploaded.csv', Body: Readable.from([content]), ContentType: 'text/csv' }
    const done = await new Upload({ client: s3, params, partSize: PART_BYTES }).done()
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-3"$/)
    expect(sha(await read('raw', 'uploaded.csv'))).toBe(sha(content))
    const events = runtime.events.filter(({ detail }) => JSON.stringify(detail.object).includes('uploaded.csv'))
    expect(events.map(({ detail }) => detail.reason)).toEqual(['CompleteMultipartUpload'])
    const part = await s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'uploaded.csv', PartNumber: 3 }))
    expect([part.ContentLength, part.PartsCount]).toEqual([1000, 3])
  })

  test('outside of KMS have the etag that clients compute', async () => {
    const params = { Bucket: 'plain', Key: 'etag', Body: content }
    const done = await new Upload({ client: s3, params, partSize: PART_BYTES }).done()
    const parts = [0, 1, 2].map((index) => content.subarray(index * PART_BYTES, (index + 1) * PART_BYTES))
    const md5s = parts.map((part) => createHash('md5').update(part).digest())
    expect(done.ETag).toBe(`"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-3"`)
  })

  test('can be copied together from ranges of a version, without its bytes, and are one file again', async () => {
    const source = await s3.send(new PutObjectCommand({ Bucket: 'raw', Key: 'source +é', Body: content }))
    const at = { Bucket: 'plain', Key: 'copied' }
    const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KEY_ARN } as const
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...at, ...kms }))
    const CopySource = `${encodeURIComponent('raw/source +é')}?versionId=${source.VersionId}`
    const Parts = []
    for (const [index, first] of [0, PART_BYTES, 2 * PART_BYTES].entries()) {
      const last = Math.min(first + PART_BYTES, content.length) - 1
      const part = { ...at, UploadId, PartNumber: index + 1, CopySource, CopySourceRange: `bytes=${first}-${last}` }
      const { CopyPartResult } = await s3.send(new UploadPartCopyCommand(part))
      Parts.push({ PartNumber: index + 1, ETag: CopyPartResult?.ETag })
    }
    const listed = await s3.send(new ListPartsCommand({ ...at, UploadId }))
    expect(listed.Parts?.map(({ Size }) => Size)).toEqual([PART_BYTES, PART_BYTES, 1000])
    await s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }))
    expect(sha(await read('plain', 'copied'))).toBe(sha(content))
    expect(runtime.s3.context.catalog.find('plain', 'copied')?.blob).toHaveLength(1)
    const objects = createObjectAccess(runtime.s3, runtime.bus, operatorCaller(ACCOUNT))
    expect(sha(await readFile(await objects.localPath('s3://plain/copied')))).toBe(sha(content))
  })

  test('IDEM-06 completed once more, by who did not hear the answer, answer the same and make no second version', async () => {
    const target = { Bucket: 'raw', Key: 'twice' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target))
    const part = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'x' }))
    const completion = { ...target, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] } }
    const { $metadata: _first, ...first } = await s3.send(new CompleteMultipartUploadCommand(completion))
    const { $metadata: _again, ...again } = await s3.send(new CompleteMultipartUploadCommand(completion))
    expect(again).toEqual(first)
    const events = runtime.events.filter(({ detail }) => JSON.stringify(detail.object).includes('"twice"'))
    expect(events).toHaveLength(1)
    await s3.send(new PutObjectCommand({ ...target, Body: 'newer' }))
    await expect(s3.send(new CompleteMultipartUploadCommand(completion))).rejects.toMatchObject({
      name: 'NoSuchUpload',
    })
  })

  test('that break the rules are refused at completion, and can be aborted', async () => {
    const at = { Bucket: 'raw', Key: 'broken' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at))
    const complete = (Parts: { PartNumber: number; ETag: string | undefined }[]) =>
      s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }))
    const upload = async (PartNumber: number) => {
      const { ETag } = await s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body: 'small' }))
      return { PartNumber, ETag }
    }
    const one = await upload(1)
    const two = await upload(2)
    await expect(complete([one, two])).rejects.toMatchObject({ name: 'EntityTooSmall' })
    await expect(complete([two, one])).rejects.toMatchObject({ name: 'InvalidPartOrder' })
    await expect(complete([{ PartNumber: 3, ETag: one.ETag }])).rejects.toMatchObject({ name: 'InvalidPart' })
    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket: 'raw' }))).Uploads?.map(({ Key }) => Key)).toEqual([
      'broken',
    ])
    await s3.send(new AbortMultipartUploadCommand({ ...at, UploadId }))
    await expect(complete([one])).rejects.toMatchObject({ name: 'NoSuchUpload' })
  })

  test('keep checksums by parts, and SHA-256 only as a composite', async () => {
    const params = { Bucket: 'raw', Key: 'sums', Body: content, ChecksumAlgorithm: 'SHA256' } as const
    await new Upload({ client: s3, params, partSize: PART_BYTES }).done()
    const head = await s3.send(new HeadObjectCommand({ Bucket: 'raw', Key: 'sums', ChecksumMode: 'ENABLED' }))
    expect([head.ChecksumSHA256, head.ChecksumType]).toEqual([expect.stringMatching(/=-3$/), 'COMPOSITE'])
  })
})

test.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('%s of parts gives that of the whole', async (algorithm) => {
  const digest = async (bytes: Uint8Array): Promise<string> => {
    const digester = digesterOf(algorithm)
    digester.update(bytes)
    return Buffer.from(await digester.digest()).toString('base64')
  }
  const pieces = [content.subarray(0, 70_001), content.subarray(70_001, 70_002), content.subarray(70_002, 300_000)]
  const parts = await Promise.all(
    pieces.map(async (piece) => ({ value: await digest(piece), sizeBytes: piece.length })),
  )
  const whole = await checksumOfParts(algorithm, 'FULL_OBJECT', parts)
  expect(whole?.value).toBe(await digest(content.subarray(0, 300_000)))
})
