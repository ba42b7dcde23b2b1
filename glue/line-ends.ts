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

/** Reads a file forward, in blocks: what stands between near ranges is read along. */
class BlockReader {
  readonly #descriptor: number
  readonly #block = Buffer.allocUnsafe(BLOCK_BYTES)
  #from = 0
  #to = 0

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r')
  }

  /** At most a block of the bytes from `from` up to `to`; valid until the next call. */
  read(from: number, to: number): Uint8Array {
    if (from < this.#from || from >= this.#to) {
      this.#from = from
      this.#to = from + readSync(this.#descriptor, this.#block, 0, this.#block.length, from)
      if (this.#to === from) throw new Error(`Cannot read up to byte ${to}: the file ends at byte ${from}`)
    }
    return this.#block.subarray(from - this.#from, Math.min(to, this.#to) - this.#from)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/** Records that follow one another, by their places in a file, from 0; `last` is one of them. */
export interface RecordRange {
  readonly first: number
  readonly last: number
}

/**
 * Copies some records of a file, and what stands before its first one.
 *
 * @param source the file, `endsPath` where its records end
 * @param ranges ascending
 */
export function copyRecords(source: string, endsPath: string, ranges: readonly RecordRange[], target: string): void {
  const ends = readLineEnds(endsPath)
  const reader = new BlockReader(source)
  const writer = new BlockWriter(target)
  const copy = (from: number, to: number): void => {
    for (let position = from; position < to; ) {
      const bytes = reader.read(position, to)
      writer.write(bytes)
      position += bytes.length
    }
  }
  try {
    copy(0, ends[0] ?? 0)
    for (const { first, last } of ranges) copy(ends[first] ?? 0, ends[last + 1] ?? 0)
  } finally {
    writer.close()
    reader.close()
  }
}
