interface Asked {
  readonly work: () => void
  readonly done: () => void
  readonly failed: (reason: unknown) => void
}

/**
 * Puts what is asked for until a transaction begins into it, and what is asked for while it is committed into the next:
 * many executions share one transaction and one sync. When a shared transaction fails, each work is tried in one of its
 * own, so that none fails for another's reason; a work may therefore be called twice.
 */
export function groupCommit(transaction: (work: () => void) => Promise<void>): (work: () => void) => Promise<void> {
  let waiting: Asked[] = []
  let committing = false
  const take = (): readonly Asked[] => {
    const batch = waiting
    waiting = []
    return batch
  }
  const commit = async (): Promise<void> => {
    let batch: readonly Asked[] = []
    try {
      await transaction(() => {
        batch = take()
        for (const { work } of batch) work()
      })
    } catch (thrown) {
      // A transaction that did not even begin fails those who wait for it.
      await fail(batch.length === 0 ? take() : batch, thrown)
      return
    }
    for (const { done } of batch) done()
  }
  const fail = async (batch: readonly Asked[], thrown: unknown): Promise<void> => {
    if (batch.length === 1) for (const { failed } of batch) failed(thrown)
    // Whose fault it was shows when each is alone, and reaches who asked.
    else for (const asked of batch) await transaction(asked.work).then(asked.done, asked.failed)
  }
  const pump = async (): Promise<void> => {
    committing = true
    while (waiting.length > 0) await commit()
    committing = false
  }
  return (work) =>
    new Promise((done, failed) => {
      waiting.push({ work, done, failed })
      if (!committing) void pump()
    })
}
