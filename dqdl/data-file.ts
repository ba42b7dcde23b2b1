import { createReadStream } from 'node:fs'
import { messageOf, SluiceError } from '../core/errors.ts'
import { describeRelation, relationOfFile } from './evaluate.ts'
import type { QualityConnection } from './execute.ts'
import type { QualityColumn } from './quality-plan.ts'
import { literal } from './sql.ts'

/** A file of rows: what stands behind FROM, and its columns. */
export interface DataFile {
  readonly relation: string
  readonly columns: readonly QualityColumn[]
}

const DELIMITERS = [',', ';', '\t', '|'] as const
const fieldsOf = (header: string, delimiter: string): number => header.split(delimiter).length

/**
 * A delimited text in which some rows have fewer fields than the header, which the engine's guess takes for one column: the
 * missing fields are NULL, as Spark reads them. `null` where it is no such text.
 * @throws SluiceError `unreadable_data` where rows have more fields than the header, or open quotes
 */
async function raggedFile(
  file: string,
  { relation, columns }: DataFile,
  connection: QualityConnection,
): Promise<DataFile | null> {
  const [only, second] = columns
  if (!relation.startsWith('read_csv(') || only === undefined || second !== undefined) return null
  const delimiter = DELIMITERS.toSorted((one, other) => fieldsOf(only.name, other) - fieldsOf(only.name, one))[0] ?? ','
  const fields = fieldsOf(only.name, delimiter)
  if (fields === 1) return null
  const dialect = `delim = ${literal(delimiter)}, quote = '"', escape = '"', null_padding = true, parallel = false`
  const padded = `${relation.slice(0, -1)}, ${dialect})`
  const read = await describeRelation(padded, connection).catch(() => [])
  if (read.length === 1) return null
  if (read.length === fields) return { relation: padded, columns: read }
  const line = await lineOfLongRecord(file, delimiter, fields)
  throw new SluiceError(
    'unreadable_data',
    line === null
      ? 'Cannot read the rows: their quotes do not fit together'
      : `Cannot read the rows: one has more fields than the ${fields} of the header`,
    {
      where: { file, ...(line === null ? {} : { line }) },
      hint: 'Mend the row; sluice ingest keeps such rows as rejects and goes on with the others',
    },
  )
}

/** Where the first record with more fields than the header ends; `null` where none has, or the file is compressed. */
async function lineOfLongRecord(file: string, delimiter: string, fields: number): Promise<number | null> {
  if (/\.(?:gz|zst)$/i.test(file)) return null
  const { parse } = await import('csv-parse')
  const records = createReadStream(file).pipe(
    parse({ delimiter, relax_column_count: true, relax_quotes: true, info: true }),
  )
  try {
    for await (const { record, info } of records) if (record.length > fields) return info.lines
  } catch {
    return null
  }
  return null
}

/** @throws SluiceError `unsupported_format`; `unreadable_data` when the content is not what the name says */
export async function readableFile(file: string, connection: QualityConnection): Promise<DataFile> {
  const relation = relationOfFile(file)
  try {
    const found = { relation, columns: await describeRelation(relation, connection) }
    return (await raggedFile(file, found, connection)) ?? found
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause
    const [message = ''] = messageOf(cause).split('\n')
    throw new SluiceError('unreadable_data', `Cannot read the rows: ${message}`, { where: { file }, cause })
  }
}
