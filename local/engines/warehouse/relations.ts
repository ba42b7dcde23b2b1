import { quoteName } from '../../../warehouse/quote.ts'
import { SqlError } from './sql-error.ts'
import type { RelationName } from './utility-statement.ts'

/** A column as DuckDB has it. */
export interface RelationColumn {
  readonly name: string
  /** DuckDB's type, such as `VARCHAR` or `DECIMAL(12,2)`. */
  readonly type: string
  readonly nullable: boolean
}

/** A table or view of the warehouse. */
export interface Relation {
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'view'
  readonly columns: readonly RelationColumn[]
  /** Rows of the table lie in files too (segments.ts): its name is a view over both, its other rows are in `storageOf`. */
  readonly segmented: boolean
}

/** Finds what a statement names; unqualified names are looked for along the search path. */
export interface RelationLookup {
  find(name: RelationName): Promise<Relation | null>
}

export const keyOf = (relation: { readonly schema: string; readonly name: string }): string =>
  `${relation.schema}.${relation.name}`

export const quoteRelation = (relation: { readonly schema: string; readonly name: string }): string =>
  `${quoteName(relation.schema)}.${quoteName(relation.name)}`

const ROWS = ' (rows)'

/** DuckDB's table with those rows of a relation that are in no file. */
export const storageOf = (relation: {
  readonly schema: string
  readonly name: string
  readonly segmented: boolean
}): { readonly schema: string; readonly name: string } => ({
  schema: relation.schema,
  name: relation.segmented ? `${relation.name}${ROWS}` : relation.name,
})

/** Whether the name is that of a table behind another: nobody may name it. */
export const isStorage = (name: string): boolean => name.endsWith(ROWS)

/** The name of the relation that such a table is behind. */
export const frontOf = (storage: string): string => storage.slice(0, -ROWS.length)

/** @throws SqlError as Redshift words it */
export async function requireRelation(lookup: RelationLookup, name: RelationName): Promise<Relation> {
  const relation = await lookup.find(name)
  if (relation !== null) return relation
  throw new SqlError(`relation "${name.schema === null ? '' : `${name.schema}.`}${name.name}" does not exist`)
}
