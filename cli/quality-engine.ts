import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { availableParallelism, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { SluiceError } from '../core/errors.ts'
import type { Duckdb } from '../glue/duckdb.ts'
import { CommandError, EXIT } from './output.ts'

/** Share of the machine's memory that the engine of `sluice dq` takes before it goes to disk. */
const MEMORY_SHARE = 0.25

/** Input files that cannot be used are wrong use; an engine that fails is not. */
export const asInputError = (thrown: unknown): unknown =>
  thrown instanceof SluiceError && !(thrown instanceof CommandError)
    ? new CommandError(EXIT.wrongUse, thrown.code, thrown.message, thrown.hint, thrown.where)
    : thrown

/** Runs work on an embedded DuckDB of its own, with a folder that is removed afterwards. */
export async function withQualityEngine<T>(work: (engine: Duckdb, scratch: string) => Promise<T>): Promise<T> {
  const { openDuckdb } = await import('../glue/duckdb.ts')
  const tempDirectory = mkdtempSync(join(tmpdir(), 'sluice-dq-'))
  const engine = await openDuckdb({
    threads: availableParallelism(),
    memoryLimitBytes: Math.floor(totalmem() * MEMORY_SHARE),
    tempDirectory,
  })
  try {
    return await work(engine, tempDirectory)
  } catch (thrown) {
    throw asInputError(thrown)
  } finally {
    engine.close()
    await rm(tempDirectory, { recursive: true, force: true })
  }
}
