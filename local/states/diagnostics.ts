/** One finding about a definition, as ValidateStateMachineDefinition lists it. */
export interface Diagnostic {
  readonly severity: 'ERROR' | 'WARNING'
  readonly code: string
  readonly message: string
  /** JSON pointer of the state or field; `null` for the whole machine. */
  readonly location: string | null
}

/** Collects findings; a definition with an ERROR is not created. */
export class Diagnostics {
  readonly list: Diagnostic[] = []

  error(code: string, message: string, location: string | null): void {
    this.list.push({ severity: 'ERROR', code, message, location })
  }

  schema(message: string, location: string): void {
    this.error('SCHEMA_VALIDATION_FAILED', message, location)
  }

  get failed(): boolean {
    return this.list.some((diagnostic) => diagnostic.severity === 'ERROR')
  }
}

/** The findings as the message of `InvalidDefinition` words them. */
export function printDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const texts = diagnostics
    .filter(({ severity }) => severity === 'ERROR')
    .map(({ code, message, location }) => `${code}: ${message} at ${location}`)
  return `Invalid State Machine Definition: '${texts.join(', ')}'`
}
