import type { Clock } from '../../local/service.ts'

export interface ManualClock extends Clock {
  /** Moves the time on and lets everything that became due run. */
  advance(seconds: number): Promise<void>
}

interface Sleeper {
  readonly atMillis: number
  readonly wake: () => void
}

/** A clock that stands still until a test moves it. */
export function manualClock(start = '2026-11-21T00:00:00.000Z'): ManualClock {
  let nowMillis = Date.parse(start)
  const sleepers = new Set<Sleeper>()
  return {
    now: () => new Date(nowMillis),
    sleepUntil: (at, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        if (at.getTime() <= nowMillis) return resolve()
        const sleeper: Sleeper = {
          atMillis: at.getTime(),
          wake: () => {
            sleepers.delete(sleeper)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        })
      }),
    advance: async (seconds) => {
      nowMillis += seconds * 1000
      for (const sleeper of [...sleepers]) if (sleeper.atMillis <= nowMillis) sleeper.wake()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
