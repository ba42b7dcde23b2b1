import type { Invocation } from './invocation.ts'
import type { ExitCode } from './output.ts'

/** What a command does with its arguments and options; it throws what `reportError` tells. */
export type Run = (invocation: Invocation, ...args: never[]) => Promise<ExitCode>

/** A command as its help tells it; what it does is imported when it is called. */
export interface Declaration {
  readonly usage: string
  readonly summary: string
  readonly example: string
  readonly options?: readonly (readonly [flags: string, description: string, fallback?: string])[]
  readonly load: () => Promise<Run>
}
