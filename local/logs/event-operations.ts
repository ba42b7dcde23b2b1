/** Putting, reading and searching log events. */
import type { Input } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Operation } from '../service.ts'
import { type LogsContext, nextToken, onGroup } from './context.ts'
import { compileFilter } from './filter-pattern.ts'
import type { StoredEvent } from './log-store.ts'

const MAX_EVENTS = 10_000
const TWO_HOURS_MILLIS = 7_200_000
const TWO_WEEKS_MILLIS = 14 * 86_400_000

/** PutLogEvents, GetLogEvents, FilterLogEvents. */
export function eventOperations(context: LogsContext): Record<string, Operation> {
  return {
    PutLogEvents: onGroup(context, 'PutLogEvents', (group, input) => putEvents(context, group, input)),
    GetLogEvents: onGroup(context, 'GetLogEvents', (group, input) => getEvents(context, group, input)),
    FilterLogEvents: onGroup(context, 'FilterLogEvents', (group, input) => filterEvents(context, group, input)),
  }
}

async function putEvents(context: LogsContext, group: string, input: Input): Promise<unknown> {
  const stream = context.logs.stream(group, input.text('logStreamName')).name
  const events = input
    .structures('logEvents')
    .map((event) => ({ timestamp: event.numberOr('timestamp', 0), message: event.text('message') }))
  if (events.length === 0 || events.length > MAX_EVENTS)
    throw new AwsError('InvalidParameterException', `1 to ${MAX_EVENTS} log events are put at once`)
  if (events.some(({ timestamp }, index) => timestamp < (events[index - 1]?.timestamp ?? 0)))
    throw new AwsError(
      'InvalidParameterException',
      'Log events in a single PutLogEvents request must be in chronological order.',
    )
  const now = context.clock.now().getTime()
  const isOld = ({ timestamp }: { timestamp: number }): boolean => timestamp < now - TWO_WEEKS_MILLIS
  const isNew = ({ timestamp }: { timestamp: number }): boolean => timestamp > now + TWO_HOURS_MILLIS
  const kept = events.filter((event) => !isOld(event) && !isNew(event))
  if (kept.length > 0) await context.logs.append(group, stream, kept)
  const old = events.filter(isOld).length
  const early = events.findIndex(isNew)
  const rejected = {
    ...(old === 0 ? {} : { tooOldLogEventEndIndex: old }),
    ...(early === -1 ? {} : { tooNewLogEventStartIndex: early }),
  }
  return Object.keys(rejected).length === 0 ? {} : { rejectedLogEventsInfo: rejected }
}

const within = (input: Input): readonly [number, number] => [
  input.numberOr('startTime', 0),
  input.numberOr('endTime', Number.MAX_SAFE_INTEGER),
]

/** A place in a stream: tokens of GetLogEvents go forward (`f/`) or backward (`b/`) from it, and never end. */
const placeToken = (direction: 'f' | 'b', { timestamp, sequence }: { timestamp: number; sequence: number }): string =>
  `${direction}/${timestamp}/${sequence}`

async function getEvents(context: LogsContext, group: string, input: Input): Promise<unknown> {
  await context.flushed()
  const stream = context.logs.stream(group, input.text('logStreamName')).name
  const all = [...context.logs.events(group, stream, ...within(input))]
  const limit = Math.min(input.numberOr('limit', MAX_EVENTS), MAX_EVENTS)
  const page = streamPage(all, input, limit)
  const [first, last] = [page.events[0] ?? page.place, page.events.at(-1) ?? page.place]
  return {
    events: page.events.map(({ timestamp, message, ingestionTime }) => ({ timestamp, message, ingestionTime })),
    nextForwardToken: placeToken('f', last),
    nextBackwardToken: placeToken('b', first),
  }
}

interface Place {
  readonly timestamp: number
  readonly sequence: number
}

const compare = (a: Place, b: Place): number => a.timestamp - b.timestamp || a.sequence - b.sequence

function streamPage(
  all: readonly StoredEvent[],
  input: Input,
  limit: number,
): { events: readonly StoredEvent[]; place: Place } {
  const token = input.textOr('nextToken', null)
  const start = { timestamp: 0, sequence: 0 }
  if (token === null) {
    const events = input.booleanOr('startFromHead', false) ? all.slice(0, limit) : all.slice(-limit)
    return { events, place: start }
  }
  const match = /^([fb])\/(\d+)\/(\d+)$/.exec(token)
  if (match === null) throw new AwsError('InvalidParameterException', 'The specified nextToken is invalid.')
  const place = { timestamp: Number(match[2]), sequence: Number(match[3]) }
  return match[1] === 'f'
    ? { events: all.filter((event) => compare(event, place) > 0).slice(0, limit), place }
    : { events: all.filter((event) => compare(event, place) < 0).slice(-limit), place }
}

async function filterEvents(context: LogsContext, group: string, input: Input): Promise<unknown> {
  await context.flushed()
  const accepts = compileFilter(input.textOr('filterPattern', ''))
  const names = input.list('logStreamNames').map(String)
  const prefix = input.textOr('logStreamNamePrefix', '')
  const found = context.logs
    .streams(group)
    .filter(({ name }) => name.startsWith(prefix) && (names.length === 0 || names.includes(name)))
    .flatMap(({ name }) => [...context.logs.events(group, name, ...within(input))])
    .filter(({ message }) => accepts(message))
    .sort(compare)
  const paging = { token: 'nextToken', limit: 'limit', size: MAX_EVENTS, invalidToken: 'InvalidParameterException' }
  const { page, next } = pageOf(found, input, paging)
  return {
    events: page.map(({ stream, timestamp, message, ingestionTime, sequence }) => ({
      logStreamName: stream,
      timestamp,
      message,
      ingestionTime,
      eventId: String(sequence).padStart(56, '0'),
    })),
    searchedLogStreams: [],
    ...nextToken(next),
  }
}
