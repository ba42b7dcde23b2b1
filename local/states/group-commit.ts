interface Asked {
  readonly work: () => void
  readonly done: () => void
  readonly failed: (reason: unknown) => void
}

/**
 * Puts what is asked for while a commit runs into the next one: many executions share one transaction and one sync. When a
 * shared transaction fails, each work is tried in one of its own, so that none fails for another's reason; a work may
 * therefore be called twice.
 */
export function groupCommit(transaction: (work: () => void) => Promise<void>): (work: () => void) => Promise<void> {
  let waiting: Asked[] = []
  let committing = false
  const settle = (asked: Asked): Promise<void> => transaction(asked.work).then(asked.done, asked.failed)
  const commit = async (batch: readonly Asked[]): Promise<void> => {
    const [first] = batch
    if (batch.length === 1 && first !== undefined) return settle(first)
    try {
      await transaction(() => {
        for (const { work } of batch) work()
      })
    } catch {
      // Whose fault it was shows when each is alone, and reaches who asked.
      for (const asked of batch) await settle(asked)
      return
    }
    for (const { done } of batch) done()
  }
  const pump = async (): Promise<void> => {
    committing = true
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await commit(batch)
    }
    committing = false
  }
  return (work) =>
    new Promise((done, failed) => {
      waiting.push({ work, done, failed })
      if (!committing) void pump()
    })
}
