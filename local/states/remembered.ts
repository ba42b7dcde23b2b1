import type { Collection } from '../service.ts'

/**
 * What was read of collections that are read much and written seldom, e.g. the machine at each start of an execution.
 * While anything is being written nothing is remembered, so that no reader gets what is not on disk or no longer is.
 */
export class Memory {
  readonly #known = new Map<string, unknown>()
  #writing = 0

  /** The collection, whose reads by key are remembered. In a transaction it is written by `during` only. */
  over<V>(name: string, collection: Collection<V>): Collection<V> {
    return {
      get: (key) => this.#read(`${name}\n${key.join('\n')}`, () => collection.get(key)),
      range: (prefix, options) => collection.range(prefix, options),
      put: (key, value) => this.during(() => collection.put(key, value)),
      remove: (key) => this.during(() => collection.remove(key)),
    }
  }

  /** Forgets everything before and after a write, and remembers nothing meanwhile. */
  async during<T>(write: () => Promise<T>): Promise<T> {
    this.#writing += 1
    this.#known.clear()
    try {
      return await write()
    } finally {
      this.#known.clear()
      this.#writing -= 1
    }
  }

  #read<V>(name: string, read: () => V | undefined): V | undefined {
    // The name fixes the type: one collection wrote it.
    const known = this.#known.get(name) as V | undefined
    if (known !== undefined) return known
    const value = read()
    if (value !== undefined && this.#writing === 0) this.#known.set(name, value)
    return value
  }
}
