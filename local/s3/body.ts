/** Bodies of requests: what the codec hands over, with trailers that come after the last byte. */

import { Readable } from 'node:stream'
import { AwsError } from '../service.ts'
import type { Bytes } from './blobs.ts'

/** A streamed body with trailing headers: names known before, values only once the stream has ended. */
export interface TrailingBody {
  readonly bytes: AsyncIterable<Uint8Array>
  readonly trailerNames: readonly string[]
  /** Lower-case names; complete after the last byte. */
  readonly trailers: ReadonlyMap<string, string>
}

export const isTrailingBody = (body: unknown): body is TrailingBody =>
  typeof body === 'object' && body !== null && 'bytes' in body && 'trailers' in body && 'trailerNames' in body

/** The bytes of a body in any form that the SDKs take. @throws AwsError `InvalidRequest` */
export function bytesOfBody(body: unknown): Bytes {
  if (body === undefined || body === null) return []
  if (typeof body === 'string') return [Buffer.from(body)]
  if (body instanceof Uint8Array) return [body]
  if (body instanceof Readable) return body
  if (isTrailingBody(body)) return body.bytes
  throw new AwsError('InvalidRequest', 'Cannot read the body: expected text, bytes or a stream')
}
