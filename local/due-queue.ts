/** Durable work that is tried until it is done: deliveries of events, asynchronous invocations. */
import { messageOf } from '../core/errors.ts'
import type { Clock, Collection, Store } from './service.ts'

/** What is kept of one piece of work. */
export interface DueRecord<V> {
  readonly value: V
  /** Tries made so far. */
  readonly tries: number
  /** Epoch milliseconds. */
  readonly acceptedAtMillis: number
  readonly dueAtMillis: number
}

/** `again`: to be tried at `dueAt`, with `value` if it changed; `counted: false` where no try was made (throttling). */
export type Outcome<V> =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly dueAt: Date; readonly counted: boolean; readonly value?: V }

export interface DueQueue<V> {
  /** Resolves once the work is on disk: from then on it is tried at least once, over restarts too. */
  accept(values: readonly V[], dueAt?: Date): Promise<void>
  /** Takes up what an earlier process left. */
  resume(): void
  /** Resolves when nothing is being tried and nothing is due now; later retries may wait. */
  idle(): Promise<void>
  size(): number
  /** Ends the tries that run and starts no further one; what is not done stays on disk. */
  close(): Promise<void>
}

export interface DueQueueOptions<V> {
  readonly store: Store
  /** Name of the collection. */
  readonly name: string
  readonly clock: Clock
  readonly concurrency: number
  /** Must not throw for a failure of the work itself: a throw is logged and tried again a second later. */
  readonly attempt: (record: DueRecord<V>, signal: AbortSignal) => Promise<Outcome<V>>
  readonly log: (message: string) => void
}

const RETRY_OF_DEFECT_MILLIS = 1_000

/** Work is started in the order in which it became due. */
export function createDueQueue<V>(options: DueQueueOptions<V>): DueQueue<V> {
  const { clock, concurrency, log } = options
  const collection: Collection<DueRecord<V>> = options.store.collection(options.name)
  const waiting = new Map<string, DueRecord<V>>()
  const running = new Map<string, Promise<void>>()
  const closing = new AbortController()
  const idlers: (() => void)[] = []
  let alarm: { readonly atMillis: number; readonly cancel: AbortController } | null = null
  let sequence = 0

  const nextId = (nowMillis: number): string => {
    sequence += 1
    return `${String(nowMillis).padStart(15, '0')}-${String(sequence).padStart(9, '0')}`
  }

  const pump = (): void => {
    if (closing.signal.aborted) return
    const now = clock.now().getTime()
    for (const [id, record] of waiting) {
      if (running.size >= concurrency) break
      if (record.dueAtMillis > now) continue
      waiting.delete(id)
      running.set(id, run(id, record))
    }
    if (running.size === 0 && !hasDue(now)) for (const wake of idlers.splice(0)) wake()
    if (running.size < concurrency) setAlarm()
  }

  const hasDue = (now: number): boolean => [...waiting.values()].some((record) => record.dueAtMillis <= now)

  const run = async (id: string, record: DueRecord<V>): Promise<void> => {
    try {
      const outcome = await options.attempt(record, closing.signal)
      if (outcome.kind === 'done') await collection.remove([id])
      else await postpone(id, record, outcome)
    } catch (thrown) {
      log(`${options.name}: ${messageOf(thrown)}`)
      waiting.set(id, { ...record, dueAtMillis: clock.now().getTime() + RETRY_OF_DEFECT_MILLIS })
    } finally {
      running.delete(id)
      pump()
    }
  }

  const postpone = async (id: string, record: DueRecord<V>, outcome: Outcome<V> & { kind: 'again' }): Promise<void> => {
    const next = {
      ...record,
      value: outcome.value ?? record.value,
      tries: record.tries + (outcome.counted ? 1 : 0),
      dueAtMillis: outcome.dueAt.getTime(),
    }
    await collection.put([id], next)
    waiting.set(id, next)
  }

  const setAlarm = (): void => {
    let earliest = Number.POSITIVE_INFINITY
    for (const record of waiting.values()) earliest = Math.min(earliest, record.dueAtMillis)
    if (earliest === Number.POSITIVE_INFINITY || alarm?.atMillis === earliest) return
    alarm?.cancel.abort()
    const set = { atMillis: earliest, cancel: new AbortController() }
    alarm = set
    clock.sleepUntil(new Date(earliest), AbortSignal.any([set.cancel.signal, closing.signal])).then(
      () => {
        if (alarm === set) alarm = null
        pump()
      },
      () => {
        if (alarm === set) alarm = null
      },
    )
  }

  return {
    accept: async (values, dueAt) => {
      const now = clock.now().getTime()
      const records = values.map((value): [string, DueRecord<V>] => [
        nextId(now),
        { value, tries: 0, acceptedAtMillis: now, dueAtMillis: dueAt?.getTime() ?? now },
      ])
      await Promise.all(records.map(([id, record]) => collection.put([id], record)))
      for (const [id, record] of records) waiting.set(id, record)
      pump()
    },
    resume: () => {
      for (const { key, value } of collection.range([])) {
        const id = String(key[0])
        if (!running.has(id)) waiting.set(id, value)
      }
      pump()
    },
    idle: () => {
      if (running.size === 0 && !hasDue(clock.now().getTime())) return Promise.resolve()
      return new Promise((resolve) => idlers.push(resolve))
    },
    size: () => waiting.size + running.size,
    close: async () => {
      closing.abort()
      await Promise.allSettled(running.values())
    },
  }
}
