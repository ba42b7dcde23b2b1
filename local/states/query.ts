import { createHash } from 'node:crypto'
import jsonata from 'jsonata'
import type { Json } from '../../core/json.ts'
import { boundEvaluation, MAX_HELD_BYTES, memoryExceeded } from './query-bounds.ts'

/** What an expression sees: `states` and the workflow variables. */
export type Bindings = Readonly<Record<string, unknown>>

/** Where the functions that are not a pure function of their arguments take their answers from. */
export interface QueryEnvironment {
  readonly now: () => Date
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly uuid: () => string
}

/** A failed evaluation; `reason` follows "The JSONata expression '…' specified for the field '…' " in the cause. */
export class QueryFailure extends Error {
  readonly reason: string
  constructor(reason: string) {
    super(reason)
    this.name = 'QueryFailure'
    this.reason = reason
  }
}

/** A parsed expression, without its `{% %}` and trimmed. */
export interface Query {
  readonly text: string
  /** @throws QueryFailure when there is no JSON value to go on with: undefined, an error, a function. */
  evaluate(bindings: Bindings): Promise<Json>
}

/** JSON of a result, free of JSONata's hidden sequence marks; `undefined` for what JSON cannot hold. */
function plainJson(value: unknown): Json | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (Array.isArray(value)) return value.map((item) => plainJson(item) ?? null)
  if (typeof value !== 'object' || isFunctionValue(value)) return undefined
  const copy: Record<string, Json> = {}
  for (const [key, member] of Object.entries(value)) {
    const plain = plainJson(member)
    if (plain !== undefined) setMember(copy, key, plain)
  }
  return copy
}

/** Assigns a member as its own property, `__proto__` included. */
export function setMember<V>(target: Record<string, V>, key: string, value: V): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else target[key] = value
}

const isFunctionValue = (value: unknown): boolean =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && ('_jsonata_lambda' in value || '_jsonata_function' in value))

function errorReason(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
    const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null
    if (code !== null) return `threw an error during evaluation. ${code}: ${String(thrown.message)}`
    return `threw an error during evaluation: ${String(thrown.message)}`
  }
  return `threw an error during evaluation: ${String(thrown)}`
}

const HASHES: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
}

function partition(items: unknown, size: unknown): unknown {
  if (!Array.isArray(items) || typeof size !== 'number') return undefined
  const step = Math.trunc(size)
  if (step < 1 || items.length === 0) return undefined
  const parts: unknown[][] = []
  for (let start = 0; start < items.length; start += step) parts.push(items.slice(start, start + step))
  return parts
}

function range(first: unknown, last: unknown, step: unknown): unknown {
  if (typeof first !== 'number' || typeof last !== 'number' || typeof step !== 'number') return undefined
  const [from, to, by] = [Math.trunc(first), Math.trunc(last), Math.trunc(step)]
  if (by === 0 || (by > 0 ? from > to : from < to)) return undefined
  if ((Math.abs(to - from) / Math.abs(by) + 1) * 8 > MAX_HELD_BYTES) throw memoryExceeded()
  const values: number[] = []
  for (let value = from; by > 0 ? value <= to : value >= to; value += by) values.push(value)
  return values.length === 1 ? values[0] : values
}

function hash(text: unknown, algorithm: unknown): unknown {
  if (typeof text !== 'string' || typeof algorithm !== 'string') return undefined
  const name = HASHES[algorithm]
  return name === undefined ? undefined : createHash(name).update(text).digest('hex')
}

/** A number in [0, 1) that depends on the seed only (the generator behind AWS's is not published). */
function seededRandom(seed: unknown): number {
  const digest = createHash('sha256').update(String(seed)).digest()
  return (digest.readUIntBE(0, 6) >>> 0) / 2 ** 32
}

function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  return JSON.parse(text)
}

const fromMillis = jsonata('$fromMillis($now, $picture, $timezone)')

function defineFunctions(expression: jsonata.Expression, environment: QueryEnvironment): void {
  expression.registerFunction('partition', partition)
  expression.registerFunction('range', range)
  expression.registerFunction('hash', hash)
  expression.registerFunction('uuid', environment.uuid)
  expression.registerFunction('parse', parseJson)
  expression.registerFunction('random', (seed?: unknown) =>
    seed === undefined ? environment.random() : seededRandom(seed),
  )
  expression.registerFunction('millis', () => environment.now().getTime())
  expression.registerFunction('now', (picture?: string, timezone?: string) =>
    fromMillis.evaluate(undefined, { now: environment.now().getTime(), picture, timezone }),
  )
  expression.assign('eval', undefined)
}

/** A maker of queries that keeps what it has parsed. Texts were checked when their definition was created. */
export function createQueryParser(environment: QueryEnvironment): (text: string) => Query {
  const cache = new Map<string, Query>()
  return (text) => {
    const known = cache.get(text)
    if (known !== undefined) return known
    const query = lazyQuery(text, environment)
    if (cache.size > 10_000) cache.clear()
    cache.set(text, query)
    return query
  }
}

/** Parsed when it is first evaluated: most of a definition's expressions are of branches not taken. */
function lazyQuery(text: string, environment: QueryEnvironment): Query {
  let evaluate: ((bindings: Bindings) => Promise<unknown>) | null = null
  return {
    text,
    async evaluate(bindings) {
      evaluate ??= parseQuery(text, environment)
      const result = await evaluate(bindings)
      if (result === undefined) throw new QueryFailure('returned nothing (undefined).')
      const plain = plainJson(result)
      if (plain === undefined) throw new QueryFailure('returned an unsupported result type.')
      return plain
    },
  }
}

function parseQuery(text: string, environment: QueryEnvironment): (bindings: Bindings) => Promise<unknown> {
  const expression = jsonata(text)
  defineFunctions(expression, environment)
  const bound = boundEvaluation<Bindings>(expression)
  return (bindings) => run(expression, bound(bindings))
}

async function run(expression: jsonata.Expression, bindings: Bindings): Promise<unknown> {
  try {
    return await expression.evaluate(undefined, bindings)
  } catch (thrown) {
    throw new QueryFailure(errorReason(thrown))
  }
}
