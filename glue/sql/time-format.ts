import { SluiceError } from '../../core/errors.ts'
import { regexLiteral } from './literals.ts'

const MONTHS = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec'
const FULL_MONTHS = 'january|february|march|april|may|june|july|august|september|october|november|december'

/** What each letter of a time format stands for, as RE2. Letters with a dash take one or two digits, the others exactly two. */
const LETTERS: Readonly<Record<string, string>> = {
  '%Y': '[0-9]{4}',
  '%y': '[0-9]{2}',
  '%m': '(?:0[1-9]|1[0-2])',
  '%-m': '(?:0?[1-9]|1[0-2])',
  '%d': '(?:0[1-9]|[12][0-9]|3[01])',
  '%-d': '(?:0?[1-9]|[12][0-9]|3[01])',
  '%b': `(?i:${MONTHS})`,
  '%B': `(?i:${FULL_MONTHS})`,
  '%H': '(?:[01][0-9]|2[0-3])',
  '%-H': '(?:[01]?[0-9]|2[0-3])',
  '%I': '(?:0[1-9]|1[0-2])',
  '%-I': '(?:0?[1-9]|1[0-2])',
  '%p': '(?i:am|pm)',
  '%M': '[0-5][0-9]',
  '%S': '[0-5][0-9]',
  '%f': '[0-9]{1,6}',
  '%z': '[+-][0-9]{2}(?::?[0-9]{2})?',
}

/** The letters and literal texts of a format, in order. @throws SluiceError `invalid_format` for a letter that is not in the list */
function tokensOf(format: string): readonly string[] {
  const tokens = format.match(/%-?[A-Za-z%]|[^%]+|%/g) ?? []
  const unknown = tokens.find((token) => token.startsWith('%') && LETTERS[token] === undefined)
  if (unknown !== undefined)
    throw new SluiceError('invalid_format', `Cannot use "${unknown}" in the time format "${format}"`, {
      expected: Object.keys(LETTERS).join(' '),
      found: unknown,
    })
  return tokens
}

/** The RE2 pattern of all texts that a format describes. @throws SluiceError `invalid_format` */
export const grammarOfFormat = (format: string): string =>
  tokensOf(format)
    .map((token) => LETTERS[token] ?? regexLiteral(token))
    .join('')

/** Whether texts of the format carry their own offset from UTC. @throws SluiceError `invalid_format` */
export const hasOffset = (format: string): boolean => tokensOf(format).includes('%z')

const TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\\.[0-9]{1,9})?)?'
const DATE = '[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])'
const OFFSET = '(?:Z|[+-](?:0[0-9]|1[0-8])(?::?[0-5][0-9])?)'

/** ISO 8601 as documented: a date, or a date and a time with or without an offset. */
export const ISO_DATE = DATE
export const ISO_LOCAL = `${DATE}(?:[T ]${TIME})?`
export const ISO_WITH_OFFSET = `${DATE}[T ]${TIME} ?${OFFSET}`
/** The commonest form, for which the engine's own cast says the same: UTC, with seconds. */
export const ISO_UTC = `${DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?Z`
