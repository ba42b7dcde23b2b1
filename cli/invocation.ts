import type { Output } from './output.ts'

/** What every command gets beside its own arguments. */
export interface Invocation {
  readonly output: Output
  /** `--state`, or `null` when it was not given. */
  readonly state: string | null
  readonly environment: NodeJS.ProcessEnv
  readonly directory: string
}
