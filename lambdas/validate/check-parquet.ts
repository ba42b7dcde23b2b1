import type { ColumnType } from '../../core/column-type.ts'
import type { Contract } from '../../core/contract.ts'
import { messageOf } from '../../core/errors.ts'
import type { Mapping } from '../../core/mapping.ts'
import type { ParquetSchemaElement } from '../parquet-file.ts'
import { type ColumnFacts, describeDrift } from './drift.ts'
import { checkHeaderColumns, checkHeaderNames } from './header.ts'
import { type Refusal, refusal } from './refusal.ts'
import type { SeenColumns } from './text-sample.ts'

/** Reads `length` bytes at `offset` of the source. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

/** A footer may be this long; real ones of wide tables with many row groups have some megabytes. */
const MAX_FOOTER_BYTES = 16 * 1024 * 1024
const MAGIC = 'PAR1'
const TRAILER_BYTES = 8

/** Of a converted type, by its number in the format's enum; others follow their physical type. */
const CONVERTED: Readonly<Record<number, ColumnType['kind']>> = {
  0: 'string',
  4: 'string',
  5: 'decimal',
  6: 'date',
  9: 'timestamp',
  10: 'timestamp',
  19: 'json',
}
/** Of a physical type, by its number: BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY. */
const PHYSICAL: readonly ColumnType['kind'][] = [
  'boolean',
  'integer',
  'bigint',
  'timestamp',
  'double',
  'double',
  'string',
  'string',
]

/** The type of a column in the words of contracts; groups are read as JSON. */
function typeOf({ num_children, type, converted_type, logicalType }: ParquetSchemaElement): ColumnType['kind'] {
  if ((num_children ?? 0) > 0) return 'json'
  // Nanoseconds have no converted type.
  if (logicalType?.TIMESTAMP) return 'timestamp'
  return CONVERTED[converted_type ?? -1] ?? PHYSICAL[type ?? -1] ?? 'string'
}

interface ParquetColumn {
  readonly name: string
  readonly type: ColumnType['kind']
}

/** The schema is a tree, depth first; the root's children are the columns, whatever lies below them. */
function topLevelColumns(schema: readonly ParquetSchemaElement[]): readonly ParquetColumn[] {
  const columns: ParquetColumn[] = []
  let index = 1
  const skip = (): void => {
    let pending = 1
    while (pending > 0 && index < schema.length) {
      pending += (schema[index]?.num_children ?? 0) - 1
      index += 1
    }
  }
  while (index < schema.length) {
    const element = schema[index]
    if (element !== undefined) columns.push({ name: element.name, type: typeOf(element) })
    skip()
  }
  return columns
}

/** Only the footer's list of columns is looked at: versions and encodings are for the engine to know. */
async function readColumns(readAt: ReadAt, sizeBytes: number): Promise<readonly ParquetColumn[]> {
  const { ParquetEnvelopeReader } = await import('../parquet-file.ts')
  const read = async (offset: number, length: number): Promise<Buffer> => Buffer.from(await readAt(offset, length))
  const footer = await new ParquetEnvelopeReader(read, () => Promise.resolve(), sizeBytes).readFooter()
  return topLevelColumns(footer.schema)
}

/** The file declares its types, and no value is looked at. */
const factsOf = (columns: readonly ParquetColumn[]): ColumnFacts => ({
  texts: () => [],
  declared: (name) => columns.find((column) => column.name.trim() === name)?.type ?? null,
})

/** Checks a Parquet file by its footer alone. */
export async function checkParquet(
  readAt: ReadAt,
  sizeBytes: number,
  contract: Contract,
  mapping: Mapping,
): Promise<SeenColumns | Refusal> {
  const trailer = Buffer.from(await readAt(Math.max(0, sizeBytes - TRAILER_BYTES), Math.min(sizeBytes, TRAILER_BYTES)))
  if (trailer.length < TRAILER_BYTES || trailer.toString('latin1', 4) !== MAGIC)
    return refusal('truncated_upload', 'The Parquet file ends without its footer')
  const footerBytes = trailer.readUInt32LE(0)
  if (footerBytes > Math.min(MAX_FOOTER_BYTES, sizeBytes))
    return refusal('unsupported_format', 'The Parquet footer has an impossible length', { footerBytes })
  let columns: readonly ParquetColumn[]
  try {
    columns = await readColumns(readAt, sizeBytes)
  } catch (thrown) {
    return refusal('unsupported_format', `The Parquet footer cannot be read: ${messageOf(thrown).slice(0, 200)}`)
  }
  const header = columns.map(({ name }) => name)
  const wrongNames = checkHeaderNames(header, contract)
  if (wrongNames !== null) return wrongNames
  const drift = describeDrift(header, contract, mapping, factsOf(columns))
  return checkHeaderColumns(header, contract, mapping, drift) ?? { header, drift }
}
