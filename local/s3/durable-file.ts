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

/** One write and one sync at a time are under way, in the order of the calls. */
function fileWriter(handle: FileHandle): { write(bytes: Uint8Array): Promise<void>; end(): Promise<number> } {
  let writtenBytes = 0
  let syncedBytes = 0
  let writing: Promise<void> = Promise.resolve()
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
  const append = async (bytes: Uint8Array): Promise<void> => {
    await writing
    for (let from = 0; from < bytes.length; ) from += (await handle.write(bytes, from)).bytesWritten
    writtenBytes += bytes.length
    if (writtenBytes - syncedBytes < SYNC_BYTES) return
    await synced()
    syncedBytes = writtenBytes
    syncing = sync()
  }
  return {
    write: (bytes) => {
      writing = append(bytes)
      return writing
    },
    end: async () => {
      await writing
      await synced()
      await handle.datasync()
      return writtenBytes
    },
  }
}
