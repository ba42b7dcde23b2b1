import type { DuckDBConnection } from '@duckdb/node-api'
import { readRows } from './access.ts'
import type { PreparedStatement } from './prepare.ts'
import { quoteRelation, type RelationLookup } from './relations.ts'
import type { RequestSegments } from './request-segments.ts'
import { SqlError } from './sql-error.ts'

export interface MergeDependencies {
  readonly connection: DuckDBConnection
  readonly lookup: RelationLookup
  readonly segments: RequestSegments
}

/** Bulk: one join finds what matches, the matched rows go, and every source row comes in. Nothing matches a table with segments. */
export async function mergeRows(
  { sql, target, merge, onSegments }: PreparedStatement,
  { connection, lookup, segments }: MergeDependencies,
): Promise<number> {
  if (merge === null || target === null) throw new SqlError('MERGE cannot be prepared')
  const matches = onSegments === null ? await deleteMatches(connection, target, merge) : '0'
  if (matches !== '0' || merge.replacement === null) segments.wrote(target)
  if (merge.replacement === null) return (await connection.run(sql)).rowsChanged
  if (merge.copied !== null && matches === '0') {
    const [table, source] = [await lookup.find(target), await lookup.find(merge.copied.source)]
    const passed = table === null || source === null ? null : await segments.passOn(table, source, merge.copied.columns)
    if (passed !== null) return passed
  }
  const inserted = await connection.run(merge.replacement)
  if (inserted.rowsChanged > 0) segments.wrote(target)
  return inserted.rowsChanged
}

/** @returns how many rows matched @throws SqlError where a row of the target has two sources */
async function deleteMatches(
  connection: DuckDBConnection,
  target: NonNullable<PreparedStatement['target']>,
  merge: NonNullable<PreparedStatement['merge']>,
): Promise<string> {
  await connection.run(`CREATE OR REPLACE TEMP TABLE sluice_matches AS ${merge.matches}`)
  const [counts] = await readRows(connection, 'SELECT count(*), count(DISTINCT target_row) FROM sluice_matches')
  const matches = counts?.[0] ?? '0'
  if (matches !== counts?.[1]) throw new SqlError('Found multiple matches to update the same tuple.')
  if (merge.replacement !== null && matches !== '0')
    await connection.run(`DELETE FROM ${quoteRelation(target)} WHERE rowid IN (SELECT target_row FROM sluice_matches)`)
  await connection.run('DROP TABLE sluice_matches')
  return matches
}
