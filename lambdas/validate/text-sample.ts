import type { Drift } from '../messages.ts'

/** Decoded text of a source's beginning and, where it can be read by itself, of its end. */
export interface TextSample {
  readonly beginning: string
  /** `beginning` is all there is. */
  readonly complete: boolean
  readonly end: string | null
}

/** What the sample shows of a source that may proceed. */
export interface SeenColumns {
  readonly header: readonly string[]
  readonly drift: Drift
}
