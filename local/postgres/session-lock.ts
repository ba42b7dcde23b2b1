/** One holder at a time, in the order of asking. */
export interface SessionLock<H> {
  /** Resolves when the holder has it; at once where it has it already. */
  acquire(holder: H): Promise<void>
  release(holder: H): void
  holder(): H | null
}

export function sessionLock<H>(): SessionLock<H> {
  let current: H | null = null
  const waiting: { readonly holder: H; readonly enter: () => void }[] = []
  return {
    acquire: (holder) => {
      if (current === holder) return Promise.resolve()
      if (current === null) {
        current = holder
        return Promise.resolve()
      }
      return new Promise((resolve) => waiting.push({ holder, enter: resolve }))
    },
    release: (holder) => {
      const queued = waiting.findIndex((waiter) => waiter.holder === holder)
      if (queued >= 0) waiting.splice(queued, 1)
      if (current !== holder) return
      const next = waiting.shift()
      current = next?.holder ?? null
      next?.enter()
    },
    holder: () => current,
  }
}
