/** A JSON object that may be edited. */
export type JsonObject = Record<string, unknown>

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws TypeError */
export function objectOf(value: unknown): JsonObject {
  if (isJsonObject(value)) return value
  throw new TypeError(`expected an object, found ${JSON.stringify(value)}`)
}

/** @throws TypeError */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  throw new TypeError(`expected a text, found ${JSON.stringify(value)}`)
}
