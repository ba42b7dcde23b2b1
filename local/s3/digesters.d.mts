import type { DigestAlgorithm, Digester } from './checksum.ts'

/** A digester of one algorithm. */
export function digesterOf(algorithm: DigestAlgorithm): Digester
