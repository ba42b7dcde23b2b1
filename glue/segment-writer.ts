import { open } from 'node:fs/promises'
import { BlockWriter } from './block-writer.ts'
import { READ_BYTES } from './input-content.ts'

/** Bytes of a stored file from `from` up to `to`, or bytes that stand in no file. */
export type Piece = { readonly from: number; readonly to: number } | Uint8Array

/** A file of more pieces than this is kept rather than made again. */
const MAX_PIECES = 1000

/** Writes one segment and remembers the pieces it is made of, as long as they are few. */
export class SegmentWriter {
  readonly #writer: BlockWriter
  #pieces: Piece[] | null

  constructor(
    readonly path: string,
    /** Whether offsets are those of the stored file. */
    traceable: boolean,
  ) {
    this.#writer = new BlockWriter(path)
    this.#pieces = traceable ? [] : null
  }

  get bytes(): number {
    return this.#writer.bytes
  }

  /** @param offset where the bytes are in the stored file; `null` for bytes that are not there */
  write(bytes: Uint8Array, offset: number | null): void {
    this.#writer.write(bytes)
    if (this.#pieces === null) return
    const last = this.#pieces.at(-1)
    if (offset === null) this.#pieces.push(Uint8Array.from(bytes))
    else if (last === undefined || last instanceof Uint8Array || last.to !== offset)
      this.#pieces.push({ from: offset, to: offset + bytes.length })
    else this.#pieces[this.#pieces.length - 1] = { from: last.from, to: offset + bytes.length }
    if (this.#pieces.length > MAX_PIECES) this.#pieces = null
  }

  /** Ends the file. @returns its pieces, `null` where it cannot be made again from them */
  close(): readonly Piece[] | null {
    this.#writer.close()
    return this.#pieces
  }
}

/** Makes a segment's file again from its pieces of a stored file. */
export async function writePieces(source: string, pieces: readonly Piece[], path: string): Promise<void> {
  const file = await open(source, 'r')
  const writer = new BlockWriter(path)
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  try {
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) writer.write(piece)
      else
        for (let position = piece.from; position < piece.to; ) {
          const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, piece.to - position), position)
          if (bytesRead === 0) throw new Error(`Cannot read ${source}: it ends at byte ${position}`)
          writer.write(buffer.subarray(0, bytesRead))
          position += bytesRead
        }
    }
  } finally {
    writer.close()
    await file.close()
  }
}
