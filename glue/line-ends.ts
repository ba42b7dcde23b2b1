import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { BlockWriter } from './block-writer.ts'

const BLOCK_BYTES = 1 << 18

/** Positions in a file, below 4 GiB: where its first record begins, and where each record ends. */
export class LineEnds {
  #ends = new Uint32Array(1 << 16)
  #length = 0

  push(position: number): void {
    if (this.#length === this.#ends.length) {
      const grown = new Uint32Array(2 * this.#length)
      grown.set(this.#ends)
      this.#ends = grown
    }
    this.#ends[this.#length++] = position
  }

  write(path: string): void {
    writeFileSync(path, new Uint8Array(this.#ends.buffer, 0, 4 * this.#length))
  }
}

function readLineEnds(path: string): Uint32Array {
  const bytes = readFileSync(path)
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** Reads ranges of a file that follow one another; what stands between near ones is read along. */
class RangeReader {
  readonly #descriptor: number
  #block = Buffer.allocUnsafe(BLOCK_BYTES)
  #from = 0
  #to = 0

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r')
  }

  /** The bytes are valid until the next call. */
  read(from: number, to: number): Uint8Array {
    if (from < this.#from || to > this.#to) {
      if (to - from > this.#block.length) this.#block = Buffer.allocUnsafe(to - from)
      this.#from = from
      this.#to = from + readSync(this.#descriptor, this.#block, 0, this.#block.length, from)
      if (this.#to < to) throw new Error(`Cannot read up to byte ${to}: the file ends at byte ${this.#to}`)
    }
    return this.#block.subarray(from - this.#from, to - this.#from)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/**
 * Copies single records of a file, and the line before the first one where there is any.
 *
 * @param source the file, `endsPath` where its records end
 * @param records their places in the file, from 0, ascending
 */
export function copyLines(source: string, endsPath: string, records: readonly number[], target: string): void {
  const ends = readLineEnds(endsPath)
  const reader = new RangeReader(source)
  const writer = new BlockWriter(target)
  try {
    writer.write(reader.read(0, ends[0] ?? 0))
    for (const record of records) writer.write(reader.read(ends[record] ?? 0, ends[record + 1] ?? 0))
  } finally {
    writer.close()
    reader.close()
  }
}
