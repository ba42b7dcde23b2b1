import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { operatorCaller } from '../../../local/iam/credentials.ts'
import { createObjectAccess } from '../../../local/s3/object-access.ts'
import type { S3Event } from '../../../local/s3/outbox.ts'
import { ACCOUNT, KEY_ARN, startRuntime } from '../endpoint/runtime.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'durable-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const BUCKET = { name: 'raw', versioned: true, kmsKeyArn: KEY_ARN, eventBridge: true }
const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(path, name)).isFile())

test('IN-34: an event that nobody took is delivered after a restart, with the exact body of S3', async () => {
  const refuse = async (): Promise<void> => {
    throw new Error('not yet')
  }
  const first = await startRuntime({ folder, emit: refuse })
  await first.s3.provisionBucket(BUCKET)
  const put = await first.client().send(new PutObjectCommand({ Bucket: 'raw', Key: 'a b+c é#%.csv', Body: 'hello' }))
  await first.close({ keep: true })
  const taken: S3Event[] = []
  let took: () => void = () => undefined
  const delivered = new Promise<void>((resolve) => {
    took = resolve
  })
  const second = await startRuntime({
    folder,
    emit: async (event) => {
      taken.push(event)
      took()
    },
  })
  await delivered
  expect(taken).toEqual([
    {
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'Object Created',
      source: 'aws.s3',
      account: ACCOUNT,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: 'us-east-2',
      resources: ['arn:aws:s3:::raw'],
      detail: {
        version: '0',
        bucket: { name: 'raw' },
        object: {
          key: 'a b+c é#%.csv',
          size: 5,
          etag: put.ETag?.replaceAll('"', ''),
          'version-id': put.VersionId,
          sequencer: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
        'request-id': put.$metadata.requestId,
        requester: ACCOUNT,
        'source-ip-address': '127.0.0.1',
        reason: 'PutObject',
      },
    },
  ])
  const got = await second.client().send(new GetObjectCommand({ Bucket: 'raw', Key: 'a b+c é#%.csv' }))
  expect(await got.Body?.transformToString()).toBe('hello')
  await second.close()
})

test('bytes that no version names are gone after the next start', async () => {
  const first = await startRuntime({ folder })
  await first.s3.provisionBucket(BUCKET)
  const client = first.client()
  await client.send(new PutObjectCommand({ Bucket: 'raw', Key: 'kept', Body: randomBytes(100_000) }))
  await first.s3.context.blobs.write([randomBytes(100_000)], [])
  expect(filesBelow(join(folder, 'objects'))).toHaveLength(2)
  await first.close({ keep: true })
  const second = await startRuntime({ folder })
  expect(filesBelow(join(folder, 'objects'))).toHaveLength(1)
  await second.close()
})

test('an upload that breaks off leaves neither object nor bytes', async () => {
  const runtime = await startRuntime({ folder })
  await runtime.s3.provisionBucket(BUCKET)
  const Body = randomBytes(200_000)
  const wrong = { Bucket: 'raw', Key: 'x', Body, ChecksumSHA256: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' }
  await expect(runtime.client().send(new PutObjectCommand(wrong))).rejects.toMatchObject({ name: 'BadDigest' })
  expect(filesBelow(join(folder, 'objects'))).toEqual([])
  expect(runtime.events).toEqual([])
  await runtime.close()
})

test('an engine moves a file in and gets paths of what it may read', async () => {
  const runtime = await startRuntime({ folder })
  await runtime.s3.provisionBucket(BUCKET)
  const objects = createObjectAccess(runtime.s3, runtime.bus, operatorCaller(ACCOUNT))
  const file = join(folder, 'part-0.parquet')
  writeFileSync(file, 'PAR1')
  expect(await objects.putFile('s3://raw/orders/run=1/part-0.parquet', file)).toBe(4)
  expect(existsSync(file)).toBe(false)
  expect(readFileSync(await objects.localPath('s3://raw/orders/run=1/part-0.parquet'), 'utf8')).toBe('PAR1')
  await objects.putText('s3://raw/orders/run=1/empty', '')
  expect(readFileSync(await objects.localPath('s3://raw/orders/run=1/empty'), 'utf8')).toBe('')
  await objects.putText('s3://raw/orders/run=1/text', 'é')
  expect(await objects.readText('s3://raw/orders/run=1/text')).toBe('é')
  expect(readFileSync(await objects.localPath('s3://raw/orders/run=1/text'), 'utf8')).toBe('é')
  expect(runtime.events).toHaveLength(3)
  await runtime.close()
})
