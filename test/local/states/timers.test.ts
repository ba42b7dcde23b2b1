import { expect, test } from '@jest/globals'
import { Timers } from '../../../local/states/timers.ts'
import { manualClock } from '../manual-clock.ts'

const HOUR_MILLIS = 3_600_000

test('an alarm rings at its time, however many were set and taken back before', async () => {
  const clock = manualClock()
  const rung: string[] = []
  const timers = new Timers(clock, (key) => rung.push(key))
  const start = clock.now().getTime()
  timers.set('late', start + 2 * HOUR_MILLIS)
  timers.set('early', start + 1_000)
  for (let index = 0; index < 2_000; index += 1) {
    timers.set(`ended-${index}`, start + HOUR_MILLIS - index)
    timers.set(`ended-${index}`, null)
  }
  timers.set('moved', start + 1_000)
  timers.set('moved', start + 3 * HOUR_MILLIS)
  await clock.advance(1)
  expect(rung).toEqual(['early'])
  await clock.advance(2 * 3_600)
  expect(rung).toEqual(['early', 'late'])
  await clock.advance(3_600)
  expect(rung).toEqual(['early', 'late', 'moved'])
  timers.close()
})
