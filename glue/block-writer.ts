import { closeSync, openSync, writeSync } from 'node:fs'
import { READ_BYTES } from './input-content.ts'

/** Gathers small pieces and writes them in blocks; synchronous, so nothing piles up. */
export class BlockWriter {
  readonly #descriptor: number
  readonly #block = Buffer.allocUnsafe(READ_BYTES)
  #length = 0

  constructor(path: string) {
    this.#descriptor = openSync(path, 'w')
  }

  write(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#block.length) this.#flush()
    if (bytes.length > this.#block.length) this.#writeAll(bytes)
    else {
      this.#block.set(bytes, this.#length)
      this.#length += bytes.length
    }
  }

  close(): void {
    this.#flush()
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
