import { TIME_ZONE_NAMES } from './time-zone-names.ts'

const OFFSET = /^(?:Z|(?:UTC|GMT|UT)?[+-](?:\d|\d{2}(?:\d{2}(?:\d{2})?|:\d{2}(?::\d{2})?)?)|UTC|GMT|UT)$/
const MAX_OFFSET_SECONDS = 18 * 3600

/** What Java's `ZoneId.of` takes: offsets, and names of the IANA database in their exact spelling. */
export function isTimeZone(zone: string): boolean {
  if (!OFFSET.test(zone)) return TIME_ZONE_NAMES.has(zone)
  const digits = zone.replace(/\D/g, '')
  const [hours = 0, minutes = 0, seconds = 0] = [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4)].map(Number)
  return minutes < 60 && seconds < 60 && hours * 3600 + minutes * 60 + seconds <= MAX_OFFSET_SECONDS
}

/** Minutes by which local time in the zone is ahead of UTC at an instant. */
export function offsetMinutesAt(zone: string, instant: Date): number {
  if (OFFSET.test(zone)) {
    const parts = /([+-])(\d{1,2}):?(\d{2})?/.exec(zone)
    if (parts === null) return 0
    const minutes = Number(parts[2]) * 60 + Number(parts[3] ?? 0)
    return parts[1] === '-' ? -minutes : minutes
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  const fields = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]))
  const field = (name: Intl.DateTimeFormatPartTypes): number => fields.get(name) ?? 0
  const local = Date.UTC(field('year'), field('month') - 1, field('day'), field('hour'), field('minute'))
  return Math.round((local - Math.floor(instant.getTime() / 60_000) * 60_000) / 60_000)
}
