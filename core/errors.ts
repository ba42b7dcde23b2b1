/** Where a fault lies: a file with line, a JSON path, a column, an object key; what is known is given. */
export interface FaultPlace {
  readonly file?: string
  readonly line?: number
  readonly column?: number
  readonly path?: string
}

export interface FaultDetails {
  readonly where?: FaultPlace
  readonly expected?: string
  readonly found?: string
  readonly hint?: string
  readonly cause?: unknown
}

/**
 * A failure that a user or a state machine can meet. `code` is lower_snake_case and stable; the wording is free to improve.
 * `name` equals the code in PascalCase, as Lambda reports `name` as errorType and ASL's ErrorEquals compares that.
 */
export class SluiceError extends Error {
  readonly code: string
  readonly where: FaultPlace | undefined
  readonly expected: string | undefined
  readonly found: string | undefined
  readonly hint: string | undefined

  constructor(code: string, message: string, details: FaultDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = code.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    this.code = code
    this.where = details.where
    this.expected = details.expected
    this.found = details.found
    this.hint = details.hint
  }
}

/** `file:line:column path` with only the parts that are known. */
export function printPlace(where: FaultPlace): string {
  const position = [where.file, where.line, where.column].filter((part) => part !== undefined).join(':')
  return [position, where.path].filter((part) => part !== undefined && part !== '').join(' ')
}

/** The message of anything thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
