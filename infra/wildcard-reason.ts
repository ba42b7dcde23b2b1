/** A reason as the template's Metadata holds it. */
export interface WildcardReason {
  readonly wildcards: readonly string[]
  /** The actions that it was written for. */
  readonly actions: readonly string[]
  readonly reason: string
}

/** Under this key of a policy's Metadata lie the reasons of its wildcards. */
export const WILDCARD_REASONS = 'sluice:wildcards'
