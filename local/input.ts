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
  return new ObjectInput(members)
}

/** A class and not closures: each request reads its input twice, for its permissions and to run. */
class ObjectInput implements Input {
  readonly members: Readonly<Record<string, unknown>>

  constructor(members: Readonly<Record<string, unknown>>) {
    this.members = members
  }

  text(name: string): string {
    const value = this.#read(name, 'a text', isText)
    if (value === undefined) throw new AwsError('ValidationException', `Missing required parameter: ${name}`)
    return value
  }

  textOr<F>(name: string, fallback: F): string | F {
    return this.#read(name, 'a text', isText) ?? fallback
  }

  numberOr<F>(name: string, fallback: F): number | F {
    return this.#read(name, 'a number', isNumber) ?? fallback
  }

  booleanOr<F>(name: string, fallback: F): boolean | F {
    return this.#read(name, 'a boolean', isBoolean) ?? fallback
  }

  dateOr<F>(name: string, fallback: F): Date | F {
    return this.#read(name, 'a time', isDate) ?? fallback
  }

  structure(name: string): Input {
    return readInput(this.members[name] ?? {})
  }

  list(name: string): readonly unknown[] {
    return this.#read(name, 'a list', isList) ?? []
  }

  structures(name: string): readonly Input[] {
    return this.list(name).map(readInput)
  }

  texts(name: string): Readonly<Record<string, string>> {
    const map = this.#read(name, 'a map', isJsonObject) ?? {}
    return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, String(value)]))
  }

  has(name: string): boolean {
    return this.members[name] !== undefined && this.members[name] !== null
  }

  #read<T>(name: string, kind: string, is: (value: unknown) => value is T): T | undefined {
    const value = this.members[name]
    if (value === undefined || value === null) return undefined
    if (!is(value)) throw invalid(name, kind, value)
    return value
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
const isDate = (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime())

const invalid = (name: string, expected: string, found: unknown): AwsError =>
  new AwsError('ValidationException', `Cannot read ${name}: expected ${expected}, found ${typeof found}`)
