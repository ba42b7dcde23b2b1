import { messageOf } from '../../core/errors.ts'
import type { Collection, Store } from '../service.ts'
import { inTransaction } from './in-transaction.ts'
import type { StatusEvent } from './status-event.ts'

/** Status events that are on disk with the change they tell of, and delivered at least once. */
export class StatusOutbox {
  readonly #events: Collection<StatusEvent>
  readonly #emit: (event: StatusEvent) => Promise<void>
  readonly #log: (message: string) => void
  #waiting: StatusEvent[] = []
  readonly #sending = new Set<Promise<void>>()
  #closed = false

  constructor(store: Store, emit: (event: StatusEvent) => Promise<void>, log: (message: string) => void) {
    this.#events = store.collection('states.outbox')
    this.#emit = emit
    this.#log = log
  }

  /** Inside the transaction that records the change. */
  put(event: StatusEvent): void {
    inTransaction(this.#events.put([event.id], event))
    this.#waiting.push(event)
  }

  /** After a transaction is on disk. */
  flush(): void {
    const events = this.#waiting
    this.#waiting = []
    if (this.#closed) return
    for (const event of events) this.#send(event)
  }

  /** Sends what an earlier process did not get to send. */
  resume(): void {
    for (const { value } of [...this.#events.range([])]) this.#send(value)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#sending)
  }

  #send(event: StatusEvent): void {
    const sending = this.#emit(event)
      .then(() => this.#events.remove([event.id]))
      .catch((thrown: unknown) => this.#log(`Cannot emit the status of ${event.resources[0]}: ${messageOf(thrown)}`))
      .finally(() => this.#sending.delete(sending))
    this.#sending.add(sending)
  }
}
