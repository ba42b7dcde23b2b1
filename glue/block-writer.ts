import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs'
import { READ_BYTES } from './input-content.ts'

/**
 * Gathers small pieces and writes them in blocks; synchronous, so nothing piles up. What a file had before is overwritten in
 * place: that costs a tenth of writing to memory which the system first has to find.
 */
export class BlockWriter {
  readonly #descriptor: number
  readonly #block = Buffer.allocUnsafe(READ_BYTES)
  #length = 0
  #bytes = 0

  constructor(path: string) {
    this.#descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600)
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes
  }

  write(bytes: Uint8Array): void {
    this.#bytes += bytes.length
    if (this.#length + bytes.length > this.#block.length) this.#flush()
    if (bytes.length >= this.#block.length) this.#writeAll(bytes)
    else {
      this.#block.set(bytes, this.#length)
      this.#length += bytes.length
    }
  }

  close(): void {
    this.#flush()
    ftruncateSync(this.#descriptor, this.#bytes)
    closeSync(this.#descriptor)
  }

  #flush(): void {
    this.#writeAll(this.#block.subarray(0, this.#length))
    this.#length = 0
  }

  #writeAll(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written)
  }
}
