import { isJsonObject, type Json } from '../../core/json.ts'
import type { Diagnostic } from './diagnostics.ts'

/** Fields whose schema in asl-validator is narrower than what AWS was seen to accept. */
const TOO_NARROW = ['Output', 'ToleratedFailureCount', 'ToleratedFailurePercentage']

/**
 * What asl-validator has against a definition, as warnings: our own checks decide, as they follow recordings. It takes most of
 * a second for a large definition and is loaded when it is first asked.
 */
export async function schemaWarnings(definition: Json): Promise<readonly Diagnostic[]> {
  const { default: validate } = await import('asl-validator')
  const subject = withoutNarrowFields(definition)
  const { errors } = validate(subject as unknown as Parameters<typeof validate>[0], {
    checkPaths: false,
    checkArn: false,
  })
  return errors.map((error) => {
    const message = 'Message' in error ? error.Message : 'message' in error ? error.message : undefined
    return { severity: 'WARNING', code: 'ASL_VALIDATOR', message: String(message), location: '/' }
  })
}

/** A copy (the validator writes into what it gets) without the fields it would misjudge. */
function withoutNarrowFields(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNarrowFields)
  if (!isJsonObject(value)) return value
  const isState = typeof value.Type === 'string'
  const kept = Object.entries(value as Record<string, Json>).filter(([key]) => !(isState && TOO_NARROW.includes(key)))
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNarrowFields(member)]))
}
