import type { DuckDBConnection } from '@duckdb/node-api'
import { readRows } from './access.ts'
import { frontOf, isStorage, keyOf, type Relation, type RelationLookup, storageOf } from './relations.ts'

/** Relations as one request sees them: what it has changed itself is read from its own transaction. */
export interface RelationSession {
  /** Finds unqualified names in these schemas, in order. */
  along(searchPath: readonly string[]): RelationLookup
  /** The request changes this relation, or (`null`) it cannot be said which. */
  change(relation: { readonly schema: string; readonly name: string } | null): void
  /** The request is over, committed or not. */
  end(): void
}

/** Committed relations, read once: DuckDB's catalog functions take milliseconds. */
export interface RelationCache {
  session(connection: DuckDBConnection): RelationSession
}

type Row = readonly (string | null)[]

const INTERNAL = "'main', 'sluice_catalog', 'information_schema', 'pg_catalog'"

const columnsOf = (connection: DuckDBConnection, schema: string, name: string): Promise<readonly Row[]> =>
  readRows(
    connection,
    `SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? AND schema_name NOT IN (${INTERNAL}) ORDER BY column_index`,
    [schema, name],
  )

/** What the name stands for: a table, a view, or the view over a table with segments. */
async function kindOf(
  connection: DuckDBConnection,
  schema: string,
  name: string,
): Promise<Pick<Relation, 'kind' | 'segmented'>> {
  const storage = storageOf({ schema, name, segmented: true })
  const tables = await readRows(
    connection,
    'SELECT table_name FROM duckdb_tables() WHERE schema_name = ? AND table_name IN (?, ?)',
    [schema, name, storage.name],
  )
  const names = tables.map(([table]) => table)
  if (names.includes(name)) return { kind: 'table', segmented: false }
  return names.includes(storage.name) ? { kind: 'table', segmented: true } : { kind: 'view', segmented: false }
}

async function readRelation(connection: DuckDBConnection, schema: string, name: string): Promise<Relation | null> {
  if (isStorage(name)) return null
  const named = await columnsOf(connection, schema, name)
  if (named.length === 0) return null
  const { kind, segmented } = await kindOf(connection, schema, name)
  // A view's columns are all nullable: those of the table behind it say what holds.
  const columns = segmented ? await columnsOf(connection, schema, storageOf({ schema, name, segmented }).name) : named
  return {
    schema,
    name,
    kind,
    segmented,
    columns: columns.map(([column, type, nullable]) => ({
      name: (column ?? '').toLowerCase(),
      type: type ?? '',
      nullable: nullable === 'true',
    })),
  }
}

/** All relations of the warehouse, in the order of their names. */
export async function allRelations(connection: DuckDBConnection): Promise<readonly Relation[]> {
  const names = await readRows(
    connection,
    `SELECT DISTINCT schema_name, table_name FROM duckdb_columns() WHERE schema_name NOT IN (${INTERNAL}) ORDER BY ALL`,
  )
  const found = await Promise.all(names.map(([schema, name]) => readRelation(connection, schema ?? '', name ?? '')))
  return found.filter((relation) => relation !== null)
}

/** Tables of which rows lie in files. */
export async function segmentedRelations(connection: DuckDBConnection): Promise<readonly Relation[]> {
  const names = await readRows(connection, 'SELECT schema_name, table_name FROM duckdb_tables()')
  const behind = names.filter(([, name]) => isStorage(name ?? ''))
  const found = await Promise.all(
    behind.map(([schema, name]) => readRelation(connection, schema ?? '', frontOf(name ?? ''))),
  )
  return found.filter((relation) => relation !== null)
}

export function relationCache(): RelationCache {
  const committed = new Map<string, Relation>()
  let version = 0
  const forget = (key: string | null): void => {
    version += 1
    if (key === null) committed.clear()
    else committed.delete(key)
  }
  return {
    session(connection) {
      const startedAt = version
      const changed = new Set<string | null>()
      const find = async (schema: string, name: string): Promise<Relation | null> => {
        const key = keyOf({ schema, name })
        const known = changed.has(key) || changed.has(null) || startedAt !== version ? undefined : committed.get(key)
        if (known !== undefined) return known
        const relation = await readRelation(connection, schema, name)
        const isCommitted = changed.size === 0 && startedAt === version
        if (relation !== null && isCommitted) committed.set(key, relation)
        return relation
      }
      return {
        along: (searchPath) => ({
          async find({ schema, name }) {
            for (const candidate of schema === null ? searchPath : [schema]) {
              const relation = await find(candidate.toLowerCase(), name.toLowerCase())
              if (relation !== null) return relation
            }
            return null
          },
        }),
        change(relation) {
          changed.add(relation === null ? null : keyOf(relation))
        },
        end() {
          for (const key of changed) forget(key)
        },
      }
    },
  }
}
