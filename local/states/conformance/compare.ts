import type { Json } from '../../../core/json.ts'
import type { ExpectedEvent, ExpectedExecution } from './case.ts'
import { differences } from './match.ts'

/** What an execution of a case came to, in the form of the case files. */
export interface ActualExecution {
  readonly status: string
  readonly output: Json | undefined
  readonly error: string | undefined
  readonly cause: string | undefined
  readonly events: readonly ActualEvent[]
}

export interface ActualEvent {
  readonly id: number
  readonly prev: number
  readonly type: string
  readonly details?: Json
}

/** How the execution differs from the recording, one text a difference. */
export function compareExecution(expected: ExpectedExecution, actual: ActualExecution): readonly string[] {
  const outcome = [
    ...differences(expected.status, actual.status, 'status'),
    ...optional(expected.output, actual.output, 'output'),
    ...optional(expected.error, actual.error, 'error'),
    ...optional(expected.cause, actual.cause, 'cause'),
  ]
  return expected.history === null ? outcome : [...outcome, ...compareEvents(expected, actual.events)]
}

function optional(expected: Json | undefined, actual: Json | undefined, at: string): readonly string[] {
  if (expected === undefined && actual === undefined) return []
  if (expected === undefined) return [`${at}: expected no such key, found ${JSON.stringify(actual)}`]
  return differences(expected, actual, at)
}

function compareEvents(expected: ExpectedExecution, actual: readonly ActualEvent[]): readonly string[] {
  const wanted = expected.events.map(({ type }) => type)
  if (wanted.length !== actual.length)
    return [`events: expected ${wanted.join(' ')}, found ${actual.map(({ type }) => type).join(' ')}`]
  if (expected.ordering === 'exact')
    return expected.events.flatMap((event, index) => compareEvent(event, actual[index], index + 1))
  return compareUnordered(expected.events, actual)
}

function compareEvent(expected: ExpectedEvent, actual: ActualEvent | undefined, place: number): readonly string[] {
  const at = `event ${place}`
  if (actual === undefined) return [`${at}: expected ${expected.type}, found nothing`]
  if (actual.type !== expected.type) return [`${at}: expected ${expected.type}, found ${actual.type}`]
  return [
    ...(expected.id === null ? [] : differences(expected.id, actual.id, `${at} id`)),
    ...(expected.prev === null ? [] : differences(expected.prev, actual.prev, `${at} previousEventId`)),
    ...differences(expected.details ?? {}, actual.details ?? {}, `${at} ${actual.type}`),
  ]
}

/** Events without an id come from branches of a Parallel state: they must be there, in any order. */
function compareUnordered(expected: readonly ExpectedEvent[], actual: readonly ActualEvent[]): readonly string[] {
  const ordered = expected.filter(({ id }) => id !== null)
  const left = actual.filter(({ id }) => !ordered.some((event) => event.id === id))
  const missing = expected
    .filter(({ id }) => id === null)
    .flatMap((event) => {
      const index = left.findIndex((candidate) => compareEvent(event, candidate, 0).length === 0)
      if (index >= 0) left.splice(index, 1)
      return index >= 0 ? [] : [`events: expected ${event.type} ${JSON.stringify(event.details ?? {})} in a branch`]
    })
  const exact = ordered.flatMap((event) =>
    compareEvent(
      event,
      actual.find(({ id }) => id === event.id),
      event.id ?? 0,
    ),
  )
  return [...exact, ...missing]
}
