/** Requests and responses of `aws-sdk` tasks by the schemas of the SDK's own clients: PascalCase there, the SDK's names here. */
import { Readable } from 'node:stream'
import type { NormalizedSchema } from '@smithy/core/schema'
import { isJsonObject, type Json } from '../../../core/json.ts'
import { parseTimestamp } from '../../endpoint/timestamp.ts'
import { asText, capital, isoSeconds, textOf } from './sdk-shape.ts'

/** A member that the operation does not have under this name. */
export class UnknownMember extends Error {
  constructor(name: string) {
    super(`The field '${name}' is not supported by Step Functions`)
    this.name = 'UnknownMember'
  }
}

/**
 * The parameters of a task as the operation takes them: members by their PascalCase names, times from ISO 8601 text or epoch
 * seconds, values given for a text or a blob as their JSON text. Keys of maps are data and stay.
 * @throws UnknownMember
 */
export function requestOf(schema: NormalizedSchema, value: Json): unknown {
  if (value === null) return undefined
  if (schema.isStructSchema()) return isJsonObject(value) ? structureOf(schema, value as Record<string, Json>) : value
  if (schema.isListSchema())
    return Array.isArray(value) ? value.map((item) => requestOf(schema.getValueSchema(), item)) : value
  if (schema.isMapSchema())
    return isJsonObject(value)
      ? Object.fromEntries(
          Object.entries(value as Record<string, Json>).map(([key, item]) => [
            key,
            requestOf(schema.getValueSchema(), item),
          ]),
        )
      : value
  if (schema.isTimestampSchema()) return parseTimestamp(value) ?? value
  if (schema.isBlobSchema()) return Buffer.from(asText(value))
  return schema.isStringSchema() ? asText(value) : value
}

function structureOf(schema: NormalizedSchema, value: Record<string, Json>): Record<string, unknown> {
  const members = new Map([...schema.structIterator()].map(([name, member]) => [capital(name), { name, member }]))
  const request: Record<string, unknown> = {}
  for (const [key, given] of Object.entries(value)) {
    const known = members.get(key)
    if (known === undefined) throw new UnknownMember(key)
    const read = requestOf(known.member, given)
    if (read !== undefined) request[known.name] = read
  }
  return request
}

/**
 * A response as Step Functions shows it: members in PascalCase, absent ones left out, times as ISO 8601 text, bodies as text.
 * @throws what reading a stream throws
 */
export async function responseOf(schema: NormalizedSchema, value: unknown): Promise<Json | undefined> {
  if (value === null || value === undefined) return undefined
  if (value instanceof Readable) return textOf(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  if (value instanceof Date) return isoSeconds(value)
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return listOf(schema, value)
  if (isJsonObject(value)) return schema.isStructSchema() ? shownStructure(schema, value) : shownMap(schema, value)
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}

async function listOf(schema: NormalizedSchema, value: readonly unknown[]): Promise<Json> {
  const shown: Json[] = []
  const item = schema.isListSchema() ? schema.getValueSchema() : schema
  for (const each of value) shown.push((await responseOf(item, each)) ?? null)
  return shown
}

async function shownStructure(schema: NormalizedSchema, value: Record<string, unknown>): Promise<Json> {
  const shown: Record<string, Json> = {}
  for (const [name, member] of schema.structIterator()) {
    const read = await responseOf(member, value[name])
    if (read !== undefined) shown[capital(name)] = read
  }
  return shown
}

async function shownMap(schema: NormalizedSchema, value: Record<string, unknown>): Promise<Json> {
  const shown: Record<string, Json> = {}
  const item = schema.isMapSchema() ? schema.getValueSchema() : schema
  for (const [key, each] of Object.entries(value)) {
    const read = await responseOf(item, each)
    if (read !== undefined) shown[key] = read
  }
  return shown
}
