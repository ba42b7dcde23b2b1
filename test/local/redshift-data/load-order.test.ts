import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Contract } from '../../../core/contract.ts'
import { seeded } from '../../e2e/seeded.ts'
import { SIGHTINGS, STOCK } from '../../warehouse/contracts.ts'
import {
  type Cell,
  type CuratedFile,
  type Ledger,
  type WarehouseFixture,
  warehouseFixture,
} from './warehouse-fixture.ts'

/** Sequences that are loaded: each is some files, in some order, some of them again. */
const SEQUENCES = 40
/** Sequences that share a load as the jobs of a batch: so that they need few loads. */
const BATCH = 40

type Row = Readonly<Record<string, Cell>>

/** One file of a sequence. Its rows carry everything that a curated row carries of its source. */
interface SequenceFile {
  readonly file: CuratedFile
  readonly rows: readonly Row[]
}

/** A load of a sequence: which file, and its number among the loads of that file. */
interface Step {
  readonly file: SequenceFile
  readonly publication: number
}

let warehouse: WarehouseFixture
beforeAll(async () => {
  warehouse = await warehouseFixture()
  await warehouse.deploy([STOCK, SIGHTINGS])
}, 120_000)
afterAll(() => warehouse.close())

const pick = <T>(random: () => number, items: readonly T[]): T => {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}
const shuffled = <T>(random: () => number, items: readonly T[]): readonly T[] =>
  items
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item)

const DAYS = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z']
const sqlTime = (instant: string): string => instant.replace('T', ' ').replace('Z', '')

let files = 0

/** What every file has of its own: a job, and a sequencer that no other write has. */
function sourceOf(random: () => number, sequence: number, object: string): CuratedFile {
  files += 1
  return {
    jobId: `j${String(files).padStart(24, '0')}`,
    sourceKey: `s${sequence}/${object}`,
    modifiedAt: pick(random, DAYS),
    sequencer: `${Math.floor(random() * 3)}${files.toString(16).padStart(8, '0')}`,
    rows: [],
  }
}

const provenance = (file: CuratedFile): Row => ({
  job_id: file.jobId,
  _source_key: file.sourceKey,
  _source_modified: sqlTime(file.modifiedAt),
  _sequencer: file.sequencer ?? '',
})

/** Rows of a keyed file: few keys, equal and missing event times, missing values, trailing blanks, deletions. */
function keyedFile(random: () => number, sequence: number): SequenceFile {
  const file = sourceOf(random, sequence, pick(random, ['a', 'b']))
  const keys = shuffled(random, ['x', 'y', 'z']).slice(0, 1 + Math.floor(random() * 3))
  const rows = keys.map((key, index): Row => {
    const deleted = random() < 0.2
    return {
      ...provenance(file),
      sku: `k${sequence}${key}${random() < 0.2 ? ' ' : ''}`,
      amount: deleted ? null : pick(random, [1, 2, null]),
      note: deleted ? null : pick(random, ['ripe', 'ripe ', null]),
      op: deleted ? 'D' : 'U',
      record_number: index + 1,
      _event_time: pick(random, [null, '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-02 00:00:00']),
    }
  })
  return { file, rows }
}

function keylessFile(random: () => number, sequence: number): SequenceFile {
  const file = sourceOf(random, sequence, pick(random, ['a', 'b']))
  const rows = Array.from(
    { length: Math.floor(random() * 4) },
    (_, index): Row => ({
      ...provenance(file),
      species: `s${sequence}${pick(random, ['gull', 'crow'])}`,
      seen: pick(random, [1, 2, null]),
      record_number: index + 1,
    }),
  )
  return { file, rows }
}

/** Loads of some files in some order, some of them again: as a repeated publication, or as a further one. */
function stepsOf(random: () => number, of: readonly SequenceFile[]): readonly Step[] {
  const once = of.map((file): Step => ({ file, publication: 1 }))
  const again = of.filter(() => random() < 0.3).map((file): Step => ({ file, publication: pick(random, [1, 2]) }))
  return shuffled(random, [...once, ...again])
}

/** Loads the next step of every sequence, as one batch; the loads of sequences that are through are left out. */
async function loadTogether(contract: Contract, name: string, steps: readonly Step[]): Promise<void> {
  for (const publication of [1, 2]) {
    const together = steps.filter((step) => step.publication === publication).map(({ file }) => file)
    if (together.length === 0) continue
    const rows = together.flatMap((file) => file.rows)
    const [first] = together
    if (first === undefined) continue
    const manifest = await warehouse.writeFile(contract, `${name}-${publication}`, { ...first.file, rows })
    const ledgers = await warehouse.loadJobs(
      contract,
      manifest,
      together.map(({ file }) => file),
      publication,
    )
    const counted = ({ inserted, updated, unchanged, stale }: Ledger): number => inserted + updated + unchanged + stale
    expect(together.map(({ file }) => counted(ledgers.get(file.jobId) ?? NO_LEDGER))).toEqual(
      together.map((file) => file.rows.length),
    )
  }
}
const NO_LEDGER: Ledger = { inserted: -1, updated: -1, unchanged: -1, stale: -1 }

async function loadAll(contract: Contract, name: string, sequences: readonly (readonly Step[])[]): Promise<void> {
  for (let from = 0; from < sequences.length; from += BATCH) {
    const batch = sequences.slice(from, from + BATCH)
    const longest = Math.max(...batch.map((steps) => steps.length))
    for (let step = 0; step < longest; step += 1)
      await loadTogether(
        contract,
        `${name}-${from}-${step}`,
        batch.flatMap((steps) => steps[step] ?? []),
      )
  }
}

/** Texts that sort as versions do: nothing before everything. */
const compareVersions = (one: readonly string[], other: readonly string[]): number => {
  const at = one.findIndex((part, index) => part !== other[index])
  return at < 0 ? 0 : (one[at] ?? '') < (other[at] ?? '') ? -1 : 1
}

/** The newest row of each key, deletions left out: what the specification says, without the warehouse. */
function newestRows(of: readonly SequenceFile[]): readonly (readonly Cell[])[] {
  const newest = new Map<string, Row>()
  const versionOf = (row: Row): readonly string[] => [
    String(row._event_time ?? ''),
    String(row._source_modified),
    String(row._sequencer),
    String(row.record_number),
  ]
  for (const row of of.flatMap(({ rows }) => rows)) {
    const key = String(row.sku).trimEnd()
    const known = newest.get(key)
    if (known === undefined || compareVersions(versionOf(known), versionOf(row)) < 0) newest.set(key, row)
  }
  return [...newest.values()]
    .filter(({ op }) => op !== 'D')
    .map(({ sku, amount, note }) => [sku, amount, note] as Cell[])
}

/** The rows of the newest version of each object. */
function newestObjects(of: readonly SequenceFile[]): readonly (readonly Cell[])[] {
  const newest = new Map<string, SequenceFile>()
  const versionOf = ({ file }: SequenceFile): readonly string[] => [file.modifiedAt, file.sequencer ?? '']
  for (const candidate of of) {
    const known = newest.get(candidate.file.sourceKey)
    if (known === undefined || compareVersions(versionOf(known), versionOf(candidate)) < 0)
      newest.set(candidate.file.sourceKey, candidate)
  }
  return [...newest.values()].flatMap(({ file, rows }) =>
    rows.map(({ species, seen, record_number }) => [file.sourceKey, record_number, species, seen] as Cell[]),
  )
}

const sorted = (rows: readonly (readonly Cell[])[]): readonly string[] =>
  rows.map((row) => JSON.stringify(row.map((cell) => (cell === null ? null : String(cell))))).sort()

const CASES = [
  {
    kind: 'with a key',
    contract: STOCK,
    make: keyedFile,
    expected: newestRows,
    table: 'SELECT sku, CAST(amount AS INTEGER), note FROM shop_stock',
  },
  {
    kind: 'without a key',
    contract: SIGHTINGS,
    make: keylessFile,
    expected: newestObjects,
    table: 'SELECT _source_key, record_number, species, seen FROM mart.sightings',
  },
] as const

describe.each(CASES)('a dataset $kind', ({ contract, make, expected, table }) => {
  test(`WH-23 IDEM-05 IDEM-09: ${SEQUENCES} sequences of files, versions and repeats end in the specified table`, async () => {
    const random = seeded(7)
    const all = Array.from({ length: SEQUENCES }, (_, sequence) =>
      Array.from({ length: 3 + Math.floor(random() * 3) }, () => make(random, sequence)),
    )
    await loadAll(
      contract,
      contract.dataset,
      all.map((of) => stepsOf(random, of)),
    )
    expect(sorted(await warehouse.sql(table))).toEqual(sorted(all.flatMap(expected)))
  }, 120_000)
})
