/** The bytes of objects: small ones in the store, others in files that are on disk before anything names them. */

import { randomBytes } from 'node:crypto'
import { constants, createReadStream, existsSync, mkdirSync } from 'node:fs'
import { copyFile, link, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Collection, Store } from '../service.ts'
import { explainedWrite } from '../store.ts'
import { type DigestAlgorithm, type Digests, digestsOf } from './checksum.ts'
import { type BodyDigests, openDigestThreads } from './digest-threads.ts'
import { writeDurably } from './durable-file.ts'
import { beginHeapGrowth } from './heap-growth.ts'
import { inPieces, openPiecePool } from './pieces.ts'
import type { Blob, Segment } from './records.ts'

/** Up to this size bytes live in the store: one group commit instead of two fsyncs. */
const INLINE_BYTES = 32 * 1024

export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface WrittenBlob {
  readonly blob: Blob
  /** Those that were asked for. */
  readonly digests: Digests
}

export interface BlobStore {
  /** Stores bytes, unowned: `claim` them in the transaction that names them, which makes them durable, or they go at the next start. */
  write(bytes: Bytes, algorithms: readonly DigestAlgorithm[]): Promise<WrittenBlob>
  /** Takes a file over by renaming it (copying where that is not possible). Unowned, as with `write`. */
  adopt(path: string): Promise<Blob>
  /** Another blob of the same bytes, or of a stretch of them, without copying them. Unowned, as with `write`. */
  share(blob: Blob, first: number, lengthBytes: number): Promise<Blob>
  /** Inside a transaction: these bytes are named now. */
  claim(blob: Blob): void
  /** Inside a transaction: nothing names these bytes any more. Call `sweep` after the commit. */
  release(blob: Blob): void
  /** Deletes bytes that nothing names. */
  sweep(blob: Blob): Promise<void>
  /** Deletes what was unowned when the store was opened: a killed runtime's. */
  sweepLeftOver(): Promise<void>
  read(blob: Blob, first: number, lengthBytes: number): Readable
  /** Digests of a stretch of a blob, which is read for them. */
  digest(blob: Blob, first: number, lengthBytes: number, algorithms: readonly DigestAlgorithm[]): Promise<Digests>
  /** The same bytes at once where they are small enough to live in the store; `null` for those in files. */
  readInline(blob: Blob, first: number, lengthBytes: number): Uint8Array | null
  /** A file with exactly the blob's bytes; to be read only. */
  path(blob: Blob): Promise<string>
  /** Ends the threads that compute digests. */
  close(): Promise<void>
}

/** Blobs under `folder`, their marks and small ones in `store`. */
export function openBlobStore(store: Store, folder: string): BlobStore {
  const small = store.collection<Uint8Array>('s3.bytes')
  const unowned = store.collection<1>('s3.unowned')
  const waiting = new Map<string, Uint8Array>()
  const leftOver = [...unowned.range([])].map(({ key }) => String(key[0]))
  const viewFolder = join(folder, 'views')
  /** Of this opening of the store: with a count it makes ids that nobody else made. */
  const epoch = randomBytes(8).toString('hex')
  let count = 0
  const threads = openDigestThreads()
  const pieces = openPiecePool()
  makeFolders(folder, viewFolder)
  const fileOf = (id: string): string => join(folder, id.slice(0, 2), id)

  const newFile = async (make: (file: string) => Promise<void>): Promise<string> => {
    const id = randomBytes(16).toString('hex')
    const marked = unowned.put([id], 1)
    try {
      await make(fileOf(id)).finally(() => marked)
    } catch (thrown) {
      throw explainedWrite(folder, thrown)
    }
    await syncFolder(join(folder, id.slice(0, 2)))
    return id
  }
  /**
   * Small bytes wait in memory for the transaction that names them: one commit writes both. Their ids grow with time, so
   * that those of one commit lie together in the store.
   */
  const keepSmall = (content: Uint8Array): { id: string; origin: string } => {
    count += 1
    const id = `${Date.now().toString(16).padStart(12, '0')}-${epoch}-${count.toString(36)}`
    waiting.set(id, content)
    return { id, origin: id }
  }
  const whole = (id: string, inline: boolean, lengthBytes: number): Blob => [
    { id, inline, offsetBytes: 0, lengthBytes, origin: id },
  ]
  const shareSegment = async (segment: Segment): Promise<Segment> => {
    if (segment.inline) {
      return { ...segment, ...keepSmall(bytesOf(small, segment)), offsetBytes: 0 }
    }
    return { ...segment, id: await newFile((file) => link(fileOf(segment.id), file)) }
  }
  const discard = async (id: string): Promise<void> => {
    if (waiting.delete(id)) return
    await rm(fileOf(id), { force: true })
    await rm(join(viewFolder, id), { force: true })
    await store.transaction(() => {
      small.remove([id])
      unowned.remove([id])
    })
  }
  const digested = async (
    algorithms: readonly DigestAlgorithm[],
    pass: (digests: BodyDigests) => Promise<void>,
  ): Promise<Digests> => {
    const digests = threads.open(algorithms)
    try {
      await pass(digests)
      return await digests.digests()
    } catch (thrown) {
      digests.drop()
      throw thrown
    }
  }
  const read = (blob: Blob, first: number, lengthBytes: number): Readable => {
    const segments = slice(blob, first, lengthBytes)
    const only = segments[0]
    if (segments.length === 1 && only !== undefined && !only.inline) return fileStream(fileOf(only.id), only)
    return Readable.from(readSegments(segments, small, fileOf), { objectMode: false })
  }
  return {
    write: async (bytes, algorithms) => {
      const source = chunksOf(bytes)
      const head = await takeUpTo(source, INLINE_BYTES)
      if (head.ended) {
        const content = Buffer.concat(head.chunks)
        const digests = await digestsOf(content, algorithms)
        return { blob: content.length === 0 ? [] : whole(keepSmall(content).id, true, content.length), digests }
      }
      let written: Blob = []
      const digests = await digested(algorithms, async (body) => {
        let lengthBytes = 0
        const id = await newFile(async (file) => {
          const endGrowth = beginHeapGrowth()
          lengthBytes = await writeDurably(file, after(head.chunks, source), pieces, body).finally(endGrowth)
        })
        written = whole(id, false, lengthBytes)
      })
      return { blob: written, digests }
    },
    digest: (blob, first, lengthBytes, algorithms) =>
      digested(algorithms, (body) =>
        inPieces(read(blob, first, lengthBytes), pieces, (piece, filledBytes) => body.update(piece, filledBytes)),
      ),
    adopt: async (path) => {
      const { size } = await stat(path)
      const id = await newFile((file) => moveDurably(path, file))
      return whole(id, false, size)
    },
    share: async (blob, first, lengthBytes) => Promise.all(slice(blob, first, lengthBytes).map(shareSegment)),
    claim: (blob) => {
      for (const { id, inline } of blob) {
        const content = inline ? waiting.get(id) : undefined
        if (content === undefined) unowned.remove([id])
        else {
          small.put([id], content)
          waiting.delete(id)
        }
      }
    },
    release: (blob) => {
      for (const { id } of blob) unowned.put([id], 1)
    },
    sweep: async (blob) => {
      for (const { id } of blob) await discard(id)
    },
    sweepLeftOver: async () => {
      for (const id of leftOver.splice(0)) await discard(id)
    },
    read,
    readInline: (blob, first, lengthBytes) => {
      const [only, ...others] = slice(blob, first, lengthBytes)
      return only?.inline === true && others.length === 0 ? bytesOf(small, only) : null
    },
    path: async (blob) => {
      const only = blob[0]
      if (only === undefined) return emptyView(join(viewFolder, 'empty'))
      const file = fileOf(only.id)
      if (blob.length === 1 && !only.inline && (await stat(file)).size === only.lengthBytes) return file
      const view = join(viewFolder, only.id)
      if (!existsSync(view)) await writeView(view, readSegments(blob, small, fileOf))
      return view
    },
    close: () => threads.close(),
  }
}

/** The segments of a stretch of a blob. */
function slice(blob: Blob, first: number, lengthBytes: number): Segment[] {
  const taken: Segment[] = []
  let skip = first
  let left = lengthBytes
  for (const segment of blob) {
    if (left === 0) break
    if (skip >= segment.lengthBytes) {
      skip -= segment.lengthBytes
      continue
    }
    const length = Math.min(segment.lengthBytes - skip, left)
    taken.push({ ...segment, offsetBytes: segment.offsetBytes + skip, lengthBytes: length })
    skip = 0
    left -= length
  }
  return taken
}

function bytesOf(small: Collection<Uint8Array>, { id, offsetBytes, lengthBytes }: Segment): Uint8Array {
  const bytes = small.get([id])
  if (bytes === undefined) throw new Error(`Cannot read the bytes "${id}" as the store does not have them`)
  return bytes.subarray(offsetBytes, offsetBytes + lengthBytes)
}

async function* readSegments(
  segments: readonly Segment[],
  small: Collection<Uint8Array>,
  fileOf: (id: string) => string,
): AsyncGenerator<Uint8Array> {
  for (const segment of segments) {
    if (segment.inline) yield bytesOf(small, segment)
    else yield* fileStream(fileOf(segment.id), segment)
  }
}

const fileStream = (file: string, { offsetBytes, lengthBytes }: Segment): Readable =>
  createReadStream(file, { start: offsetBytes, end: offsetBytes + lengthBytes - 1, highWaterMark: 256 * 1024 }).once(
    'close',
    beginHeapGrowth(),
  )

const chunksOf = (bytes: Bytes): AsyncIterator<Uint8Array> =>
  Symbol.asyncIterator in bytes ? bytes[Symbol.asyncIterator]() : Readable.from(bytes)[Symbol.asyncIterator]()

/** Chunks that were taken already, then the rest. */
const after = (head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> => {
  const taken = [...head]
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const value = taken.shift()
        return value === undefined ? rest.next() : { value, done: false }
      },
      return: async (value) => rest.return?.(value) ?? { value, done: true },
    }),
  }
}

/** Takes chunks until there are more than `limitBytes`, or the end. */
async function takeUpTo(
  source: AsyncIterator<Uint8Array>,
  limitBytes: number,
): Promise<{ chunks: Uint8Array[]; ended: boolean }> {
  const chunks: Uint8Array[] = []
  let taken = 0
  while (taken <= limitBytes) {
    const next = await source.next()
    if (next.done === true) return { chunks, ended: true }
    chunks.push(next.value)
    taken += next.value.length
  }
  return { chunks, ended: false }
}

async function moveDurably(from: string, to: string): Promise<void> {
  const handle = await open(from, 'r')
  try {
    await handle.datasync()
  } finally {
    await handle.close()
  }
  try {
    await rename(from, to)
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EXDEV')) throw thrown
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    await syncFile(to)
    await rm(from)
  }
}

const syncFile = async (file: string): Promise<void> => {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
const syncFolder = syncFile

/** A view is derived from bytes that are durable: a half-written one gets another name, so it is never believed. */
async function writeView(view: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${view}.${randomBytes(4).toString('hex')}`
  await writeFile(partial, bytes, { mode: 0o600 })
  await rename(partial, view)
}

async function emptyView(view: string): Promise<string> {
  if (!existsSync(view)) await writeFile(view, '', { mode: 0o600 })
  return view
}

function makeFolders(folder: string, viewFolder: string): void {
  mkdirSync(viewFolder, { recursive: true, mode: 0o700 })
  if (existsSync(join(folder, 'ff'))) return
  for (let index = 0; index < 256; index += 1) {
    mkdirSync(join(folder, index.toString(16).padStart(2, '0')), { recursive: true, mode: 0o700 })
  }
}
