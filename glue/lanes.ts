import type { Duckdb } from './duckdb.ts'

/**
 * Connections of one engine that work side by side, each on one item at a time. With one thread an engine, every connection
 * reads, computes and writes in order, and none waits for another.
 */
export class Lanes {
  readonly #free: Duckdb[]
  readonly #all: readonly Duckdb[]
  readonly #waiting: ((lane: Duckdb) => void)[] = []
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | null = null

  constructor(connections: readonly Duckdb[]) {
    this.#all = connections
    this.#free = [...connections]
  }

  /** Waits for a free lane and starts the work on it. @throws what earlier work threw */
  async start(work: (lane: Duckdb) => Promise<void>): Promise<void> {
    const lane = this.#free.pop() ?? (await new Promise<Duckdb>((resolve) => this.#waiting.push(resolve)))
    if (this.#failure !== null) {
      this.#release(lane)
      throw this.#failure.error
    }
    const running: Promise<void> = work(lane)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#running.delete(running)
        this.#release(lane)
      })
    this.#running.add(running)
  }

  /** Waits until all started work has ended. @throws what the first of it threw */
  async end(): Promise<void> {
    await Promise.all(this.#running)
    if (this.#failure !== null) throw this.#failure.error
  }

  /** Waits for started work, whatever became of it, and closes the connections. */
  async close(): Promise<void> {
    await Promise.all(this.#running)
    for (const lane of this.#all) lane.close()
  }

  #release(lane: Duckdb): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free.push(lane)
    else next(lane)
  }
}
