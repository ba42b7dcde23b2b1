import type { DuckDBConnection } from '@duckdb/node-api'
import { readRows } from './access.ts'
import { type Relation, storageOf } from './relations.ts'
import type { SegmentColumn } from './segments.ts'
import { SqlError } from './sql-error.ts'

/** Checks of the table's columns, by column: the sizes of VARCHAR columns. */
export async function checksOf(
  connection: DuckDBConnection,
  table: { readonly schema: string; readonly name: string },
): Promise<ReadonlyMap<string, string>> {
  const rows = await readRows(
    connection,
    "SELECT constraint_column_names[1], expression FROM duckdb_constraints() WHERE schema_name = ? AND table_name = ? AND constraint_type = 'CHECK'",
    [table.schema, table.name],
  )
  return new Map(rows.map(([column, expression]) => [(column ?? '').toLowerCase(), expression ?? '']))
}

const LIMIT = /strlen\(.*?\)\s*<= ?(?:CAST\()?'?(\d+)/i

/** Why a column's values do not fit a table, as Redshift words it; `null`: they do. */
export type FitCheck = (columns: readonly SegmentColumn[]) => string | null

/** What a column of this table may hold: its bytes, and whether NULL. */
export async function fitCheck(connection: DuckDBConnection, table: Relation): Promise<FitCheck> {
  const checks = await checksOf(connection, storageOf(table))
  const limitOf = (name: string): number => Number(LIMIT.exec(checks.get(name) ?? '')?.[1] ?? Number.POSITIVE_INFINITY)
  return (measured) => {
    for (const { name, nullable } of table.columns) {
      const column = measured.find((known) => known.name === name)
      if (!nullable && (column === undefined || column.hasNull)) return cannotBeNull(name)
      if ((column?.maxBytes ?? 0) > limitOf(name)) return tooLong(name, limitOf(name))
    }
    return null
  }
}

export const tooLong = (column: string, bytes: number | string): string =>
  `Value too long for type character varying(${bytes}) in column "${column}"`

export const cannotBeNull = (column: string): string => `Cannot insert a NULL value into column ${column}`

/** @throws SqlError for the first column that does not fit */
export function requireFit(fits: FitCheck, columns: readonly SegmentColumn[]): void {
  const problem = fits(columns)
  if (problem !== null) throw new SqlError(problem)
}
