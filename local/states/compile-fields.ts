import { isJsonObject, type Json } from '../../core/json.ts'
import type { Diagnostics } from './diagnostics.ts'
import type { Query } from './query.ts'
import type { QueryFault, StatesMember } from './query-check.ts'
import { compileTemplate, type Template } from './template.ts'

const JSONPATH_ONLY = new Set([
  'InputPath',
  'OutputPath',
  'Parameters',
  'ResultSelector',
  'ResultPath',
  'Result',
  'ItemsPath',
  'SecondsPath',
  'TimestampPath',
  'TimeoutSecondsPath',
  'HeartbeatSecondsPath',
  'ErrorPath',
  'CausePath',
  'MaxConcurrencyPath',
  'ToleratedFailureCountPath',
  'ToleratedFailurePercentagePath',
  'MaxItemsPath',
  'MaxItemsPerBatchPath',
  'MaxInputBytesPerBatchPath',
  'Variable',
])

/** Why a field may not stand where it does. */
export const unsupportedField = (field: string): string =>
  JSONPATH_ONLY.has(field)
    ? `The QueryLanguage is set to 'JSONata', but field '${field}' is only supported for the 'JSONPath' QueryLanguage`
    : `Field '${field}' is not supported`

/** How the expressions of a definition are read. */
export interface QueryReader {
  readonly parse: (text: string) => Query
  /** What is wrong with an expression; nothing for one that was checked when its definition was created. */
  readonly check: (text: string, members: readonly StatesMember[]) => QueryFault | null
}

/** Reads the fields of one object of a definition; what is wrong goes to the diagnostics, with its place. */
export class FieldReader {
  readonly source: Record<string, unknown>
  /** JSON pointer of the object. */
  readonly path: string
  /** False for an element that others follow in its list. */
  readonly isLast: boolean
  readonly #diagnostics: Diagnostics
  readonly #queries: QueryReader
  /** Path within the state, as causes name it: `Catch[1]/Output`. */
  readonly #prefix: string

  constructor(
    source: Record<string, unknown>,
    path: string,
    diagnostics: Diagnostics,
    queries: QueryReader,
    prefix = '',
    isLast = true,
  ) {
    this.source = source
    this.path = path
    this.isLast = isLast
    this.#diagnostics = diagnostics
    this.#queries = queries
    this.#prefix = prefix
  }

  fault(message: string, field: string): void {
    this.#diagnostics.schema(message, `${this.path}/${field}`)
  }

  /** Refuses every field but these. */
  only(fields: readonly string[]): void {
    for (const field of Object.keys(this.source))
      if (!fields.includes(field)) this.#diagnostics.schema(unsupportedField(field), this.path)
  }

  template(field: string, members: readonly StatesMember[]): Template | null {
    const value = this.source[field]
    if (value === undefined) return null
    return this.#compile(value as Json, `${this.#prefix}${field}`, members)
  }

  #compile(value: Json, field: string, members: readonly StatesMember[]): Template {
    this.#checkDelimiters(value, field)
    return compileTemplate(value, field, (text, at) => {
      const location = `${this.#statePath}/${at}`
      const fault = this.#queries.check(text, members)
      if (fault === null) return this.#queries.parse(text)
      this.#diagnostics.error(fault.code, fault.message, location)
      return null
    })
  }

  get #statePath(): string {
    return this.path.slice(0, this.path.length - this.#prefix.length)
  }

  #checkDelimiters(value: Json, field: string): void {
    if (Array.isArray(value))
      for (const [index, item] of value.entries()) this.#checkDelimiters(item, `${field}[${index}]`)
    else if (isJsonObject(value))
      for (const [key, member] of Object.entries(value)) this.#checkDelimiters(member as Json, `${field}/${key}`)
    else if (typeof value === 'string' && value.startsWith('{%') && !value.endsWith('%}'))
      this.#diagnostics.schema(`Malformed expression delimiters in: ${value}`, `${this.#statePath}/${field}`)
  }

  leaving(members: readonly StatesMember[]) {
    const assign = this.source.Assign
    if (assign !== undefined && !isJsonObject(assign)) this.fault("'Assign' must be an object", 'Assign')
    return {
      output: this.template('Output', members),
      assign: Object.entries(isJsonObject(assign) ? assign : {}).map(
        ([name, value]) =>
          [this.#variable(name), this.#compile(value as Json, `${this.#prefix}Assign/${name}`, members)] as const,
      ),
    }
  }

  #variable(name: string): string {
    if (name === 'states') this.fault("The variable name 'states' is reserved", 'Assign')
    if (!/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(name) || [...name].length > 80)
      this.fault(`Invalid variable name: ${name}`, 'Assign')
    return name
  }

  following(members: readonly StatesMember[]) {
    return { ...this.leaving(members), next: this.text('Next') }
  }

  text(field: string): string | null {
    const value = this.source[field]
    if (value === undefined) return null
    if (typeof value === 'string') return value
    this.fault('Expected value of type String', field)
    return null
  }

  texts(field: string): readonly string[] {
    const value = this.source[field]
    if (value === undefined) return []
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
    this.fault('Expected value of type Array of strings', field)
    return []
  }

  /** A field that takes an expression or a literal integer within [min, max]. */
  integerTemplate(field: string, min: number, max: number): Template | null {
    return this.numberTemplate(field, min, max, true)
  }

  /** A field that takes an expression or a literal number within [min, max]. */
  numberTemplate(field: string, min: number, max: number, integer = false): Template | null {
    const template = this.template(field, [])
    if (template?.kind === 'constant') this.number(field, min, max, integer)
    return template
  }

  /** A literal number within [min, max]; `integer` unless told. */
  number(field: string, min: number, max: number, integer = true): number | null {
    const value = this.source[field]
    if (value === undefined) return null
    if (typeof value !== 'number' || (integer && !Number.isInteger(value)))
      this.fault(`Expected ${integer ? 'an integer' : 'a number'} between ${min} and ${max}`, field)
    else if (value < min) this.fault(`Minimum value is ${integer ? min : min.toFixed(1)}`, field)
    else if (value > max) this.fault(`Maximum value is ${integer ? max : max.toFixed(1)}`, field)
    else return value
    return null
  }

  object(field: string): FieldReader | null {
    const value = this.source[field]
    if (value === undefined) return null
    if (isJsonObject(value)) return this.#child(value, field)
    this.fault('Expected value of type Object', field)
    return null
  }

  objects(field: string): readonly FieldReader[] {
    const value = this.source[field]
    if (value === undefined) return []
    if (!Array.isArray(value)) {
      this.fault('Expected value of type Array', field)
      return []
    }
    return value.flatMap((item, index) => {
      if (isJsonObject(item)) return [this.#child(item, `${field}[${index}]`, index === value.length - 1)]
      this.fault('Expected value of type Object', `${field}[${index}]`)
      return []
    })
  }

  #child(source: Record<string, unknown>, field: string, isLast = true): FieldReader {
    const path = `${this.path}/${field}`
    return new FieldReader(source, path, this.#diagnostics, this.#queries, `${this.#prefix}${field}/`, isLast)
  }
}
