/** Larger numbers are no figures that people reason about, and doubles lie too far apart there. */
const LARGEST = 1e15

/** A number as DQDL writes it: digits, no exponent. `null` when it has no such form, or none that can be read. */
export function numberText(value: number): string | null {
  if (!Number.isFinite(value) || Math.abs(value) > LARGEST) return null
  if (Number.isInteger(value)) return BigInt(value).toString()
  const text = String(value)
  const printed = text.includes('e') ? value.toFixed(100).replace(/0+$/, '') : text
  return Number(printed) === value ? printed : null
}

const SIGNIFICANT_DIGITS = 2

/** The nearest number of two digits that is not above (`down`) or not below (`up`) the value; 0 stays 0. */
export function rounded(value: number, direction: 'down' | 'up'): number {
  if (value === 0 || !Number.isFinite(value)) return value
  const step = Math.floor(Math.log10(Math.abs(value))) - (SIGNIFICANT_DIGITS - 1)
  const round = direction === 'down' ? Math.floor : Math.ceil
  // Powers of ten below one are not exact, so that their inverse is multiplied with.
  return step < 0 ? round(value * 10 ** -step) / 10 ** -step : round(value / 10 ** step) * 10 ** step
}

const isDateOrTime = (text: string): boolean => /^(?:\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}(?: [AP]M)?)$/.test(text)

/** A text in a list of values, or `null` when DQDL would read it as something else. */
export const listText = (text: string): string | null => {
  if (text === '') return 'EMPTY'
  // Quoted dates and times of day are no texts.
  return isDateOrTime(text) || /\p{Cc}/u.test(text) ? null : `"${text.replace(/[\\"]/g, '\\$&')}"`
}

/** A column as a parameter, or `null` for a name that no parameter can hold: backslashes before quotes stay in the name. */
export const columnText = (name: string): string | null => {
  if (/["\\`]|\p{Cc}/u.test(name) || isDateOrTime(name) || name === '') return null
  return name.includes('.') ? `"\`${name}\`"` : `"${name}"`
}

/** ` where "column is not null"`. */
export const wherePresent = (name: string): string => ` where "\`${name}\` is not null"`

const CLASSES: Readonly<Record<string, string>> = { A: '[A-Z]', a: '[a-z]', '9': '[0-9]' }

/** The pattern of a form (see `ColumnProfile`), or `null` when it says nothing or cannot be written. */
export function patternOfShape(shape: string): string | null {
  const runs = shape.match(/(.)\1*/gsu) ?? []
  if (!runs.some((run) => CLASSES[run.charAt(0)] !== undefined)) return null
  if (!/^[\x20-\x7e]*$/.test(shape) || /["\\]/.test(shape)) return null
  const pattern = runs
    .map((run) => {
      const one =
        CLASSES[run.charAt(0)] ??
        run
          .charAt(0)
          .replace(/[.*+?^${}()|[\]]/g, '[$&]')
          .replace('[^]', '\\^')
      return run.length === 1 ? one : `${one}{${run.length}}`
    })
    .join('')
  return isDateOrTime(pattern) || pattern.includes('\\') ? null : pattern
}
