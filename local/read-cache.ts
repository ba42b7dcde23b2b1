import type { Collection } from './service.ts'

/**
 * What was read of collections that are read much and written seldom, e.g. the machine at each start of an execution.
 * While anything is being written nothing is remembered, so that no reader gets what is not on disk or no longer is.
 */
export class ReadCache {
  readonly #caches: Map<string, unknown>[] = []
  #writing = 0

  /** The collection, whose reads by key are remembered. In a transaction it is written by `during` only. */
  over<V>(collection: Collection<V>): Collection<V> {
    const known = new Map<string, V>()
    this.#caches.push(known)
    return {
      get: (key) => {
        const name = key.join('\n')
        const value = known.get(name) ?? collection.get(key)
        if (value !== undefined && this.#writing === 0) known.set(name, value)
        return value
      },
      range: (prefix, options) => collection.range(prefix, options),
      put: (key, value) => this.during(() => collection.put(key, value)),
      remove: (key) => this.during(() => collection.remove(key)),
    }
  }

  /** Forgets everything before and after a write, and remembers nothing meanwhile. */
  async during<T>(write: () => Promise<T>): Promise<T> {
    this.#writing += 1
    this.#forget()
    try {
      return await write()
    } finally {
      this.#forget()
      this.#writing -= 1
    }
  }

  #forget(): void {
    for (const known of this.#caches) known.clear()
  }
}
