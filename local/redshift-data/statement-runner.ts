import { messageOf } from '../../core/errors.ts'
import type { StatementOutcome, WarehouseEngine } from '../engines/warehouse/engine.ts'
import type { Field } from '../engines/warehouse/result.ts'
import type { Clock, Collection, Store } from '../service.ts'
import { ended, isOver, type StatementRecord, type StatementStatus } from './statement-record.ts'

const HOUR_MILLIS = 3_600_000
/** For so long a client token answers with the statement it first named. */
const TOKEN_MILLIS = 8 * HOUR_MILLIS
/** For so long statements and results are kept. */
const KEEP_MILLIS = 24 * HOUR_MILLIS

const SETTLED_AT_ONCE = 200

export type Page = readonly (readonly Field[])[]

interface TokenRecord {
  readonly id: string
  readonly expiresAtMillis: number
}

export interface StatementRunnerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly engine: Promise<WarehouseEngine>
  /** Tells of the end of a statement sent `WithEvent`. */
  readonly announce: (record: StatementRecord) => Promise<void>
  readonly log: (message: string) => void
}

/** Statements: accepted durably, run once, kept for a day. */
export interface StatementRunner {
  /** Resolves once the statement is on disk; with a known token, with the statement that had it first. */
  submit(record: StatementRecord, clientToken: string | null): Promise<StatementRecord>
  find(id: string): StatementRecord | null
  list(): Iterable<StatementRecord>
  page(id: string, subStatement: number, page: number): Page | null
  /** Resolves when the statement is over, or at `until`. */
  wait(id: string, until: Date, signal: AbortSignal): Promise<void>
  cancel(id: string): Promise<boolean>
  active(): number
  /** Ends what an earlier process began: what committed is finished, the rest runs again. */
  resume(): Promise<void>
  close(): Promise<void>
}

export function createStatementRunner(options: StatementRunnerOptions): StatementRunner {
  const { store, clock, log } = options
  const records: Collection<StatementRecord> = store.collection('redshift-data.statements')
  const tokens: Collection<TokenRecord> = store.collection('redshift-data.tokens')
  const times: Collection<string> = store.collection('redshift-data.times')
  const results: Collection<Page> = store.collection('redshift-data.results')
  const running = new Map<string, { readonly done: Promise<void>; status: StatementStatus }>()
  const settled: string[] = []
  let nextQueryId = clock.now().getTime()

  const overlay = (record: StatementRecord): StatementRecord => {
    const status = running.get(record.id)?.status
    return status === undefined || isOver(record) ? record : { ...record, status }
  }

  const finish = async (record: StatementRecord, outcomes: readonly StatementOutcome[]): Promise<void> => {
    const done = ended(record, outcomes, clock.now().getTime(), nextQueryId)
    nextQueryId += outcomes.length
    await store.transaction(() => {
      void records.put([record.id], done)
      outcomes.forEach(({ result }, index) => {
        result?.pages.forEach((page, number) => {
          void results.put([record.id, index, number], page)
        })
      })
    })
    if (record.withEvent) await options.announce(done)
  }

  /** The engine's record of a commit is needed no more; many are forgotten with one write. */
  const forgetCommitted = async (engine: WarehouseEngine, ids: readonly string[]): Promise<void> => {
    settled.push(...ids)
    if (settled.length >= SETTLED_AT_ONCE) await engine.forgetCommitted(settled.splice(0))
  }

  const run = async (record: StatementRecord, done: readonly StatementOutcome[]): Promise<void> => {
    const engine = await options.engine
    const entry = running.get(record.id)
    if (entry !== undefined) entry.status = 'STARTED'
    const sqls = record.subStatements.map(({ sql }) => sql)
    const { id, dbUser: user, mode } = record
    await finish(record, await engine.execute({ id, sqls, user, mode, done }))
    await forgetCommitted(engine, [id])
  }

  const start = (record: StatementRecord, done: readonly StatementOutcome[]): void => {
    const work = run(record, done)
      .catch((thrown: unknown) => log(`redshift-data: statement ${record.id}: ${messageOf(thrown)}`))
      .finally(() => running.delete(record.id))
    running.set(record.id, { done: work, status: 'SUBMITTED' })
  }

  const forgetOld = async (): Promise<void> => {
    const before = clock.now().getTime() - KEEP_MILLIS
    const old = [...times.range([])].filter(({ key }) => Number(key[0]) < before).slice(0, 1_000)
    if (old.length === 0) return
    await store.transaction(() => {
      for (const { key, value: id } of old) {
        for (const page of results.range([id])) void results.remove([id, ...page.key.slice(1)])
        void records.remove([id])
        void times.remove(key)
      }
    })
  }

  return {
    async submit(record, clientToken) {
      const token = clientToken === null ? null : [record.owner, clientToken]
      const accepted = await store.transaction(() => {
        const known = token === null ? undefined : tokens.get(token)
        const first = known === undefined ? undefined : records.get([known.id])
        if (first !== undefined && known !== undefined && known.expiresAtMillis > record.createdAtMillis) return first
        void records.put([record.id], record)
        void times.put([record.createdAtMillis, record.id], record.id)
        if (token !== null)
          void tokens.put(token, { id: record.id, expiresAtMillis: record.createdAtMillis + TOKEN_MILLIS })
        return record
      })
      if (accepted.id === record.id) start(record, [])
      return overlay(accepted)
    },
    find(id) {
      const record = records.get([id])
      return record === undefined ? null : overlay(record)
    },
    *list() {
      for (const { value: id } of times.range([], { reverse: true })) {
        const record = records.get([id])
        if (record !== undefined) yield overlay(record)
      }
    },
    page: (id, subStatement, page) => results.get([id, subStatement, page]) ?? null,
    async wait(id, until, signal) {
      const entry = running.get(id)
      if (entry === undefined) return
      const timer = new AbortController()
      const late = clock.sleepUntil(until, AbortSignal.any([signal, timer.signal])).catch(() => undefined)
      await Promise.race([entry.done, late])
      timer.abort()
    },
    async cancel(id) {
      return (await options.engine).cancel(id)
    },
    active: () => running.size,
    async resume() {
      await forgetOld()
      const engine = await options.engine
      for (const { value: record } of [...records.range([])]) {
        if (isOver(record) || running.has(record.id)) continue
        const outcomes = (await engine.committed(record.id)) ?? []
        if (outcomes.length < record.subStatements.length) start(record, outcomes)
        else await finish(record, outcomes)
      }
    },
    async close() {
      await Promise.all([...running.values()].map(({ done }) => done))
    },
  }
}
