/** Times on the wire. */

import type { NormalizedSchema } from '@smithy/core/schema'

export type TimestampFormat = 'date-time' | 'http-date' | 'epoch-seconds'

const BY_SCHEMA: Readonly<Record<number, TimestampFormat>> = { 5: 'date-time', 6: 'http-date', 7: 'epoch-seconds' }

/** The format that a member's own schema names, else the protocol's. */
export const timestampFormatOf = (schema: NormalizedSchema, fallback: TimestampFormat): TimestampFormat =>
  BY_SCHEMA[Number(schema.getSchema())] ?? fallback

/** `null` where the text is no time. */
export function parseTimestamp(value: unknown): Date | null {
  if (value instanceof Date) return value
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value))
  const time = isNumber ? new Date(Number(value) * 1000) : new Date(String(value))
  return Number.isNaN(time.getTime()) ? null : time
}

export function printTimestamp(time: Date, format: 'epoch-seconds'): number
export function printTimestamp(time: Date, format: TimestampFormat): string | number
export function printTimestamp(time: Date, format: TimestampFormat): string | number {
  if (format === 'epoch-seconds') return time.getTime() / 1000
  return format === 'http-date' ? time.toUTCString() : time.toISOString()
}
