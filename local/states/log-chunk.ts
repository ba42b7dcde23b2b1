import type { Json } from '../../core/json.ts'
import type { LogEntry } from './log.ts'
import type { StateType } from './machine.ts'

/**
 * Entries of a log as they are kept. Nearly all of a history is states entered and exited and iterations: these are rows,
 * and what one state hands to the next is kept once. Other entries stay as they are.
 */
export interface LogChunk {
  readonly payloads: readonly Json[]
  readonly rows: readonly (Row | LogEntry)[]
}

/** Position in `payloads`. */
type Payload = number
type Place = readonly [id: number, prev: number, at: number, thread: number]
type Row =
  | readonly ['entered', ...Place, stateType: StateType, name: string, input: Payload]
  | readonly [
      'exited',
      ...Place,
      stateType: StateType,
      name: string,
      output: Payload,
      assigned: Readonly<Record<string, Json>> | null,
      next: string | null,
    ]
  | readonly ['begun', ...Place, index: number, name: string, input: Payload]
  | readonly ['ended', ...Place, index: number, name: string]

export function packEntries(entries: readonly LogEntry[]): LogChunk {
  const payloads: Json[] = []
  const positions = new Map<Json, Payload>()
  const keep = (payload: Json): Payload => {
    const known = positions.get(payload)
    if (known !== undefined) return known
    const position = payloads.push(payload) - 1
    positions.set(payload, position)
    return position
  }
  return { rows: entries.map((entry) => packEntry(entry, keep)), payloads }
}

function packEntry(entry: LogEntry, keep: (payload: Json) => Payload): Row | LogEntry {
  const { id, prev, at, thread } = entry
  switch (entry.type) {
    case 'StateEntered':
      return ['entered', id, prev, at, thread, entry.stateType, entry.name, keep(entry.input)]
    case 'StateExited': {
      const { stateType, name, output, assigned, next } = entry
      return ['exited', id, prev, at, thread, stateType, name, keep(output), assigned, next]
    }
    case 'MapIterationStarted':
      return ['begun', id, prev, at, thread, entry.index, entry.name, keep(entry.input)]
    case 'MapIterationSucceeded':
      return ['ended', id, prev, at, thread, entry.index, entry.name]
    default:
      return entry
  }
}

/** The entries of a chunk, which may be from before chunks were packed. */
export const unpackEntries = (chunk: LogChunk | readonly LogEntry[]): readonly LogEntry[] =>
  'rows' in chunk ? chunk.rows.map((row) => (isRow(row) ? unpackRow(row, chunk.payloads) : row)) : chunk

const isRow = (row: Row | LogEntry): row is Row => Array.isArray(row)

function unpackRow(row: Row, payloads: readonly Json[]): LogEntry {
  const [kind, id, prev, at, thread] = row
  const place = { id, prev, at, thread }
  switch (kind) {
    case 'entered':
      return { type: 'StateEntered', stateType: row[5], name: row[6], input: payloadAt(payloads, row[7]), ...place }
    case 'exited': {
      const [, , , , , stateType, name, output, assigned, next] = row
      return { type: 'StateExited', stateType, name, output: payloadAt(payloads, output), assigned, next, ...place }
    }
    case 'begun':
      return { type: 'MapIterationStarted', index: row[5], name: row[6], input: payloadAt(payloads, row[7]), ...place }
    case 'ended':
      return { type: 'MapIterationSucceeded', index: row[5], name: row[6], ...place }
  }
}

function payloadAt(payloads: readonly Json[], position: Payload): Json {
  const payload = payloads[position]
  if (payload === undefined) throw new Error(`The log names payload ${position} of ${payloads.length}`)
  return payload
}
