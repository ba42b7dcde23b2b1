/** Bodies in `aws-chunked` form: sizes, signatures and trailers taken off, each signature verified. */

import { createHash } from 'node:crypto'
import type { TrailingBody } from '../s3/body.ts'
import { AwsError } from '../service.ts'
import type { Authenticated } from './authenticate.ts'
import { equalSignatures, scopeText, sha256Hex, sign } from './sigv4.ts'

/** Words in `x-amz-content-sha256` that say a body is chunked. */
export type ChunkedForm =
  | 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  | 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
  | 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'

const FORMS: readonly ChunkedForm[] = [
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
]

export const chunkedFormOf = (contentSha256: string): ChunkedForm | undefined =>
  FORMS.find((form) => form === contentSha256)

const MAX_LINE_BYTES = 16 * 1024

/**
 * The content of a chunked body, with its trailers. Reading throws AwsError `SignatureDoesNotMatch` at the first chunk whose
 * signature does not hold, `IncompleteBody` when the length differs from what was declared.
 */
export function decodeChunked(
  body: AsyncIterable<Uint8Array>,
  options: {
    readonly form: ChunkedForm
    readonly authenticated: Authenticated
    readonly trailerNames: readonly string[]
    /** `x-amz-decoded-content-length` */
    readonly decodedLength: number | null
  },
): TrailingBody {
  const trailers = new Map<string, string>()
  const verifier = options.form === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' ? null : chunkVerifier(options.authenticated)
  return {
    trailerNames: options.trailerNames,
    trailers,
    bytes: contentOf(new ByteReader(body), verifier, trailers, options.decodedLength),
  }
}

async function* contentOf(
  reader: ByteReader,
  verifier: ChunkVerifier | null,
  trailers: Map<string, string>,
  decodedLength: number | null,
): AsyncGenerator<Uint8Array> {
  let received = 0
  for (;;) {
    const { sizeBytes, signature } = parseChunkHeader(await reader.line())
    const hash = verifier === null ? null : createHash('sha256')
    for await (const piece of reader.take(sizeBytes)) {
      hash?.update(piece)
      received += piece.length
      yield piece
    }
    if (hash !== null) verifier?.verifyChunk(hash.digest('hex'), signature)
    if (sizeBytes === 0) break
    if ((await reader.line()) !== '') throw incomplete()
  }
  await readTrailers(reader, trailers, verifier)
  if (decodedLength !== null && decodedLength !== received) throw incomplete()
}

const incomplete = (): AwsError =>
  new AwsError('IncompleteBody', 'The request body terminated unexpectedly or has another length than declared')

function parseChunkHeader(line: string): { sizeBytes: number; signature: string | null } {
  const match = /^([0-9a-fA-F]+)(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line)
  if (match === null) throw new AwsError('InvalidRequest', 'Cannot read a chunk of the body: its header is malformed')
  return { sizeBytes: Number.parseInt(match[1] ?? '', 16), signature: match[2] ?? null }
}

async function readTrailers(
  reader: ByteReader,
  trailers: Map<string, string>,
  verifier: ChunkVerifier | null,
): Promise<void> {
  const signed: string[] = []
  for (;;) {
    const line = await reader.lineOrEnd()
    if (line === null || line === '') break
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === 'x-amz-trailer-signature') {
      verifier?.verifyTrailers(signed.map((entry) => `${entry}\n`).join(''), value)
      continue
    }
    trailers.set(name, value)
    signed.push(`${name}:${value}`)
  }
  await reader.drain()
}

interface ChunkVerifier {
  /** @throws AwsError `SignatureDoesNotMatch` */
  verifyChunk(contentHash: string, signature: string | null): void
  /** @throws AwsError `SignatureDoesNotMatch` */
  verifyTrailers(text: string, signature: string): void
}

/** Each signature covers the one before it. */
function chunkVerifier({ presented, key }: Authenticated): ChunkVerifier {
  let previous = presented.signature
  const check = (text: readonly string[], signature: string | null): void => {
    const expected = sign(key, text.join('\n'))
    if (signature === null || !equalSignatures(expected, signature)) {
      throw new AwsError(
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
        403,
      )
    }
    previous = expected
  }
  const prefix = (kind: string): string[] => [kind, presented.timestamp, scopeText(presented.scope)]
  return {
    verifyChunk: (contentHash, signature) =>
      check([...prefix('AWS4-HMAC-SHA256-PAYLOAD'), previous, sha256Hex(''), contentHash], signature),
    verifyTrailers: (text, signature) =>
      check([...prefix('AWS4-HMAC-SHA256-TRAILER'), previous, sha256Hex(text)], signature),
  }
}

/** Reads lines and stretches of bytes from a stream, holding at most one chunk of it. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #held: Uint8Array = new Uint8Array(0)

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#source = body[Symbol.asyncIterator]()
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next()
    if (next.done === true) return false
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value])
    return true
  }

  /** The next line without its end. @throws AwsError `IncompleteBody` */
  async line(): Promise<string> {
    const line = await this.lineOrEnd()
    if (line === null) throw incomplete()
    return line
  }

  async lineOrEnd(): Promise<string | null> {
    for (;;) {
      const end = this.#held.indexOf(10)
      if (end !== -1) {
        const line = Buffer.from(this.#held.subarray(0, end)).toString('latin1').replace(/\r$/, '')
        this.#held = this.#held.subarray(end + 1)
        return line
      }
      if (this.#held.length > MAX_LINE_BYTES) throw incomplete()
      if (!(await this.#more())) return null
    }
  }

  /** Exactly that many bytes, as they come. @throws AwsError `IncompleteBody` */
  async *take(sizeBytes: number): AsyncGenerator<Uint8Array> {
    let left = sizeBytes
    while (left > 0) {
      if (this.#held.length === 0 && !(await this.#more())) throw incomplete()
      const piece = this.#held.subarray(0, left)
      this.#held = this.#held.subarray(piece.length)
      left -= piece.length
      if (piece.length > 0) yield piece
    }
  }

  async drain(): Promise<void> {
    while (await this.#more()) this.#held = new Uint8Array(0)
  }
}
