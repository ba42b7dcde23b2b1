import type { Contract } from '../../core/contract.ts'
import { messageOf } from '../../core/errors.ts'
import type { Mapping } from '../../core/mapping.ts'
import type { ParquetSchemaElement } from '../parquet-file.ts'
import { checkHeaderColumns, checkHeaderNames, compareHeader, driftOf } from './header.ts'
import { type Refusal, refusal } from './refusal.ts'
import type { SeenColumns } from './text-sample.ts'

/** Reads `length` bytes at `offset` of the source. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

/** A footer may be this long; real ones of wide tables with many row groups have some megabytes. */
const MAX_FOOTER_BYTES = 16 * 1024 * 1024
const MAGIC = 'PAR1'
const TRAILER_BYTES = 8

/** The schema is a tree, depth first; the root's children are the columns, whatever lies below them. */
function topLevelNames(schema: readonly ParquetSchemaElement[]): readonly string[] {
  const names: string[] = []
  let index = 1
  const skip = (): void => {
    let pending = 1
    while (pending > 0 && index < schema.length) {
      pending += (schema[index]?.num_children ?? 0) - 1
      index += 1
    }
  }
  while (index < schema.length) {
    names.push(schema[index]?.name ?? '')
    skip()
  }
  return names
}

/** Only the footer's list of names is looked at: versions, types and encodings are for the engine to know. */
async function columnNames(readAt: ReadAt, sizeBytes: number): Promise<readonly string[]> {
  const { ParquetEnvelopeReader } = await import('../parquet-file.ts')
  const read = async (offset: number, length: number): Promise<Buffer> => Buffer.from(await readAt(offset, length))
  const footer = await new ParquetEnvelopeReader(read, () => Promise.resolve(), sizeBytes).readFooter()
  return topLevelNames(footer.schema)
}

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
  let header: readonly string[]
  try {
    header = await columnNames(readAt, sizeBytes)
  } catch (thrown) {
    return refusal('unsupported_format', `The Parquet footer cannot be read: ${messageOf(thrown).slice(0, 200)}`)
  }
  const wrong = checkHeaderNames(header, contract) ?? checkHeaderColumns(header, contract, mapping)
  return wrong ?? { header, drift: driftOf(compareHeader(header, mapping)) }
}
