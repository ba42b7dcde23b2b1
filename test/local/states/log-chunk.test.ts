import { expect, test } from '@jest/globals'
import type { LogEntry } from '../../../local/states/log.ts'
import { packEntries, unpackEntries } from '../../../local/states/log-chunk.ts'

const place = (id: number) => ({ id, prev: id - 1, at: 1_700_000_000_000 + id, thread: 0 })
const order = { order: 'A-1', lines: [1, 2, 3] }
const ENTRIES: readonly LogEntry[] = [
  { type: 'ExecutionStarted', input: order, timeoutAt: null, ...place(1) },
  { type: 'StateEntered', stateType: 'Pass', name: 'A', input: order, ...place(2) },
  { type: 'StateExited', stateType: 'Pass', name: 'A', output: order, assigned: { x: 1 }, next: 'B', ...place(3) },
  { type: 'StateEntered', stateType: 'Map', name: 'B', input: order, ...place(4) },
  { type: 'MapIterationStarted', index: 0, name: 'B', input: null, ...place(5) },
  { type: 'MapIterationSucceeded', index: 0, name: 'B', ...place(6) },
  { type: 'RetryScheduled', retrier: 0, dueAt: 5, id: 0, prev: 0, at: 1, thread: 0 },
  { type: 'StateExited', stateType: 'Map', name: 'B', output: [null], assigned: null, next: null, ...place(7) },
]

test('the entries of a log come back as they were packed, and a payload that states hand on is kept once', () => {
  const chunk = packEntries(ENTRIES)
  expect(unpackEntries(JSON.parse(JSON.stringify(chunk)))).toEqual(ENTRIES)
  expect(chunk.payloads).toEqual([order, null, [null]])
})

test('a chunk from before entries were packed is read as it is', () => {
  expect(unpackEntries(ENTRIES)).toEqual(ENTRIES)
})
