import type { Collection, Store } from '../../../local/service.ts'

/** A store that takes a number of commits after `arm` and then none, as if the process had been killed. */
export interface CrashingStore extends Store {
  arm(lives: number): void
  /** Resolves at the crash. */
  readonly crashed: Promise<void>
}

export function crashingStore(store: Store): CrashingStore {
  let lives = Number.POSITIVE_INFINITY
  let dead = false
  let inside = false
  let crash: () => void = () => undefined
  const crashed = new Promise<void>((resolve) => {
    crash = resolve
  })
  const killed = (): Promise<never> => Promise.reject(new Error('killed'))
  return {
    crashed,
    arm(count) {
      lives = count
    },
    transaction(work) {
      lives -= 1
      if (lives >= 0)
        return store.transaction(() => {
          inside = true
          try {
            return work()
          } finally {
            inside = false
          }
        })
      dead = true
      crash()
      return killed()
    },
    close: () => store.close(),
    collection<V>(name: string): Collection<V> {
      const inner = store.collection<V>(name)
      return {
        get: (key) => inner.get(key),
        range: (prefix, options) => inner.range(prefix, options),
        put: (key, value) => (dead && !inside ? killed() : inner.put(key, value)),
        remove: (key) => (dead && !inside ? killed() : inner.remove(key)),
      }
    },
  }
}
