/** A write inside `store.transaction`: the transaction reports what becomes of it, so its own promise is not waited for. */
export const inTransaction = (...writes: readonly Promise<void>[]): void => {
  for (const write of writes) write.catch(() => undefined)
}
