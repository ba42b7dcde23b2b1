import { beforeEach, describe, expect, test } from '@jest/globals'
import { type ArchiveRecord, type Archives, createArchives, type ReplayRecord } from '../../../local/events/archives.ts'
import type { EventEnvelope } from '../../../local/events/input-transform.ts'
import { memoryStore } from '../../../local/memory-store.ts'
import type { Store } from '../../../local/service.ts'
import { systemClock } from '../../../local/system-clock.ts'

const eventAt = (time: string, id: string, source = 'orders'): EventEnvelope => ({
  version: '0',
  id,
  source,
  'detail-type': 'Made',
  account: '000000000000',
  time,
  region: 'us-east-2',
  resources: [],
  detail: {},
})
const ARCHIVE: ArchiveRecord = {
  name: 'kept',
  arn: 'arn:aws:events:us-east-2:000000000000:archive/kept',
  busName: 'sluice',
  description: '',
  eventPattern: { source: ['orders'] },
  retentionDays: 0,
  createdAtMillis: 0,
  eventCount: 0,
  sizeBytes: 0,
}
const REPLAY: ReplayRecord = {
  name: 'again',
  arn: 'arn:aws:events:us-east-2:000000000000:replay/again',
  archiveName: 'kept',
  busName: 'sluice',
  description: '',
  ruleArns: ['arn:rule'],
  fromMillis: Date.parse('2026-01-01T00:00:01Z'),
  toMillis: Date.parse('2026-01-01T00:00:02Z'),
  state: 'STARTING',
  stateReason: '',
  startedAtMillis: 0,
  endedAtMillis: null,
  lastEventMillis: null,
}

let store: Store
let sent: { id: string; replay: string | undefined; rules: readonly string[] }[]
const open = (fails = false): Archives =>
  createArchives({
    store,
    clock: systemClock,
    send: async (_, event, rules) => {
      if (fails) throw new Error('the disk is full')
      sent.push({ id: event.id, replay: event['replay-name'], rules })
    },
    log: () => undefined,
  })

const ended = async (archives: Archives): Promise<ReplayRecord> => {
  while (['STARTING', 'RUNNING', 'CANCELLING'].includes(archives.replay('again').state))
    await new Promise((resolve) => setImmediate(resolve))
  return archives.replay('again')
}

beforeEach(async () => {
  store = memoryStore()
  sent = []
  const archives = open()
  await archives.put(ARCHIVE)
  for (const [second, source] of [0, 1, 2, 3].flatMap((at) => [[at, 'orders'] as const, [at, 'others'] as const]))
    await archives.keep('sluice', eventAt(`2026-01-01T00:00:0${second}Z`, `${source}-${second}`, source))
  await archives.keep('default', eventAt('2026-01-01T00:00:01Z', 'of another bus'))
})

describe('an archive', () => {
  test('keeps the events of its bus that its pattern describes, and forgets them with itself', async () => {
    const archives = open()
    expect(archives.get('kept')).toMatchObject({ eventCount: 4 })
    await archives.remove('kept')
    expect(() => archives.get('kept')).toThrow(expect.objectContaining({ code: 'ResourceNotFoundException' }))
  })

  test('sends what lies within the times of a replay to its rules, in order, and says which replay it is', async () => {
    const archives = open()
    await archives.start(REPLAY)
    expect(await ended(archives)).toMatchObject({ state: 'COMPLETED', lastEventMillis: REPLAY.toMillis })
    expect(sent).toEqual([
      { id: 'orders-1', replay: 'again', rules: ['arn:rule'] },
      { id: 'orders-2', replay: 'again', rules: ['arn:rule'] },
    ])
  })

  test('goes on with a replay that an earlier process left, from the last event it sent', async () => {
    await store
      .collection<ReplayRecord>('events.replays')
      .put(['again'], { ...REPLAY, state: 'RUNNING', lastEventMillis: REPLAY.toMillis })
    const archives = open()
    archives.resume()
    expect(await ended(archives)).toMatchObject({ state: 'COMPLETED' })
    expect(sent.map(({ id }) => id)).toEqual(['orders-2'])
  })

  test('says why a replay failed', async () => {
    const archives = open(true)
    await archives.start(REPLAY)
    expect(await ended(archives)).toMatchObject({ state: 'FAILED', stateReason: 'the disk is full' })
  })
})
