import type { Json } from '../../core/json.ts'
import { AwsError } from '../service.ts'
import { type Compilation, compileMachine } from './compile.ts'
import type { QueryReader } from './compile-fields.ts'
import { type Diagnostic, printDiagnostics } from './diagnostics.ts'
import { checkExpress } from './express-check.ts'
import type { Machine } from './machine.ts'
import { hashOfDefinition, type MachineStore } from './machine-store.ts'
import type { Query } from './query.ts'
import { checkQuery } from './query-check.ts'
import { schemaWarnings } from './schema-check.ts'
import { sdkFaults } from './sdk-check.ts'

/** In characters. */
const MAX_DEFINITION_LENGTH = 1_048_576

/** A definition that may be created. */
export interface CheckedDefinition {
  readonly json: Json
  readonly hash: string
}

/** Parses, checks and compiles definitions; what was compiled once is kept. */
export class Definitions {
  readonly #machines = new Map<string, Machine>()
  readonly #store: MachineStore
  readonly #parse: (text: string) => Query

  constructor(store: MachineStore, parse: (text: string) => Query) {
    this.#store = store
    this.#parse = parse
  }

  /** The findings about a definition's text; warnings only for one that would be created. */
  async diagnose(text: string, type: 'STANDARD' | 'EXPRESS'): Promise<readonly Diagnostic[]> {
    const { json, diagnostics } = this.#check(text, type)
    if (json === null) return diagnostics
    const found = [...diagnostics, ...(await sdkFaults(json))]
    return found.length > 0 ? found : schemaWarnings(json)
  }

  /** @throws AwsError InvalidDefinition */
  async check(text: string, type: 'STANDARD' | 'EXPRESS'): Promise<CheckedDefinition> {
    const { json, diagnostics } = this.#check(text, type)
    const found = json === null ? diagnostics : [...diagnostics, ...(await sdkFaults(json))]
    if (json === null || found.some(({ severity }) => severity === 'ERROR'))
      throw new AwsError('InvalidDefinition', printDiagnostics(found))
    return { json, hash: hashOfDefinition(json) }
  }

  #check(text: string, type: 'STANDARD' | 'EXPRESS') {
    if (text.length === 0 || text.length > MAX_DEFINITION_LENGTH)
      throw new AwsError(
        'ValidationException',
        `1 validation error detected: Value at 'definition' failed to satisfy constraint: Member must have length between 1 and ${MAX_DEFINITION_LENGTH}`,
      )
    const json = parseText(text)
    if (json === undefined)
      return {
        json: null,
        diagnostics: [
          {
            severity: 'ERROR',
            code: 'INVALID_JSON_DESCRIPTION',
            message: 'Cannot parse the definition as JSON',
            location: '/',
          } as const,
        ],
      }
    const { machine, diagnostics } = this.#compile(json, checkQuery)
    if (machine !== null && type === 'EXPRESS') checkExpress(json, diagnostics)
    if (machine !== null) this.#machines.set(hashOfDefinition(json), machine)
    return { json, diagnostics: diagnostics.list }
  }

  #compile(json: Json, check: QueryReader['check']): Compilation {
    return compileMachine(json, this.#parse, check)
  }

  /** The compiled machine of a stored definition. */
  machineOf(hash: string): Machine {
    const known = this.#machines.get(hash)
    if (known !== undefined) return known
    const json = this.#store.definitions.get([hash])
    if (json === undefined) throw new Error(`The definition ${hash} is not in the store`)
    const { machine, diagnostics } = this.#compile(json, () => null)
    if (machine === null) throw new Error(printDiagnostics(diagnostics.list))
    this.#machines.set(hash, machine)
    return machine
  }
}

function parseText(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
