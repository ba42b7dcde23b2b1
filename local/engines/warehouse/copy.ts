import type { DuckDBConnection } from '@duckdb/node-api'
import { messageOf } from '../../../core/errors.ts'
import { isJsonObject } from '../../../core/json.ts'
import { quoteName } from '../../../warehouse/quote.ts'
import { readRows } from './access.ts'
import { quoteRelation, type Relation, type RelationColumn, storageOf } from './relations.ts'
import type { CopiedFiles } from './request-segments.ts'
import { printFiles, quoteLiteral } from './segments.ts'
import { SqlError } from './sql-error.ts'
import type { CopyStatement } from './utility-statement.ts'

/** What COPY reads, with the rights of the role it names. */
export interface WarehouseObjects {
  /** @throws when the role may not read it, or it is not there */
  readText(uri: string): Promise<string>
  /** A local file with the object's bytes, for reading only. */
  localPath(uri: string): Promise<string>
}

interface ManifestEntry {
  readonly url: string
  readonly mandatory: boolean
  readonly contentLength: number
}

interface StagedFile extends ManifestEntry {
  readonly path: string
}

const PARQUET_OPTIONS = new Set([
  'manifest',
  'statupdate',
  'acceptinvchars',
  'fillrecord',
  'explicit_ids',
  'serializetojson',
])

function refuseOptions(statement: CopyStatement): void {
  if (statement.format !== 'parquet')
    throw new SqlError(
      `COPY FORMAT ${(statement.format ?? 'text').toUpperCase()} is not supported here: use FORMAT AS PARQUET`,
    )
  const refused = statement.options.find((option) => !PARQUET_OPTIONS.has(option))
  if (refused !== undefined)
    throw new SqlError(`${refused.toUpperCase()} argument is not supported for PARQUET based COPY`)
  const missing = statement.options.find((option) => !['manifest', 'statupdate'].includes(option))
  if (missing !== undefined) throw new SqlError(`COPY option ${missing.toUpperCase()} is not supported here`)
  if (!statement.manifest) throw new SqlError('COPY of a prefix is not supported here: use MANIFEST')
}

function parseEntry(entry: unknown): ManifestEntry {
  if (!isJsonObject(entry) || typeof entry.url !== 'string')
    throw new SqlError('Manifest file is not in correct json format: an entry has no url')
  const meta = entry.meta
  const contentLength = isJsonObject(meta) ? meta.content_length : undefined
  if (typeof contentLength !== 'number')
    throw new SqlError(
      `COPY with MANIFEST parameter requires full path of an S3 object and meta.content_length for PARQUET: ${entry.url}`,
    )
  return { url: entry.url, mandatory: entry.mandatory === true, contentLength }
}

/** @throws SqlError when it is no manifest, or an entry lacks what Parquet needs */
export function parseCopyManifest(text: string): readonly ManifestEntry[] {
  let manifest: unknown
  try {
    manifest = JSON.parse(text)
  } catch (cause) {
    throw new SqlError(`Manifest file is not in correct json format: ${messageOf(cause)}`, { cause })
  }
  if (!isJsonObject(manifest) || !Array.isArray(manifest.entries))
    throw new SqlError('Manifest file is not in correct json format: it has no entries')
  return manifest.entries.map(parseEntry)
}

async function readManifest(objects: WarehouseObjects, uri: string): Promise<readonly ManifestEntry[]> {
  try {
    return parseCopyManifest(await objects.readText(uri))
  } catch (cause) {
    if (cause instanceof SqlError) throw cause
    throw new SqlError(`Problem reading manifest file - ${uri}: ${messageOf(cause)}`, { cause })
  }
}

async function openEntry(
  objects: WarehouseObjects,
  entry: ManifestEntry,
  sizeOf: (path: string) => Promise<number>,
): Promise<readonly StagedFile[]> {
  try {
    const path = await objects.localPath(entry.url)
    const size = await sizeOf(path)
    if (size !== entry.contentLength)
      throw new SqlError(
        `Spectrum Scan Error. code: 15001. File '${entry.url}' has ${size} bytes, and the manifest says ${entry.contentLength}`,
      )
    return [{ ...entry, path }]
  } catch (cause) {
    if (cause instanceof SqlError) throw cause
    if (!entry.mandatory && !/denied|authoriz/i.test(messageOf(cause))) return []
    throw new SqlError(`Spectrum Scan Error. code: 15001. Failed to open '${entry.url}': ${messageOf(cause)}`, {
      cause,
    })
  }
}

interface ParquetColumn {
  readonly name: string
  /** Physical type and annotation, such as `INT64 TIMESTAMP` or `BYTE_ARRAY UTF8`. */
  readonly printed: string
  readonly physical: string
  readonly annotation: string
  readonly precision: string | null
  readonly scale: string | null
}

async function parquetColumns(connection: DuckDBConnection, path: string): Promise<readonly ParquetColumn[]> {
  const rows = await readRows(
    connection,
    `SELECT name, type, coalesce(logical_type, ''), coalesce(converted_type, ''), precision, scale, num_children FROM parquet_schema(${quoteLiteral(path)})`,
  )
  return rows.slice(1).map(([name, type, logical, converted, precision, scale, children]) => ({
    name: name ?? '',
    physical: type ?? 'group',
    annotation: `${converted ?? ''} ${logical ?? ''}`,
    precision: precision ?? null,
    scale: scale ?? null,
    printed: children === null || children === '0' || type !== null ? `${type} ${converted ?? ''}`.trim() : 'group',
  }))
}

const isPlain = (annotation: string): boolean =>
  /^\s*(?:INT_32|INT_64)?\s*(?:IntType\(.*signed.*\))?\s*$/i.test(annotation.trim()) || annotation.trim() === ''

/** Physical Parquet types that Redshift's COPY takes for a column (no conversions but these). */
function fits(column: RelationColumn, file: ParquetColumn): boolean {
  const { physical, annotation } = file
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(column.type)
  if (decimal !== null) return /DECIMAL/i.test(annotation) && file.precision === decimal[1] && file.scale === decimal[2]
  if (/DECIMAL/i.test(annotation)) return false
  switch (column.type) {
    case 'INTEGER':
      return physical === 'INT32' && !/DATE|UINT/i.test(annotation)
    case 'SMALLINT':
      return physical === 'INT32' && /INT_16|16/.test(annotation)
    case 'BIGINT':
      return physical === 'INT64' && !/TIME|UINT/i.test(annotation)
    case 'DOUBLE':
      return physical === 'DOUBLE'
    case 'FLOAT':
      return physical === 'FLOAT'
    case 'BOOLEAN':
      return physical === 'BOOLEAN'
    case 'DATE':
      return physical === 'INT32' && /DATE/i.test(annotation)
    case 'TIMESTAMP':
      return (
        (physical === 'INT64' && /TIMESTAMP/i.test(annotation) && !/NANOS=Nano|TIMESTAMP_NANOS/i.test(annotation)) ||
        physical === 'INT96'
      )
    case 'VARCHAR':
      return physical === 'BYTE_ARRAY' && (/UTF8|String/i.test(annotation) || isPlain(annotation))
    default:
      return false
  }
}

function compareSchema(columns: readonly RelationColumn[], parquet: readonly ParquetColumn[], file: StagedFile): void {
  if (parquet.length !== columns.length)
    throw new SqlError(
      `Spectrum Scan Error. code: 15007. context: Unmatched number of columns between table and file. Table columns: ${columns.length}, Data columns: ${parquet.length}, File name: ${file.url}`,
    )
  columns.forEach((column, index) => {
    const found = parquet[index]
    if (found !== undefined && fits(column, found)) return
    throw new SqlError(
      `Spectrum Scan Error. code: 15007. context: File '${file.url}' has an incompatible Parquet schema for column '${file.url}.${found?.name ?? ''}'. Column type: ${column.type}, Parquet schema: ${found?.printed ?? 'none'}`,
    )
  })
}

const targetColumnsOf = (table: Relation, names: readonly string[] | null): readonly RelationColumn[] =>
  names === null
    ? table.columns
    : names.map((name) => {
        const column = table.columns.find((known) => known.name === name.toLowerCase())
        if (column === undefined) throw new SqlError(`column "${name}" of relation "${table.name}" does not exist`)
        return column
      })

export interface CopyDependencies {
  readonly connection: DuckDBConnection
  readonly objects: WarehouseObjects
  readonly sizeOf: (path: string) => Promise<number>
  /** Takes large files over as they are; `null`: their rows are to be written into the table. */
  readonly takeOver: (files: CopiedFiles | null) => Promise<number | null>
}

/** Files of one schema, and what they call the columns. */
function copiedFiles(
  columns: readonly RelationColumn[],
  files: readonly StagedFile[],
  schemas: readonly (readonly ParquetColumn[])[],
): CopiedFiles | null {
  const names = schemas.map((schema) => JSON.stringify(schema.map(({ name }) => name)))
  if (new Set(names).size !== 1) return null
  const paths = files.map(({ path }) => path)
  return { paths, columns: columns.map((column, index) => ({ column, from: schemas[0]?.[index]?.name ?? '' })) }
}

/** Runs COPY as Redshift does: positional, physically typed, all or nothing. Answers the number of rows. */
export async function runCopy(
  statement: CopyStatement,
  table: Relation,
  dependencies: CopyDependencies,
): Promise<number> {
  const { connection, objects, sizeOf } = dependencies
  refuseOptions(statement)
  const columns = targetColumnsOf(table, statement.columns)
  const entries = await readManifest(objects, statement.from)
  const files: StagedFile[] = []
  for (const entry of entries) files.push(...(await openEntry(objects, entry, sizeOf)))
  const schemas: (readonly ParquetColumn[])[] = []
  for (const file of files) {
    const schema = await parquetColumns(connection, file.path)
    compareSchema(columns, schema, file)
    schemas.push(schema)
  }
  if (files.length === 0) throw new SqlError('No files found: COPY needs at least one object of its manifest')
  const taken = await dependencies.takeOver(copiedFiles(columns, files, schemas))
  if (taken !== null) return taken
  const names = columns.map(({ name }) => quoteName(name)).join(', ')
  const result = await connection.run(
    `INSERT INTO ${quoteRelation(storageOf(table))} (${names}) SELECT * FROM ${printFiles(files.map(({ path }) => path))}`,
  )
  return result.rowsChanged
}
