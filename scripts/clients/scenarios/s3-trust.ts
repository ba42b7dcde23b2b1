/** Who is believed: keys, signatures, clocks, pre-signed URLs. */
import { setTimeout as pause } from 'node:timers/promises'
import { bytes } from '../client.ts'
import type { Stage } from '../stage.ts'
import { versionedBucket } from './s3-objects.ts'

const STRANGER = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }

export async function playS3Trust(stage: Stage): Promise<void> {
  const { Bucket, s3 } = await versionedBucket(stage, 'trust')
  await s3('PutObject', { Key: 'seen by whom?', Body: bytes('secret') })
  const get = { Bucket, Key: 'seen by whom?' }
  await stage.part('s3', 'trust: keys and signatures', async () => {
    const { accessKeyId: known = '' } = { accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? '' }
    const failing = (code: string, options: Parameters<Stage['fails']>[4]) =>
      stage.fails('s3', 'GetObject', get, { code, status: 403 }, options)
    await failing('InvalidAccessKeyId', { credentials: STRANGER })
    await failing('SignatureDoesNotMatch', { credentials: { ...STRANGER, accessKeyId: known } })
    await failing('SignatureDoesNotMatch', { alter: true })
    await failing('RequestTimeTooSkewed', { skewSeconds: -3600 })
    await failing('RequestTimeTooSkewed', { skewSeconds: 3600 })
    await stage.ok('s3', 'GetObject', get, {}, { skewSeconds: -600 })
  })
  await stage.part('s3', 'trust: other services', async () => {
    const failing = (
      service: string,
      operation: string,
      code: string,
      status: number,
      options: Parameters<Stage['fails']>[4],
    ) => stage.fails(service, operation, {}, { code, status }, options)
    await failing('sqs', 'ListQueues', 'UnrecognizedClientException', 400, { credentials: STRANGER })
    await failing('states', 'ListStateMachines', 'UnrecognizedClientException', 400, { credentials: STRANGER })
    await failing('lambda', 'ListFunctions', 'UnrecognizedClientException', 403, { credentials: STRANGER })
    await failing('sts', 'GetCallerIdentity', 'InvalidClientTokenId', 403, { credentials: STRANGER })
    await failing('glue', 'GetJobs', 'InvalidSignatureException', 400, { skewSeconds: -3600 })
    await failing('sts', 'GetCallerIdentity', 'SignatureDoesNotMatch', 403, { alter: true })
  })
  await stage.part('s3', 'trust: pre-signed URLs', () => presigned(stage, Bucket))
}

const expectAnswer = async (response: Response, status: number, holding: string): Promise<void> => {
  const text = await response.text()
  if (response.status !== status || !text.includes(holding)) {
    throw new Error(`${response.status}: ${text.slice(0, 300)}, expected ${status} with ${holding}`)
  }
}

async function presigned(stage: Stage, Bucket: string): Promise<void> {
  const Key = 'seen by whom?'
  const sign = (operation: string, key: string, seconds: number): Promise<string | null> =>
    stage.client.presign(operation, { Bucket, Key: key }, seconds)
  const brief = await sign('GetObject', Key, 1)
  const url = String(await sign('GetObject', Key, 60))
  await stage.check('s3', 'GetObject: pre-signed', async () => expectAnswer(await fetch(url), 200, 'secret'))
  await stage.check('s3', 'GetObject: pre-signed for another key', async () =>
    expectAnswer(await fetch(url.replace('whom', 'them')), 403, '<Code>SignatureDoesNotMatch</Code>'),
  )
  await stage.check('s3', 'GetObject: pre-signed for another method', async () =>
    expectAnswer(await fetch(url, { method: 'DELETE' }), 403, '<Code>SignatureDoesNotMatch</Code>'),
  )
  await stage.check('s3', 'GetObject: unsigned', async () =>
    expectAnswer(await fetch(url.replace(/\?.*/, '')), 403, '<Code>AccessDenied</Code>'),
  )
  const put = await sign('PutObject', 'put by url', 60)
  if (put !== null) {
    await stage.check('s3', 'PutObject: pre-signed', async () =>
      expectAnswer(await fetch(put, { method: 'PUT', body: 'by url' }), 200, ''),
    )
    await stage.ok('s3', 'GetObject', { Bucket, Key: 'put by url' }, { ContentLength: 6 })
  }
  await pause(2100)
  await stage.check('s3', 'GetObject: pre-signed and expired', async () =>
    expectAnswer(await fetch(String(brief)), 403, '<Message>Request has expired</Message>'),
  )
}
