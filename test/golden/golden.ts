import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a golden file must end as, for tenant acme and dataset orders, the files taken in their order. */
export interface GoldenFile {
  readonly file: string
  readonly way: string
  readonly status: 'COMPLETED' | 'QUARANTINED'
  readonly reasonCode: string | null
  readonly stage: string | null
  readonly counts: Readonly<Record<string, number>> | null
}

interface Expected {
  /** The states of the ingest machine by name of the way; polls of the warehouse are left out. */
  readonly ways: Readonly<Record<string, readonly string[]>>
  readonly files: readonly GoldenFile[]
}

export const goldenPath = (file: string): string => join('test', 'golden', file)
export const readGolden = (file: string): string => readFileSync(goldenPath(file), 'utf8')

const expected: Expected = JSON.parse(readGolden('expected.json'))
export const GOLDEN_FILES = expected.files

/** @throws Error for a way that expected.json does not describe */
export function statesOfWay(way: string): readonly string[] {
  const states = expected.ways[way]
  if (states === undefined) throw new Error(`expected.json describes no way "${way}"`)
  return states
}
