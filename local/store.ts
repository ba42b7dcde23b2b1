/** The durable store of the runtime's state: one LMDB environment per state folder, owned by one process. */

import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { type Key, open, type RootDatabase } from 'lmdb'
import { messageOf, SluiceError } from '../core/errors.ts'
import type { Collection, Store } from './service.ts'
import { takeOwnership } from './state-lock.ts'
import { storeFileFault } from './store-file.ts'

type Tuple = readonly (string | number)[]

/** Sorts after every string and number inside a tuple: no UTF-8 text starts with this byte. */
const LAST = Buffer.from([0xff])

/**
 * Opens (and makes, where missing) the store of a state folder and takes the folder for this process.
 *
 * Every promise of a write resolves after fdatasync; writes asked for together share one sync (group commit). Reads see
 * committed writes, and inside `transaction` also its own. A `transaction` whose work throws leaves nothing behind.
 * Work must be synchronous and is called later, in the order in which transactions and puts were asked for.
 *
 * @throws SluiceError `state_in_use` when another live process owns the folder, `state_unreadable` when it cannot be
 * used; writes reject with `state_write_failed` (full disk, for one)
 */
export function openStore(stateFolder: string): Store {
  const folder = join(stateFolder, 'store')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw unreadable(stateFolder, cause)
  }
  const release = takeOwnership(stateFolder)
  try {
    assertStore(folder)
    return lmdbStore(openEnvironment(folder), stateFolder, release)
  } catch (cause) {
    release()
    throw cause instanceof SluiceError ? cause : unreadable(stateFolder, cause)
  }
}

/** What a state folder holds, for whoever does not own it: a report, or a test that looks at a killed runtime's. */
export interface StoreReader {
  collection<V>(name: string): Pick<Collection<V>, 'get' | 'range'>
  /** Reads see what is committed by now; otherwise what was when the event loop began this turn. */
  refresh(): void
  close(): Promise<void>
}

/**
 * Opens the store of a state folder for reading, beside the runtime that owns it or without one.
 * @throws SluiceError `state_unreadable` when there is none, or it cannot be read
 */
export function openStoreReader(stateFolder: string): StoreReader {
  try {
    const path = join(stateFolder, 'store')
    accessSync(join(path, 'data.mdb'), constants.R_OK)
    assertStore(path)
    const database = open<unknown, Key>({ path, encoding: 'msgpack', readOnly: true, maxReaders: MAX_READERS })
    return {
      collection: <V>(name: string) => lmdbReads<V>(database, name),
      refresh: () => database.resetReadTxn(),
      close: () => database.close(),
    }
  } catch (cause) {
    throw unreadable(stateFolder, cause)
  }
}

const MAX_READERS = 16

/** One commit is one fdatasync and is visible only once it is on disk (`overlappingSync` would show it before). */
const openEnvironment = (path: string): RootDatabase<unknown, Key> =>
  open<unknown, Key>({
    path,
    encoding: 'msgpack',
    overlappingSync: false,
    strictAsyncOrder: true,
    // With batches of an event turn lmdb keeps a promise of its own, whose rejection on a full disk nobody could handle.
    eventTurnBatching: false,
    noMemInit: true,
    compression: false,
    maxReaders: MAX_READERS,
  })

/** Whether work is running inside the write transaction: writes go straight into it then, and its commit answers for them. */
interface Writing {
  inside: boolean
}

function lmdbStore(database: RootDatabase<unknown, Key>, stateFolder: string, release: () => void): Store {
  const writing: Writing = { inside: false }
  const durable = async <T>(write: Promise<T>): Promise<T> => {
    try {
      return await write
    } catch (thrown) {
      const reason = await commitFailure(thrown)
      throw reason === null ? thrown : writeFailed(stateFolder, reason)
    }
  }
  return {
    collection: <V>(name: string) => lmdbCollection<V>(database, name, writing, durable),
    transaction: <T>(work: () => T) =>
      durable(
        database.childTransaction(() => {
          writing.inside = true
          try {
            return work()
          } finally {
            writing.inside = false
          }
        }),
      ),
    close: async () => {
      await database.close()
      release()
    },
  }
}

/** Values come back as they were put: the collection's name fixes their type, and only the owning process writes them. */
function lmdbReads<V>(database: RootDatabase<unknown, Key>, name: string): Pick<Collection<V>, 'get' | 'range'> {
  const full = fullKey(name)
  return {
    get: (key) => database.get(full(key)) as V | undefined,
    *range(prefix, options = {}) {
      const first = full(prefix)
      const last = [...first, LAST]
      const after = options.after === undefined ? undefined : full(options.after)
      const bounds =
        options.reverse === true
          ? { start: after ?? last, end: first, inclusiveEnd: true, reverse: true }
          : { start: after ?? first, end: last }
      let given = 0
      for (const entry of database.getRange({ ...bounds, exclusiveStart: after !== undefined })) {
        if (given === options.limit) return
        const key = entry.key as (string | number)[]
        given += 1
        yield { key: key.slice(1), value: entry.value as V }
      }
    },
  }
}

const fullKey =
  (name: string) =>
  (key: Tuple): (string | number)[] => [name, ...key]

function lmdbCollection<V>(
  database: RootDatabase<unknown, Key>,
  name: string,
  writing: Writing,
  durable: <T>(write: Promise<T>) => Promise<T>,
): Collection<V> {
  const full = fullKey(name)
  return {
    ...lmdbReads<V>(database, name),
    put: async (key, value) => {
      if (writing.inside) database.putSync(full(key), value)
      else await durable(database.put(full(key), value))
    },
    remove: async (key) => {
      if (writing.inside) database.removeSync(full(key))
      else await durable(database.remove(full(key)))
    },
  }
}

/** Why a commit failed, or `null` for what the work itself threw. LMDB hands the reason over as a rejected promise. */
async function commitFailure(thrown: unknown): Promise<unknown> {
  if (!(thrown instanceof Error) || !('commitError' in thrown)) return null
  try {
    await thrown.commitError
    return thrown
  } catch (reason) {
    return reason
  }
}

/** @throws Error for a file that is none of ours */
function assertStore(folder: string): void {
  const fault = storeFileFault(join(folder, 'data.mdb'))
  if (fault !== null) throw new Error(fault)
}

const unreadable = (folder: string, cause: unknown): SluiceError =>
  new SluiceError('state_unreadable', `Cannot open the state folder "${folder}": ${messageOf(cause)}`, {
    cause,
    hint: 'Choose a folder of this user with --state, or free what it lies on.',
  })

/** Codes of the system for a disk that takes no more. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS'])

/** What a failed write of a file below the state folder is told as: a full disk by name, anything else as it is. */
export const explainedWrite = (folder: string, thrown: unknown): unknown =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && FULL.has(String(thrown.code))
    ? writeFailed(folder, thrown)
    : thrown

const writeFailed = (folder: string, cause: unknown): SluiceError =>
  new SluiceError('state_write_failed', `Cannot write to the state folder "${folder}": ${messageOf(cause)}`, {
    cause,
    found: freeSpace(folder),
    hint: 'Check that its disk is neither full nor read-only; what was acknowledged before is safe.',
  })

function freeSpace(folder: string): string {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return `${Math.floor((bavail * bsize) / 1024 ** 2)} MiB free`
  } catch (thrown) {
    return `unknown free space (${messageOf(thrown)})`
  }
}
