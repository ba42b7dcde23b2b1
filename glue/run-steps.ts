import { join } from 'node:path'
import { SluiceError } from '../core/errors.ts'
import type { Duckdb } from './duckdb.ts'
import { type PreparedInput, prepareInput } from './prepare-input.ts'
import { integer, type LocalFile, localPathOf, oneValue, type Run, staged, type WrittenRows } from './run.ts'
import { text } from './sql/literals.ts'

/** An input with its number of records, counted without the parser. */
interface CountedInput extends PreparedInput {
  readonly records: number
}

/** Values of a row group: what a writer holds in memory, whatever the number of columns. */
const ROW_GROUP_VALUES = 2_000_000
const MAX_ROW_GROUP = 122_880
/** The engine writes whole vectors of so many rows. */
const VECTOR_ROWS = 2048
/** Rejects have few columns, but whole records and lists of errors in them. */
const REJECT_ROW_GROUP = 15 * VECTOR_ROWS

/** Rows of a row group of curated rows: depends on their columns only, so that the same rows give the same bytes. */
export function rowGroupOf({ plan }: Run): number {
  const vectors = Math.floor(ROW_GROUP_VALUES / plan.schema.length / VECTOR_ROWS)
  return Math.min(MAX_ROW_GROUP, Math.max(1, vectors) * VECTOR_ROWS)
}

/**
 * A dictionary that outgrows a thousand values is given up: with DuckDB's default writing takes a fifth more processor time
 * for the same size (measured, orders).
 */
const WRITTEN = 'FORMAT parquet, COMPRESSION zstd, DICTIONARY_SIZE_LIMIT 1000'

/** Records of an input: from framing, from the Parquet footer, or by counting the elements of a JSON array. */
export async function countRecords(run: Run, index: number, { path, records }: PreparedInput): Promise<number> {
  if (records !== null) return records
  const sql =
    run.plan.program.inputs[index]?.format === 'parquet'
      ? `SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(${text(path)})`
      : `SELECT count(*)::BIGINT FROM read_json_objects(${text(path)}, format = 'array', maximum_object_size = 67108864)`
  return integer(await oneValue(run, sql))
}

/** Rows of a written file, from its footer. */
export async function rowsOfFile(engine: Duckdb, path: string): Promise<number> {
  const [row] = await engine.rows(`SELECT num_rows FROM parquet_file_metadata(${text(path)})`)
  return integer(row?.num_rows)
}

/** @throws SluiceError `counts_do_not_reconcile` where the parser saw other records than were counted */
export function requireCount(records: number, parsed: number): void {
  if (records === parsed) return
  throw new SluiceError('counts_do_not_reconcile', `${records} records were counted, ${parsed} were parsed`)
}

const MALFORMED_COLUMNS =
  "{input_index: 'INTEGER', record_number: 'BIGINT', code: 'VARCHAR', message: 'VARCHAR', raw: 'VARCHAR', raw_sha256: 'VARCHAR'}"

/** Adds what framing set aside to `sluice_malformed`. */
export const loadMalformed = (engine: Duckdb, path: string): Promise<void> =>
  engine.run(
    `INSERT INTO sluice_malformed SELECT input_index, record_number, code, message, raw, raw_sha256 FROM read_ndjson(${text(path)}, columns = ${MALFORMED_COLUMNS})`,
  )

/** Makes every input readable and counts its records. */
async function prepareInputs(run: Run): Promise<readonly CountedInput[]> {
  const counted: CountedInput[] = []
  for (const [index, input] of run.plan.program.inputs.entries()) {
    const prepared = await prepareInput(await localPathOf(run, index), input, index, run.directory)
    counted.push({ ...prepared, records: await countRecords(run, index, prepared) })
  }
  return counted
}

/** Parses every input in its own order into a table in memory; `sluice_parsed` is a view of them. */
async function parseInputs(run: Run, inputs: readonly CountedInput[]): Promise<void> {
  const selects: string[] = []
  for (const [index, { path, records }] of inputs.entries()) {
    const parse = run.plan.program.parse.replaceAll('{input}', () => text(path))
    const table = `sluice_parsed_${index}`
    await run.engine.run(`CREATE OR REPLACE TEMP TABLE ${table} AS ${parse}`)
    requireCount(records, integer(await oneValue(run, `SELECT count(*)::BIGINT FROM ${table}`)))
    selects.push(`SELECT *, ${index} AS input_index, rowid + 1 AS record_number FROM ${table}`)
  }
  await run.engine.run(`CREATE OR REPLACE TEMP VIEW sluice_parsed AS ${selects.join(' UNION ALL ')}`)
}

/** Finds duplicates and sets up the relations that are written. */
async function resolveRows(run: Run, inputs: readonly CountedInput[]): Promise<void> {
  const { malformedTable, resolve } = run.plan.program
  await run.engine.run(malformedTable)
  for (const { malformedPath } of inputs) if (malformedPath !== null) await loadMalformed(run.engine, malformedPath)
  const statements = [...resolve.marks, ...resolve.rows, ...resolve.duplicates, ...resolve.output]
  await runAll(run.engine, statements, (index) => inputs[index]?.records ?? 0)
}

/** Runs printed statements, with the number of records of each input in them. */
export async function runAll(
  engine: Duckdb,
  statements: readonly string[],
  records: (inputIndex: number) => number,
): Promise<void> {
  for (const sql of statements)
    await engine.run(sql.replace(/\{records_(\d+)\}/g, (_, index: string) => String(records(Number(index)))))
}

/** Writes a SELECT as one Parquet file. @param rowGroup rows of a row group */
export async function writeFile(
  engine: Duckdb,
  select: string,
  path: string,
  rowGroup = REJECT_ROW_GROUP,
): Promise<LocalFile> {
  await engine.run(`COPY (${select}) TO ${text(path)} (${WRITTEN}, ROW_GROUP_SIZE ${rowGroup})`)
  return { path, rows: await rowsOfFile(engine, path) }
}

/** Writes curated rows and rejects of inputs that fit into memory. */
export async function writeWhole(run: Run): Promise<WrittenRows> {
  const { program } = run.plan
  const prepared = await staged(run, 'frame', () => prepareInputs(run))
  await staged(run, 'parse', () => parseInputs(run, prepared))
  await staged(run, 'resolve', () => resolveRows(run, prepared))
  const curated = await staged(run, 'write', () =>
    writeFile(run.engine, program.curated, join(run.directory, 'curated.parquet'), rowGroupOf(run)),
  )
  const rejects = await staged(run, 'rejects', () =>
    writeFile(run.engine, program.rejects, join(run.directory, 'rejects.parquet')),
  )
  return {
    curated: [curated],
    rejects,
    records: prepared.map(({ records }) => records),
    openQuote: prepared.some(({ openQuote }) => openQuote),
  }
}
