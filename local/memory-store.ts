/** A `Store` in memory, for tests and for state that a start makes anew: same order, same atomicity, no disk. */

import type { Collection, Store } from './service.ts'

type Tuple = readonly (string | number)[]
interface Entry {
  readonly key: (string | number)[]
  readonly value: unknown
}

/** An empty store; `close` forgets it. */
export function memoryStore(): Store {
  const collections = new Map<string, Entry[]>()
  let undo: (() => void)[] | null = null
  const entriesOf = (name: string): Entry[] => {
    const known = collections.get(name)
    if (known !== undefined) return known
    const made: Entry[] = []
    collections.set(name, made)
    return made
  }
  const replace = (entries: Entry[], key: Tuple, entry: Entry | null): void => {
    const { index, found } = search(entries, key)
    const former = found ? entries[index] : undefined
    entries.splice(index, found ? 1 : 0, ...(entry === null ? [] : [entry]))
    undo?.push(() => replace(entries, key, former ?? null))
  }
  return {
    collection: <V>(name: string) => memoryCollection<V>(entriesOf(name), replace),
    transaction: async (work) => {
      await Promise.resolve()
      const steps: (() => void)[] = []
      undo = steps
      try {
        return work()
      } catch (thrown) {
        undo = null
        for (const step of steps.reverse()) step()
        throw thrown
      } finally {
        undo = null
      }
    },
    close: async () => collections.clear(),
  }
}

function memoryCollection<V>(
  entries: Entry[],
  replace: (entries: Entry[], key: Tuple, entry: Entry | null) => void,
): Collection<V> {
  return {
    get: (key) => {
      const { index, found } = search(entries, key)
      return found ? (structuredClone(entries[index]?.value) as V) : undefined
    },
    *range(prefix, options = {}) {
      const within = entries.filter(({ key }) => startsWith(key, prefix))
      if (options.reverse === true) within.reverse()
      const { after } = options
      const direction = options.reverse === true ? -1 : 1
      const left = after === undefined ? within : within.filter(({ key }) => compareKeys(key, after) * direction > 0)
      for (const { key, value } of left.slice(0, options.limit)) {
        yield { key: [...key], value: structuredClone(value) as V }
      }
    },
    put: async (key, value) => replace(entries, key, { key: [...key], value: structuredClone(value) }),
    remove: async (key) => replace(entries, key, null),
  }
}

const startsWith = (key: Tuple, prefix: Tuple): boolean => prefix.every((part, index) => key[index] === part)

function search(entries: readonly Entry[], key: Tuple): { index: number; found: boolean } {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareKeys(entries[middle]?.key ?? [], key)
    if (order === 0) return { index: middle, found: true }
    if (order < 0) low = middle + 1
    else high = middle
  }
  return { index: low, found: false }
}

/** Part by part: numbers before texts, texts by their UTF-8 bytes, a prefix before what it begins. */
export function compareKeys(a: Tuple, b: Tuple): number {
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const order = compareParts(a[index] ?? 0, b[index] ?? 0)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareParts(a: string | number, b: string | number): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1
  return typeof b === 'number' ? 1 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}
