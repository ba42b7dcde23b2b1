import type { Position } from '../ast.ts'

/** Something a linter has to say; `code` is lower_snake_case and stable. */
export interface Finding {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units. */
  readonly column: number
  readonly severity: 'error' | 'warning'
  readonly code: string
  readonly message: string
}

/** A finding with its place as an object, which moves with the rule that it is in. */
export interface PlacedFinding {
  readonly severity: Finding['severity']
  readonly code: string
  readonly message: string
  readonly at: Position
}

export type Report = (severity: Finding['severity'], code: string, message: string, at: Position) => void

/** A hint behind a message, where there is one. */
export const withHint = (message: string, hint: string | null): string =>
  hint === null ? message : `${message} (${hint.charAt(0).toLowerCase()}${hint.slice(1)})`
