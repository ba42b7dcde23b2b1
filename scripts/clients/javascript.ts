/** The AWS SDK for JavaScript 3, its commands taken by name. */
import { Readable } from 'node:stream'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { isJsonObject } from '../../core/json.ts'
import type { Answer, CallOptions, Client, Members, Wire } from './client.ts'

/** Package and name of the client of each service. */
const PACKAGES: Readonly<Record<string, readonly [string, string]>> = {
  s3: ['s3', 'S3'],
  events: ['eventbridge', 'EventBridge'],
  states: ['sfn', 'SFN'],
  lambda: ['lambda', 'Lambda'],
  glue: ['glue', 'Glue'],
  'redshift-data': ['redshift-data', 'RedshiftData'],
  secretsmanager: ['secrets-manager', 'SecretsManager'],
  sqs: ['sqs', 'SQS'],
  sns: ['sns', 'SNS'],
  ssm: ['ssm', 'SSM'],
  sts: ['sts', 'STS'],
  logs: ['cloudwatch-logs', 'CloudWatchLogs'],
  monitoring: ['cloudwatch', 'CloudWatch'],
}

interface SdkClient {
  send(command: unknown): Promise<unknown>
  destroy(): void
  readonly middlewareStack: { add(middleware: unknown, options: unknown): void }
}
type Constructor<T> = new (input: unknown) => T

/** It reads endpoint, region and keys from the environment, as `sluice env` prints them. */
export function javascriptClient(): Client {
  const clients = new Map<string, Promise<SdkClient>>()
  const clientOf = (service: string, options: CallOptions): Promise<SdkClient> => {
    const name = JSON.stringify([service, options])
    const known = clients.get(name)
    if (known !== undefined) return known
    const made = makeClient(service, options)
    clients.set(name, made)
    return made
  }
  return {
    name: 'sdk-js',
    call: async (service, operation, input, options = {}) => {
      const Command = memberOf<unknown>(await packageOf(service), `${operation}Command`)
      const client = await clientOf(service, options)
      try {
        return await succeeded(await client.send(new Command(given(input))))
      } catch (thrown) {
        return failed(thrown)
      }
    },
    presign: async (operation, input, expiresSeconds) => {
      const place = { Bucket: String(input.Bucket), Key: String(input.Key) }
      const command = operation === 'GetObject' ? new GetObjectCommand(place) : new PutObjectCommand(place)
      return getSignedUrl(new S3Client({}), command, { expiresIn: expiresSeconds })
    },
    close: async () => {
      for (const client of clients.values()) (await client).destroy()
    },
  }
}

const packageOf = (service: string): Promise<unknown> => import(`@aws-sdk/client-${PACKAGES[service]?.[0]}`)

/** @throws TypeError when the package has no such class */
function memberOf<T>(module: unknown, name: string): Constructor<T> {
  const found = typeof module === 'object' && module !== null ? Reflect.get(module, name) : undefined
  if (typeof found !== 'function') throw new TypeError(`the SDK has no ${name}`)
  return found
}

async function makeClient(service: string, { credentials, skewSeconds = 0, alter }: CallOptions): Promise<SdkClient> {
  const Client = memberOf<SdkClient>(await packageOf(service), `${PACKAGES[service]?.[1]}Client`)
  const client = new Client({
    maxAttempts: 1,
    systemClockOffset: skewSeconds * 1000,
    // Else StartSyncExecution goes to `sync-127.0.0.1`; the other clients are told by the environment.
    disableHostPrefix: true,
    ...(credentials === undefined ? {} : { credentials }),
  })
  if (alter === true) {
    const middleware =
      (next: (given: unknown) => unknown) => (sent: { request: { query: Record<string, string> } }) => {
        sent.request.query = { ...sent.request.query, altered: '1' }
        return next(sent)
      }
    client.middlewareStack.add(middleware, { step: 'finalizeRequest', priority: 'low', name: 'alter' })
  }
  return client
}

function given(value: Wire | undefined): unknown {
  if (Array.isArray(value)) return value.map(given)
  if (!isJsonObject(value)) return value
  if (typeof value.$bytes === 'string') {
    const content = Buffer.from(value.$bytes, 'base64')
    return value.streamed === true
      ? Readable.from([content.subarray(0, 5), content.subarray(5)])
      : new Uint8Array(content)
  }
  if (typeof value.$date === 'string') return new Date(value.$date)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, given(item as Wire)]))
}

async function succeeded(output: unknown): Promise<Answer> {
  const { $metadata: metadata, ...members } = isJsonObject(output) ? output : {}
  const plain = await plainOf(members)
  return { output: isJsonObject(plain) ? (plain as Members) : {}, ...metadataOf(metadata) }
}

function metadataOf(metadata: unknown): { status: number | null; requestId: string | null } {
  const { httpStatusCode, requestId } = isJsonObject(metadata) ? metadata : {}
  return {
    status: typeof httpStatusCode === 'number' ? httpStatusCode : null,
    requestId: typeof requestId === 'string' ? requestId : null,
  }
}

async function plainOf(value: unknown): Promise<Wire | undefined> {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return Promise.all(value.map(async (item) => (await plainOf(item)) ?? null))
  if (typeof value === 'bigint') return Number(value)
  if (!isJsonObject(value)) return value as Wire | undefined
  const { transformToByteArray: transform } = value
  if (typeof transform === 'function') return plainOf(await transform.call(value))
  const entries = await Promise.all(Object.entries(value).map(async ([name, item]) => [name, await plainOf(item)]))
  return Object.fromEntries(entries)
}

function failed(thrown: unknown): Answer {
  if (!(thrown instanceof Error)) throw thrown
  const metadata = metadataOf('$metadata' in thrown ? thrown.$metadata : undefined)
  // SQS, and others that once spoke Query, carry the code that botocore shows.
  return { error: { code: thrown.name, message: thrown.message, ...metadata } }
}
