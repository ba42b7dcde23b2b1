import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { ItemReaderFailure } from './item-reader-failure.ts'

/** The rows of a Parquet file as objects, at most `limit`; DuckDB is loaded when the first one is read. @throws ItemReaderFailure */
export async function parquetItems(bytes: Buffer, limit: number): Promise<readonly Json[]> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const folder = mkdtempSync(join(tmpdir(), 'sluice-items-'))
  const database = await DuckDBInstance.create(':memory:')
  const connection = await database.connect()
  try {
    const file = join(folder, 'items.parquet')
    writeFileSync(file, bytes)
    const rows = await connection.runAndReadAll(
      `SELECT to_json(items)::VARCHAR FROM read_parquet($file) items${Number.isFinite(limit) ? ` LIMIT ${limit}` : ''}`,
      { file },
    )
    return rows.getRows().map(([row]) => JSON.parse(String(row)) as Json)
  } catch (cause) {
    throw new ItemReaderFailure(messageOf(cause))
  } finally {
    connection.closeSync()
    database.closeSync()
    rmSync(folder, { recursive: true, force: true })
  }
}
