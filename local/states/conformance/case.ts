import { isJsonObject, type Json } from '../../../core/json.ts'

/** One recorded execution, as the case files hold it. */
export interface ConformanceCase {
  readonly id: string
  readonly definition: Json
  readonly input: Json
  readonly functions: Readonly<Record<string, FunctionBehaviour>>
  readonly nested: Readonly<Record<string, Json>>
  readonly objects: Readonly<Record<string, Readonly<Record<string, Json>>>>
  /** `null`: the case says nothing about the outcome. */
  readonly expected: ExpectedExecution | null
}

export interface FunctionBehaviour {
  readonly echo?: boolean
  readonly return?: Json
  readonly returnRepeated?: { readonly text: string; readonly count: number }
  readonly error?: Json
  readonly sleepSeconds?: number
}

export interface ExpectedExecution {
  readonly status: string
  readonly output: Json | undefined
  readonly error: Json | undefined
  readonly cause: Json | undefined
  /** `null`: the recording lost the order. */
  readonly history: readonly Json[] | null
  readonly ordering: string
  readonly events: readonly ExpectedEvent[]
}

export interface ExpectedEvent {
  readonly id: number | null
  readonly prev: number | null
  readonly type: string
  readonly details: Json | undefined
}

const objectOf = (value: unknown): Record<string, Json> => (isJsonObject(value) ? (value as Record<string, Json>) : {})

/** @throws Error for text that is no case */
export function parseCase(text: string): ConformanceCase {
  const json: unknown = JSON.parse(text)
  if (!isJsonObject(json) || typeof json.id !== 'string') throw new Error('A case file holds an object with an "id"')
  return {
    id: json.id,
    definition: json.definition as Json,
    input: (json.input ?? null) as Json,
    functions: objectOf(json.lambda) as Record<string, FunctionBehaviour>,
    nested: objectOf(json.nested),
    objects: objectOf(json.s3) as Record<string, Record<string, Json>>,
    expected: isJsonObject(json.expected) ? parseExpected(json.expected as Record<string, Json>) : null,
  }
}

function parseExpected(expected: Record<string, Json>): ExpectedExecution {
  const { status, output, error, cause, history, ordering, events } = expected
  return {
    status: String(status),
    output,
    error,
    cause,
    history: Array.isArray(history) ? history : null,
    ordering: typeof ordering === 'string' ? ordering : 'exact',
    events: Array.isArray(events) ? events.map(parseEvent) : [],
  }
}

function parseEvent(event: Json): ExpectedEvent {
  const { id, prev, type, details } = objectOf(event)
  return {
    id: typeof id === 'number' ? id : null,
    prev: typeof prev === 'number' ? prev : null,
    type: String(type),
    details,
  }
}
