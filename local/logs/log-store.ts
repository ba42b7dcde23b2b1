/** Log groups, their streams and events in the store. */
import { AwsError, type Clock, type Store } from '../service.ts'

export interface LogGroup {
  readonly name: string
  readonly createdAtMillis: number
  /** `null`: kept for ever. */
  readonly retentionDays: number | null
}

export interface LogStream {
  readonly name: string
  readonly createdAtMillis: number
  readonly firstEventMillis: number | null
  readonly lastEventMillis: number | null
  readonly lastIngestionMillis: number | null
  readonly storedBytes: number
}

export interface LogEvent {
  readonly timestamp: number
  readonly message: string
  readonly ingestionTime: number
}

/** An event with where it lies. */
export interface StoredEvent extends LogEvent {
  readonly stream: string
  /** Counts within the stream. */
  readonly sequence: number
}

export interface LogStore {
  groups(): readonly LogGroup[]
  /** @throws AwsError `ResourceNotFoundException` */
  group(name: string): LogGroup
  /** Makes a group, or changes how long it keeps events. */
  putGroup(name: string, retentionDays: number | null): Promise<void>
  removeGroup(name: string): Promise<void>
  streams(group: string): readonly LogStream[]
  /** @throws AwsError `ResourceNotFoundException` */
  stream(group: string, name: string): LogStream
  hasStream(group: string, name: string): boolean
  putStream(group: string, name: string): Promise<void>
  removeStream(group: string, name: string): Promise<void>
  /** Adds events, making group and stream where they are missing. */
  append(group: string, stream: string, events: readonly Omit<LogEvent, 'ingestionTime'>[]): Promise<void>
  /** Events of a stream within a time (end exclusive), oldest first. */
  events(group: string, stream: string, fromMillis: number, toMillis: number): Iterable<StoredEvent>
  /** Drops events that are older than their group keeps them. */
  expire(): Promise<void>
}

const DAY_MILLIS = 86_400_000

export function openLogStore(store: Store, clock: Clock): LogStore {
  const groups = store.collection<LogGroup>('logs.groups')
  const streams = store.collection<LogStream>('logs.streams')
  /** Group, stream, time, sequence. */
  const events = store.collection<LogEvent>('logs.events')
  const counters = store.collection<number>('logs.counters')
  const now = (): number => clock.now().getTime()

  const groupNamed = (name: string): LogGroup => {
    const found = groups.get([name])
    if (found !== undefined) return found
    throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.')
  }
  const makeGroup = (name: string, retentionDays: number | null): void => {
    const former = groups.get([name])
    void groups.put([name], { name, createdAtMillis: former?.createdAtMillis ?? now(), retentionDays })
  }
  const makeStream = (group: string, name: string): LogStream => {
    const made: LogStream = {
      name,
      createdAtMillis: now(),
      firstEventMillis: null,
      lastEventMillis: null,
      lastIngestionMillis: null,
      storedBytes: 0,
    }
    void streams.put([group, name], made)
    return made
  }
  const dropStream = (group: string, name: string): void => {
    for (const { key } of [...events.range([group, name])]) void events.remove(key)
    void streams.remove([group, name])
  }
  const olderThan = (group: string, stream: string, oldestMillis: number): (string | number)[][] => {
    const keys: (string | number)[][] = []
    for (const { key } of events.range([group, stream])) {
      if (Number(key[2]) >= oldestMillis) break
      keys.push(key)
    }
    return keys
  }
  return {
    groups: () => [...groups.range([])].map(({ value }) => value),
    group: groupNamed,
    putGroup: (name, retentionDays) => store.transaction(() => makeGroup(name, retentionDays)),
    removeGroup: (name) =>
      store.transaction(() => {
        for (const { key } of [...streams.range([name])]) dropStream(name, String(key[1]))
        void groups.remove([name])
      }),
    streams: (group) => [...streams.range([groupNamed(group).name])].map(({ value }) => value),
    stream: (group, name) => {
      const found = streams.get([groupNamed(group).name, name])
      if (found !== undefined) return found
      throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.')
    },
    hasStream: (group, name) => streams.get([group, name]) !== undefined,
    putStream: (group, name) => store.transaction(() => void makeStream(group, name)),
    removeStream: (group, name) => store.transaction(() => dropStream(group, name)),
    append: (group, name, added) =>
      store.transaction(() => {
        if (groups.get([group]) === undefined) makeGroup(group, null)
        const stream = streams.get([group, name]) ?? makeStream(group, name)
        const ingestionTime = now()
        let sequence = counters.get(['sequence']) ?? 0
        for (const { timestamp, message } of added) {
          sequence += 1
          void events.put([group, name, timestamp, sequence], { timestamp, message, ingestionTime })
        }
        void counters.put(['sequence'], sequence)
        void streams.put([group, name], grown(stream, added, ingestionTime))
      }),
    *events(group, stream, fromMillis, toMillis) {
      const after = [group, stream, fromMillis - 1, Number.MAX_SAFE_INTEGER]
      for (const { key, value } of events.range([group, stream], { after })) {
        if (value.timestamp >= toMillis) return
        yield { ...value, stream, sequence: Number(key[3]) }
      }
    },
    expire: () =>
      store.transaction(() => {
        for (const { value: group } of groups.range([])) {
          if (group.retentionDays === null) continue
          const oldest = now() - group.retentionDays * DAY_MILLIS
          for (const { value: stream } of streams.range([group.name])) {
            for (const key of olderThan(group.name, stream.name, oldest)) void events.remove(key)
          }
        }
      }),
  }
}

/** What CloudWatch adds to an event's size. */
const EVENT_OVERHEAD_BYTES = 26

function grown(
  stream: LogStream,
  added: readonly Omit<LogEvent, 'ingestionTime'>[],
  lastIngestionMillis: number,
): LogStream {
  const times = added.map(({ timestamp }) => timestamp)
  const known = [stream.firstEventMillis, stream.lastEventMillis].filter((time) => time !== null)
  const sizes = added.map(({ message }) => Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES)
  return {
    ...stream,
    firstEventMillis: Math.min(...times, ...known),
    lastEventMillis: Math.max(...times, ...known),
    lastIngestionMillis,
    storedBytes: stream.storedBytes + sizes.reduce((sum, size) => sum + size, 0),
  }
}
