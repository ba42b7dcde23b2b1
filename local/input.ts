/** Reading the input of an operation once, at its boundary: unknown in, typed members out. */

import { isJsonObject } from '../core/json.ts'
import { AwsError } from './service.ts'

/** An operation's input whose members are read by name. Readers throw `ValidationException` for a wrong type. */
export interface Input {
  readonly members: Readonly<Record<string, unknown>>
  text(name: string): string
  textOr<F>(name: string, fallback: F): string | F
  numberOr<F>(name: string, fallback: F): number | F
  booleanOr<F>(name: string, fallback: F): boolean | F
  dateOr<F>(name: string, fallback: F): Date | F
  /** Members of a structure; empty where it is not given. */
  structure(name: string): Input
  /** Elements of a list; empty where it is not given. */
  list(name: string): readonly unknown[]
  structures(name: string): readonly Input[]
  /** A map of texts; empty where it is not given. */
  texts(name: string): Readonly<Record<string, string>>
  has(name: string): boolean
}

/** @throws AwsError `ValidationException` when the input is not an object */
export function readInput(input: unknown): Input {
  const members = input ?? {}
  if (!isJsonObject(members)) throw invalid('the input', 'an object', members)
  const read = <T>(name: string, kind: string, is: (value: unknown) => value is T): T | undefined => {
    const value = members[name]
    if (value === undefined || value === null) return undefined
    if (!is(value)) throw invalid(name, kind, value)
    return value
  }
  const list = (name: string): readonly unknown[] => read(name, 'a list', isList) ?? []
  return {
    members,
    text: (name) => {
      const value = read(name, 'a text', isText)
      if (value === undefined) throw new AwsError('ValidationException', `Missing required parameter: ${name}`)
      return value
    },
    textOr: (name, fallback) => read(name, 'a text', isText) ?? fallback,
    numberOr: (name, fallback) => read(name, 'a number', isNumber) ?? fallback,
    booleanOr: (name, fallback) => read(name, 'a boolean', isBoolean) ?? fallback,
    dateOr: (name, fallback) => read(name, 'a time', isDate) ?? fallback,
    structure: (name) => readInput(members[name] ?? {}),
    list,
    structures: (name) => list(name).map(readInput),
    texts: (name) => {
      const map = read(name, 'a map', isJsonObject) ?? {}
      return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, String(value)]))
    },
    has: (name) => members[name] !== undefined && members[name] !== null,
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
const isDate = (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime())

const invalid = (name: string, expected: string, found: unknown): AwsError =>
  new AwsError('ValidationException', `Cannot read ${name}: expected ${expected}, found ${typeof found}`)
