import { literal } from './sql.ts'

/** A letter, digit or harmless sign, or an escaped sign; `\d`; a class of ASCII characters. Each once or so many times. */
const ATOM =
  /(?:(?<plain>[A-Za-z0-9_ @:,;=~#%&"'<>/-])|\\(?<escaped>[.+\-/()$^|{}])|(?<digit>\\d)|\[(?<members>(?:[a-z]-[a-z]|[A-Z]-[A-Z]|\d-\d|[A-Za-z0-9_])+)\])(?:\{(?<times>\d{1,2})\})?/y
const MAX_CHARACTERS = 64

/** The glob that exactly the texts of a pattern match: a row of ASCII characters and classes; `null` for other patterns. */
export function globOf(pattern: string): string | null {
  const parts: string[] = []
  ATOM.lastIndex = 0
  while (ATOM.lastIndex < pattern.length) {
    const groups = ATOM.exec(pattern)?.groups
    if (groups === undefined) return null
    const { plain, escaped, digit, members, times = '1' } = groups
    const atom = plain ?? escaped ?? `[${digit === undefined ? members : '0-9'}]`
    for (let count = Number(times); count > 0; count -= 1) parts.push(atom)
    if (parts.length > MAX_CHARACTERS) return null
  }
  return parts.length === 0 ? null : parts.join('')
}

/**
 * SQL that is true where the whole text matches a pattern (RE2). Patterns of fixed length, which most keys have, are
 * compared character by character: half the time of the automaton.
 */
export function matchesWhole(sql: string, pattern: string, ignoreCase: boolean): string {
  const glob = ignoreCase ? null : globOf(pattern)
  if (glob !== null) return `(${sql} GLOB ${literal(glob)})`
  return `regexp_full_match(${sql}, ${literal(pattern)}${ignoreCase ? ", 'i'" : ''})`
}
