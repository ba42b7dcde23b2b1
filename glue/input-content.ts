import { open } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Decompress } from 'fzstd'
import { messageOf, SluiceError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import { decodeWindows1252 } from '../core/windows-1252.ts'
import type { ProgramInput } from './program.ts'

/** Compression as the stored bytes show it. */
export type StoredCompression = 'none' | 'gzip' | 'zstd'

/** Files are read and written in blocks of this size. */
export const READ_BYTES = 1 << 20
/** Below this much output no ratio is judged. */
const BOMB_FLOOR_BYTES = 16 << 20

const GZIP = [0x1f, 0x8b]
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd]

/** Compression by the first bytes, whatever the name says. */
export async function sniffCompression(path: string): Promise<StoredCompression> {
  const file = await open(path, 'r')
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
    if (GZIP.every((byte, index) => buffer[index] === byte)) return 'gzip'
    return ZSTD.every((byte, index) => buffer[index] === byte) ? 'zstd' : 'none'
  } finally {
    await file.close()
  }
}

/** What zlib says about the content is about the source; anything else is not. */
function brokenGzip(error: unknown): unknown {
  const zlibCode = isJsonObject(error) ? error.code : null
  const message = `Cannot decompress: ${messageOf(error)}`
  if (zlibCode === 'Z_BUF_ERROR') return new SluiceError('truncated_upload', message, { cause: error })
  return zlibCode === 'Z_DATA_ERROR' ? new SluiceError('malformed_records', message, { cause: error }) : error
}

/** Chunks are copied: the stream keeps them while the next one is read. */
async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const copies = async function* () {
    for await (const chunk of chunks) yield Buffer.from(chunk)
  }
  const content = createGunzip({ chunkSize: READ_BYTES })
  // Errors of either side end the iteration below.
  pipeline(Readable.from(copies()), content, () => undefined)
  try {
    yield* content
  } catch (error) {
    throw brokenGzip(error)
  }
}

async function* decompressZstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = []
  const stream = new Decompress((chunk) => out.push(chunk))
  for await (const chunk of chunks) {
    stream.push(Uint8Array.from(chunk))
    yield* out.splice(0)
  }
  stream.push(new Uint8Array(0), true)
  yield* out
}

/** @throws SluiceError `compression_bomb` */
async function* limitRatio(
  chunks: AsyncIterable<Uint8Array>,
  stored: () => number,
  ratio: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > BOMB_FLOOR_BYTES && bytes > stored() * ratio)
      throw new SluiceError('compression_bomb', `Cannot decompress: the content expands by more than ${ratio} times`)
    yield chunk
  }
}

async function* decode(
  chunks: AsyncIterable<Uint8Array>,
  encoding: ProgramInput['encoding'],
): AsyncGenerator<Uint8Array> {
  if (encoding === 'latin-1') {
    for await (const chunk of chunks) yield Buffer.from(Buffer.from(chunk).toString('latin1'), 'utf8')
    return
  }
  if (encoding === 'windows-1252') {
    for await (const chunk of chunks) yield Buffer.from(decodeWindows1252(chunk), 'utf8')
    return
  }
  const decoder = new TextDecoder(encoding, { fatal: false, ignoreBOM: false })
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }), 'utf8')
  yield Buffer.from(decoder.decode(), 'utf8')
}

/** The bytes of a file, each chunk in the same memory: it is valid until the next one is asked for. */
async function* readFile(path: string, bytesRead: { total: number }): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r')
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  try {
    for (;;) {
      const { bytesRead: length } = await file.read(buffer, 0, buffer.length)
      if (length === 0) return
      bytesRead.total += length
      yield buffer.subarray(0, length)
    }
  } finally {
    await file.close()
  }
}

/** The content as bytes of UTF-8 text (or of Parquet), decompressed and transcoded chunk by chunk. */
export function contentOf(
  path: string,
  compression: StoredCompression,
  input: ProgramInput,
): AsyncIterable<Uint8Array> {
  const bytesRead = { total: 0 }
  const stored = (): number => bytesRead.total
  const file = readFile(path, bytesRead)
  const plain =
    compression === 'gzip'
      ? limitRatio(gunzip(file), stored, input.compressionRatio)
      : compression === 'zstd'
        ? limitRatio(decompressZstd(file), stored, input.compressionRatio)
        : file
  return input.encoding === 'utf-8' ? plain : decode(plain, input.encoding)
}
