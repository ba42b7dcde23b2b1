import type { Collection, Store } from '../service.ts'
import type { ExecutionStatus } from './execution-state.ts'
import { inTransaction } from './in-transaction.ts'
import type { LogEntry } from './log.ts'
import { type LogChunk, packEntries, unpackEntries } from './log-chunk.ts'

/** What is kept of an execution beside its log. Times in epoch milliseconds. */
export interface ExecutionRecord {
  readonly arn: string
  readonly name: string
  /** Without version or alias. */
  readonly machineArn: string
  readonly machineName: string
  readonly versionArn: string | null
  readonly aliasArn: string | null
  /** Of a child execution of a distributed Map. */
  readonly mapRun: { readonly arn: string; readonly index: number } | null
  /** Hash of the definition it runs on, to its end. */
  readonly definition: string
  readonly roleArn: string
  readonly type: 'STANDARD' | 'EXPRESS'
  /** JSON text as it was given. */
  readonly input: string
  readonly traceHeader: string | null
  readonly status: ExecutionStatus
  readonly startedAt: number
  readonly stoppedAt: number | null
  readonly output: string | null
  readonly error: string | null
  readonly cause: string | null
  readonly redriveCount: number
  readonly redrivenAt: number | null
  /** `clientToken` of the last redrive, where it had one. */
  readonly redriveToken?: string | null
  readonly lastEventId: number
}

/** One line of a list of executions. */
export interface ExecutionListing {
  readonly arn: string
  readonly status: ExecutionStatus
}

/** Days that closed executions are kept. */
const RETENTION_MILLIS = 90 * 86_400_000

/** The collections of the service. The writers must be called inside `store.transaction`. */
export class ExecutionStore {
  readonly #executions: Collection<ExecutionRecord>
  /** Chunks of the log, one a commit, by number of the first entry. */
  readonly #log: Collection<LogChunk | readonly LogEntry[]>
  /** ARNs of what runs: all that a start has to read. */
  readonly #running: Collection<number>
  /** By machine, version, alias or Map Run; newest last. */
  readonly #lists: Collection<ExecutionListing>
  readonly #closed: Collection<number>

  constructor(store: Store) {
    this.#executions = store.collection('states.executions')
    this.#log = store.collection('states.log')
    this.#running = store.collection('states.running')
    this.#lists = store.collection('states.lists')
    this.#closed = store.collection('states.closed')
  }

  get(arn: string): ExecutionRecord | undefined {
    return this.#executions.get([arn])
  }

  *running(): Iterable<string> {
    for (const { key } of this.#running.range([])) yield String(key[0])
  }

  *log(arn: string): Iterable<LogEntry> {
    for (const { value } of this.#log.range([arn])) yield* unpackEntries(value)
  }

  /** Newest first. `owner`: ARN of a machine, version, alias or Map Run. */
  *list(owner: string, after?: readonly (string | number)[]) {
    yield* this.#lists.range([owner], { reverse: true, ...(after === undefined ? {} : { after }) })
  }

  putLog(arn: string, firstEntry: number, entries: readonly LogEntry[]): void {
    inTransaction(this.#log.put([arn, firstEntry], packEntries(entries)))
  }

  /** The record at the start or end of an execution, with what finds it. `isNew`: nothing of it is on disk yet. */
  putRecord(record: ExecutionRecord, isNew: boolean): void {
    const { arn, status, startedAt, stoppedAt, type, mapRun } = record
    if (type === 'EXPRESS' && mapRun === null) {
      this.#putExpress(record)
      return
    }
    inTransaction(this.#executions.put([arn], record))
    if (status === 'RUNNING') inTransaction(this.#running.put([arn], startedAt))
    else if (!isNew) inTransaction(this.#running.remove([arn]))
    if (stoppedAt !== null) inTransaction(this.#closed.put([stoppedAt, arn], 1))
    for (const owner of ownersOf(record)) inTransaction(this.#lists.put([owner, startedAt, arn], { arn, status }))
  }

  /** Of an Express execution only that it was started is kept, until it has ended. */
  #putExpress(record: ExecutionRecord): void {
    if (record.status === 'RUNNING') {
      inTransaction(this.#executions.put([record.arn], record))
      inTransaction(this.#running.put([record.arn], record.startedAt))
    } else {
      inTransaction(this.#executions.remove([record.arn]))
      inTransaction(this.#running.remove([record.arn]))
    }
  }

  reopen(record: ExecutionRecord, stoppedAt: number): void {
    inTransaction(this.#closed.remove([stoppedAt, record.arn]))
    this.putRecord(record, false)
  }

  /** Removes what closed more than 90 days before `now`; at most `limit` executions. */
  expire(now: number, limit: number): void {
    const due = [...this.#closed.range([], { limit })].filter(({ key }) => Number(key[0]) < now - RETENTION_MILLIS)
    for (const { key } of due) this.#remove(String(key[1]), key)
  }

  #remove(arn: string, closedKey: readonly (string | number)[]): void {
    const record = this.get(arn)
    inTransaction(this.#closed.remove(closedKey))
    if (record === undefined) return
    for (const { key } of [...this.#log.range([arn])]) inTransaction(this.#log.remove(key))
    for (const owner of ownersOf(record)) inTransaction(this.#lists.remove([owner, record.startedAt, arn]))
    inTransaction(this.#executions.remove([arn]))
  }
}

/** What the execution is listed under: its machine or Map Run, and the version and alias it was started by. */
export const ownersOf = ({ machineArn, versionArn, aliasArn, mapRun }: ExecutionRecord): readonly string[] =>
  [mapRun === null ? machineArn : mapRun.arn, versionArn, aliasArn].filter((owner) => owner !== null)
