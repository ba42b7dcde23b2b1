import { describe, expect, test } from '@jest/globals'
import { parseSchedule } from '../../../local/events/schedule.ts'

const AFTER = '2026-11-21T10:07:30Z' // a Saturday
const CASES = [
  { expression: 'rate(15 minutes)', next: '2026-11-21T10:15:00Z' },
  { expression: 'rate(1 day)', next: '2026-11-22T00:00:00Z' },
  { expression: 'cron(0/5 * * * ? *)', next: '2026-11-21T10:10:00Z' },
  { expression: 'cron(0 8 ? * MON-FRI *)', next: '2026-11-23T08:00:00Z' },
  { expression: 'cron(0 8 1 * ? *)', next: '2026-12-01T08:00:00Z' },
  { expression: 'cron(30 6 L * ? *)', next: '2026-11-30T06:30:00Z' },
  { expression: 'cron(0 0 29 2 ? *)', next: '2028-02-29T00:00:00Z' },
  { expression: 'cron(0 9 ? * 2#1 *)', next: '2026-12-07T09:00:00Z' },
  { expression: 'at(2026-11-22T01:02:03)', next: '2026-11-22T01:02:03Z' },
]

describe('schedule expressions', () => {
  for (const { expression, next } of CASES) {
    test(`${expression} comes next at ${next}`, () =>
      expect(parseSchedule(expression)(new Date(AFTER))).toEqual(new Date(next)))
  }
  test('a time that has passed never comes', () => {
    expect(parseSchedule('at(2026-11-20T00:00:00)')(new Date(AFTER))).toBeNull()
  })
  for (const wrong of ['rate(0 minutes)', 'cron(* * * * * *)', 'cron(61 * * * ? *)', 'every day']) {
    test(`${wrong} is refused`, () => expect(() => parseSchedule(wrong)).toThrow('ScheduleExpression is not valid'))
  }
})
