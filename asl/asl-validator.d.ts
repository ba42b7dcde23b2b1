/** The package has no types of its own; this is what is used of it. */
declare module 'asl-validator' {
  interface ValidationError {
    readonly 'Error code': string
    readonly Message?: string
    readonly path?: string
  }
  interface ValidationResult {
    readonly isValid: boolean
    readonly errors: readonly ValidationError[]
  }
  export default function validate(definition: unknown, options?: Readonly<Record<string, boolean>>): ValidationResult
}
