import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Segment } from './cut-segments.ts'
import type { Duckdb } from './duckdb.ts'
import { copyLines } from './line-ends.ts'
import { integer, type LocalFile, type Run } from './run.ts'
import { loadMalformed, requireCount, runAll, writeFile } from './run-steps.ts'
import { writePieces } from './segment-writer.ts'
import { text } from './sql/literals.ts'

/** A part of the rows: a segment of text, or a whole input of another format, parsed into Parquet. */
export type Part = {
  readonly number: number
  readonly inputIndex: number
  /** Records of the input before this part. */
  readonly before: number
  readonly records: number
} & (
  | { readonly kind: 'text'; readonly segment: Segment; readonly source: string }
  | { readonly kind: 'parsed'; readonly path: string }
)

/** What a part's rows became. */
export interface PartFiles {
  readonly curated: LocalFile
  readonly rejects: LocalFile
  /** Rows that have to be compared with those of other parts. */
  readonly apart: LocalFile
}

/** Files for segments, used again once nobody reads them. */
export class SegmentPaths {
  readonly #directory: string
  readonly #spare: string[] = []
  #made = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  take(): string {
    return this.#spare.pop() ?? join(this.#directory, `segment-${this.#made++}.txt`)
  }

  giveBack(path: string): void {
    this.#spare.push(path)
  }
}

const parseOf = ({ plan }: Run, path: string): string => plan.program.parse.replaceAll('{input}', () => text(path))

/** Adds the hashes of the keys of a part's rows to `sluice_key_hashes`. A file that can be made again is given back. */
export async function hashKeys(run: Run, lane: Duckdb, part: Part, paths: SegmentPaths): Promise<void> {
  const { keyHashes } = run.plan.program.segments
  if (keyHashes === null) throw new TypeError('Cannot hash the keys of rows that have none')
  const rows = part.kind === 'parsed' ? `read_parquet(${text(part.path)})` : `(${parseOf(run, part.segment.path)})`
  await lane.run(`INSERT INTO sluice_key_hashes ${keyHashes.replaceAll('{rows}', () => rows)}`)
  if (part.kind === 'text' && part.segment.pieces !== null) paths.giveBack(part.segment.path)
}

/**
 * Writes what of a part's rows can be curated at once, straight from the parser, and then, of the few rows that are left, the
 * rejects and those that have to be compared with rows of other parts.
 *
 * @throws SluiceError `counts_do_not_reconcile`
 */
export async function writePart(run: Run, lane: Duckdb, part: Part, paths: SegmentPaths): Promise<PartFiles> {
  await lane.run(run.plan.program.malformedTable)
  if (part.kind === 'parsed') {
    const numbered = `SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS record_number FROM read_parquet(${text(part.path)}, file_row_number = true)`
    const left = `${numbered} WHERE file_row_number + 1 IN (SELECT record_number FROM sluice_left) ORDER BY file_row_number`
    return writeRows(run, lane, part, numbered, async () => left)
  }
  const { segment, source } = part
  if (segment.malformedPath !== null) await loadMalformed(lane, segment.malformedPath)
  const again = segment.pieces !== null && run.plan.program.segments.keyHashes !== null
  const path = again ? paths.take() : segment.path
  if (again) await writePieces(source, segment.pieces, path)
  const numbered = `SELECT *, ${part.before} + row_number() OVER () AS record_number FROM (${parseOf(run, path)})`
  const files = await writeRows(run, lane, part, numbered, () => takeLeft(run, lane, part, { ...segment, path }))
  paths.giveBack(path)
  await rm(segment.endsPath)
  return files
}

/** SELECT of the rows whose record numbers are in `sluice_left`, parsed from their lines alone. */
async function takeLeft(run: Run, lane: Duckdb, { number, before }: Part, segment: Segment): Promise<string> {
  const left = join(run.directory, `left-${number}.txt`)
  const rows = await lane.rows('SELECT record_number FROM sluice_left ORDER BY record_number')
  const places = rows.map(({ record_number }) => integer(record_number) - before - 1)
  copyLines(segment.path, segment.endsPath, places, left)
  return `SELECT * FROM (${parseOf(run, left)}) POSITIONAL JOIN (SELECT record_number FROM sluice_left ORDER BY record_number)`
}

async function writeRows(
  run: Run,
  lane: Duckdb,
  { number, inputIndex, before, records }: Part,
  rows: string,
  takeRest: () => Promise<string>,
): Promise<PartFiles> {
  const { resolve, segments, rejects } = run.plan.program
  const until = (input: number): number => (input === inputIndex ? before + records : 0)
  const fileOf = (name: string): string => join(run.directory, `${name}-${number}.parquet`)
  await lane.run(`CREATE OR REPLACE TEMP VIEW sluice_parsed AS SELECT *, ${inputIndex} AS input_index FROM (${rows})`)
  await runAll(lane, resolve.rows, until)
  const curated = await writeFile(lane, segments.alone, fileOf('curated'))
  const written = `SELECT record_number FROM read_parquet(${text(curated.path)})`
  const numbers = `SELECT range AS record_number FROM range(${before + 1}, ${before + records + 1})`
  await lane.run(`CREATE OR REPLACE TEMP TABLE sluice_left AS ${numbers} WHERE range NOT IN (${written})`)
  const rest = `SELECT *, ${inputIndex} AS input_index FROM (${await takeRest()})`
  await lane.run(`CREATE OR REPLACE TEMP TABLE sluice_rest AS ${rest}`)
  const [counted] = await lane.rows('SELECT count(*)::BIGINT AS n FROM sluice_rest')
  requireCount(records, curated.rows + integer(counted?.n))
  await lane.run('CREATE OR REPLACE TEMP VIEW sluice_parsed AS SELECT * FROM sluice_rest')
  await runAll(lane, [...segments.setApart, ...resolve.output], until)
  return {
    curated,
    rejects: await writeFile(lane, rejects, fileOf('rejects')),
    apart: await writeFile(lane, segments.rowsApart, fileOf('apart')),
  }
}
