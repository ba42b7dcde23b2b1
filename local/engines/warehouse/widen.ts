import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteName } from '../../../warehouse/quote.ts'
import { readRows } from './access.ts'
import { checksOf } from './column-limits.ts'
import { quoteRelation, type Relation, storageOf } from './relations.ts'
import { SqlError } from './sql-error.ts'

/** A change of a VARCHAR column's size. */
export interface Widening {
  readonly column: string
  readonly maxBytes: number
}

/** @throws SqlError as Redshift words it: the size is the present one, or smaller than what the column holds */
async function requireOtherSize(
  connection: DuckDBConnection,
  table: Relation,
  { column, maxBytes }: Widening,
  check: string | undefined,
): Promise<void> {
  const refuse = (expected: string): never => {
    throw new SqlError(
      `cannot alter column "${column}" of relation "${table.name}", target column size should be ${expected}`,
    )
  }
  const present = Number(/<= (\d+)/.exec(check ?? '')?.[1])
  if (present === maxBytes) refuse('different')
  if (present < maxBytes) return
  const [row] = await readRows(connection, `SELECT max(strlen(${quoteName(column)})) FROM ${quoteRelation(table)}`)
  const held = Number(row?.[0] ?? 0)
  if (held > maxBytes) refuse(`larger or equal to current maximum column size (${held})`)
}

/**
 * Redshift resizes a VARCHAR in place; DuckDB changes no column that a check names, so the table is written anew. Loads check
 * every size in staging already.
 */
export async function widenColumn(
  connection: DuckDBConnection,
  table: Relation,
  { column, maxBytes }: Widening,
): Promise<void> {
  const target = table.columns.find(({ name }) => name === column)
  if (target === undefined) throw new SqlError(`column "${column}" of relation "${table.name}" does not exist`)
  if (target.type !== 'VARCHAR')
    throw new SqlError(`cannot alter column "${column}" of type ${target.type}: only VARCHAR columns change their size`)
  const checks = new Map(await checksOf(connection, storageOf(table)))
  await requireOtherSize(connection, table, { column, maxBytes }, checks.get(column))
  checks.set(column, `strlen(${quoteName(column)}) <= ${maxBytes}`)
  const columns = table.columns.map(({ name, type, nullable }) => {
    const check = checks.get(name)
    return `${quoteName(name)} ${type}${nullable ? '' : ' NOT NULL'}${check === undefined ? '' : ` CHECK (${check})`}`
  })
  const present = storageOf(table)
  const made = { schema: table.schema, name: `${table.name}__resized` }
  await connection.run(`CREATE TABLE ${quoteRelation(made)} (${columns.join(', ')})`)
  await connection.run(`INSERT INTO ${quoteRelation(made)} SELECT * FROM ${quoteRelation(present)}`)
  await connection.run(`DROP TABLE ${quoteRelation(present)}`)
  await connection.run(`ALTER TABLE ${quoteRelation(made)} RENAME TO ${quoteName(present.name)}`)
}
