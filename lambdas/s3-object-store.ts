import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { SluiceError } from '../core/errors.ts'
import { discardBody } from './discard-body.ts'
import type { ObjectStore } from './object-store.ts'

async function readText(client: S3Client, bucket: string, key: string, maxBytes: number): Promise<string | null> {
  try {
    const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    if (Body === undefined) return ''
    if ((ContentLength ?? 0) <= maxBytes) return await Body.transformToString('utf-8')
    discardBody(Body)
    throw new SluiceError('object_too_large', `Cannot read s3://${bucket}/${key} as it has ${ContentLength} bytes`, {
      expected: `at most ${maxBytes} bytes`,
    })
  } catch (thrown) {
    if (thrown instanceof NoSuchKey) return null
    throw thrown
  }
}

/** Objects of S3. Endpoint, region and credentials come from the environment. */
export const s3ObjectStore = (client: S3Client): ObjectStore => ({
  readText: (bucket, key, maxBytes) => readText(client, bucket, key, maxBytes),
  put: async (bucket, key, body, contentType) => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType }))
  },
})
