/** JSON bodies to inputs and outputs to JSON bodies, by schema. */

import type { NormalizedSchema } from '@smithy/core/schema'
import { isJsonObject } from '../../core/json.ts'
import { AwsError } from '../service.ts'
import { textTrait } from './model.ts'
import { parseTimestamp, printTimestamp, timestampFormatOf } from './timestamp.ts'

const serialization = (path: string, expected: string): AwsError =>
  new AwsError('SerializationException', `Cannot read ${path === '' ? 'the body' : path}: expected ${expected}`)

/** A member of a structure, with its name in JSON. */
interface JsonMember {
  readonly name: string
  readonly jsonName: string
  readonly schema: NormalizedSchema
}

/** Members by structure: their traits are read once, not at each request. */
const knownMembers = new WeakMap<object, readonly JsonMember[]>()

function membersOf(schema: NormalizedSchema): readonly JsonMember[] {
  const structure = schema.getSchema()
  const known = typeof structure === 'object' ? knownMembers.get(structure) : undefined
  if (known !== undefined) return known
  const members = [...schema.structIterator()].map(([name, member]) => ({
    name,
    jsonName: textTrait(member, 'jsonName') ?? name,
    schema: member,
  }))
  if (typeof structure === 'object') knownMembers.set(structure, members)
  return members
}

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
  for (const member of membersOf(schema)) {
    const given = value[member.jsonName]
    if (given === undefined) continue
    const read = decodeJson(member.schema, given, path === '' ? member.name : `${path}.${member.name}`)
    if (read !== undefined) decoded[member.name] = read
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
  try {
    return JSON.stringify(value)
  } catch (thrown) {
    // A bigint is what it refuses; a replacer for all values would make every answer pay for these few.
    if (!(thrown instanceof TypeError)) throw thrown
    return printExactly(value)
  }
}

const printExactly = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `\u0000exact:${item}` : item)).replace(
    /"\\u0000exact:(-?\d+)"/g,
    '$1',
  )

function encodeStructure(schema: NormalizedSchema, value: unknown): Record<string, unknown> {
  const encoded: Record<string, unknown> = {}
  if (!isJsonObject(value)) return encoded
  for (const { name, jsonName, schema: member } of membersOf(schema)) {
    const given = value[name]
    const item = given === undefined ? undefined : encodeJson(member, given)
    if (item !== undefined) encoded[jsonName] = item
  }
  return encoded
}
