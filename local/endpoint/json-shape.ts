/** JSON bodies to inputs and outputs to JSON bodies, by schema. */

import type { NormalizedSchema } from '@smithy/core/schema'
import { isJsonObject } from '../../core/json.ts'
import { AwsError } from '../service.ts'
import { textTrait } from './model.ts'
import { parseTimestamp, printTimestamp, timestampFormatOf } from './timestamp.ts'

const serialization = (path: string, expected: string): AwsError =>
  new AwsError('SerializationException', `Cannot read ${path === '' ? 'the body' : path}: expected ${expected}`)

/** @throws AwsError `SerializationException` naming the member that has the wrong type */
export function decodeJson(schema: NormalizedSchema, value: unknown, path = ''): unknown {
  if (value === null || value === undefined) return undefined
  if (schema.isUnitSchema()) return {}
  if (schema.isStructSchema()) return decodeStructure(schema, value, path)
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) throw serialization(path, 'a list')
    return value.map((item, index) => decodeJson(schema.getValueSchema(), item, `${path}[${index}]`))
  }
  if (schema.isMapSchema()) {
    if (!isJsonObject(value)) throw serialization(path, 'an object')
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, decodeJson(schema.getValueSchema(), item, `${path}.${key}`)]),
    )
  }
  return decodeSimple(schema, value, path)
}

function decodeStructure(schema: NormalizedSchema, value: unknown, path: string): Record<string, unknown> {
  if (!isJsonObject(value)) throw serialization(path, 'an object')
  const decoded: Record<string, unknown> = {}
  for (const [name, member] of schema.structIterator()) {
    const given = value[textTrait(member, 'jsonName') ?? name]
    const read = decodeJson(member, given, path === '' ? name : `${path}.${name}`)
    if (read !== undefined) decoded[name] = read
  }
  return decoded
}

function decodeSimple(schema: NormalizedSchema, value: unknown, path: string): unknown {
  if (schema.isTimestampSchema()) {
    const time = parseTimestamp(value)
    if (time === null) throw serialization(path, 'a time')
    return time
  }
  if (schema.isBlobSchema()) {
    if (typeof value !== 'string') throw serialization(path, 'base64 text')
    return new Uint8Array(Buffer.from(value, 'base64'))
  }
  if (schema.isStringSchema() && typeof value !== 'string') throw serialization(path, 'a text')
  if (schema.isBooleanSchema() && typeof value !== 'boolean') throw serialization(path, 'a boolean')
  if (schema.isNumericSchema() && typeof value !== 'number') throw serialization(path, 'a number')
  return value
}

/** A value as JSON can hold it: times as epoch seconds, blobs as base64, only members that the schema has. */
export function encodeJson(schema: NormalizedSchema, value: unknown): unknown {
  if (value === null || value === undefined) return undefined
  if (schema.isStructSchema()) return encodeStructure(schema, value)
  if (schema.isListSchema()) {
    return Array.isArray(value) ? value.map((item) => encodeJson(schema.getValueSchema(), item) ?? null) : undefined
  }
  if (schema.isMapSchema()) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, encodeJson(schema.getValueSchema(), item) ?? null]),
    )
  }
  if (value instanceof Date) return printTimestamp(value, timestampFormatOf(schema, 'epoch-seconds'))
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value
}

/** JSON text in which a bigint is a number with all its digits. */
export function printJson(value: unknown): string {
  let exact = false
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item !== 'bigint') return item
    exact = true
    return `\u0000exact:${item}`
  })
  return exact ? text.replace(/"\\u0000exact:(-?\d+)"/g, '$1') : text
}

function encodeStructure(schema: NormalizedSchema, value: unknown): Record<string, unknown> {
  const encoded: Record<string, unknown> = {}
  if (!isJsonObject(value)) return encoded
  for (const [name, member] of schema.structIterator()) {
    const item = encodeJson(member, value[name])
    if (item !== undefined) encoded[textTrait(member, 'jsonName') ?? name] = item
  }
  return encoded
}
