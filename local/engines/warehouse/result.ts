import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { SqlError } from './sql-error.ts'

/** A value as the Data API answers it. */
export type Field =
  | { readonly isNull: true }
  | { readonly booleanValue: boolean }
  /** A bigint where a number would lose digits. */
  | { readonly longValue: number | bigint }
  | { readonly doubleValue: number }
  | { readonly stringValue: string }

export interface ColumnMetadata {
  readonly name: string
  readonly label: string
  readonly typeName: string
  readonly precision: number
  readonly scale: number
  readonly nullable: number
  readonly length: number
  readonly isSigned: boolean
  readonly isCaseSensitive: boolean
  readonly isCurrency: boolean
  readonly schemaName: string
  readonly tableName: string
}

/** A result set in pages of at most {@link PAGE_ROWS} rows. */
export interface ResultSet {
  readonly columns: readonly ColumnMetadata[]
  readonly pages: readonly (readonly (readonly Field[])[])[]
  readonly rows: number
  /** Of the fields' JSON text. */
  readonly bytes: number
}

/** The Data API refuses results above 500 MB compressed; here the text itself is bounded. */
export const MAX_RESULT_BYTES = 200_000_000
export const PAGE_ROWS = 1_000

interface FieldType {
  readonly typeName: string
  readonly precision: number
  readonly scale: number
  readonly length: number
  readonly signed: boolean
  toField(value: NonNullable<DuckDBValue>): Field
}

const asText = (value: NonNullable<DuckDBValue>): Field => ({ stringValue: String(value) })
const asLong = (value: NonNullable<DuckDBValue>): Field => ({
  longValue: typeof value === 'bigint' && !Number.isSafeInteger(Number(value)) ? value : Number(value),
})
const lengthOf = (fields: readonly Field[]): number =>
  JSON.stringify(fields, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).length
const whole = (typeName: string, precision: number, length: number): FieldType => ({
  typeName,
  precision,
  scale: 0,
  length,
  signed: true,
  toField: asLong,
})
const text = (typeName: string, length: number): FieldType => ({
  typeName,
  precision: length,
  scale: 0,
  length,
  signed: false,
  toField: asText,
})
const real = (typeName: string, precision: number, length: number): FieldType => ({
  typeName,
  precision,
  scale: precision,
  length,
  signed: true,
  toField: (value) => ({ doubleValue: Number(value) }),
})

const FIELD_TYPES: Readonly<Record<string, FieldType>> = {
  BOOLEAN: { ...whole('bool', 1, 1), signed: false, toField: (value) => ({ booleanValue: value === true }) },
  TINYINT: whole('int2', 5, 2),
  SMALLINT: whole('int2', 5, 2),
  INTEGER: whole('int4', 10, 4),
  BIGINT: whole('int8', 19, 8),
  HUGEINT: { ...whole('numeric', 38, 16), toField: asText },
  FLOAT: real('float4', 8, 4),
  DOUBLE: real('float8', 17, 8),
  DATE: text('date', 13),
  TIMESTAMP: text('timestamp', 29),
  'TIMESTAMP WITH TIME ZONE': text('timestamptz', 35),
  TIME: text('time', 15),
  JSON: text('super', 65_535),
  VARCHAR: text('varchar', 65_535),
}

const fieldTypeOf = (type: DuckDBType): FieldType => fieldTypeNamed(String(type))

function fieldTypeNamed(name: string): FieldType {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(name)
  if (decimal !== null)
    return { ...whole('numeric', Number(decimal[1]), 16), scale: Number(decimal[2]), toField: asText }
  return FIELD_TYPES[name] ?? text(name.toLowerCase(), 65_535)
}

const metadataOf = (name: string, type: FieldType): ColumnMetadata => ({
  name,
  label: name,
  typeName: type.typeName,
  precision: type.precision,
  scale: type.scale,
  nullable: 1,
  length: type.length,
  isSigned: type.signed,
  isCaseSensitive: type.typeName === 'varchar',
  isCurrency: false,
  schemaName: '',
  tableName: '',
})

/** A column in the Data API's words. @param type DuckDB's name of it, e.g. `DECIMAL(12,2)` */
export const columnMetadata = (name: string, type: string): ColumnMetadata => metadataOf(name, fieldTypeNamed(type))

/** Runs a query and reads its rows chunk by chunk. @throws SqlError above {@link MAX_RESULT_BYTES} */
export async function readResult(connection: DuckDBConnection, sql: string): Promise<ResultSet> {
  const result = await connection.stream(sql)
  const types = result.columnTypes().map(fieldTypeOf)
  const columns = result.columnNames().map((name, index) => metadataOf(name, types[index] ?? text('varchar', 0)))
  const pages: (readonly Field[])[][] = []
  let page: (readonly Field[])[] = []
  let rows = 0
  let bytes = 0
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    for (const row of chunk.getRows()) {
      const fields = row.map(
        (value, index): Field =>
          value === null ? { isNull: true } : (types[index] ?? text('varchar', 0)).toField(value),
      )
      page.push(fields)
      bytes += lengthOf(fields)
      rows += 1
      if (page.length < PAGE_ROWS) continue
      pages.push(page)
      page = []
    }
    if (bytes > MAX_RESULT_BYTES) throw new SqlError('Query result exceeds the largest size that the Data API returns')
  }
  if (page.length > 0 || pages.length === 0) pages.push(page)
  return { columns, pages, rows, bytes }
}
