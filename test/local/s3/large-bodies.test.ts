import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { digestIn, digestsOf } from '../../../local/s3/checksum.ts'
import { CHECKSUM_ALGORITHMS } from '../../../local/s3/records.ts'
import { startRuntime, type TestRuntime } from '../endpoint/runtime.ts'

let folder = ''
let runtime: TestRuntime
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'large-'))
  runtime = await startRuntime({ folder })
  await runtime.s3.provisionBucket({ name: 'large', versioned: false, kmsKeyArn: null, eventBridge: false })
})
afterAll(() => runtime.close())

/** Not a multiple of anything. */
const CONTENT = randomBytes(3 * 1024 ** 2 + 12_345)
const ALGORITHMS = ['MD5', ...CHECKSUM_ALGORITHMS] as const

function* inChunks(content: Buffer, chunkBytes: number): Generator<Buffer> {
  for (let from = 0; from < content.length; from += chunkBytes) yield content.subarray(from, from + chunkBytes)
}

const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(path, name)).isFile())

test('digests of a large body are those of its bytes, however it is cut, while it comes in and when it is read again', async () => {
  const { blobs } = runtime.s3.context
  const expected = await digestsOf(CONTENT, ALGORITHMS)
  const written = await Promise.all(
    [1024 ** 2, 65_536, 70_001].map((chunkBytes) => blobs.write(inChunks(CONTENT, chunkBytes), ALGORITHMS)),
  )
  for (const { blob, digests } of written) {
    expect(digests).toEqual(expected)
    expect(await blobs.digest(blob, 0, CONTENT.length, ALGORITHMS)).toEqual(expected)
    const stretch = await blobs.digest(blob, 1_000_000, 1_500_000, ['SHA256'])
    const bytes = CONTENT.subarray(1_000_000, 2_500_000)
    expect(Buffer.from(digestIn(stretch, 'SHA256'))).toEqual(createHash('sha256').update(bytes).digest())
    await blobs.sweep(blob)
  }
})

test('a large object is streamed in with the MD5 of its bytes for its etag, and out again', async () => {
  const client = runtime.client()
  const put = await client.send(
    new PutObjectCommand({
      Bucket: 'large',
      Key: 'streamed',
      Body: Readable.from(inChunks(CONTENT, 65_536), { objectMode: false }),
      ContentLength: CONTENT.length,
    }),
  )
  expect(put.ETag).toBe(`"${createHash('md5').update(CONTENT).digest('hex')}"`)
  const got = await client.send(new GetObjectCommand({ Bucket: 'large', Key: 'streamed' }))
  expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(CONTENT)).toBe(true)
})

test('a large body that breaks off leaves no file, and the next one is whole', async () => {
  const { blobs } = runtime.s3.context
  const before = filesBelow(join(folder, 'objects'))
  function* broken(): Generator<Buffer> {
    yield* inChunks(CONTENT, 65_536)
    throw new Error('gone')
  }
  await expect(blobs.write(broken(), ['MD5'])).rejects.toThrow('gone')
  expect(filesBelow(join(folder, 'objects'))).toEqual(before)
  const { digests } = await blobs.write(inChunks(CONTENT, 65_536), ['MD5'])
  expect(digests).toEqual(await digestsOf(CONTENT, ['MD5']))
})
