import { expect, test } from '@jest/globals'
import { comparableSequencer, sequencerOfListed } from '../../core/source.ts'

test('WH-23: versions that a listing told of are older than those of events, and each has a place of its own', () => {
  const listed = ['a', 'b', 'c'].flatMap((key) =>
    ['v1', 'v2'].map((versionId) => sequencerOfListed({ key, versionId })),
  )
  expect(new Set(listed).size).toBe(6)
  expect(sequencerOfListed({ key: 'a', versionId: 'v1' })).toBe(listed[0])
  for (const sequencer of listed) {
    expect(comparableSequencer(sequencer)).toMatch(/^[0-9a-f]{32}$/)
    expect(comparableSequencer(sequencer) < comparableSequencer('0055AED6DCD90281E5')).toBe(true)
  }
})
