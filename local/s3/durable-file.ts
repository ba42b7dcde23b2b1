/** Bytes from a stream to a file on disk: received, digested, written and synced beside one another. */
import { type FileHandle, open, rm } from 'node:fs/promises'
import type { BodyDigests } from './digest-threads.ts'
import { inPieces, type PiecePool } from './pieces.ts'

/** Bytes written before the disk is asked to take them, so that little is left to wait for at the end. */
const SYNC_BYTES = 64 * 1024 * 1024

/** Writes, adds to the digests, and syncs; returns the bytes written. A failed write leaves no file. */
export async function writeDurably(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  pool: PiecePool,
  digests: BodyDigests,
): Promise<number> {
  const handle = await open(file, 'wx', 0o600)
  try {
    const writer = fileWriter(handle)
    await inPieces(chunks, pool, (piece, lengthBytes) =>
      Promise.all([writer.write(piece.bytes.subarray(0, lengthBytes)), digests.update(piece, lengthBytes)]),
    )
    return await writer.end()
  } catch (thrown) {
    await rm(file, { force: true })
    throw thrown
  } finally {
    await handle.close()
  }
}

/**
 * One write and one sync at a time are under way. What is asked for during a write goes into the next one, so that on a
 * busy machine the file need not wait for its turn piece by piece.
 */
function fileWriter(handle: FileHandle): { write(bytes: Uint8Array): Promise<void>; end(): Promise<number> } {
  let writtenBytes = 0
  let syncedBytes = 0
  let waiting: Uint8Array[] = []
  let writing: Promise<void> = Promise.resolve()
  /** The write that will take what is waiting. */
  let next: Promise<void> | null = null
  let syncing: Promise<void> = Promise.resolve()
  let syncFailure: unknown = null

  const sync = async (): Promise<void> => {
    try {
      await handle.datasync()
    } catch (thrown) {
      syncFailure ??= thrown
    }
  }
  const synced = async (): Promise<void> => {
    await syncing
    if (syncFailure !== null) throw syncFailure
  }
  const append = async (): Promise<void> => {
    await writing
    const taken = waiting
    waiting = []
    next = null
    writtenBytes += await writeAll(handle, taken)
    if (writtenBytes - syncedBytes < SYNC_BYTES) return
    await synced()
    syncedBytes = writtenBytes
    syncing = sync()
  }
  return {
    write: (bytes) => {
      waiting.push(bytes)
      if (next === null) {
        next = append()
        writing = next
      }
      return next
    },
    end: async () => {
      await writing
      await synced()
      await handle.datasync()
      return writtenBytes
    },
  }
}

/** Writes all, also where the disk takes a part at a time; returns the bytes written. */
async function writeAll(handle: FileHandle, buffers: readonly Uint8Array[]): Promise<number> {
  let left = [...buffers]
  let writtenBytes = 0
  while (left.length > 0) {
    let { bytesWritten: skip } = await handle.writev(left)
    writtenBytes += skip
    left = left.flatMap((buffer) => {
      const skipped = Math.min(skip, buffer.length)
      skip -= skipped
      return skipped === buffer.length ? [] : [buffer.subarray(skipped)]
    })
  }
  return writtenBytes
}
