import type { Clock } from './service.ts'

/** Node's timers hold at most this long. */
const MAX_TIMER_MILLIS = 2 ** 31 - 1

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleepUntil: async (at, signal) => {
    for (;;) {
      signal.throwIfAborted()
      const millis = at.getTime() - Date.now()
      if (millis <= 0) return
      await pause(Math.min(millis, MAX_TIMER_MILLIS), signal)
    }
  },
}

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, millis)
    signal.addEventListener('abort', stop, { once: true })
  })
}
