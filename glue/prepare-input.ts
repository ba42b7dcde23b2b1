import { closeSync, openSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Decompress } from 'fzstd'
import { messageOf, SluiceError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import { decodeWindows1252 } from '../core/windows-1252.ts'
import { Framer, type FramingResult } from './framer.ts'
import { REJECT_CODES } from './intermediate.ts'
import type { Framing, ProgramInput } from './program.ts'

/** An input as the engine can read it: a file of well-framed UTF-8 records, and what framing found. */
export interface PreparedInput {
  readonly path: string
  /** Records counted from the bytes; `null` for formats that are not framed as lines. */
  readonly records: number | null
  readonly malformed: number
  /** JSON lines {input_index, record_number, code, message, raw}; `null` where no record is malformed. */
  readonly malformedPath: string | null
  readonly openQuote: boolean
}

const READ_BYTES = 1 << 20
/** Below this much output no ratio is judged. */
const BOMB_FLOOR_BYTES = 16 << 20

const GZIP = [0x1f, 0x8b]
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd]

/** Compression by the first bytes, whatever the name says. */
async function sniffCompression(path: string): Promise<'none' | 'gzip' | 'zstd'> {
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
function contentOf(
  path: string,
  compression: 'none' | 'gzip' | 'zstd',
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

/** Gathers small pieces and writes them in blocks; synchronous, so nothing piles up. */
class BlockWriter {
  readonly #descriptor: number
  readonly #block = Buffer.allocUnsafe(READ_BYTES)
  #length = 0

  constructor(path: string) {
    this.#descriptor = openSync(path, 'w')
  }

  write(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#block.length) this.#flush()
    if (bytes.length > this.#block.length) this.#writeAll(bytes)
    else {
      this.#block.set(bytes, this.#length)
      this.#length += bytes.length
    }
  }

  close(): void {
    this.#flush()
    closeSync(this.#descriptor)
  }

  #flush(): void {
    this.#writeAll(this.#block.subarray(0, this.#length))
    this.#length = 0
  }

  #writeAll(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written)
  }
}

interface PreparedPaths {
  readonly copy: string
  readonly malformed: string
}

/** Whether the file can be read as it is; looks no further than to the first record that says no. */
async function scan(content: AsyncIterable<Uint8Array>, framing: Framing): Promise<FramingResult | null> {
  const framer = new Framer(framing, { malformed: () => undefined })
  for await (const chunk of content) {
    framer.push(chunk)
    if (framer.needsCopy) return null
  }
  const result = framer.end()
  return result.needsCopy ? null : result
}

/** Writes the well-framed records, with placeholders for the others, which go to a file of their own. */
async function copy(
  content: AsyncIterable<Uint8Array>,
  framing: Framing,
  index: number,
  paths: PreparedPaths,
): Promise<FramingResult> {
  const records = new BlockWriter(paths.copy)
  const malformed = new BlockWriter(paths.malformed)
  const framer = new Framer(framing, {
    malformed: ({ recordNumber, code, raw }) => {
      const row = { input_index: index, record_number: recordNumber, code, message: REJECT_CODES[code], raw }
      malformed.write(Buffer.from(`${JSON.stringify(row)}\n`))
    },
    copy: (bytes) => records.write(bytes),
  })
  try {
    for await (const chunk of content) framer.push(chunk)
    return framer.end()
  } finally {
    records.close()
    malformed.close()
  }
}

async function writeContent(content: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  const writer = new BlockWriter(path)
  try {
    for await (const chunk of content) writer.write(chunk)
  } finally {
    writer.close()
  }
}

/**
 * Makes an input readable for the engine: decompressed, UTF-8, every record with the columns of the header. A plain file of
 * well-framed records is left where it is.
 *
 * @param index of the input within the run
 * @throws SluiceError `compression_bomb`
 */
export async function prepareInput(
  path: string,
  input: ProgramInput,
  index: number,
  tempDirectory: string,
): Promise<PreparedInput> {
  const compression = await sniffCompression(path)
  const paths = {
    copy: join(tempDirectory, `input-${index}`),
    malformed: join(tempDirectory, `malformed-${index}.jsonl`),
  }
  const asItIs = compression === 'none' && input.encoding === 'utf-8'
  const content = (): AsyncIterable<Uint8Array> => contentOf(path, compression, input)
  const { framing } = input
  if (framing === null) {
    if (!asItIs) await writeContent(content(), paths.copy)
    return { path: asItIs ? path : paths.copy, records: null, malformed: 0, malformedPath: null, openQuote: false }
  }
  const clean = asItIs ? await scan(content(), framing) : null
  if (clean !== null) return { path, records: clean.records, malformed: 0, malformedPath: null, openQuote: false }
  const { records, malformed, openQuote } = await copy(content(), framing, index, paths)
  return { path: paths.copy, records, malformed, malformedPath: malformed > 0 ? paths.malformed : null, openQuote }
}
