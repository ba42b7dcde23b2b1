import { isJsonObject, type Json } from '../../core/json.ts'
import { type Bindings, type Query, QueryFailure, setMember } from './query.ts'

/** A field of a definition: JSON with expressions at any depth. `field` is its path within the state, e.g. `Output/a[0]`. */
export type Template =
  | { readonly kind: 'constant'; readonly value: Json; readonly field: string }
  | { readonly kind: 'expression'; readonly query: Query; readonly field: string }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Template])[]; readonly field: string }
  | { readonly kind: 'array'; readonly items: readonly Template[]; readonly field: string }

/** An expression without a usable result: `States.QueryEvaluationError`. `cause` lacks the prefix that names the state. */
export class EvaluationFailure extends Error {
  override readonly cause: string
  readonly location: string | undefined
  constructor(cause: string, location: string | undefined) {
    super(cause)
    this.name = 'EvaluationFailure'
    this.cause = cause
    this.location = location
  }
}

export type JsonType = 'array' | 'object' | 'string' | 'number' | 'boolean' | 'null'

/** True for text that is one expression: it starts with exactly `{%` and ends with exactly `%}`. */
export const isExpression = (text: string): boolean => text.length >= 4 && text.startsWith('{%') && text.endsWith('%}')

/** The text between the marks, trimmed. */
export const expressionText = (text: string): string => text.slice(2, -2).trim()

/**
 * Compiles a field. `parse` gets the text of each expression and its field and returns the parsed query, or `null` after
 * having reported a fault, upon which the text stays a literal.
 */
export function compileTemplate(
  value: Json,
  field: string,
  parse: (text: string, field: string) => Query | null,
): Template {
  if (typeof value === 'string' && isExpression(value)) {
    const query = parse(expressionText(value), field)
    return query === null ? { kind: 'constant', value, field } : { kind: 'expression', query, field }
  }
  if (Array.isArray(value)) return compileArray(value, field, parse)
  if (isJsonObject(value)) {
    const members = Object.entries(value as Record<string, Json>).map(
      ([key, member]) => [key, compileTemplate(member, `${field}/${key}`, parse)] as const,
    )
    if (members.every(([, member]) => member.kind === 'constant'))
      return { kind: 'constant', value: value as Json, field }
    return { kind: 'object', members, field }
  }
  return { kind: 'constant', value, field }
}

function compileArray(value: readonly Json[], field: string, parse: (text: string, field: string) => Query | null) {
  const items = value.map((item, index) => compileTemplate(item, `${field}[${index}]`, parse))
  if (items.every((item) => item.kind === 'constant')) return { kind: 'constant', value, field } as const
  return { kind: 'array', items, field } as const
}

/** @throws EvaluationFailure */
export async function evaluateTemplate(template: Template, bindings: Bindings): Promise<Json> {
  switch (template.kind) {
    case 'constant':
      return template.value
    case 'expression':
      return evaluateQuery(template.query, template.field, bindings)
    case 'array': {
      const items: Json[] = []
      for (const item of template.items) items.push(await evaluateTemplate(item, bindings))
      return items
    }
    case 'object': {
      const object: Record<string, Json> = {}
      for (const [key, member] of template.members) setMember(object, key, await evaluateTemplate(member, bindings))
      return object
    }
  }
}

async function evaluateQuery(query: Query, field: string, bindings: Bindings): Promise<Json> {
  try {
    return await query.evaluate(bindings)
  } catch (thrown) {
    if (!(thrown instanceof QueryFailure)) throw thrown
    throw new EvaluationFailure(`${subjectOf(query.text, field)} ${thrown.reason}`, field)
  }
}

const subjectOf = (text: string, field: string): string =>
  `The JSONata expression '${text}' specified for the field '${field}'`

/** The JSON type's name as AWS's messages spell it. */
export function jsonTypeOf(value: Json): JsonType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean' ? type : 'object'
}

/** Evaluates a field whose value must have one of the types. @throws EvaluationFailure */
export async function evaluateTyped(template: Template, types: readonly JsonType[], bindings: Bindings): Promise<Json> {
  const value = await evaluateTemplate(template, bindings)
  const type = jsonTypeOf(value)
  if (types.includes(type)) return value
  const subject =
    template.kind === 'expression' ? subjectOf(template.query.text, template.field) : `The field '${template.field}'`
  throw new EvaluationFailure(
    `${subject} returned an unexpected result type. Expected '${types.join("' or '")}', but was '${type}' for value: ${JSON.stringify(value)}`,
    template.field,
  )
}
