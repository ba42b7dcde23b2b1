import type { Clock } from '../service.ts'

interface Entry {
  readonly key: string
  readonly at: number
}

/** Stale entries that are not worth a pass over the heap. */
const TOLERATED_STALE = 256

/** One alarm a key; the clock is asked for the earliest only, so a waiting execution costs one entry. */
export class Timers {
  readonly #clock: Clock
  readonly #fire: (key: string) => void
  readonly #due = new Map<string, number>()
  /** Binary heap; entries that `#due` no longer confirms are stale and skipped, and left out once they are the most. */
  #heap: Entry[] = []
  #alarm: { readonly at: number; readonly cancel: AbortController } | null = null
  #closed = false

  constructor(clock: Clock, fire: (key: string) => void) {
    this.#clock = clock
    this.#fire = fire
  }

  /** Sets or moves the alarm of a key; `null` removes it. `at` in epoch milliseconds. */
  set(key: string, at: number | null): void {
    if (this.#closed || this.#due.get(key) === (at ?? undefined)) return
    if (at === null) {
      this.#due.delete(key)
      return
    }
    this.#due.set(key, at)
    this.#push({ key, at })
    if (this.#heap.length > 2 * this.#due.size + TOLERATED_STALE) this.#leaveOutStale()
    this.#arm()
  }

  close(): void {
    this.#closed = true
    this.#alarm?.cancel.abort()
    this.#due.clear()
    this.#heap = []
  }

  /** An ended execution would otherwise be kept until its time-out were due. */
  #leaveOutStale(): void {
    // Sorted by time, entries are a heap.
    this.#heap = [...this.#due].map(([key, at]) => ({ key, at })).sort((left, right) => left.at - right.at)
  }

  #arm(): void {
    const first = this.#heap[0]
    if (first === undefined || (this.#alarm !== null && this.#alarm.at <= first.at)) return
    this.#alarm?.cancel.abort()
    const alarm = { at: first.at, cancel: new AbortController() }
    this.#alarm = alarm
    this.#clock.sleepUntil(new Date(first.at), alarm.cancel.signal).then(
      () => this.#ring(alarm),
      () => undefined,
    )
  }

  #ring(alarm: { readonly at: number }): void {
    if (this.#alarm !== alarm || this.#closed) return
    this.#alarm = null
    const now = Math.max(this.#clock.now().getTime(), alarm.at)
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#pop()
      if (this.#due.get(first.key) !== first.at) continue
      this.#due.delete(first.key)
      this.#fire(first.key)
    }
    this.#arm()
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let index = heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (at(heap, parent) <= entry.at) break
      swap(heap, index, parent)
      index = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    let index = 0
    for (;;) {
      const [left, right] = [2 * index + 1, 2 * index + 2]
      const smaller = at(heap, right) < at(heap, left) ? right : left
      if (at(heap, smaller) >= at(heap, index)) return
      swap(heap, index, smaller)
      index = smaller
    }
  }
}

const at = (heap: readonly Entry[], index: number): number => heap[index]?.at ?? Number.POSITIVE_INFINITY

function swap(heap: Entry[], a: number, b: number): void {
  const [first, second] = [heap[a], heap[b]]
  if (first === undefined || second === undefined) return
  heap[a] = second
  heap[b] = first
}
