/** Schedule expressions: `rate(…)`, `cron(…)` in UTC, `at(…)`. */
import { AwsError } from '../service.ts'

/** The next time after `after`, or `null` when there is none. */
export type Schedule = (after: Date) => Date | null

const UNIT_MILLIS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** @throws AwsError `ValidationException` */
export function parseSchedule(expression: string): Schedule {
  const [, kind = '', argument = ''] = /^(rate|cron|at)\((.*)\)$/.exec(expression.trim()) ?? []
  if (kind === 'rate') return rate(argument, expression)
  if (kind === 'cron') return cron(argument, expression)
  if (kind === 'at') return once(argument, expression)
  throw invalid(expression)
}

const invalid = (expression: string): AwsError =>
  new AwsError('ValidationException', `Parameter ScheduleExpression is not valid: ${expression}`)

/** Whole multiples since the epoch, so that a restart does not move the times. */
function rate(argument: string, expression: string): Schedule {
  const [, count = '', unit = ''] = /^(\d+) (minute|hour|day)s?$/.exec(argument) ?? []
  const periodMillis = Number(count) * (UNIT_MILLIS[unit] ?? Number.NaN)
  if (!(periodMillis > 0)) throw invalid(expression)
  return (after) => new Date((Math.floor(after.getTime() / periodMillis) + 1) * periodMillis)
}

function once(argument: string, expression: string): Schedule {
  const at = new Date(`${argument}Z`)
  if (Number.isNaN(at.getTime())) throw invalid(expression)
  return (after) => (at > after ? at : null)
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

type FieldTest = (value: number) => boolean
interface DateFacts {
  readonly dayOfMonth: number
  /** 1 is Sunday. */
  readonly dayOfWeek: number
  readonly lastDayOfMonth: number
}

/** Years looked ahead for a date such as 29 February. */
const HORIZON_DAYS = 366 * 9

function cron(argument: string, expression: string): Schedule {
  const fields = argument.split(/\s+/)
  if (fields.length !== 6) throw invalid(expression)
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', year = ''] = fields
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) throw invalid(expression)
  const minutes = valuesOf(minute, 0, 59, [], expression)
  const hours = valuesOf(hour, 0, 23, [], expression)
  const isMonth = testOf(month, 1, 12, MONTHS, expression)
  const isYear = testOf(year, 1970, 2199, [], expression)
  const isDay = dayTest(dayOfMonth, dayOfWeek, expression)
  return (after) => {
    const day = new Date(Date.UTC(after.getUTCFullYear(), after.getUTCMonth(), after.getUTCDate()))
    for (let ahead = 0; ahead < HORIZON_DAYS; ahead += 1, day.setUTCDate(day.getUTCDate() + 1)) {
      if (!isYear(day.getUTCFullYear()) || !isMonth(day.getUTCMonth() + 1) || !isDay(factsOf(day))) continue
      for (const atHour of hours) {
        for (const atMinute of minutes) {
          const at = new Date(day.getTime() + atHour * 3_600_000 + atMinute * 60_000)
          if (at > after) return at
        }
      }
    }
    return null
  }
}

const factsOf = (day: Date): DateFacts => ({
  dayOfMonth: day.getUTCDate(),
  dayOfWeek: day.getUTCDay() + 1,
  lastDayOfMonth: new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate(),
})

function dayTest(dayOfMonth: string, dayOfWeek: string, expression: string): (facts: DateFacts) => boolean {
  if (dayOfWeek === '?') {
    if (dayOfMonth === 'L') return (facts) => facts.dayOfMonth === facts.lastDayOfMonth
    const nearest = /^(\d+)W$/.exec(dayOfMonth)
    if (nearest !== null) return nearestWeekday(Number(nearest[1]))
    const isDay = testOf(dayOfMonth, 1, 31, [], expression)
    return (facts) => isDay(facts.dayOfMonth)
  }
  const nth = /^([1-7]|[A-Z]{3})#([1-5])$/.exec(dayOfWeek)
  if (nth !== null) {
    const wanted = numberOf(nth[1] ?? '', DAYS, 1)
    return (facts) => facts.dayOfWeek === wanted && Math.ceil(facts.dayOfMonth / 7) === Number(nth[2])
  }
  const last = /^([1-7]|[A-Z]{3})L$/.exec(dayOfWeek)
  if (last !== null) {
    const wanted = numberOf(last[1] ?? '', DAYS, 1)
    return (facts) => facts.dayOfWeek === wanted && facts.dayOfMonth > facts.lastDayOfMonth - 7
  }
  const isDay = testOf(dayOfWeek, 1, 7, DAYS, expression)
  return (facts) => isDay(facts.dayOfWeek)
}

/** The weekday nearest to a day of the month, within the month. */
const nearestWeekday =
  (wanted: number) =>
  ({ dayOfMonth, dayOfWeek, lastDayOfMonth }: DateFacts): boolean => {
    if (dayOfWeek === 1 || dayOfWeek === 7) return false
    if (dayOfMonth === wanted) return true
    if (dayOfWeek === 6 && dayOfMonth === wanted - 1) return true
    if (dayOfWeek === 2 && dayOfMonth === wanted + 1) return true
    return (
      (dayOfWeek === 2 && wanted === 1 && dayOfMonth === 3) ||
      (dayOfWeek === 6 && wanted === lastDayOfMonth && dayOfMonth === wanted - 2)
    )
  }

const numberOf = (text: string, names: readonly string[], base: number): number => {
  const named = names.indexOf(text.toUpperCase())
  return named >= 0 ? named + base : Number(text)
}

function valuesOf(field: string, low: number, high: number, names: readonly string[], expression: string): number[] {
  const values = field.split(',').flatMap((part) => rangeOf(part, low, high, names, expression))
  return [...new Set(values)].sort((left, right) => left - right)
}

function rangeOf(part: string, low: number, high: number, names: readonly string[], expression: string): number[] {
  const [range = '', step] = part.split('/')
  const [first = '', last] = range.split('-')
  const base = names === DAYS || names === MONTHS ? 1 : 0
  const from = range === '*' || range === '?' ? low : numberOf(first, names, base)
  const open = range === '*' || range === '?' || (step !== undefined && last === undefined)
  const to = open ? high : numberOf(last ?? first, names, base)
  const by = step === undefined ? 1 : Number(step)
  if (![from, to, by].every(Number.isInteger) || from < low || to > high || from > to || by < 1)
    throw invalid(expression)
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by)
}

function testOf(field: string, low: number, high: number, names: readonly string[], expression: string): FieldTest {
  const values = new Set(valuesOf(field, low, high, names, expression))
  return (value) => values.has(value)
}
