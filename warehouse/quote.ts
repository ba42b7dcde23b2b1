import { SluiceError } from '../core/errors.ts'

/** Redshift cuts longer identifiers silently; we refuse them. */
export const MAX_IDENTIFIER_BYTES = 127

/**
 * A quoted identifier. Reserved words (`order`, `timestamp`) are fine as column and dataset names because of it.
 * @throws SluiceError `invalid_identifier` when it is empty or longer than 127 bytes
 */
export function quoteName(name: string): string {
  const bytes = Buffer.byteLength(name)
  if (bytes === 0 || bytes > MAX_IDENTIFIER_BYTES)
    throw new SluiceError('invalid_identifier', `Cannot use "${name}" as an identifier in Redshift`, {
      expected: `1 to ${MAX_IDENTIFIER_BYTES} bytes`,
      found: `${bytes} bytes`,
    })
  return `"${name.replaceAll('"', '""')}"`
}

/** `"schema"."relation"` */
export const quoteQualified = (schema: string, relation: string): string =>
  `${quoteName(schema)}.${quoteName(relation)}`

/**
 * A text literal. Braces and backslashes are spelled `CHR(n)`: the state machine replaces `{…}` placeholders in the
 * printed SQL as text, and Redshift reads a backslash as an escape. An S3 key may hold all of them.
 */
export function quoteText(text: string): string {
  const parts = text
    .split(/([{}\\])/)
    .filter((part) => part !== '')
    .map((part) => (/^[{}\\]$/.test(part) ? `CHR(${part.charCodeAt(0)})` : `'${part.replaceAll("'", "''")}'`))
  return parts.length === 0 ? "''" : parts.join(' || ')
}

/** A text literal in which the load's placeholders stay as they are. */
export const quoteTemplate = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** `CAST('…' AS TIMESTAMP)` of an ISO 8601 UTC instant, with microseconds where it has them. */
export function quoteInstant(iso: string): string {
  const parts = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)Z$/.exec(iso)
  if (parts === null)
    throw new SluiceError('invalid_instant', `Cannot print "${iso}" as a timestamp`, {
      expected: 'ISO 8601 UTC, such as 2026-01-31T12:00:00.000Z',
      found: iso,
    })
  return `CAST('${parts[1]} ${parts[2]}' AS TIMESTAMP)`
}
