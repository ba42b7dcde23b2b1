import { createHash, createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { Sha256 } from '@aws-crypto/sha256-js'
import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Clock } from '../../../local/service.ts'
import { systemClock } from '../../../local/system-clock.ts'
import { REGION, startRuntime, type TestRuntime } from './runtime.ts'

let runtime: TestRuntime
let s3: S3Client
let aheadMillis = 0
const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + aheadMillis) }

beforeAll(async () => {
  runtime = await startRuntime({ clock })
  s3 = runtime.client()
  await runtime.s3.provisionBucket({ name: 'raw', versioned: true })
})
afterAll(() => runtime.close())

async function at<T>(millis: number, work: () => Promise<T>): Promise<T> {
  aheadMillis = millis
  try {
    return await work()
  } finally {
    aheadMillis = 0
  }
}

const MINUTE = 60_000

describe('signatures', () => {
  test('a wrong secret, an unknown key and a wrong region get the answers of S3', async () => {
    const { operator } = runtime.credentials
    const wrong = runtime.client({ credentials: { ...operator, secretAccessKey: 'wrong' } })
    await expect(wrong.send(new GetObjectCommand({ Bucket: 'raw', Key: 'x' }))).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
      $metadata: { httpStatusCode: 403 },
    })
    const unknown = runtime.client({ credentials: { ...operator, accessKeyId: 'AKIANOBODY' } })
    await expect(unknown.send(new GetObjectCommand({ Bucket: 'raw', Key: 'x' }))).rejects.toMatchObject({
      name: 'InvalidAccessKeyId',
      AWSAccessKeyId: 'AKIANOBODY',
    })
    const elsewhere = runtime.client({ region: 'eu-west-1' })
    await expect(elsewhere.send(new GetObjectCommand({ Bucket: 'raw', Key: 'x' }))).rejects.toMatchObject({
      name: 'AuthorizationHeaderMalformed',
      Region: REGION,
    })
  })

  test('a role without its session token is refused', async () => {
    const { accessKeyId, secretAccessKey } = runtime.credentials.credentialsFor('arn:aws:iam::000000000000:role/r')
    const client = runtime.client({ credentials: { accessKeyId, secretAccessKey } })
    await expect(client.send(new GetObjectCommand({ Bucket: 'raw', Key: 'x' }))).rejects.toMatchObject({
      name: 'InvalidToken',
    })
  })

  test('a clock that is a quarter of an hour off is refused', async () => {
    const send = () => s3.send(new HeadBucketCommand({ Bucket: 'raw' }))
    await at(14 * MINUTE, send)
    const client = runtime.client({ systemClockOffset: 0 })
    await expect(
      at(16 * MINUTE, () => client.send(new GetObjectCommand({ Bucket: 'raw', Key: 'x' }))),
    ).rejects.toMatchObject({ name: 'RequestTimeTooSkewed', $metadata: { httpStatusCode: 403 } })
  })

  test('nobody gets in without one', async () => {
    const answer = await fetch(`${runtime.endpoint.url}/raw/x`)
    expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')])
    const target = { 'x-amz-target': 'AWSStepFunctions.ListStateMachines' }
    const json = await fetch(runtime.endpoint.url, { method: 'POST', headers: target, body: '{}' })
    expect([json.status, await json.json()]).toEqual([
      400,
      { __type: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' },
    ])
  })

  test('an altered path, header or body is noticed', async () => {
    const signed = await signedRequest({ method: 'PUT', path: '/raw/signed', body: 'content' })
    expect((await send({ ...signed, path: '/raw/other' })).body).toContain('SignatureDoesNotMatch')
    expect((await send({ ...signed, headers: { ...signed.headers, 'x-amz-meta-a': '2' } })).body).toContain(
      'SignatureDoesNotMatch',
    )
    expect((await send({ ...signed, body: 'contenT' })).body).toContain('XAmzContentSHA256Mismatch')
    expect((await send(signed)).status).toBe(200)
  })
})

interface PlainRequest {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly headers?: Record<string, string>
}

async function signedRequest({ method, path, body, headers = {} }: PlainRequest): Promise<Required<PlainRequest>> {
  const signer = new SignatureV4({
    service: 's3',
    region: REGION,
    credentials: runtime.credentials.operator,
    sha256: Sha256,
    uriEscapePath: false,
  })
  const hash = headers['x-amz-content-sha256'] ?? createHash('sha256').update(body).digest('hex')
  const host = `127.0.0.1:${runtime.endpoint.port}`
  const all = { host, 'x-amz-meta-a': '1', 'x-amz-content-sha256': hash, ...headers }
  const signed = await signer.sign({ method, path, headers: all, body, protocol: 'http:', hostname: host })
  return { method, path, body, headers: signed.headers }
}

function send({ method, path, body, headers = {} }: PlainRequest): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({ port: runtime.endpoint.port, method, path, headers }, async (response) => {
      let text = ''
      for await (const chunk of response) text += String(chunk)
      resolve({ status: response.statusCode ?? 0, body: text })
    })
    call.on('error', reject)
    call.end(body)
  })
}

describe('pre-signed URLs', () => {
  test('SEC-09: put and get one key until they expire', async () => {
    const Key = 'pre signed +é.csv'
    const Metadata = { who: 'acme' }
    const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket: 'raw', Key, Metadata }), { expiresIn: 300 })
    expect((await fetch(put, { method: 'PUT', body: 'through a URL' })).status).toBe(200)
    expect((await s3.send(new HeadObjectCommand({ Bucket: 'raw', Key }))).Metadata).toEqual(Metadata)
    const otherKey = put.replace('/raw/', '/raw/x')
    expect((await fetch(otherKey, { method: 'PUT', body: 'x' })).status).toBe(403)
    const get = await getSignedUrl(
      s3,
      new GetObjectCommand({ Bucket: 'raw', Key, ResponseContentType: 'text/plain' }),
      {
        expiresIn: 300,
      },
    )
    const answer = await fetch(get)
    expect([await answer.text(), answer.headers.get('content-type')]).toEqual(['through a URL', 'text/plain'])
    expect((await fetch(get, { method: 'DELETE' })).status).toBe(403)
    const late = await at(301_000, () => fetch(get))
    expect([late.status, await late.text()]).toEqual([403, expect.stringContaining('Request has expired')])
  })
})

describe('chunked bodies', () => {
  /** The example body: two chunks, the trailer's checksum of `Hello, world`. */
  const chunked = (trailer: string): string =>
    `5\r\nHello\r\n7\r\n, world\r\n0\r\nx-amz-checksum-crc32:${trailer}\r\n\r\n`
  const headers = {
    'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': '12',
    'x-amz-trailer': 'x-amz-checksum-crc32',
  }

  test('are taken apart, and the checksum in their trailer is verified', async () => {
    const good = await signedRequest({ method: 'PUT', path: '/raw/chunked', body: chunked('/6MUUQ=='), headers })
    const sum = await checksumOf('Hello, world')
    expect((await send({ ...good, body: chunked(sum) })).status).toBe(200)
    const bad = await send({ ...good, body: chunked('AAAAAA==') })
    expect([bad.status, bad.body]).toEqual([400, expect.stringContaining('<Code>BadDigest</Code>')])
    const got = await s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'chunked' }))
    expect([await got.Body?.transformToString(), got.ContentEncoding]).toEqual(['Hello, world', undefined])
  })

  test('that end early or have another length than declared are refused', async () => {
    const short = await signedRequest({ method: 'PUT', path: '/raw/short', body: '', headers })
    const cut = await send({ ...short, body: '5\r\nHel' })
    expect(cut.body).toContain('<Code>IncompleteBody</Code>')
    const longer = { ...headers, 'x-amz-decoded-content-length': '13' }
    const wrong = await signedRequest({ method: 'PUT', path: '/raw/short', body: '', headers: longer })
    expect((await send({ ...wrong, body: chunked(await checksumOf('Hello, world')) })).body).toContain('IncompleteBody')
    await expect(s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'short' }))).rejects.toMatchObject({
      name: 'NoSuchKey',
    })
  })

  test('signed chunk by chunk hold only with every signature', async () => {
    const signedHeaders = { ...headers, 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }
    const { 'x-amz-trailer': _, ...without } = signedHeaders
    const base = await signedRequest({ method: 'PUT', path: '/raw/by-chunk', body: '', headers: without })
    const body = await signChunks(base.headers, ['Hello', ', world'])
    expect((await send({ ...base, body })).status).toBe(200)
    expect((await send({ ...base, body: body.replace('world', 'World') })).body).toContain('SignatureDoesNotMatch')
    const got = await s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'by-chunk' }))
    expect(await got.Body?.transformToString()).toBe('Hello, world')
  })
})

async function checksumOf(text: string): Promise<string> {
  const put = await s3.send(new PutObjectCommand({ Bucket: 'raw', Key: 'sum', Body: text, ChecksumAlgorithm: 'CRC32' }))
  return put.ChecksumCRC32 ?? ''
}

async function signChunks(headers: Record<string, string>, chunks: readonly string[]): Promise<string> {
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const timestamp = headers['x-amz-date'] ?? ''
  const day = timestamp.slice(0, 8)
  const scope = `${day}/${REGION}/s3/aws4_request`
  const secret = runtime.credentials.operator.secretAccessKey
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), REGION), 's3'), 'aws4_request')
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex')
  let previous = /Signature=([0-9a-f]+)/.exec(headers.authorization ?? '')?.[1] ?? ''
  return [...chunks, '']
    .map((chunk) => {
      const text = ['AWS4-HMAC-SHA256-PAYLOAD', timestamp, scope, previous, sha(''), sha(chunk)].join('\n')
      previous = hmac(key, text).toString('hex')
      return `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk}\r\n`
    })
    .join('')
}

describe('what is not there', () => {
  test('is refused by name', async () => {
    const client = new SFNClient({
      endpoint: runtime.endpoint.url,
      region: REGION,
      credentials: runtime.credentials.operator,
      maxAttempts: 1,
    })
    await expect(client.send(new StartExecutionCommand({ stateMachineArn: 'arn' }))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringContaining('"states"'),
    })
    client.destroy()
    expect((await send(await signedPath('/raw/x?acl='))).body).toContain('s3:PutObjectAcl is not implemented')
  })
})

async function signedPath(target: string): Promise<PlainRequest> {
  const [path = '', query = ''] = target.split('?')
  const signer = new SignatureV4({
    service: 's3',
    region: REGION,
    credentials: runtime.credentials.operator,
    sha256: Sha256,
    uriEscapePath: false,
  })
  const host = `127.0.0.1:${runtime.endpoint.port}`
  const headers = { host, 'x-amz-content-sha256': createHash('sha256').digest('hex') }
  const signed = await signer.sign({
    method: 'PUT',
    path,
    query: Object.fromEntries(new URLSearchParams(query)),
    headers,
    protocol: 'http:',
    hostname: host,
  })
  return { method: 'PUT', path: target, body: '', headers: signed.headers }
}
