import type { Clock } from '../../service.ts'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** A clock that stands still while there is work and jumps to the next alarm when there is none. */
export function virtualClock(startAt: Date): Clock {
  let now = startAt.getTime()
  const sleepers = new Set<Sleeper>()
  let armed = false
  const arm = (): void => {
    if (armed) return
    armed = true
    setImmediate(() => {
      armed = false
      const due = Math.min(...[...sleepers].map(({ at }) => at))
      if (!Number.isFinite(due)) return
      now = Math.max(now, due)
      for (const sleeper of [...sleepers].filter(({ at }) => at <= now)) {
        sleepers.delete(sleeper)
        sleeper.wake()
      }
      if (sleepers.size > 0) arm()
    })
  }
  return {
    now: () => new Date(now),
    sleepUntil: (at, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted()
        const sleeper = { at: at.getTime(), wake: resolve }
        sleepers.add(sleeper)
        signal.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        })
        arm()
      }),
  }
}
