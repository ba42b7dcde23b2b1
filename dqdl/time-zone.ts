const OFFSET = /^(?:Z|(?:UTC|GMT|UT)?[+-](?:\d|\d{2}(?::?\d{2}(?::?\d{2})?)?)|UTC|GMT|UT)$/
const MAX_OFFSET_HOURS = 18
/** Short names that Intl knows and Java's ZoneId.of does not. */
const ONLY_INTL = new Set(['EST', 'MST', 'HST', 'PST', 'CST', 'IST', 'JST', 'ACT', 'AET', 'AST', 'BST', 'CAT', 'ROC'])

const intlKnows = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch (thrown) {
    if (thrown instanceof RangeError) return false
    throw thrown
  }
}

/** What Java's `ZoneId.of` takes: offsets, and names of the IANA database in their exact spelling. */
export function isTimeZone(zone: string): boolean {
  if (OFFSET.test(zone)) {
    const hours = Number(/\d{1,2}/.exec(zone)?.[0] ?? 0)
    const minutes = Number(/[+-]\d{2}:?(\d{2})/.exec(zone)?.[1] ?? 0)
    return hours + minutes / 60 <= MAX_OFFSET_HOURS && minutes < 60
  }
  const spelledLikeAName = /^[A-Z]/.test(zone) && !/\/[a-z]/.test(zone)
  return spelledLikeAName && !ONLY_INTL.has(zone) && intlKnows(zone)
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
