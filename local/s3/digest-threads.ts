/** Digests of large bodies, computed in threads, so that the runtime answers others meanwhile. */

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { DigestAlgorithm, Digests } from './checksum.ts'
import type { Piece } from './pieces.ts'

const THREAD_FILE = new URL('./digest-thread.mjs', import.meta.url)
/** One large body needs two: MD5 for its etag, and its checksum. */
const MAX_THREADS = Math.min(4, Math.max(2, availableParallelism()))

export interface DigestThreads {
  /** Begins the digests of one body; they end with `digests` or `drop`. */
  open(algorithms: readonly DigestAlgorithm[]): BodyDigests
  /** Ends the threads. */
  close(): Promise<void>
}

export interface BodyDigests {
  /** Adds a piece's first bytes; once the promise resolves they are read. Pieces count in the order of the calls. */
  update(piece: Piece, lengthBytes: number): Promise<void>
  digests(): Promise<Digests>
  /** Forgets a body that broke off. */
  drop(): void
}

/** Threads are started as they are needed, and then kept. */
export function openDigestThreads(): DigestThreads {
  const threads: DigestThread[] = []
  const idlest = (): DigestThread => {
    const usable = threads.filter((thread) => thread.usable())
    const chosen = usable.toSorted((left, right) => left.load() - right.load())[0]
    if (chosen !== undefined && (chosen.load() === 0 || usable.length >= MAX_THREADS)) return chosen
    const started = startThread()
    threads.splice(0, threads.length, ...usable, started)
    return started
  }
  return {
    open: (algorithms) => {
      const streams = algorithms.map((algorithm) => ({ algorithm, stream: idlest().open(algorithm) }))
      return {
        update: async (piece, lengthBytes) => {
          await Promise.all(streams.map(({ stream }) => stream.update(piece, lengthBytes)))
        },
        digests: async () =>
          new Map(await Promise.all(streams.map(async (each) => [each.algorithm, await each.stream.end()] as const))),
        drop: () => {
          for (const { stream } of streams) stream.drop()
        },
      }
    },
    close: async () => {
      await Promise.all(threads.splice(0).map((thread) => thread.close()))
    },
  }
}

interface DigestStream {
  update(piece: Piece, lengthBytes: number): Promise<void>
  end(): Promise<Uint8Array>
  drop(): void
}

interface DigestThread {
  open(algorithm: DigestAlgorithm): DigestStream
  /** Streams that have not ended. */
  load(): number
  usable(): boolean
  close(): Promise<void>
}

interface Question {
  readonly answered: (value: unknown) => void
  readonly failed: (reason: unknown) => void
}

function startThread(): DigestThread {
  const worker = new Worker(THREAD_FILE, { execArgv: [], argv: [], env: {} })
  // A thread that waits for work does not keep the process running.
  worker.unref()
  const questions = new Map<number, Question>()
  const streams = new Set<number>()
  let count = 0
  let failure: unknown = null
  const fail = (reason: unknown): void => {
    failure ??= reason
    for (const { failed } of questions.values()) failed(failure)
    questions.clear()
  }
  worker.on('message', ({ id, value }: { readonly id: number; readonly value: unknown }) => {
    questions.get(id)?.answered(value)
    questions.delete(id)
  })
  worker.on('error', fail)
  worker.on('exit', () => fail(new Error('Cannot compute a digest: its thread has ended')))
  const ask = (message: Readonly<Record<string, unknown>>): Promise<unknown> => {
    if (failure !== null) return Promise.reject(failure)
    count += 1
    const id = count
    worker.postMessage({ ...message, id })
    return new Promise((answered, failed) => questions.set(id, { answered, failed }))
  }
  return {
    open: (algorithm) => {
      count += 1
      const stream = count
      streams.add(stream)
      return {
        update: async ({ memory }, lengthBytes) => {
          await ask({ stream, algorithm, piece: memory, lengthBytes })
        },
        end: async () => {
          streams.delete(stream)
          return digestFrom(await ask({ stream, algorithm, ends: true }))
        },
        drop: () => {
          streams.delete(stream)
          worker.postMessage({ stream, drops: true })
        },
      }
    },
    load: () => streams.size,
    usable: () => failure === null,
    close: async () => {
      await worker.terminate()
    },
  }
}

function digestFrom(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new Error('Cannot read the digest that a thread computed')
}
