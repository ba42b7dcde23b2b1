/**
 * Signature Version 4, from the verifier's side: the canonical request is made of what was received. (Signers of the SDK
 * make it of what they are about to send, and do not sign chunks.)
 */

import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { percentDecode, queryDecode, type RawRequest, uriEncode } from './request.ts'

export const ALGORITHM = 'AWS4-HMAC-SHA256'

export interface CredentialScope {
  readonly accessKeyId: string
  /** `YYYYMMDD` */
  readonly date: string
  readonly region: string
  readonly service: string
}

export interface PresentedSignature {
  readonly scope: CredentialScope
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** `YYYYMMDDTHHMMSSZ` */
  readonly timestamp: string
  readonly sessionToken: string | null
  /** Seconds a pre-signed URL holds; `null` for a signature in the header. */
  readonly expiresSeconds: number | null
}

export const sha256Hex = (content: string | Uint8Array): string => hash('sha256', content, 'hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Reads the signature of a request; `null` where it has none, `malformed` where it has one that cannot be read. */
export function presentedSignature(request: RawRequest): PresentedSignature | null | 'malformed' {
  const authorization = request.headers.get('authorization')
  if (authorization !== undefined) return fromHeader(authorization, request)
  const query = new Map(request.rawQuery.map(([name, value]) => [queryDecode(name), queryDecode(value)]))
  return query.has('X-Amz-Algorithm') ? fromQuery(query) : null
}

function fromHeader(authorization: string, { headers }: RawRequest): PresentedSignature | 'malformed' {
  const match = /^AWS4-HMAC-SHA256\s+(.*)$/.exec(authorization)
  const fields = fieldsOf(match?.[1] ?? '')
  const scope = parseScope(fields.get('Credential'))
  const timestamp = headers.get('x-amz-date') ?? isoBasic(headers.get('date'))
  const signature = fields.get('Signature')
  const signedHeaders = fields.get('SignedHeaders')
  if (scope === null || timestamp === null || signature === undefined || signedHeaders === undefined) return 'malformed'
  return {
    scope,
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp,
    sessionToken: headers.get('x-amz-security-token') ?? null,
    expiresSeconds: null,
  }
}

/** `name=value` pairs with commas between them. */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const part of text.split(',')) {
    const field = part.trim()
    const equals = field.indexOf('=')
    if (equals !== -1) fields.set(field.slice(0, equals), field.slice(equals + 1))
  }
  return fields
}

function fromQuery(query: ReadonlyMap<string, string>): PresentedSignature | 'malformed' {
  const scope = parseScope(query.get('X-Amz-Credential'))
  const timestamp = query.get('X-Amz-Date')
  const signature = query.get('X-Amz-Signature')
  const signedHeaders = query.get('X-Amz-SignedHeaders')
  const expiresSeconds = Number(query.get('X-Amz-Expires'))
  const isComplete =
    query.get('X-Amz-Algorithm') === ALGORITHM && Number.isInteger(expiresSeconds) && expiresSeconds >= 0
  if (!isComplete || scope === null || timestamp === undefined || signature === undefined) return 'malformed'
  if (signedHeaders === undefined) return 'malformed'
  return {
    scope,
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp,
    sessionToken: query.get('X-Amz-Security-Token') ?? null,
    expiresSeconds,
  }
}

function parseScope(credential: string | undefined): CredentialScope | null {
  const parts = (credential ?? '').split('/')
  const [accessKeyId, date, region, service, terminator] = parts
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request' || parts.length !== 5) return null
  return { accessKeyId, date, region, service }
}

const isoBasic = (httpDate: string | undefined): string | null => {
  const time = new Date(httpDate ?? '')
  return Number.isNaN(time.getTime()) ? null : `${time.toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`
}

/** `null` where the text is not `YYYYMMDDTHHMMSSZ`. */
export function parseTimestampBasic(text: string): Date | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) return null
  const [, year, month, day, hour, minute, second] = match
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time.getTime()) ? null : time
}

/** The key that signs for a day, region and service. */
export function signingKey(secretAccessKey: string, { date, region, service }: CredentialScope): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, date), region), service), 'aws4_request')
}

/** The canonical request. @param payloadHash as the client declares it: a hash, or one of the special words */
export function canonicalRequest(request: RawRequest, presented: PresentedSignature, payloadHash: string): string {
  const headers = presented.signedHeaders.map((name) => `${name}:${collapse(request.headers.get(name) ?? '')}\n`)
  return [
    request.method,
    canonicalPath(request.rawPath, presented.scope.service),
    canonicalQuery(request.rawQuery),
    headers.join(''),
    presented.signedHeaders.join(';'),
    payloadHash,
  ].join('\n')
}

const collapse = (value: string): string => value.trim().replace(/\s+/g, ' ')

/** S3 signs the path encoded once and as it is; the others normalise it and encode it again. */
function canonicalPath(rawPath: string, service: string): string {
  if (service === 's3') return rawPath.split('/').map(encodedOnce).join('/')
  const segments: string[] = []
  for (const segment of rawPath.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  const trailing = segments.length > 0 && rawPath.endsWith('/') ? '/' : ''
  return `/${segments.map(uriEncode).join('/')}${trailing}`
}

const encodedOnce = (segment: string): string => uriEncode(percentDecode(segment))

function canonicalQuery(rawQuery: RawRequest['rawQuery']): string {
  return rawQuery
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]): [string, string] => [encodedOnce(name), uriEncode(queryDecode(value))])
    .sort(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export const scopeText = ({ date, region, service }: CredentialScope): string =>
  `${date}/${region}/${service}/aws4_request`

/** What is signed for a request. */
export const stringToSign = (presented: PresentedSignature, canonical: string): string =>
  [ALGORITHM, presented.timestamp, scopeText(presented.scope), sha256Hex(canonical)].join('\n')

export const sign = (key: Buffer, text: string): string => hmac(key, text).toString('hex')

/** Compares in constant time. */
export function equalSignatures(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
