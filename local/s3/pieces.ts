/** Large bodies pass in pieces of memory that threads share and that are used again. */

/** A stretch of memory that the file system and threads may read at once. */
export interface Piece {
  readonly memory: SharedArrayBuffer
  readonly bytes: Uint8Array
}

export interface PiecePool {
  take(): Piece
  giveBack(piece: Piece): void
}

const PIECE_BYTES = 1024 * 1024
/** Of one body, filled and not yet used: what is received waits beyond that. */
const PIECES_UNDER_WAY = 16
/** Kept for the next body. */
const MAX_KEPT = 16

export function openPiecePool(): PiecePool {
  const kept: Piece[] = []
  return {
    take: () => kept.pop() ?? newPiece(),
    giveBack: (piece) => {
      if (kept.length < MAX_KEPT) kept.push(piece)
    },
  }
}

function newPiece(): Piece {
  const memory = new SharedArrayBuffer(PIECE_BYTES)
  return { memory, bytes: new Uint8Array(memory) }
}

/**
 * Gathers chunks into pieces and has each used, a few at once and in order. Whatever it began has ended when it returns or
 * throws.
 */
export async function inPieces(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  pool: PiecePool,
  use: (piece: Piece, lengthBytes: number) => Promise<unknown>,
): Promise<void> {
  const underWay: Promise<unknown>[] = []
  let piece = pool.take()
  let filledBytes = 0
  const handOver = async (): Promise<void> => {
    const full = piece
    const used = use(full, filledBytes)
    const giveBack = (): void => pool.giveBack(full)
    used.then(giveBack, giveBack)
    underWay.push(used)
    piece = pool.take()
    filledBytes = 0
    if (underWay.length >= PIECES_UNDER_WAY) await underWay.shift()
  }
  try {
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.length; ) {
        const taken = Math.min(chunk.length - from, PIECE_BYTES - filledBytes)
        piece.bytes.set(chunk.subarray(from, from + taken), filledBytes)
        from += taken
        filledBytes += taken
        if (filledBytes === PIECE_BYTES) await handOver()
      }
    }
    if (filledBytes > 0) await handOver()
    await Promise.all(underWay)
  } finally {
    await Promise.allSettled(underWay)
    pool.giveBack(piece)
  }
}
