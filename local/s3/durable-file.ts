/** Bytes from a stream to a file on disk, received, written and synced beside one another. */
import { type FileHandle, open, rm } from 'node:fs/promises'

/** Bytes gathered before a write to a file. */
const WRITE_BYTES = 1024 * 1024
/** Bytes written before the disk is asked to take them, so that little is left to wait for at the end. */
const SYNC_BYTES = 64 * 1024 * 1024

/** Writes and syncs; returns the bytes written. A failed write leaves no file. */
export async function writeDurably(
  file: string,
  head: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): Promise<number> {
  const handle = await open(file, 'wx', 0o600)
  try {
    const writer = fileWriter(handle)
    for (const chunk of head) await writer.add(chunk)
    for await (const chunk of rest) await writer.add(chunk)
    return await writer.end()
  } catch (thrown) {
    await rm(file, { force: true })
    throw thrown
  } finally {
    await handle.close()
  }
}

/** One write and one sync at a time are under way while the next bytes are gathered. */
function fileWriter(handle: FileHandle): { add(chunk: Uint8Array): Promise<void>; end(): Promise<number> } {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  let writtenBytes = 0
  let syncedBytes = 0
  const writing = background()
  const syncing = background()

  const write = async (chunks: readonly Uint8Array[], bytes: number): Promise<void> => {
    const { bytesWritten } = await handle.writev(chunks)
    if (bytesWritten < bytes) await writeRest(handle, Buffer.concat(chunks).subarray(bytesWritten))
    writtenBytes += bytes
  }
  const flush = async (): Promise<void> => {
    await writing.settled()
    if (writtenBytes - syncedBytes >= SYNC_BYTES && !syncing.busy()) {
      await syncing.settled()
      syncedBytes = writtenBytes
      syncing.start(handle.datasync())
    }
    writing.start(write(pending, pendingBytes))
    pending = []
    pendingBytes = 0
  }
  return {
    async add(chunk) {
      pending.push(chunk)
      pendingBytes += chunk.length
      if (pendingBytes >= WRITE_BYTES) await flush()
    },
    async end() {
      if (pendingBytes > 0) await flush()
      await writing.settled()
      await syncing.settled()
      await handle.datasync()
      return writtenBytes
    },
  }
}

/** Of a write that the disk took in part only: the next one says why. */
async function writeRest(handle: FileHandle, rest: Uint8Array): Promise<void> {
  for (let from = 0; from < rest.length; ) from += (await handle.write(rest, from)).bytesWritten
}

/** Work that nobody waits for yet; its failure is met by whoever does. */
function background(): { start(work: Promise<void>): void; busy(): boolean; settled(): Promise<void> } {
  let under: Promise<void> = Promise.resolve()
  let isBusy = false
  const done = (): void => {
    isBusy = false
  }
  return {
    start(work) {
      isBusy = true
      under = work
      work.then(done, done)
    },
    busy: () => isBusy,
    settled: () => under,
  }
}
