import type { InputOptions } from '../../core/mapping.ts'
import { decodeWindows1252 } from '../../core/windows-1252.ts'
import { errorCodeOf } from '../error-code.ts'
import { type Refusal, refusal } from './refusal.ts'

export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin-1' | 'windows-1252'

const hasPrefix = (bytes: Uint8Array, ...prefix: readonly number[]): boolean =>
  prefix.every((byte, index) => bytes[index] === byte)

function byteOrderMark(bytes: Uint8Array): TextEncoding | null {
  if (hasPrefix(bytes, 0xef, 0xbb, 0xbf)) return 'utf-8'
  if (hasPrefix(bytes, 0xff, 0xfe)) return 'utf-16le'
  return hasPrefix(bytes, 0xfe, 0xff) ? 'utf-16be' : null
}

/** Bytes looked at for the zeros that Latin letters have in UTF-16. */
const PROBE_BYTES = 4096
/** Share of units whose high byte must be zero. */
const ZERO_SHARE = 0.4

function unmarkedUtf16(bytes: Uint8Array): TextEncoding | null {
  const probe = bytes.subarray(0, PROBE_BYTES)
  let even = 0
  let odd = 0
  for (const [index, byte] of probe.entries()) {
    if (byte !== 0) continue
    if (index % 2 === 0) even += 1
    else odd += 1
  }
  const units = probe.length / 2
  if (odd > units * ZERO_SHARE && even < odd / 4) return 'utf-16le'
  return even > units * ZERO_SHARE && odd < even / 4 ? 'utf-16be' : null
}

/** The encoding that the bytes show; `utf-8` is assumed until they contradict it. */
const detectEncoding = (bytes: Uint8Array): TextEncoding => byteOrderMark(bytes) ?? unmarkedUtf16(bytes) ?? 'utf-8'

function chooseEncoding(declared: InputOptions['encoding'], bytes: Uint8Array): TextEncoding | Refusal {
  const detected = detectEncoding(bytes)
  const contradiction = (): Refusal =>
    refusal('bad_encoding', `The content is ${detected}, the mapping says ${declared}`, {
      expected: declared,
      found: detected,
    })
  if (declared === 'auto') return detected
  if (declared === 'utf-8') return detected === 'utf-8' ? detected : contradiction()
  if (declared === 'utf-16') {
    if (detected !== 'utf-8') return detected
    return byteOrderMark(bytes) === 'utf-8' ? contradiction() : 'utf-16le'
  }
  return byteOrderMark(bytes) === null ? declared : contradiction()
}

/** A piece of the content; `fromStart` and `toEnd` say which of its ends are ends of the content. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly fromStart: boolean
  readonly toEnd: boolean
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** A cut inside a character is no fault of the content. */
function trimmedUtf8({ bytes, fromStart, toEnd }: Piece): Uint8Array {
  let first = 0
  if (!fromStart) while (first < 3 && isContinuation(bytes[first])) first += 1
  let last = bytes.length
  if (!toEnd) {
    let back = 1
    while (back < 4 && isContinuation(bytes[last - back])) back += 1
    const lead = bytes[last - back] ?? 0
    const wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
    if (wanted > back) last -= back
  }
  return bytes.subarray(first, last)
}

function trimmedUtf16({ bytes, toEnd }: Piece, bigEndian: boolean): Uint8Array {
  if (toEnd) return bytes
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2))
  const lastUnit = (even[even.length - (bigEndian ? 2 : 1)] ?? 0) & 0xfc
  return lastUnit === 0xd8 ? even.subarray(0, even.length - 2) : even
}

function trimmed(piece: Piece, encoding: TextEncoding): Uint8Array {
  if (encoding === 'latin-1' || encoding === 'windows-1252') return piece.bytes
  return encoding === 'utf-8' ? trimmedUtf8(piece) : trimmedUtf16(piece, encoding === 'utf-16be')
}

function decodePiece(piece: Piece, encoding: TextEncoding): string | Refusal {
  const bytes = trimmed(piece, encoding)
  if (encoding === 'latin-1') return Buffer.from(bytes).toString('latin1')
  if (encoding === 'windows-1252') return decodeWindows1252(bytes)
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (thrown) {
    if (errorCodeOf(thrown) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw thrown
    return undecodable(bytes, encoding)
  }
}

/** Bytes between 0x80 and 0x9f that are no letters on Windows either. */
const UNASSIGNED = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d])

/**
 * Mostly ASCII, some letters from 0xa0 up, no controls between: how Latin-1 looks to a reader of UTF-8. With quotes, dashes or a
 * euro sign where Latin-1 has controls it is Windows' code page.
 */
function suspectedEncoding(bytes: Uint8Array): 'latin-1' | 'windows-1252' | null {
  let letters = 0
  let windows = 0
  let controls = 0
  for (const byte of bytes) {
    if (byte >= 0xa0) letters += 1
    else if (byte >= 0x80 && !UNASSIGNED.has(byte)) windows += 1
    else if (byte >= 0x80 || (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)) controls += 1
  }
  const beyond = letters + windows
  if (beyond === 0 || beyond * 3 >= bytes.length || controls * 4 > beyond) return null
  return windows > 0 ? 'windows-1252' : 'latin-1'
}

function undecodable(bytes: Uint8Array, encoding: TextEncoding): Refusal {
  const suspicion = encoding === 'utf-8' ? suspectedEncoding(bytes) : null
  const hint = suspicion === null ? '' : `; it looks like ${suspicion}, which the mapping can declare`
  return refusal('bad_encoding', `The content is not valid ${encoding}${hint}`, { encoding, suspicion })
}

export interface DecodedSample {
  readonly encoding: TextEncoding
  /** Without byte order mark. */
  readonly beginning: string
  /** `null` when the beginning is everything, or when the end cannot be read by itself. */
  readonly end: string | null
}

/** Decodes the pieces strictly; whatever is no text in the encoding is refused. */
export function decodeSample(
  declared: InputOptions['encoding'],
  beginning: Piece,
  end: Piece | null,
): DecodedSample | Refusal {
  const encoding = chooseEncoding(declared, beginning.bytes)
  if (typeof encoding !== 'string') return encoding
  const text = decodePiece(beginning, encoding)
  if (typeof text !== 'string') return text
  const tail = end === null ? null : decodePiece(end, encoding)
  if (tail !== null && typeof tail !== 'string') return tail
  if (text.includes('\0'))
    return refusal('bad_encoding', `The content holds NUL characters, so it is no ${encoding} text`, { encoding })
  return { encoding, beginning: text, end: tail }
}
