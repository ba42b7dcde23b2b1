/** The checksums of S3: computed while bytes pass, combined over parts. */

import { digesterOf } from './digesters.mjs'
import type { Checksum, ChecksumAlgorithm } from './records.ts'

/** Takes bytes, gives the raw checksum once at the end. */
export interface Digester {
  update(bytes: Uint8Array): void
  digest(): Promise<Uint8Array>
}

export type DigestAlgorithm = ChecksumAlgorithm | 'MD5'
export type Digests = ReadonlyMap<DigestAlgorithm, Uint8Array>

/** The digests of bytes that are all there. */
export async function digestsOf(bytes: Uint8Array, algorithms: readonly DigestAlgorithm[]): Promise<Digests> {
  const digests = new Map<DigestAlgorithm, Uint8Array>()
  for (const algorithm of algorithms) {
    const digester = digesterOf(algorithm)
    digester.update(bytes)
    digests.set(algorithm, await digester.digest())
  }
  return digests
}

/** One of the digests that were asked for. */
export function digestIn(digests: Digests, algorithm: DigestAlgorithm): Uint8Array {
  const digest = digests.get(algorithm)
  if (digest === undefined) throw new Error(`Cannot find the ${algorithm} digest: it was not computed`)
  return digest
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

interface PartChecksum {
  readonly value: string
  readonly sizeBytes: number
}

/** The checksum of a completed upload from those of its parts. `null` for a FULL_OBJECT hash, which parts cannot give. */
export async function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: Checksum['type'],
  parts: readonly PartChecksum[],
): Promise<Checksum | null> {
  if (type === 'COMPOSITE') {
    const digester = digesterOf(algorithm)
    for (const { value } of parts) digester.update(Buffer.from(value, 'base64'))
    return { algorithm, type, value: `${base64(await digester.digest())}-${parts.length}` }
  }
  const polynomial = POLYNOMIALS[algorithm]
  if (polynomial === undefined) return null
  const values = parts.map(({ value, sizeBytes }) => ({ crc: fromBase64(value), sizeBytes }))
  const combined = values.reduce((left, right) => ({
    crc: appendZeros(left.crc, right.sizeBytes, polynomial) ^ right.crc,
    sizeBytes: left.sizeBytes + right.sizeBytes,
  }))
  return { algorithm, type, value: base64(bigEndian(combined.crc, polynomial.bits / 8)) }
}

interface Polynomial {
  readonly bits: number
  /** Reflected. */
  readonly value: bigint
}

const POLYNOMIALS: Readonly<Partial<Record<ChecksumAlgorithm, Polynomial>>> = {
  CRC32: { bits: 32, value: 0xedb88320n },
  CRC32C: { bits: 32, value: 0x82f63b78n },
  CRC64NVME: { bits: 64, value: 0x9a6c9329ac4bc9b5n },
}

/** The checksum's contribution after `zeroBytes` more bytes: multiplication by x^(8·zeroBytes), by repeated squaring. */
function appendZeros(crc: bigint, zeroBytes: number, { bits, value }: Polynomial): bigint {
  let power = matrixOfOneZeroBit(bits, value)
  for (let doubling = 0; doubling < 3; doubling += 1) power = multiply(power, power)
  let result = crc
  for (let left = BigInt(zeroBytes); left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = apply(power, result)
    power = multiply(power, power)
  }
  return result
}

const matrixOfOneZeroBit = (bits: number, polynomial: bigint): bigint[] =>
  Array.from({ length: bits }, (_, column) => (column === 0 ? polynomial : 1n << BigInt(column - 1)))

function apply(matrix: readonly bigint[], vector: bigint): bigint {
  let sum = 0n
  let left = vector
  for (let column = 0; left > 0n; column += 1, left >>= 1n) {
    if ((left & 1n) === 1n) sum ^= matrix[column] ?? 0n
  }
  return sum
}

const multiply = (a: readonly bigint[], b: readonly bigint[]): bigint[] => b.map((column) => apply(a, column))

const fromBase64 = (value: string): bigint => BigInt(`0x${Buffer.from(value, 'base64').toString('hex')}`)

const bigEndian = (value: bigint, bytes: number): Uint8Array =>
  Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex')
