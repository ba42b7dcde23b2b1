import { constants, createGunzip } from 'node:zlib'
import { Decompress } from 'fzstd'
import { messageOf } from '../../core/errors.ts'
import { errorCodeOf } from '../error-code.ts'
import { type Refusal, refusal } from './refusal.ts'

export interface Decompressed {
  /** The first `keepBytes` of the content. */
  readonly bytes: Uint8Array
  /** `bytes` is all there is. */
  readonly complete: boolean
}

export interface DecompressRequest {
  readonly codec: 'gzip' | 'zstd'
  /** The beginning of the stored object. */
  readonly stored: Uint8Array
  /** `stored` is the whole object. */
  readonly whole: boolean
  readonly keepBytes: number
  /** Largest ratio of decompressed to stored bytes. */
  readonly maxRatio: number
}

/** Below this much output no ratio is judged: a few kilobytes of blanks are no bomb. */
export const BOMB_FLOOR_BYTES = 16 * 1024 * 1024

/** Keeps the first bytes of what comes and counts the rest. */
class Bounded {
  readonly #kept: Uint8Array[] = []
  readonly #keepBytes: number
  #keptBytes = 0
  bytes = 0

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes
  }

  take(chunk: Uint8Array): void {
    this.bytes += chunk.length
    const room = this.#keepBytes - this.#keptBytes
    if (room <= 0) return
    const kept = chunk.slice(0, room)
    this.#kept.push(kept)
    this.#keptBytes += kept.length
  }

  result(complete: boolean): Decompressed {
    return { bytes: Buffer.concat(this.#kept), complete: complete && this.bytes <= this.#keepBytes }
  }
}

const isBomb = (out: Bounded, { stored, maxRatio }: DecompressRequest): boolean =>
  out.bytes > BOMB_FLOOR_BYTES && out.bytes > stored.length * maxRatio

const bomb = ({ maxRatio }: DecompressRequest): Refusal =>
  refusal('compression_bomb', `The content expands by more than ${maxRatio} times`, { maxRatio })

const unreadable = (codec: string, thrown: unknown): Refusal =>
  refusal('unsupported_compression', `The ${codec} content is damaged: ${messageOf(thrown)}`, { codec })

const cutOff = (codec: string): Refusal =>
  refusal('truncated_upload', `The ${codec} content ends before its end mark`, { codec })

async function gunzip(request: DecompressRequest): Promise<Decompressed | Refusal> {
  const out = new Bounded(request.keepBytes)
  // A sample ends anywhere: only of a whole object is the end mark asked for.
  const stream = createGunzip(request.whole ? {} : { finishFlush: constants.Z_SYNC_FLUSH })
  stream.end(request.stored)
  try {
    for await (const chunk of stream) {
      out.take(chunk as Uint8Array)
      if (isBomb(out, request)) return bomb(request)
    }
  } catch (thrown) {
    return errorCodeOf(thrown) === 'Z_BUF_ERROR' ? cutOff('gzip') : unreadable('gzip', thrown)
  }
  return out.result(request.whole)
}

/** Bytes given to the decoder at once, so that a bomb is seen before it is unfolded. */
const ZSTD_STEP_BYTES = 4096

function unzstd(request: DecompressRequest): Decompressed | Refusal {
  const out = new Bounded(request.keepBytes)
  const stream = new Decompress((chunk) => out.take(chunk))
  const { stored, whole } = request
  try {
    for (let at = 0; at < stored.length; at += ZSTD_STEP_BYTES) {
      stream.push(stored.slice(at, at + ZSTD_STEP_BYTES), false)
      if (isBomb(out, request)) return bomb(request)
      if (!whole && out.bytes >= request.keepBytes && out.bytes > BOMB_FLOOR_BYTES) break
    }
    if (whole) stream.push(new Uint8Array(), true)
  } catch (thrown) {
    return whole && /unexpected eof/i.test(messageOf(thrown)) ? cutOff('zstd') : unreadable('zstd', thrown)
  }
  return out.result(whole)
}

/** Decompresses the beginning of an object, keeping a bounded part and judging the ratio as it goes. */
export const decompress = async (request: DecompressRequest): Promise<Decompressed | Refusal> =>
  request.codec === 'gzip' ? gunzip(request) : unzstd(request)
