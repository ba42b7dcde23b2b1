/** Typed access to resolved properties; each getter throws `assembly_invalid` naming resource and property. */
import { SluiceError } from '../../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import type { PolicyDocument } from './model.ts'
import type { ResolvedResource } from './resolve-stacks.ts'

export interface Properties {
  text(name: string): string
  optionalText(name: string): string | null
  texts(name: string): readonly string[]
  /** CloudFormation writes numbers as text at times. */
  count(name: string, fallback: number): number
  optionalCount(name: string): number | null
  flag(name: string, fallback: boolean): boolean
  object(name: string): Properties
  objects(name: string): readonly Properties[]
  has(name: string): boolean
  /** A map of texts; numbers and booleans are printed. */
  map(name: string): Readonly<Record<string, string>>
  json(name: string): Json
  jsonObject(name: string): JsonObject
  policy(name: string): PolicyDocument
  readonly all: JsonObject
}

/** A JSON value checked all the way down. */
export function jsonOf(value: unknown, where: string): Json {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value
  if (Array.isArray(value)) return value.map((item) => jsonOf(item, where))
  if (isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonOf(member, where)]))
  }
  throw new SluiceError('assembly_invalid', `Cannot use ${where}: it must be JSON`)
}

export const propertiesOf = (resource: ResolvedResource): Properties =>
  properties(resource.properties, `${resource.stackName}/${resource.logicalId}`)

function properties(values: Readonly<Record<string, unknown>>, where: string): Properties {
  const wrong = (name: string, expected: string): never => {
    const found = JSON.stringify(values[name]) ?? 'nothing'
    throw new SluiceError('assembly_invalid', `Cannot use ${where}: ${name} must be ${expected}, found ${found}`, {
      where: { path: `${where}.${name}` },
      expected,
      found,
    })
  }
  const count = (name: string): number => {
    const number = Number(values[name])
    return Number.isFinite(number) ? number : wrong(name, 'a number')
  }
  const inner = (name: string, value: unknown): Properties =>
    isJsonObject(value) ? properties(value, `${where}.${name}`) : wrong(name, 'an object')
  const jsonObject = (name: string): JsonObject => {
    const value = jsonOf(values[name] ?? null, `${where}.${name}`)
    return isJsonObject(value) ? (value as JsonObject) : wrong(name, 'an object')
  }
  return {
    has: (name) => values[name] !== undefined,
    text: (name) => {
      const value = values[name]
      return typeof value === 'string' ? value : wrong(name, 'a text')
    },
    optionalText: (name) => {
      const value = values[name]
      if (value === undefined) return null
      return typeof value === 'string' || typeof value === 'number' ? String(value) : wrong(name, 'a text')
    },
    texts: (name) => {
      const value = values[name] ?? []
      if (!Array.isArray(value)) return wrong(name, 'a list')
      return value.map((item: unknown) => (typeof item === 'string' ? item : wrong(name, 'a list of texts')))
    },
    count: (name, fallback) => (values[name] === undefined ? fallback : count(name)),
    optionalCount: (name) => (values[name] === undefined ? null : count(name)),
    flag: (name, fallback) => {
      const value = values[name]
      if (value === undefined) return fallback
      return value === true || value === 'true'
    },
    object: (name) => inner(name, values[name] ?? {}),
    objects: (name) => {
      const value = values[name] ?? []
      return Array.isArray(value) ? value.map((item: unknown) => inner(name, item)) : wrong(name, 'a list')
    },
    map: (name) => {
      const value = values[name] ?? {}
      if (!isJsonObject(value)) return wrong(name, 'an object')
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, String(member)]))
    },
    json: (name) => jsonOf(values[name] ?? null, `${where}.${name}`),
    jsonObject,
    policy: (name) => {
      const document = jsonObject(name)
      return document.Statement === undefined
        ? wrong(name, 'a policy document')
        : { ...document, Statement: document.Statement }
    },
    all: jsonOf(values, where) as JsonObject,
  }
}
