import { createHash } from 'node:crypto'
import { canonicalJson } from './json.ts'

/** SHA-256 as 64 lower-case hex characters. */
export type Digest = string & { readonly __brand: 'Digest' }

/** SHA-256 of UTF-8 text or bytes. */
export const digestOf = (content: string | Uint8Array): Digest =>
  createHash('sha256').update(content).digest('hex') as Digest

/** SHA-256 of a JSON value's canonical text: key order and white space do not matter. */
export const digestOfJson = (value: unknown): Digest => digestOf(canonicalJson(value))
