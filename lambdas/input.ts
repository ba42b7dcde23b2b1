import { SluiceError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'

const kindOf = (value: unknown): string => {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/**
 * Reads the members of an unknown JSON object by name and kind. Every refusal is a SluiceError `invalid_input` (error name
 * `InvalidInput`) that gives the JSON path, what was expected and what was found.
 */
export class Fields {
  readonly path: string
  readonly #members: Readonly<Record<string, unknown>>

  /** @throws SluiceError `invalid_input` when `value` is no object */
  constructor(value: unknown, path = '$') {
    if (!isJsonObject(value)) throw refusal(path, 'an object', value)
    this.#members = value
    this.path = path
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined && this.#members[name] !== null
  }

  unknown(name: string): unknown {
    return this.#members[name]
  }

  /** A string that is not empty. */
  text(name: string): string {
    const value = this.#members[name]
    if (typeof value !== 'string' || value === '') throw this.#refuse(name, 'a text that is not empty')
    return value
  }

  /** `null` when absent, null or empty. */
  textOrNull(name: string): string | null {
    return this.has(name) && this.#members[name] !== '' ? this.text(name) : null
  }

  integer(name: string): number {
    const value = this.#members[name]
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      throw this.#refuse(name, 'an integer from 0')
    return value
  }

  integerOr(name: string, fallback: number): number {
    return this.has(name) ? this.integer(name) : fallback
  }

  numberOrNull(name: string): number | null {
    const value = this.#members[name]
    if (value === undefined || value === null) return null
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.#refuse(name, 'a number')
    return value
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#members[name]
    if (value === undefined || value === null) return fallback
    if (typeof value !== 'boolean') throw this.#refuse(name, 'true or false')
    return value
  }

  /** An ISO 8601 time, given back in UTC with milliseconds. */
  time(name: string): string {
    const text = this.text(name)
    const time = Date.parse(text)
    if (Number.isNaN(time) || !/^\d{4}-\d{2}-\d{2}T/.test(text)) throw this.#refuse(name, 'an ISO 8601 time')
    return new Date(time).toISOString()
  }

  oneOf<const T extends string>(name: string, values: readonly T[]): T {
    const found = values.find((value) => value === this.#members[name])
    if (found === undefined) throw this.#refuse(name, `one of ${values.join(', ')}`)
    return found
  }

  object(name: string): Fields {
    return new Fields(this.#members[name], `${this.path}.${name}`)
  }

  objectOrNull(name: string): Fields | null {
    return this.has(name) ? this.object(name) : null
  }

  objects(name: string): readonly Fields[] {
    const value = this.#members[name]
    if (!Array.isArray(value)) throw this.#refuse(name, 'an array')
    return value.map((item: unknown, index) => new Fields(item, `${this.path}.${name}[${index}]`))
  }

  texts(name: string): readonly string[] {
    const value = this.#members[name]
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
      throw this.#refuse(name, 'an array of texts')
    return value
  }

  #refuse(name: string, expected: string): SluiceError {
    return refusal(`${this.path}.${name}`, expected, this.#members[name])
  }
}

function refusal(path: string, expected: string, value: unknown): SluiceError {
  const found = value === undefined ? 'nothing' : kindOf(value)
  return new SluiceError('invalid_input', `Cannot read the input as ${path} must be ${expected}: it is ${found}`, {
    where: { path },
    expected,
    found,
  })
}
