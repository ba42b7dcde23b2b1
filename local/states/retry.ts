import type { Failure } from './log.ts'
import type { Retrier } from './machine.ts'

/** What a retrier or catcher is matched against. */
export interface Matched {
  readonly failure: Failure
  readonly heartbeat: boolean
}

/** True if one of the names matches the error, wildcards included; nothing matches `States.Runtime`. */
export function matchesError(names: readonly string[], { failure: { error }, heartbeat }: Matched): boolean {
  if (error === 'States.Runtime') return false
  return names.some(
    (name) =>
      name === error ||
      name === 'States.ALL' ||
      (name === 'States.TaskFailed' && error !== 'States.Timeout') ||
      (name === 'States.HeartbeatTimeout' && heartbeat),
  )
}

/** The delay before retry `attempt` (from 1), in milliseconds. `random` is uniform in [0, 1). */
export function retryDelayMillis(retrier: Retrier, attempt: number, random: () => number): number {
  const { intervalSeconds, backoffRate, maxDelaySeconds, fullJitter } = retrier
  const grown = intervalSeconds * backoffRate ** (attempt - 1)
  const seconds = Math.min(grown, maxDelaySeconds ?? 31_622_400)
  return Math.round(seconds * 1_000 * (fullJitter ? random() : 1))
}

/** The first retrier that matches, if it has attempts left; a later one is not consulted. */
export function chooseRetrier(
  retriers: readonly Retrier[],
  counts: readonly number[],
  matched: Matched,
): { readonly retrier: Retrier; readonly index: number; readonly attempt: number } | null {
  const index = retriers.findIndex(({ errorEquals }) => matchesError(errorEquals, matched))
  const retrier = retriers[index]
  const used = counts[index] ?? 0
  if (retrier === undefined || used >= retrier.maxAttempts) return null
  return { retrier, index, attempt: used + 1 }
}
