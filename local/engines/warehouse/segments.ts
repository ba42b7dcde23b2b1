/**
 * Segments: rows of a table that lie in Parquet files instead of in the table. COPY takes a large file over by a link, so its
 * rows are not written a second and a third time on their way from the file to staging to the table.
 *
 * A table with segments is kept as a table of its other rows, `x (rows)`, and a view `x` over both. A statement that would
 * change a row of it takes the segments into the table first (`absorb`), so that only inserting knows of them.
 * docs/decisions/warehouse-segments.md
 */
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { MAX_IDENTIFIER_BYTES, quoteName } from '../../../warehouse/quote.ts'
import { readRows } from './access.ts'
import { keyOf, quoteRelation, type Relation, type RelationColumn, storageOf } from './relations.ts'

/** What COPY measured of a column: whether a table with other limits may take it as it is. */
export interface SegmentColumn {
  /** The table's. */
  readonly name: string
  /** The file's; `null`: NULL in every row. */
  readonly from: string | null
  /** The longest text in bytes; `null` for other types, and where every row has NULL. */
  readonly maxBytes: number | null
  readonly hasNull: boolean
}

/** Files of one COPY, of one schema. */
export interface Segment {
  /** Names in the warehouse's folder of segments. */
  readonly files: readonly string[]
  readonly rows: number
  readonly columns: readonly SegmentColumn[]
}

/** More would make every read of the table open too many files; what comes then goes into the table. */
export const MAX_SEGMENTS = 16

/** Its rows are JSON of {@link Segment}. */
export const SEGMENTS_TABLE =
  'CREATE TABLE IF NOT EXISTS sluice_catalog.segments (relation VARCHAR, position INTEGER, segment VARCHAR)'

export async function readSegments(connection: DuckDBConnection, relation: string): Promise<readonly Segment[]> {
  const rows = await readRows(
    connection,
    'SELECT segment FROM sluice_catalog.segments WHERE relation = ? ORDER BY position',
    [relation],
  )
  return rows.map(([segment]) => JSON.parse(segment ?? 'null') as Segment)
}

/** Names of all files that a segment of any table lies in. */
export async function segmentFiles(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  const rows = await readRows(connection, 'SELECT segment FROM sluice_catalog.segments')
  return new Set(rows.flatMap(([segment]) => (JSON.parse(segment ?? 'null') as Segment).files))
}

export const quoteLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Whether the table behind the view can be named. */
export const mayHaveSegments = (table: Relation): boolean =>
  Buffer.byteLength(storageOf({ ...table, segmented: true }).name) <= MAX_IDENTIFIER_BYTES

/** DuckDB's table function over files of one schema. */
export const printFiles = (paths: readonly string[]): string =>
  `read_parquet([${paths.map(quoteLiteral).join(', ')}], hive_partitioning = false, union_by_name = false)`

function printSegment({ columns: known, files }: Segment, columns: readonly RelationColumn[], folder: string): string {
  const values = columns.map(({ name, type }) => {
    const from = known.find((column) => column.name === name)?.from ?? null
    return `CAST(${from === null ? 'NULL' : quoteName(from)} AS ${type}) AS ${quoteName(name)}`
  })
  return `SELECT ${values.join(', ')} FROM ${printFiles(files.map((file) => join(folder, file)))}`
}

function printView(table: Relation, segments: readonly Segment[], folder: string): string {
  const names = table.columns.map(({ name }) => quoteName(name)).join(', ')
  const rows = `SELECT ${names} FROM ${quoteRelation(storageOf({ ...table, segmented: true }))}`
  const parts = [rows, ...segments.map((segment) => printSegment(segment, table.columns, folder))]
  return `CREATE OR REPLACE VIEW ${quoteRelation(table)} AS ${parts.join(' UNION ALL ')}`
}

/** Adds segments to a table inside the connection's transaction. DuckDB's log cannot rename a table whose rows that transaction changed. */
export async function attachSegments(
  connection: DuckDBConnection,
  table: Relation,
  segments: readonly Segment[],
  folder: string,
): Promise<void> {
  const before = await readSegments(connection, keyOf(table))
  const all = [...before, ...segments]
  if (!table.segmented) {
    const { name } = storageOf({ ...table, segmented: true })
    await connection.run(`ALTER TABLE ${quoteRelation(table)} RENAME TO ${quoteName(name)}`)
  }
  for (const [index, segment] of segments.entries())
    await connection.run('INSERT INTO sluice_catalog.segments VALUES (?, ?, ?)', [
      keyOf(table),
      before.length + index,
      JSON.stringify(segment),
    ])
  await connection.run(printView(table, all, folder))
}

/** Makes a table with segments a plain one, inside the connection's transaction; the segments' rows are gone. @returns their files */
export async function detachSegments(connection: DuckDBConnection, table: Relation): Promise<readonly string[]> {
  const segments = await readSegments(connection, keyOf(table))
  await connection.run(`DROP VIEW ${quoteRelation(table)}`)
  await connection.run(`ALTER TABLE ${quoteRelation(storageOf(table))} RENAME TO ${quoteName(table.name)}`)
  await connection.run('DELETE FROM sluice_catalog.segments WHERE relation = ?', [keyOf(table)])
  return segments.flatMap(({ files }) => files)
}

/** Writes the segments' rows into the table, inside the connection's transaction. @returns the files that it needs no more */
export async function absorbSegments(
  connection: DuckDBConnection,
  table: Relation,
  folder: string,
): Promise<readonly string[]> {
  const names = table.columns.map(({ name }) => quoteName(name)).join(', ')
  for (const segment of await readSegments(connection, keyOf(table)))
    await connection.run(
      `INSERT INTO ${quoteRelation(storageOf(table))} (${names}) ${printSegment(segment, table.columns, folder)}`,
    )
  return await detachSegments(connection, table)
}

/** Views name files by their path: after the state folder has moved, they are printed anew. */
export async function refreshViews(
  connection: DuckDBConnection,
  segmented: readonly Relation[],
  folder: string,
): Promise<void> {
  for (const table of segmented)
    await connection.run(printView(table, await readSegments(connection, keyOf(table)), folder))
}
