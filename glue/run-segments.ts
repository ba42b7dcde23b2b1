import { join } from 'node:path'
import { cutSegments } from './cut-segments.ts'
import type { Duckdb } from './duckdb.ts'
import { Lanes } from './lanes.ts'
import { prepareInput } from './prepare-input.ts'
import { integer, type LocalFile, localPathOf, oneValue, type Run, staged, type WrittenRows } from './run.ts'
import { countRecords, requireCount, rowGroupOf, rowsOfFile, runAll, writeFile } from './run-steps.ts'
import { hashKeys, type Part, type PartFiles, SegmentWorkspace, writePart } from './segment-rows.ts'
import { text, texts } from './sql/literals.ts'

/** How much text is taken at a time: enough to make up for binding the statements anew, little enough for several lanes. */
const SEGMENT_BYTES = 64 << 20
/** What a lane needs: buffers of the reader and of the writer, and vectors of every column. */
const LANE_BYTES = 96 << 20
const LANE_COLUMN_BYTES = 1 << 19
/** Node runs four such calls at a time, and the files of the process need some of them. */
const MAX_LANES = 4
const HASHES_AT_A_TIME = 2_000_000
/** Share of rows with a repeated key from which on it costs more to find the others first. */
const MOSTLY = 0.4

type Work = (lane: Duckdb, part: Part) => Promise<void>

/** A run over inputs that do not fit into memory, part by part. */
class SegmentedRun {
  readonly #run: Run
  readonly #lanes: Lanes
  readonly #workspace: SegmentWorkspace
  readonly #parts: Part[] = []
  readonly #records: number[] = []
  readonly #written = new Map<Part, PartFiles>()
  #openQuote = false

  constructor(run: Run, lanes: Lanes) {
    this.#run = run
    this.#lanes = lanes
    this.#workspace = new SegmentWorkspace(run.directory)
  }

  async write(): Promise<WrittenRows> {
    const run = this.#run
    for (const index of run.plan.inputs.keys()) await this.#parseUnframed(index)
    await run.engine.run('SET threads = 1')
    if (run.plan.program.segments.keyHashes === null) await staged(run, 'write', () => this.#cut(this.#write))
    else await this.#writeKeyed()
    await run.engine.run(`SET threads = ${run.deps.settings.threads}`)
    const files = this.#parts.flatMap((part) => this.#written.get(part) ?? [])
    const last = await staged(run, 'resolve', () => this.#resolveApart(files))
    const rejects = await staged(run, 'rejects', () => this.#gatherRejects(files))
    const curated = [...files.map((file) => file.curated), last].filter(({ rows }) => rows > 0)
    return {
      curated: curated.length > 0 ? curated : [last],
      rejects,
      records: this.#records,
      openQuote: this.#openQuote,
    }
  }

  /** Which keys stand in more than one row is known at the end of the inputs: only then are they written. */
  async #writeKeyed(): Promise<void> {
    const run = this.#run
    await run.engine.run('CREATE OR REPLACE TABLE sluice_key_hashes (h UINTEGER)')
    await staged(run, 'frame', () => this.#cut((lane, part) => hashKeys(run, lane, part, this.#workspace)))
    await staged(run, 'repeated', () => this.#findRepeated())
    await staged(run, 'write', async () => {
      for (const part of this.#parts) await this.#lanes.start((lane) => this.#write(lane, part))
      await this.#lanes.end()
    })
  }

  readonly #write: Work = async (lane, part) => {
    this.#written.set(part, await writePart(this.#run, lane, part, this.#workspace))
  }

  /** Formats without lines become Parquet of parsed rows, in order. */
  async #parseUnframed(inputIndex: number): Promise<void> {
    const { engine, plan, directory } = this.#run
    const input = plan.program.inputs[inputIndex]
    if (input === undefined || input.framing !== null) return
    const prepared = await prepareInput(await localPathOf(this.#run, inputIndex), input, inputIndex, directory)
    const path = join(directory, `parsed-${inputIndex}.parquet`)
    const parse = plan.program.parse.replaceAll('{input}', () => text(prepared.path))
    await engine.run(`COPY (${parse}) TO ${text(path)} (FORMAT parquet, COMPRESSION uncompressed)`)
    const records = await countRecords(this.#run, inputIndex, prepared)
    requireCount(records, await rowsOfFile(engine, path))
    this.#records[inputIndex] = records
    this.#parts.push({ kind: 'parsed', number: this.#parts.length, inputIndex, before: 0, records, path })
  }

  async #cut(work: Work): Promise<void> {
    const { plan, deps, directory } = this.#run
    for (const part of this.#parts) await this.#lanes.start((lane) => work(lane, part))
    for (const [inputIndex, input] of plan.program.inputs.entries()) {
      const { framing } = input
      if (framing === null) continue
      const source = await localPathOf(this.#run, inputIndex)
      const segments = cutSegments(source, {
        input,
        framing,
        inputIndex,
        segmentBytes: deps.settings.segmentBytes ?? SEGMENT_BYTES,
        directory,
        takePath: () => this.#workspace.take(),
        ended: ({ records, openQuote }) => {
          this.#records[inputIndex] = records
          this.#openQuote ||= openQuote
        },
      })
      for await (const segment of segments) {
        const { before, records } = segment
        const part: Part = { kind: 'text', number: this.#parts.length, inputIndex, before, records, segment, source }
        this.#parts.push(part)
        await this.#lanes.start((lane) => work(lane, part))
      }
    }
    await this.#lanes.end()
  }

  /**
   * Hashes that more than one row has: some at a time, so that memory does not grow with their number.
   *
   * @throws SluiceError `counts_do_not_reconcile` where the parser saw other records than were counted
   */
  async #findRepeated(): Promise<void> {
    const { engine } = this.#run
    await engine.run('CREATE OR REPLACE TABLE sluice_repeated_hashes (h UINTEGER, n BIGINT)')
    const records = this.#records.reduce((sum, count) => sum + count, 0)
    requireCount(records, integer(await oneValue(this.#run, 'SELECT count(*)::BIGINT FROM sluice_key_hashes')))
    const slices = Math.max(1, Math.ceil(records / HASHES_AT_A_TIME))
    const width = 2 ** 32 / slices
    for (let slice = 0; slice < slices; slice++) {
      const range = `h BETWEEN ${Math.ceil(slice * width)} AND ${Math.ceil((slice + 1) * width) - 1}`
      const repeated = `SELECT h, count(*) AS n FROM sluice_key_hashes WHERE ${range} GROUP BY h HAVING n > 1`
      await engine.run(`INSERT INTO sluice_repeated_hashes ${repeated}`)
    }
    await engine.run('DROP TABLE sluice_key_hashes')
    const rows = integer(await oneValue(this.#run, 'SELECT coalesce(sum(n), 0)::BIGINT FROM sluice_repeated_hashes'))
    this.#workspace.mostlyRepeated = rows > records * MOSTLY
  }

  /** Resolves the rows that were set apart, all together, and writes those that stay. */
  async #resolveApart(files: readonly PartFiles[]): Promise<LocalFile> {
    const { engine, plan, directory } = this.#run
    const { resolve, malformedTable, curated } = plan.program
    const paths = texts(files.map(({ apart }) => apart.path))
    await engine.run(`CREATE OR REPLACE TEMP VIEW sluice_parsed AS SELECT * FROM read_parquet([${paths}])`)
    await engine.run(malformedTable)
    const records = (input: number): number => this.#records[input] ?? 0
    await runAll(engine, [...resolve.marks, ...resolve.rows, ...resolve.duplicates, ...resolve.output], records)
    return writeFile(engine, curated, join(directory, 'curated-apart.parquet'), rowGroupOf(this.#run))
  }

  #gatherRejects(files: readonly PartFiles[]): Promise<LocalFile> {
    const { engine, directory } = this.#run
    const paths = texts(files.map(({ rejects }) => rejects.path))
    return writeFile(engine, `SELECT * FROM read_parquet([${paths}])`, join(directory, 'rejects.parquet'))
  }
}

/** Writes curated rows and rejects of inputs that are larger than memory: read twice, never held. */
export async function writeSegments(run: Run): Promise<WrittenRows> {
  const { engine, plan, deps } = run
  const { threads, memoryLimitBytes } = deps.settings
  const laneBytes = LANE_BYTES + plan.schema.length * LANE_COLUMN_BYTES
  const count = Math.max(1, Math.min(threads, MAX_LANES, Math.floor(memoryLimitBytes / laneBytes)))
  const connections: Duckdb[] = []
  for (let lane = 0; lane < count; lane++) {
    const connection = await engine.connect()
    connections.push(connection)
    for (const sql of plan.program.session) await connection.run(sql)
  }
  const lanes = new Lanes(connections)
  try {
    return await new SegmentedRun(run, lanes).write()
  } finally {
    await lanes.close()
  }
}
