/** Archives keep the events of a bus; a replay sends them to its rules again. */
import { messageOf } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { AwsError, type Clock, type Store } from '../service.ts'
import type { EventEnvelope } from './input-transform.ts'
import { compilePattern, type EventMatcher } from './pattern.ts'

export interface ArchiveRecord {
  readonly name: string
  readonly arn: string
  readonly busName: string
  readonly description: string
  readonly eventPattern: JsonObject | null
  /** 0: for ever. */
  readonly retentionDays: number
  readonly createdAtMillis: number
  readonly eventCount: number
  readonly sizeBytes: number
}

export type ReplayState = 'STARTING' | 'RUNNING' | 'CANCELLING' | 'COMPLETED' | 'CANCELLED' | 'FAILED'

export interface ReplayRecord {
  readonly name: string
  readonly arn: string
  readonly archiveName: string
  readonly busName: string
  readonly description: string
  /** Rules that get the events; all of the bus where there are none. */
  readonly ruleArns: readonly string[]
  readonly fromMillis: number
  readonly toMillis: number
  readonly state: ReplayState
  readonly stateReason: string
  readonly startedAtMillis: number
  readonly endedAtMillis: number | null
  readonly lastEventMillis: number | null
}

export interface Archives {
  all(): readonly ArchiveRecord[]
  /** @throws AwsError `ResourceNotFoundException` */
  get(name: string): ArchiveRecord
  find(name: string): ArchiveRecord | undefined
  put(archive: ArchiveRecord): Promise<void>
  /** With its events. */
  remove(name: string): Promise<void>
  /** Whether any archive of the bus would keep the event. */
  wants(busName: string, event: EventEnvelope): boolean
  /** Keeps an event in every archive of its bus that wants it; resolves once it is on disk. */
  keep(busName: string, event: EventEnvelope): Promise<void>
  replays(): readonly ReplayRecord[]
  /** @throws AwsError `ResourceNotFoundException` */
  replay(name: string): ReplayRecord
  /** Begins to send; answers once that is on disk. */
  start(replay: ReplayRecord): Promise<void>
  cancel(name: string): Promise<ReplayRecord>
  /** Takes up replays that an earlier process left. */
  resume(): void
  close(): Promise<void>
}

export interface ArchiveOptions {
  readonly store: Store
  readonly clock: Clock
  /** Sends an event to these rules of a bus, or to all. */
  readonly send: (busName: string, event: EventEnvelope, ruleArns: readonly string[]) => Promise<void>
  readonly log: (message: string) => void
}

/** Which events an archive takes. */
interface Filter {
  readonly busName: string
  readonly matches: EventMatcher
}

const DAY_MILLIS = 86_400_000
/** Events that a replay holds at a time. */
const BATCH = 500
/** Sorts after every sequence. */
const AFTER_ALL = Number.MAX_SAFE_INTEGER

export function createArchives({ store, clock, send, log }: ArchiveOptions): Archives {
  const archives = store.collection<ArchiveRecord>('events.archives')
  /** Archive, time of the event, sequence. */
  const events = store.collection<EventEnvelope>('events.archived')
  const counters = store.collection<number>('events.archive-counters')
  const replays = store.collection<ReplayRecord>('events.replays')
  /** By name, held in memory: each event that a service emits is asked about. */
  const filters = new Map<string, Filter>()
  const running = new Map<string, Promise<void>>()
  let closed = false
  const now = (): number => clock.now().getTime()

  const all = (): ArchiveRecord[] => [...archives.range([])].map(({ value }) => value)
  const hold = ({ name, busName, eventPattern }: ArchiveRecord): void =>
    void filters.set(name, { busName, matches: eventPattern === null ? () => true : compilePattern(eventPattern) })
  for (const archive of all()) hold(archive)
  const required = <T>(found: T | undefined, what: string): T => {
    if (found !== undefined) return found
    throw new AwsError('ResourceNotFoundException', `${what} does not exist.`)
  }
  const replayNamed = (name: string): ReplayRecord => required(replays.get([name]), `Replay ${name}`)
  const dropExpired = ({ name, retentionDays }: ArchiveRecord): void => {
    if (retentionDays === 0) return
    for (const { key } of [...events.range([name], { limit: 100 })]) {
      if (Number(key[1]) >= now() - retentionDays * DAY_MILLIS) return
      void events.remove(key)
    }
  }

  const run = async (name: string): Promise<void> => {
    const began = replayNamed(name)
    await replays.put([name], { ...began, state: 'RUNNING' })
    try {
      // Taken up again, it sends what it sent last once more.
      let after: (string | number)[] = [
        began.archiveName,
        Math.max(began.fromMillis, began.lastEventMillis ?? 0) - 1,
        AFTER_ALL,
      ]
      for (;;) {
        const batch = [...events.range([began.archiveName], { after, limit: BATCH })]
        const wanted = batch.filter(({ key }) => Number(key[1]) <= began.toMillis)
        for (const { key, value: event } of wanted) {
          if (closed) return
          if (replayNamed(name).state === 'CANCELLING') break
          await send(began.busName, { ...event, 'replay-name': name }, began.ruleArns)
          await replays.put([name], { ...replayNamed(name), lastEventMillis: Number(key[1]) })
        }
        const last = batch.at(-1)
        if (last === undefined || wanted.length < batch.length || replayNamed(name).state === 'CANCELLING') break
        after = last.key
      }
      const state = replayNamed(name).state === 'CANCELLING' ? 'CANCELLED' : 'COMPLETED'
      await replays.put([name], { ...replayNamed(name), state, endedAtMillis: now() })
    } catch (thrown) {
      log(`events: the replay ${name} failed: ${messageOf(thrown)}`)
      await replays.put([name], {
        ...replayNamed(name),
        state: 'FAILED',
        stateReason: messageOf(thrown),
        endedAtMillis: now(),
      })
    }
  }
  const begin = (name: string): void =>
    void running.set(
      name,
      run(name).finally(() => running.delete(name)),
    )

  const wantingOf = (busName: string, event: EventEnvelope): readonly string[] =>
    [...filters].flatMap(([name, filter]) => (filter.busName === busName && filter.matches(event) ? [name] : []))
  return {
    all,
    find: (name) => archives.get([name]),
    get: (name) => required(archives.get([name]), `Archive ${name}`),
    put: async (archive) => {
      await archives.put([archive.name], archive)
      hold(archive)
    },
    remove: async (name) => {
      await store.transaction(() => {
        for (const { key } of [...events.range([name])]) void events.remove(key)
        void archives.remove([name])
      })
      filters.delete(name)
    },
    wants: (busName, event) => wantingOf(busName, event).length > 0,
    keep: async (busName, event) => {
      const wanting = wantingOf(busName, event)
      if (wanting.length === 0) return
      const sizeBytes = Buffer.byteLength(JSON.stringify(event))
      await store.transaction(() => {
        const sequence = (counters.get(['sequence']) ?? 0) + 1
        void counters.put(['sequence'], sequence)
        for (const name of wanting) {
          const archive = archives.get([name])
          if (archive === undefined) continue
          void events.put([name, new Date(event.time).getTime(), sequence], event)
          void archives.put([name], {
            ...archive,
            eventCount: archive.eventCount + 1,
            sizeBytes: archive.sizeBytes + sizeBytes,
          })
          dropExpired(archive)
        }
      })
    },
    replays: () => [...replays.range([])].map(({ value }) => value),
    replay: replayNamed,
    start: async (replay) => {
      await replays.put([replay.name], replay)
      begin(replay.name)
    },
    cancel: async (name) => {
      const current = replayNamed(name)
      if (current.state !== 'RUNNING' && current.state !== 'STARTING')
        throw new AwsError('IllegalStatusException', `Replay ${name} is not in a valid state for this operation.`)
      const cancelling: ReplayRecord = { ...current, state: 'CANCELLING' }
      await replays.put([name], cancelling)
      return cancelling
    },
    resume: () => {
      for (const { value } of replays.range([]))
        if (['STARTING', 'RUNNING', 'CANCELLING'].includes(value.state)) begin(value.name)
    },
    close: async () => {
      closed = true
      await Promise.allSettled(running.values())
    },
  }
}
