import { isJsonObject, type Json } from '../../../core/json.ts'

/**
 * How an actual value differs from a recorded one; empty when it matches. `"*"` matches anything, `*` within text any run of
 * characters, `{"$json": X}` text whose parsed value matches X.
 */
export function differences(expected: Json | undefined, actual: Json | undefined, at: string): readonly string[] {
  if (expected === '*') return []
  if (typeof expected === 'string') return textDifferences(expected, actual, at)
  if (isJsonObject(expected) && '$json' in expected) return jsonTextDifferences(expected.$json as Json, actual, at)
  if (Array.isArray(expected)) return arrayDifferences(expected, actual, at)
  if (isJsonObject(expected)) return objectDifferences(expected as Record<string, Json>, actual, at)
  return expected === actual ? [] : [different(expected, actual, at)]
}

const different = (expected: unknown, actual: unknown, at: string): string =>
  `${at}: expected ${shortened(expected)}, found ${shortened(actual)}`

const shortened = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

function textDifferences(expected: string, actual: Json | undefined, at: string): readonly string[] {
  if (typeof actual !== 'string') return [different(expected, actual, at)]
  return matchesWildcards(expected.split('*'), actual) ? [] : [different(expected, actual, at)]
}

/** True if the text is the parts in order, with anything between them. */
function matchesWildcards(parts: readonly string[], text: string): boolean {
  const [first = '', ...rest] = parts
  if (rest.length === 0) return text === first
  if (!text.startsWith(first)) return false
  let from = first.length
  const last = rest.pop() ?? ''
  for (const part of rest) {
    const found = text.indexOf(part, from)
    if (found < 0) return false
    from = found + part.length
  }
  return text.length - last.length >= from && text.endsWith(last)
}

function jsonTextDifferences(expected: Json, actual: Json | undefined, at: string): readonly string[] {
  if (typeof actual !== 'string') return [different(expected, actual, at)]
  try {
    return differences(expected, JSON.parse(actual) as Json, `${at} (parsed)`)
  } catch {
    return [`${at}: expected JSON text, found ${shortened(actual)}`]
  }
}

function arrayDifferences(expected: readonly Json[], actual: Json | undefined, at: string): readonly string[] {
  if (!Array.isArray(actual) || actual.length !== expected.length) return [different(expected, actual, at)]
  return expected.flatMap((item, index) => differences(item, actual[index], `${at}[${index}]`))
}

function objectDifferences(expected: Record<string, Json>, actual: Json | undefined, at: string): readonly string[] {
  if (!isJsonObject(actual)) return [different(expected, actual, at)]
  const extra = Object.keys(actual).filter((key) => !Object.hasOwn(expected, key))
  return [
    ...Object.entries(expected).flatMap(([key, value]) => differences(value, actual[key] as Json, `${at}.${key}`)),
    ...extra.map((key) => `${at}.${key}: expected nothing, found ${shortened(actual[key])}`),
  ]
}
