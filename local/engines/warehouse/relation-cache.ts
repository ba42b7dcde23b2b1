import type { DuckDBConnection } from '@duckdb/node-api'
import { readRows } from './access.ts'
import { keyOf, type Relation, type RelationLookup } from './relations.ts'

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

const relationOf = (schema: string, name: string, kind: Relation['kind'], rows: readonly Row[]): Relation => ({
  schema,
  name,
  kind,
  columns: rows.map(([column, type, nullable]) => ({
    name: (column ?? '').toLowerCase(),
    type: type ?? '',
    nullable: nullable === 'true',
  })),
})

const INTERNAL = "'main', 'sluice_catalog', 'information_schema', 'pg_catalog'"

async function readRelation(connection: DuckDBConnection, schema: string, name: string): Promise<Relation | null> {
  const columns = await readRows(
    connection,
    `SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? AND schema_name NOT IN (${INTERNAL}) ORDER BY column_index`,
    [schema, name],
  )
  if (columns.length === 0) return null
  const tables = await readRows(connection, 'SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?', [
    schema,
    name,
  ])
  return relationOf(schema, name, tables.length > 0 ? 'table' : 'view', columns)
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
