import validate from 'asl-validator'
import { messageOf, SluiceError } from '../core/errors.ts'

const PLACEHOLDER = /\$\{([A-Za-z]\w*)\}/g

/** Names of the `${Name}` placeholders of a definition, each once. */
export const placeholdersOf = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '')),
]

const refuse = (file: string, problem: string): never => {
  throw new SluiceError('invalid_definition', `Cannot use ${file}: ${problem}`, { where: { file } })
}

function parse(text: string, file: string): Record<string, unknown> {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    return refuse(file, messageOf(thrown))
  }
}

/**
 * Checks a definition as Step Functions would when it is created, and that every placeholder has a value: CloudFormation finds
 * a missing one only while it deploys.
 * @throws SluiceError `invalid_definition`
 */
export function assertValidDefinition(text: string, file: string, substitutions: readonly string[]): void {
  const missing = placeholdersOf(text).filter((name) => !substitutions.includes(name))
  if (missing.length > 0) refuse(file, `no value is given for ${missing.join(', ')}`)
  const unused = substitutions.filter((name) => !placeholdersOf(text).includes(name))
  if (unused.length > 0) refuse(file, `nothing uses ${unused.join(', ')}`)
  const { isValid, errors } = validate(parse(text.replaceAll(PLACEHOLDER, '1'), file))
  if (!isValid) refuse(file, errors.map((error) => `${error['Error code']} ${error.Message ?? ''}`).join('; '))
}
