import type { Severity } from '../../core/run-documents.ts'

/** A rule that holds on the data it was suggested from. */
export interface Suggestion {
  /** Without labels. */
  readonly rule: string
  /** `warn` for what may change without being wrong. */
  readonly severity: Severity
  /** Why, in one line. */
  readonly reason: string
  /** The figure that the rule was made from, by its name in results where it has one. */
  readonly observed: Readonly<Record<string, number | string>>
}

export const gate = (rule: string, reason: string, observed: Suggestion['observed']): Suggestion => ({
  rule,
  severity: 'gate',
  reason,
  observed,
})
export const warn = (rule: string, reason: string, observed: Suggestion['observed']): Suggestion => ({
  rule,
  severity: 'warn',
  reason,
  observed,
})
