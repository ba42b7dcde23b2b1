import type { ExecutionRecord } from '../../local/states/execution-store.ts'
import type { LogEntry } from '../../local/states/log.ts'
import { type LogChunk, unpackEntries } from '../../local/states/log-chunk.ts'
import { openStoreReader, type StoreReader } from '../../local/store.ts'
import { LANDED } from './kill-files.ts'

/** One event of a history, as far as it must not change any more. */
export interface DurableEvent {
  readonly id: number
  readonly prev: number
  readonly atMillis: number
}

/** The logs of executions as they are on disk, read beside the runtime that writes them. */
export interface LogWatch {
  /** Resolves as soon as the entry of the state is on disk, or the end of the execution. */
  entered(executionArn: string, state: string): Promise<void>
  /** The state that the log ends in: `landed` before its start, `ended` after its end. */
  stateOf(executionArn: string): string
  eventsOf(executionArn: string): readonly DurableEvent[]
  close(): Promise<void>
}

const ended = (entry: LogEntry): boolean => /^Execution(?:Succeeded|Failed|Aborted|TimedOut)$/.test(entry.type)
const nextTurn = (): Promise<void> => new Promise((done) => setImmediate(done))

export function watchLogs(stateFolder: string): LogWatch {
  const reader: StoreReader = openStoreReader(stateFolder)
  const chunks = reader.collection<LogChunk>('states.log')
  const executions = reader.collection<ExecutionRecord>('states.executions')
  const entriesOf = (executionArn: string): readonly LogEntry[] => {
    reader.refresh()
    return [...chunks.range([executionArn])].flatMap(({ value }) => unpackEntries(value))
  }
  return {
    async entered(executionArn, state) {
      if (state === LANDED) return
      for (;;) {
        if (
          entriesOf(executionArn).some(
            (entry) => ended(entry) || (entry.type === 'StateEntered' && entry.name === state),
          )
        )
          return
        await nextTurn()
      }
    },
    stateOf(executionArn) {
      const entries = entriesOf(executionArn)
      if (executions.get([executionArn]) === undefined) return LANDED
      if (entries.some(ended)) return 'ended'
      const last = entries.findLast((entry) => entry.type === 'StateEntered')
      return last?.type === 'StateEntered' ? last.name : LANDED
    },
    eventsOf: (executionArn) =>
      entriesOf(executionArn)
        .filter(({ id }) => id > 0)
        .map(({ id, prev, at }) => ({ id, prev, atMillis: at })),
    close: () => reader.close(),
  }
}
