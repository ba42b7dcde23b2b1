import type { ContractLimits } from '../../core/contract.ts'
import type { SourceVersion } from '../../core/source.ts'
import type { SourceReader } from './source-reader.ts'

const KIB = 1024
/** Asked for of every source. */
const BEGINNING_BYTES = 256 * KIB
/** Asked for of a source that is longer than its beginning. */
const END_BYTES = 64 * KIB
/** Records that may be longer are measured by the transform, not here. */
const LONGEST_MEASURED_RECORD_BYTES = 4 * KIB * KIB
/** The most that validation ever asks of a text, however long it is. */
export const MAX_SAMPLE_BYTES = LONGEST_MEASURED_RECORD_BYTES + 2 * BEGINNING_BYTES + END_BYTES

/** Stored bytes of a source. */
export interface StoredSample {
  readonly beginning: Uint8Array
  /** `beginning` is the whole object. */
  readonly whole: boolean
  /** The last bytes, starting at a multiple of four; `null` where the beginning is the whole object. */
  readonly end: Uint8Array | null
}

const LF = 0x0a
const CR = 0x0d

/** Header and first record end inside the sample. */
function holdsTwoLines(bytes: Uint8Array): boolean {
  const first = bytes.findIndex((byte) => byte === LF || byte === CR)
  if (first < 0) return false
  const second = bytes.subarray(first + 2).findIndex((byte) => byte === LF || byte === CR)
  return second >= 0
}

/** How much of the beginning must be seen to tell that a record is too long. */
export const measuredBytes = ({ rowBytes }: ContractLimits): number =>
  Math.min(rowBytes, LONGEST_MEASURED_RECORD_BYTES) + BEGINNING_BYTES

/**
 * Reads the beginning and the end by ranges; how much does not depend on the size of the source. More of the beginning is read
 * only where no line ends in it. `null`: the version is gone.
 */
export async function readSample(
  reader: SourceReader,
  source: SourceVersion,
  sizeBytes: number,
  limits: ContractLimits,
): Promise<StoredSample | null> {
  const beginningEnd = Math.min(sizeBytes, BEGINNING_BYTES)
  const endStart = Math.max(beginningEnd, sizeBytes - END_BYTES)
  const aligned = endStart - (endStart % 4)
  const [beginning, end] = await Promise.all([
    reader.range(source, 0, beginningEnd - 1),
    sizeBytes > beginningEnd ? reader.range(source, aligned, sizeBytes - 1) : Promise.resolve(null),
  ])
  if (beginning === null) return null
  if (sizeBytes <= beginningEnd) return { beginning, whole: true, end: null }
  if (end === null) return null
  if (holdsTwoLines(beginning)) return { beginning, whole: false, end }
  const wanted = Math.min(sizeBytes, measuredBytes(limits))
  const more = await reader.range(source, beginningEnd, wanted - 1)
  if (more === null) return null
  return { beginning: Buffer.concat([beginning, more]), whole: wanted === sizeBytes, end }
}
