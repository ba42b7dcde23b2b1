import { randomUUID } from 'node:crypto'
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteName } from '../../../warehouse/quote.ts'
import { readRows } from './access.ts'
import { type FitCheck, fitCheck, requireFit } from './column-limits.ts'
import type { CopiedColumns, OnSegments, PreparedStatement } from './prepare.ts'
import type { RelationSession } from './relation-cache.ts'
import { keyOf, quoteRelation, type Relation, type RelationColumn, storageOf } from './relations.ts'
import type { SegmentFiles } from './segment-files.ts'
import {
  absorbSegments,
  attachSegments,
  detachSegments,
  MAX_SEGMENTS,
  mayHaveSegments,
  printFiles,
  quoteLiteral,
  readSegments,
  type Segment,
  type SegmentColumn,
} from './segments.ts'
import { SqlError } from './sql-error.ts'

/** Files that COPY is to load, already compared with the table. */
export interface CopiedFiles {
  readonly paths: readonly string[]
  /** Columns that are filled, and what the files call them, by position. */
  readonly columns: readonly { readonly column: RelationColumn; readonly from: string }[]
}

export interface RequestSegmentsOptions {
  readonly connection: DuckDBConnection
  readonly relations: RelationSession
  readonly files: SegmentFiles
  /** A COPY of fewer rows writes them into the table. */
  readonly minRows: number
}

/** `absorb`: on the plain table that it then is; `detach`: on the plain table without the segments' rows. */
export type Verdict = 'nothing to do' | 'as it is' | 'absorb' | 'detach'

/** The segments that one request makes, passes on and takes in, inside its transaction. */
export class RequestSegments {
  /** Files that were linked or let go: who asks after the request's end finds which of them are still a segment's. */
  readonly handled: string[] = []
  private readonly options: RequestSegmentsOptions
  private readonly changed = new Set<string>()

  constructor(options: RequestSegmentsOptions) {
    this.options = options
  }

  /** Rows of this table were written: its name stays as it is until the commit. */
  wrote(table: { readonly schema: string; readonly name: string }): void {
    this.changed.add(keyOf(table))
  }

  /** How a statement on a table with segments is carried out. @throws SqlError for one that such a table's name refuses */
  async judge(
    table: Relation,
    { kind, merge, widening }: PreparedStatement,
    { affected, ifNotExists, added }: OnSegments,
  ): Promise<Verdict> {
    const existing = added.find((name) => typeOf(table, name) !== undefined)
    if (existing !== undefined) throw new SqlError(`column "${existing}" of relation "${table.name}" already exists`)
    if (kind === 'insert' || widening !== null) return 'as it is'
    if (kind === 'create_table' && ifNotExists) return 'nothing to do'
    if (kind === 'create_table') throw new SqlError(`Relation "${table.name}" already exists`)
    if (kind === 'create_view' || kind === 'drop_view') throw new SqlError(`"${table.name}" is not a view`)
    if (kind === 'drop_table' || kind === 'truncate') return 'detach'
    if (kind === 'merge') return merge?.replacement == null || (await this.finds(merge.matches)) ? 'absorb' : 'as it is'
    return affected === null || (await this.finds(affected)) ? 'absorb' : 'nothing to do'
  }

  private async finds(query: string): Promise<boolean> {
    return (await readRows(this.options.connection, query)).length > 0
  }

  /**
   * Takes files over as a segment.
   * @param copied `null` where the files differ in their columns' names
   * @returns their rows, or `null` where they must be written into the table
   * @throws SqlError for what the table cannot hold
   */
  async copy(table: Relation, copied: CopiedFiles | null): Promise<number | null> {
    const taken = copied === null ? null : await this.takeOver(table, copied)
    if (taken === null) this.wrote(table)
    return taken
  }

  private async takeOver(table: Relation, copied: CopiedFiles): Promise<number | null> {
    const { connection, files, minRows } = this.options
    if (!(await this.mayAttach(table, 1)) || !hasDistinctNames(copied)) return null
    if ((await countRows(connection, copied.paths)) < minRows || (await this.hasDefaults(table, copied))) return null
    const fits = await fitCheck(connection, table)
    const measured = await measure(connection, table, copied)
    requireFit(fits, measured.columns)
    const names = copied.paths.map(() => `${randomUUID()}.parquet`)
    this.handled.push(...names)
    for (const [index, path] of copied.paths.entries()) await files.keep(path, names[index] ?? '')
    await this.attach(table, [{ ...measured, files: names }])
    return measured.rows
  }

  /** Passes the segments of a relation on to a table, where they are all that it has. @returns their rows, or `null` */
  async passOn(table: Relation, source: Relation, columns: CopiedColumns['columns']): Promise<number | null> {
    const { connection } = this.options
    if (!source.segmented || !haveSameTypes(table, source, columns)) return null
    const segments = await readSegments(connection, keyOf(source))
    if (!(await this.mayAttach(table, segments.length)) || (await hasRows(connection, source))) return null
    const renamed = segments.map((segment) => ({ ...segment, columns: columns.flatMap(renaming(segment.columns)) }))
    const fits: FitCheck = await fitCheck(connection, table)
    if (renamed.some((segment) => fits(segment.columns) !== null)) return null
    await this.attach(table, renamed)
    return renamed.reduce((sum, { rows }) => sum + rows, 0)
  }

  /** Writes the segments' rows into their table, which is a plain one then. */
  async absorb(table: Relation): Promise<void> {
    const { connection, files, relations } = this.options
    this.handled.push(...(await absorbSegments(connection, table, files.folder)))
    this.wrote(table)
    relations.change(table)
  }

  /** Lets the segments go with their rows. */
  async detach(table: Relation): Promise<void> {
    const { connection, relations } = this.options
    this.handled.push(...(await detachSegments(connection, table)))
    relations.change(table)
  }

  private async attach(table: Relation, segments: readonly Segment[]): Promise<void> {
    const { connection, files, relations } = this.options
    await attachSegments(connection, table, segments, files.folder)
    relations.change(table)
  }

  private async mayAttach(table: Relation, count: number): Promise<boolean> {
    if (!table.segmented && (this.changed.has(keyOf(table)) || !mayHaveSegments(table))) return false
    return (await readSegments(this.options.connection, keyOf(table))).length + count <= MAX_SEGMENTS
  }

  /** Columns that COPY leaves out take their defaults, which a file does not have. */
  private async hasDefaults(table: Relation, { columns }: CopiedFiles): Promise<boolean> {
    const storage = storageOf(table)
    const rows = await readRows(
      this.options.connection,
      'SELECT lower(column_name) FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? AND column_default IS NOT NULL',
      [storage.schema, storage.name],
    )
    return rows.some(([name]) => !columns.some(({ column }) => column.name === name))
  }
}

const hasDistinctNames = ({ columns }: CopiedFiles): boolean =>
  new Set(columns.map(({ from }) => from.toLowerCase())).size === columns.length

async function countRows(connection: DuckDBConnection, paths: readonly string[]): Promise<number> {
  const [row] = await readRows(connection, `SELECT count(*) FROM ${printFiles(paths)}`)
  return Number(row?.[0] ?? 0)
}

async function hasRows(connection: DuckDBConnection, table: Relation): Promise<boolean> {
  return (await readRows(connection, `SELECT 1 FROM ${quoteRelation(storageOf(table))} LIMIT 1`)).length > 0
}

/** NULLs of the files' columns as their statistics count them; a column is missing where one of its parts has none. */
async function nullCounts(
  connection: DuckDBConnection,
  paths: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const counts = await readRows(
    connection,
    `SELECT path_in_schema, sum(stats_null_count) FROM parquet_metadata([${paths.map(quoteLiteral).join(', ')}]) GROUP BY ALL HAVING count(*) = count(stats_null_count)`,
  )
  return new Map(counts.map(([name, nulls]) => [name ?? '', Number(nulls)]))
}

/** One scan of the texts, and of what no statistics tell: the rows, the NULLs of each column and the longest of its texts. */
async function measure(
  connection: DuckDBConnection,
  table: Relation,
  { paths, columns }: CopiedFiles,
): Promise<Omit<Segment, 'files'>> {
  const nulls = await nullCounts(connection, paths)
  const figures = columns.flatMap(({ column, from }) => {
    const name = quoteName(from)
    const isNull = nulls.get(from) ?? `count(*) - count(${name})`
    return [isNull, column.type === 'VARCHAR' ? `max(strlen(CAST(${name} AS VARCHAR)))` : 'NULL']
  })
  const [row = []] = await readRows(connection, `SELECT count(*), ${figures.join(', ')} FROM ${printFiles(paths)}`)
  return {
    rows: Number(row[0] ?? 0),
    columns: table.columns.map(({ name }): SegmentColumn => {
      const index = columns.findIndex(({ column }) => column.name === name)
      if (index < 0) return { name, from: null, maxBytes: null, hasNull: true }
      const longest = row[2 + 2 * index] ?? null
      return {
        name,
        from: columns[index]?.from ?? null,
        maxBytes: longest === null ? null : Number(longest),
        hasNull: Number(row[1 + 2 * index]) > 0,
      }
    }),
  }
}

const typeOf = ({ columns }: Relation, name: string): string | undefined =>
  columns.find((column) => column.name === name)?.type

const haveSameTypes = (table: Relation, source: Relation, columns: CopiedColumns['columns']): boolean =>
  columns.every(({ name, from }) => typeOf(table, name) !== undefined && typeOf(table, name) === typeOf(source, from))

const renaming =
  (known: readonly SegmentColumn[]) =>
  ({ name, from }: CopiedColumns['columns'][number]): readonly SegmentColumn[] =>
    known.filter((column) => column.name === from).map((column) => ({ ...column, name }))
