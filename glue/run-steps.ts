import { join } from 'node:path'
import { SluiceError } from '../core/errors.ts'
import { uriOf } from './object-access.ts'
import { type PreparedInput, prepareInput } from './prepare-input.ts'
import { integer, type LocalFile, oneValue, type Run } from './run.ts'
import { text } from './sql/literals.ts'

/** An input with its number of records, counted without the parser. */
export interface CountedInput extends PreparedInput {
  readonly records: number
}

/** Inputs larger than this pass through a Parquet file between parsing and writing; smaller ones stay in memory. */
const IN_MEMORY_BYTES = 16 << 20

/**
 * Rows are written in order, and threads wait for each other, spinning, while row groups do not fit into the memory limit:
 * with groups of DuckDB's default of 122,880 rows a write took three times the processor time (measured, 2 threads, 400 MB).
 * Reading and writing in groups of the same size saves cutting them anew.
 */
const ROW_GROUP = 'ROW_GROUP_SIZE 30720'

/** The intermediate file is read once and deleted: what it costs to write counts, not its size. */
const INTERMEDIATE = `COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1, ${ROW_GROUP}`

/** Records of an input that is not framed: from the Parquet footer, or by counting the elements of a JSON array. */
async function countRecords(run: Run, index: number, { path, records }: PreparedInput): Promise<number> {
  if (records !== null) return records
  const sql =
    run.plan.program.inputs[index]?.format === 'parquet'
      ? `SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(${text(path)})`
      : `SELECT count(*)::BIGINT FROM read_json_objects(${text(path)}, format = 'array', maximum_object_size = 67108864)`
  return integer(await oneValue(run, sql))
}

/** Makes every input readable and counts its records. */
export async function prepareInputs(run: Run): Promise<readonly CountedInput[]> {
  const counted: CountedInput[] = []
  for (const [index, input] of run.plan.program.inputs.entries()) {
    const read = run.plan.reads[index]
    if (read === undefined) throw new TypeError(`Cannot find where input ${index} is read`)
    const prepared = await prepareInput(await run.deps.objects.localPath(uriOf(read)), input, index, run.directory)
    counted.push({ ...prepared, records: await countRecords(run, index, prepared) })
  }
  return counted
}

/** Parses one input. @returns the relation of its rows with their record numbers, and how many there are */
async function parseInput(run: Run, index: number, path: string): Promise<{ select: string; rows: number }> {
  const { program, inputs } = run.plan
  const parse = program.parse.replaceAll('{input}', () => text(path))
  if ((inputs[index]?.sizeBytes ?? 0) <= IN_MEMORY_BYTES) {
    const table = `sluice_parsed_${index}`
    await run.engine.run(`CREATE OR REPLACE TEMP TABLE ${table} AS ${parse}`)
    const rows = integer(await oneValue(run, `SELECT count(*)::BIGINT FROM ${table}`))
    return { select: `SELECT *, ${index} AS input_index, rowid + 1 AS record_number FROM ${table}`, rows }
  }
  const file = text(join(run.directory, `parsed-${index}.parquet`))
  await run.engine.run(`COPY (${parse}) TO ${file} (FORMAT parquet, ${INTERMEDIATE})`)
  const rows = integer(await oneValue(run, `SELECT num_rows FROM parquet_file_metadata(${file})`))
  const numbered = `SELECT * EXCLUDE (file_row_number), ${index} AS input_index, file_row_number + 1 AS record_number`
  return { select: `${numbered} FROM read_parquet(${file}, file_row_number = true)`, rows }
}

/**
 * Parses every input in its own order into what `sluice_parsed` is a view of.
 *
 * @throws SluiceError `counts_do_not_reconcile` where the parser saw other records than were counted
 */
export async function parseInputs(run: Run, inputs: readonly CountedInput[]): Promise<void> {
  const selects: string[] = []
  for (const [index, { path, records }] of inputs.entries()) {
    const { select, rows } = await parseInput(run, index, path)
    if (rows !== records)
      throw new SluiceError('counts_do_not_reconcile', `${records} records were counted, ${rows} were parsed`)
    selects.push(select)
  }
  await run.engine.run(`CREATE OR REPLACE TEMP VIEW sluice_parsed AS ${selects.join(' UNION ALL ')}`)
}

const MALFORMED_COLUMNS =
  "{input_index: 'INTEGER', record_number: 'BIGINT', code: 'VARCHAR', message: 'VARCHAR', raw: 'VARCHAR'}"

/** Finds duplicates and sets up the relations that are written. */
export async function resolveRows(run: Run, inputs: readonly CountedInput[]): Promise<void> {
  await run.engine.run(run.plan.program.malformedTable)
  for (const { malformedPath } of inputs)
    if (malformedPath !== null)
      await run.engine.run(
        `INSERT INTO sluice_malformed SELECT input_index, record_number, code, message, raw FROM read_ndjson(${text(malformedPath)}, columns = ${MALFORMED_COLUMNS})`,
      )
  const records = (index: string): string => String(inputs[Number(index)]?.records ?? 0)
  const { rows, duplicates, output } = run.plan.program.resolve
  for (const sql of [...rows, ...duplicates, ...output])
    await run.engine.run(sql.replace(/\{records_(\d+)\}/g, (_, index: string) => records(index)))
}

/** Writes a SELECT as one Parquet file and lets `relation` read it. */
export async function writeRows(run: Run, select: string, file: string, relation: string): Promise<LocalFile> {
  const path = join(run.directory, file)
  await run.engine.run(`COPY (${select}) TO ${text(path)} (FORMAT parquet, COMPRESSION zstd, ${ROW_GROUP})`)
  await run.engine.run(`CREATE OR REPLACE TEMP VIEW ${relation} AS SELECT * FROM read_parquet(${text(path)})`)
  return { path, rows: integer(await oneValue(run, `SELECT num_rows FROM parquet_file_metadata(${text(path)})`)) }
}
