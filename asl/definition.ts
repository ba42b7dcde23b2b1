import validate from 'asl-validator'
import { messageOf, SluiceError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'

/** A retrier as the definitions write it; members that are missing are `undefined`. */
export interface Retrier {
  readonly errorEquals: readonly string[]
  readonly intervalSeconds: unknown
  readonly backoffRate: unknown
  readonly maxAttempts: unknown
  readonly maxDelaySeconds: unknown
  readonly jitterStrategy: unknown
}

export interface Catcher {
  readonly errorEquals: readonly string[]
  readonly next: string
}

/** A state with what its checks and its transitions need; `raw` is all of it. */
export interface State {
  readonly name: string
  readonly type: string
  readonly comment: string | null
  readonly next: string | null
  readonly end: boolean
  /** `Next` of each rule of a Choice, in order. */
  readonly choices: readonly string[]
  readonly default: string | null
  readonly retry: readonly Retrier[]
  readonly catch: readonly Catcher[]
  /** Processor of a Map, branches of a Parallel. */
  readonly inner: readonly Scope[]
  readonly raw: Readonly<Record<string, unknown>>
}

/** States that can name each other: the machine itself, a Map's processor, a branch. */
export interface Scope {
  readonly startAt: string
  readonly states: readonly State[]
}

export interface Definition extends Scope {
  readonly comment: string
}

const PLACEHOLDER = /\$\{([A-Za-z]\w*)\}/g

/** Names of the `${Name}` placeholders of a definition, each once. */
export const placeholdersOf = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '')),
]

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const objectsOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter(isJsonObject) : []
const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []

const retrierOf = (raw: Readonly<Record<string, unknown>>): Retrier => ({
  errorEquals: textsOf(raw.ErrorEquals),
  intervalSeconds: raw.IntervalSeconds,
  backoffRate: raw.BackoffRate,
  maxAttempts: raw.MaxAttempts,
  maxDelaySeconds: raw.MaxDelaySeconds,
  jitterStrategy: raw.JitterStrategy,
})

const stateOf = (name: string, raw: Readonly<Record<string, unknown>>): State => ({
  name,
  type: textOf(raw.Type) ?? '',
  comment: textOf(raw.Comment),
  next: textOf(raw.Next),
  end: raw.End === true,
  choices: objectsOf(raw.Choices).map((rule) => textOf(rule.Next) ?? ''),
  default: textOf(raw.Default),
  retry: objectsOf(raw.Retry).map(retrierOf),
  catch: objectsOf(raw.Catch).map((catcher) => ({
    errorEquals: textsOf(catcher.ErrorEquals),
    next: textOf(catcher.Next) ?? '',
  })),
  inner: [raw.ItemProcessor, ...objectsOf(raw.Branches)].filter(isJsonObject).map(scopeOf),
  raw,
})

const scopeOf = (raw: Readonly<Record<string, unknown>>): Scope => ({
  startAt: textOf(raw.StartAt) ?? '',
  states: Object.entries(isJsonObject(raw.States) ? raw.States : {}).flatMap(([name, state]) =>
    isJsonObject(state) ? [stateOf(name, state)] : [],
  ),
})

const refuse = (file: string, problem: string): never => {
  throw new SluiceError('invalid_definition', `Cannot use ${file}: ${problem}`, { where: { file } })
}

function jsonOf(text: string, file: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    return refuse(file, messageOf(thrown))
  }
  return isJsonObject(value) ? value : refuse(file, 'it is no JSON object')
}

/**
 * Reads a definition and checks it as Step Functions would when it is created.
 * @throws SluiceError `invalid_definition`
 */
export function parseDefinition(text: string, file: string): Definition {
  const raw = jsonOf(text, file)
  const { isValid, errors } = validate(raw)
  if (!isValid)
    refuse(file, errors.map((error) => `${error['Error code']} ${error.Message ?? error.path ?? ''}`).join('; '))
  return { ...scopeOf(raw), comment: textOf(raw.Comment) ?? '' }
}

/**
 * Refuses a definition whose placeholders and their values are not the same: CloudFormation finds a missing one only while it
 * deploys, and a value that nothing uses is a mistake somewhere.
 * @throws SluiceError `invalid_definition`
 */
export function assertSubstituted(text: string, file: string, substitutions: readonly string[]): void {
  const placeholders = placeholdersOf(text)
  const missing = placeholders.filter((name) => !substitutions.includes(name))
  if (missing.length > 0) refuse(file, `no value is given for ${missing.join(', ')}`)
  const unused = substitutions.filter((name) => !placeholders.includes(name))
  if (unused.length > 0) refuse(file, `nothing uses the value of ${unused.join(', ')}`)
}

/** All states of a scope and of what is nested in it. */
export const statesOf = (scope: Scope): readonly State[] =>
  scope.states.flatMap((state) => [state, ...state.inner.flatMap(statesOf)])
