import type { Contract } from '../../core/contract.ts'
import { messageOf } from '../../core/errors.ts'
import type { Mapping } from '../../core/mapping.ts'
import { checkHeaderColumns, checkHeaderNames, compareHeader, driftOf } from './header.ts'
import { type Refusal, refusal } from './refusal.ts'
import type { SeenColumns } from './text-sample.ts'

/** Reads `length` bytes at `offset` of the source. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

/** A footer may be this long; real ones of wide tables with many row groups have some megabytes. */
const MAX_FOOTER_BYTES = 16 * 1024 * 1024
const MAGIC = 'PAR1'
const TRAILER_BYTES = 8

async function columnNames(readAt: ReadAt, sizeBytes: number): Promise<readonly string[]> {
  const { ParquetEnvelopeReader, ParquetReader } = await import('../parquet-file.ts')
  const reader = await ParquetReader.openEnvelopeReader(
    new ParquetEnvelopeReader(readAt, () => Promise.resolve(), sizeBytes),
  )
  return [...new Set(reader.schema.fieldList.flatMap(({ path }) => path.slice(0, 1)))]
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
