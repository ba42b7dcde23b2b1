/** One of AWS's clients, as the scenarios use it. */

/** A JSON value in which bytes are `{ $bytes: base64 }` and times of inputs `{ $date: text }`. */
export type Wire = null | boolean | number | string | readonly Wire[] | { readonly [name: string]: Wire | undefined }
export type Members = { readonly [name: string]: Wire | undefined }

/** What makes a call unlike others of its client. */
export interface CallOptions {
  /** Other keys than the environment's. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** How far the client's clock is ahead. */
  readonly skewSeconds?: number
  /** Changes the request after it was signed. */
  readonly alter?: boolean
}

export interface Failure {
  readonly code: string
  readonly message: string
  /** HTTP status; `null` where the call did not get that far. */
  readonly status: number | null
  readonly requestId: string | null
}

export type Answer =
  | { readonly output: Members; readonly status: number | null; readonly requestId: string | null }
  | { readonly error: Failure }

export type ClientName = 'aws-cli' | 'boto3' | 'sdk-js'
export const CLIENT_NAMES: readonly ClientName[] = ['aws-cli', 'boto3', 'sdk-js']

export interface Client {
  readonly name: ClientName
  /** @param service as in credential scopes, e.g. `states` */
  call(service: string, operation: string, input: Members, options?: CallOptions): Promise<Answer>
  /** A URL of S3 that holds for so long; `null` where the client cannot sign the operation. */
  presign(operation: string, input: Members, expiresSeconds: number): Promise<string | null>
  close(): Promise<void>
}

export const bytes = (content: string | Uint8Array): Wire => ({ $bytes: Buffer.from(content).toString('base64') })

/** A body whose length the client is told: the SDK for JavaScript sends it in chunks with its checksum in a trailer. */
export const stream = (content: string | Uint8Array): Wire => ({
  $bytes: Buffer.from(content).toString('base64'),
  streamed: true,
})

/** The bytes of an output's member. */
export function contentOf(value: unknown): Buffer {
  const encoded = typeof value === 'object' && value !== null && '$bytes' in value ? value.$bytes : undefined
  if (typeof encoded !== 'string') throw new TypeError(`expected bytes, found ${JSON.stringify(value)}`)
  return Buffer.from(encoded, 'base64')
}

/** botocore's names of services whose scope's name is another. */
export const BOTOCORE_NAMES: Readonly<Record<string, string>> = { states: 'stepfunctions', monitoring: 'cloudwatch' }
