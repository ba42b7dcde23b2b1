import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '../core/errors.ts'
import type { Segment } from './cut-segments.ts'
import type { Duckdb } from './duckdb.ts'
import { copyRecords } from './line-ends.ts'
import type { Program } from './program.ts'
import { integer, type LocalFile, type Run } from './run.ts'
import { loadMalformed, requireCount, rowGroupOf, runAll, writeFile } from './run-steps.ts'
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

/** What the parts of a run share. */
export class SegmentWorkspace {
  readonly #directory: string
  readonly #spare: string[] = []
  readonly #ready = new Set<Duckdb>()
  #view: Promise<void> | null = null
  #made = 0
  /** Whether most rows stand apart: then all of them do. */
  mostlyRepeated = false

  constructor(directory: string) {
    this.#directory = directory
  }

  /** A file to write a segment to; files are used again once nobody reads them. */
  take(): string {
    return this.#spare.pop() ?? join(this.#directory, `segment-${this.#made++}.txt`)
  }

  giveBack(path: string): void {
    this.#spare.push(path)
  }

  /**
   * Sees to it that the views over a part's rows stand. They read what the lane's variables say and are made once, because
   * binding those of many columns takes longer than to read a small segment.
   */
  async makeViews(lane: Duckdb, program: Program): Promise<void> {
    this.#view ??= lane.run(`CREATE OR REPLACE VIEW sluice_parsed AS ${printOpenText(program)}`)
    await this.#view
    if (this.#ready.has(lane)) return
    this.#ready.add(lane)
    await runAll(lane, program.resolve.rows, () => 0)
  }
}

const printOver = (sql: string, path: string): string => sql.replaceAll('{input}', () => path)

/** Adds the hashes of the keys of a part's rows to `sluice_key_hashes`. A file that can be made again is given back. */
export async function hashKeys(run: Run, lane: Duckdb, part: Part, workspace: SegmentWorkspace): Promise<void> {
  const { keyHashes, parseKeys } = run.plan.program.segments
  if (keyHashes === null || parseKeys === null) throw new TypeError('Cannot hash the keys of rows that have none')
  const rows =
    part.kind === 'parsed' ? `read_parquet(${text(part.path)})` : `(${printOver(parseKeys, text(part.segment.path))})`
  await lane.run(`INSERT INTO sluice_key_hashes ${keyHashes.replaceAll('{rows}', () => rows)}`)
  if (part.kind === 'text' && part.segment.pieces !== null) workspace.giveBack(part.segment.path)
}

/** The rows of the text that a lane has open, numbered. */
const printOpenText = ({ parse }: Program): string =>
  `SELECT *, getvariable('sluice_before') + row_number() OVER () AS record_number, getvariable('sluice_input') AS input_index FROM (${printOver(parse, "getvariable('sluice_path')")})`

/**
 * Writes what of a part's rows can be curated at once, straight from the parser, and then, of the few rows that are left, the
 * rejects and those that have to be compared with rows of other parts.
 *
 * @throws SluiceError `counts_do_not_reconcile`
 */
export async function writePart(run: Run, lane: Duckdb, part: Part, workspace: SegmentWorkspace): Promise<PartFiles> {
  await lane.run(run.plan.program.malformedTable)
  if (part.kind === 'parsed') return writeParsed(run, lane, part, part.path, workspace)
  const { segment, source } = part
  if (segment.malformedPath !== null) await loadMalformed(lane, segment.malformedPath)
  const again = segment.pieces !== null && run.plan.program.segments.keyHashes !== null
  const path = again ? workspace.take() : segment.path
  if (again) await writePieces(source, segment.pieces, path)
  await lane.run(`SET VARIABLE sluice_path = ${text(path)}`)
  await lane.run(`SET VARIABLE sluice_before = ${part.before}::BIGINT`)
  await lane.run(`SET VARIABLE sluice_input = ${part.inputIndex}::INTEGER`)
  await workspace.makeViews(lane, run.plan.program)
  const curated = await writeAlone(run, lane, part, workspace)
  const left = await takeLeft(run, lane, part, { ...segment, path })
  const files = await writeLeft(run, lane, part, curated, left, workspace)
  workspace.giveBack(path)
  await rm(segment.endsPath)
  return files
}

async function writeParsed(
  run: Run,
  lane: Duckdb,
  part: Part,
  path: string,
  workspace: SegmentWorkspace,
): Promise<PartFiles> {
  const numbered = `SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS record_number, ${part.inputIndex} AS input_index FROM read_parquet(${text(path)}, file_row_number = true)`
  await lane.run(`CREATE OR REPLACE TEMP VIEW sluice_parsed AS ${numbered}`)
  await runAll(lane, run.plan.program.resolve.rows, () => 0)
  const curated = await writeAlone(run, lane, part, workspace)
  await lane.run('DROP VIEW temp.sluice_parsed')
  const left = `${numbered} WHERE file_row_number + 1 IN (SELECT record_number FROM sluice_left) ORDER BY file_row_number`
  return writeLeft(run, lane, part, curated, left, workspace)
}

/** Ranges of record numbers without a gap. */
const LEFT_RANGES =
  'SELECT min(record_number) AS first, max(record_number) AS last FROM (SELECT record_number, record_number - row_number() OVER (ORDER BY record_number) AS gap FROM sluice_left) GROUP BY gap ORDER BY first'

/** SELECT of the rows whose record numbers are in `sluice_left`, parsed from their lines alone. */
async function takeLeft(
  run: Run,
  lane: Duckdb,
  { number, before, inputIndex }: Part,
  segment: Segment,
): Promise<string> {
  const left = join(run.directory, `left-${number}.txt`)
  const rows = await lane.rows(LEFT_RANGES)
  const ranges = rows.map((row) => ({ first: integer(row.first) - before - 1, last: integer(row.last) - before - 1 }))
  copyRecords(segment.path, segment.endsPath, ranges, left)
  return `SELECT *, ${inputIndex} AS input_index FROM (${printOver(run.plan.program.parse, text(left))}) POSITIONAL JOIN (SELECT record_number FROM sluice_left ORDER BY record_number)`
}

const fileOf = ({ directory }: Run, { number }: Part, name: string): string =>
  join(directory, `${name}-${number}.parquet`)

/** Numbers of the part's last record, for marks that reach up to it. */
const untilOf =
  ({ inputIndex, before, records }: Part) =>
  (input: number): number =>
    input === inputIndex ? before + records : 0

/** Writes the curated rows that no row of another part can replace; the numbers of all others are then in `sluice_left`. */
async function writeAlone(
  run: Run,
  lane: Duckdb,
  part: Part,
  { mostlyRepeated }: SegmentWorkspace,
): Promise<LocalFile> {
  const { resolve, segments } = run.plan.program
  const { before, records } = part
  await runAll(lane, resolve.marks, untilOf(part))
  const alone = mostlyRepeated ? `SELECT * FROM (${segments.alone}) WHERE false` : segments.alone
  const curated = await writeFile(lane, alone, fileOf(run, part, 'curated'), rowGroupOf(run))
  const written = `SELECT record_number FROM read_parquet(${text(curated.path)})`
  const numbers = `SELECT range AS record_number FROM range(${before + 1}, ${before + records + 1})`
  await lane.run(`CREATE OR REPLACE TEMP TABLE sluice_left AS ${numbers} WHERE range NOT IN (${written})`)
  return curated
}

/**
 * A row that is left is a reject, or has a key that stands twice. Another one was left because the engine, reading all rows, gave
 * its number to a different record: it did not see one before.
 *
 * @throws SluiceError `counts_do_not_reconcile`
 */
async function requirePlaces(lane: Duckdb, { inputIndex, before }: Part): Promise<void> {
  const [row] = await lane.rows('SELECT count(*)::BIGINT AS n FROM sluice_curated')
  const misplaced = integer(row?.n)
  if (misplaced > 0)
    throw new SluiceError(
      'counts_do_not_reconcile',
      `${misplaced} records of input ${inputIndex} behind record ${before} were parsed in another place`,
    )
}

/**
 * Writes the rejects and the rows apart among the rows that are left.
 *
 * @param left SELECT of them, in the order of `sluice_parsed`
 */
async function writeLeft(
  run: Run,
  lane: Duckdb,
  part: Part,
  curated: LocalFile,
  left: string,
  { mostlyRepeated }: SegmentWorkspace,
): Promise<PartFiles> {
  const { resolve, segments, rejects } = run.plan.program
  // Stands before the view of the same name over all rows of the part.
  await lane.run(`CREATE TEMP TABLE sluice_parsed AS ${left}`)
  const [counted] = await lane.rows('SELECT count(*)::BIGINT AS n FROM sluice_parsed')
  requireCount(part.records, curated.rows + integer(counted?.n))
  await runAll(lane, [...segments.setApart, ...resolve.output], untilOf(part))
  if (!mostlyRepeated) await requirePlaces(lane, part)
  const files = {
    curated,
    rejects: await writeFile(lane, rejects, fileOf(run, part, 'rejects')),
    apart: await writeFile(lane, segments.rowsApart, fileOf(run, part, 'apart')),
  }
  await lane.run('DROP TABLE temp.sluice_parsed')
  return files
}
