const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text that a page shows as it is; control characters are shown as marks. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character).replace(/[^\P{Cc}\n\t]/gu, '\ufffd')
export const attribute = escapeHtml

const SIGNIFICANT_DIGITS = 5
const plain = new Intl.NumberFormat('en-US', { maximumSignificantDigits: SIGNIFICANT_DIGITS })

/** A number for people: at most five digits that matter. */
export const figure = (value: number): string => {
  const size = Math.abs(value)
  return Number.isFinite(value) && size !== 0 && (size >= 1e9 || size < 1e-4)
    ? value.toExponential(2)
    : plain.format(value)
}

/** The day of a time in seconds since 1970. */
export const dayOf = (epochSeconds: number): string => {
  const instant = new Date(epochSeconds * 1000)
  return Number.isNaN(instant.getTime()) ? String(epochSeconds) : instant.toISOString().slice(0, 10)
}
