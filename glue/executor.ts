import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, SluiceError } from '../core/errors.ts'
import { parseRunId, type RunId } from '../core/identifiers.ts'
import { isJsonObject } from '../core/json.ts'
import { isReasonCode, type ReasonCode } from '../core/reason-codes.ts'
import type { RowCounts, RunManifest, RunSummary } from '../core/run-documents.ts'
import type { Duckdb, EngineSettings, OpenDuckdb } from './duckdb.ts'
import { evaluateQuality } from './evaluate-quality.ts'
import { type ObjectAccess, parseUri, uriOf } from './object-access.ts'
import { parsePlan } from './parse-plan.ts'
import type { Plan } from './plan.ts'
import { type PreparedInput, prepareInput } from './prepare-input.ts'
import { text } from './sql/literals.ts'

export interface RunArguments {
  /** `s3://…/plan.json` */
  readonly planUri: string
  readonly runId: string
}

export interface ExecutorDeps {
  readonly objects: ObjectAccess
  readonly openDuckdb: OpenDuckdb
  /** Milliseconds of a clock that never goes back; for stage times only. */
  readonly now: () => number
  readonly settings: EngineSettings
}

/** Inputs larger than this pass through a Parquet file between parsing and writing; smaller ones stay in memory. */
const IN_MEMORY_BYTES = 16 << 20

/** A run in progress: everything its steps share. */
interface Run {
  readonly plan: Plan
  readonly runId: RunId
  readonly engine: Duckdb
  readonly directory: string
  readonly deps: ExecutorDeps
  readonly stages: { readonly name: string; readonly millis: number }[]
}

interface Outcome {
  readonly reasonCode: ReasonCode | null
  readonly message: string | null
}

const integer = (value: unknown): number => {
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value)
  throw new TypeError(`Cannot read "${String(value)}" as a count`)
}

async function staged<T>(run: Run, name: string, work: () => Promise<T>): Promise<T> {
  const start = run.deps.now()
  try {
    return await work()
  } finally {
    run.stages.push({ name, millis: Math.round(run.deps.now() - start) })
  }
}

const destination = ({ plan, runId }: Run, name: keyof Plan['destinations']): string =>
  plan.destinations[name].replaceAll('{runId}', runId)

async function prepare(run: Run): Promise<readonly PreparedInput[]> {
  const prepared: PreparedInput[] = []
  for (const [index, input] of run.plan.program.inputs.entries()) {
    const read = run.plan.reads[index]
    if (read === undefined) throw new TypeError(`Cannot find where input ${index} is read`)
    prepared.push(await prepareInput(await run.deps.objects.localPath(uriOf(read)), input, index, run.directory))
  }
  return prepared
}

/** Parses every input in its own order into what `sluice_parsed` is a view of. */
async function parse(run: Run, prepared: readonly PreparedInput[]): Promise<void> {
  const { program, inputs } = run.plan
  const parts: string[] = []
  for (const [index, { path }] of prepared.entries()) {
    const select = program.parse.replaceAll('{input}', () => text(path))
    if ((inputs[index]?.sizeBytes ?? 0) <= IN_MEMORY_BYTES) {
      await run.engine.run(`CREATE OR REPLACE TEMP TABLE sluice_parsed_${index} AS ${select}`)
      parts.push(`SELECT *, ${index} AS input_index, rowid + 1 AS record_number FROM sluice_parsed_${index}`)
    } else {
      const file = join(run.directory, `parsed-${index}.parquet`)
      await run.engine.run(`COPY (${select}) TO ${text(file)} (FORMAT parquet, COMPRESSION snappy)`)
      parts.push(
        `SELECT * EXCLUDE (file_row_number), ${index} AS input_index, file_row_number + 1 AS record_number FROM read_parquet(${text(file)}, file_row_number = true)`,
      )
    }
  }
  await run.engine.run(`CREATE OR REPLACE TEMP VIEW sluice_parsed AS ${parts.join(' UNION ALL ')}`)
}

async function resolve(run: Run, prepared: readonly PreparedInput[]): Promise<void> {
  await run.engine.run(run.plan.program.malformedTable)
  const columns =
    "{input_index: 'INTEGER', record_number: 'BIGINT', code: 'VARCHAR', message: 'VARCHAR', raw: 'VARCHAR'}"
  for (const { malformedPath } of prepared)
    if (malformedPath !== null)
      await run.engine.run(
        `INSERT INTO sluice_malformed SELECT input_index, record_number, code, message, raw FROM read_ndjson(${text(malformedPath)}, columns = ${columns})`,
      )
  for (const sql of run.plan.program.resolve) await run.engine.run(sql)
}

interface LocalFile {
  readonly path: string
  readonly rows: number
}

/** Writes a SELECT as one Parquet file and lets `relation` read it. */
async function write(run: Run, select: string, file: string, relation: string): Promise<LocalFile> {
  const path = join(run.directory, file)
  await run.engine.run(`COPY (${select}) TO ${text(path)} (FORMAT parquet, COMPRESSION zstd)`)
  await run.engine.run(`CREATE OR REPLACE TEMP VIEW ${relation} AS SELECT * FROM read_parquet(${text(path)})`)
  const [footer] = await run.engine.rows(`SELECT num_rows FROM parquet_file_metadata(${text(path)})`)
  return { path, rows: integer(footer?.num_rows) }
}

/** Records of an input that is not framed: from the Parquet footer, or by counting the elements of a JSON array. */
async function countRecords(run: Run, index: number, { path, records }: PreparedInput): Promise<number> {
  if (records !== null) return records
  const sql =
    run.plan.program.inputs[index]?.format === 'parquet'
      ? `SELECT sum(num_rows)::BIGINT AS n FROM parquet_file_metadata(${text(path)})`
      : `SELECT count(*)::BIGINT AS n FROM read_json_objects(${text(path)}, format = 'array', maximum_object_size = 67108864)`
  const [row] = await run.engine.rows(sql)
  return integer(row?.n)
}

const sumCounts = (counts: readonly RowCounts[]): RowCounts => ({
  input: counts.reduce((sum, { input }) => sum + input, 0),
  curated: counts.reduce((sum, { curated }) => sum + curated, 0),
  rejected: counts.reduce((sum, { rejected }) => sum + rejected, 0),
  duplicates: counts.reduce((sum, { duplicates }) => sum + duplicates, 0),
})

async function countByJob(run: Run, relation: string, file: LocalFile): Promise<ReadonlyMap<string, number>> {
  const [only, second] = run.plan.inputs
  if (only !== undefined && second === undefined) return new Map([[only.jobId, file.rows]])
  const rows = await run.engine.rows(`SELECT job_id, count(*)::BIGINT AS n FROM ${relation} GROUP BY job_id`)
  return new Map(rows.map(({ job_id, n }) => [String(job_id), integer(n)]))
}

async function countRows(
  run: Run,
  prepared: readonly PreparedInput[],
  curated: LocalFile,
  rejects: LocalFile,
): Promise<RunSummary['jobs']> {
  const curatedRows = await countByJob(run, 'sluice_written', curated)
  const rejectedRows = await countByJob(run, 'sluice_rejects_written', rejects)
  const duplicates = new Map(
    (await run.engine.rows(run.plan.program.duplicateCounts)).map((row) => [
      integer(row.input_index),
      integer(row.duplicates),
    ]),
  )
  const jobs: { jobId: RunSummary['jobs'][number]['jobId']; counts: RowCounts }[] = []
  for (const [index, { jobId }] of run.plan.inputs.entries()) {
    const input = prepared[index]
    if (input === undefined) throw new TypeError(`Cannot find input ${index}`)
    jobs.push({
      jobId,
      counts: {
        input: await countRecords(run, index, input),
        curated: curatedRows.get(jobId) ?? 0,
        rejected: rejectedRows.get(jobId) ?? 0,
        duplicates: duplicates.get(index) ?? 0,
      },
    })
  }
  return jobs
}

const ACCEPTED: Outcome = { reasonCode: null, message: null }

/** Whether the counts and the contract let the run through. */
function judge(plan: Plan, counts: RowCounts, typeErrors: number, openQuote: boolean): Outcome {
  const { input, curated, rejected, duplicates } = counts
  if (openQuote)
    return {
      reasonCode: 'malformed_records',
      message: 'A quote that was opened is not closed before the end of the file',
    }
  if (input !== curated + rejected + duplicates)
    return {
      reasonCode: 'counts_do_not_reconcile',
      message: `${input} records in, ${curated} curated + ${rejected} rejected + ${duplicates} duplicates out`,
    }
  if (plan.typeCoercion === 'none' && typeErrors > 0)
    return {
      reasonCode: 'type_drift',
      message: `${typeErrors} of ${input} records hold a value that does not fit its type`,
    }
  if (rejected > input * plan.rejectTolerance)
    return {
      reasonCode: 'too_many_rejects',
      message: `${rejected} of ${input} records are rejects; the contract tolerates ${plan.rejectTolerance * 100}%`,
    }
  return ACCEPTED
}

const oneValue = async (run: Run, sql: string): Promise<unknown> =>
  Object.values((await run.engine.rows(sql))[0] ?? {})[0]

async function rejectFacts(
  run: Run,
  rejects: LocalFile,
): Promise<{ codes: RunSummary['rejectCodes']; typeErrors: number }> {
  if (rejects.rows === 0) return { codes: [], typeErrors: 0 }
  const { program } = run.plan
  const codes = (await run.engine.rows(program.rejectCodes)).map((row) => ({
    code: String(row.code),
    column: typeof row.column === 'string' ? row.column : null,
    rows: integer(row.rows),
  }))
  return { codes, typeErrors: integer(await oneValue(run, program.typeErrors)) }
}

async function publishRejects(run: Run, rejects: LocalFile): Promise<string | null> {
  if (rejects.rows === 0) return null
  await run.deps.objects.putText(
    destination(run, 'rejectSample'),
    String(await oneValue(run, run.plan.program.rejectSample)),
  )
  const uri = `${destination(run, 'rejects')}part-00000.parquet`
  await run.deps.objects.putFile(uri, rejects.path)
  return destination(run, 'rejects')
}

function manifestOf({ plan, runId }: Run, url: string, bytes: number, rows: number, contentHash: string): RunManifest {
  const meta = { content_length: bytes, record_count: rows }
  return {
    entries: [{ url, mandatory: true, meta }],
    schema: { elements: plan.schema },
    meta,
    author: {
      name: 'sluice',
      runId,
      tenantId: plan.tenantId,
      dataset: plan.dataset,
      schemaHash: plan.schemaHash,
      contentHash,
    },
  }
}

const emptySummary = ({ plan, runId, stages }: Run): RunSummary => ({
  runId,
  tenantId: plan.tenantId,
  dataset: plan.dataset,
  outcome: 'refused',
  reasonCode: null,
  message: null,
  counts: { input: 0, curated: 0, rejected: 0, duplicates: 0 },
  jobs: [],
  rejectCodes: [],
  files: 0,
  bytes: 0,
  contentHash: null,
  manifest: null,
  curatedUri: null,
  rejectsUri: null,
  quality: null,
  stages,
})

async function finishRefused(run: Run, summary: RunSummary): Promise<RunSummary> {
  await run.deps.objects.putText(destination(run, 'summary'), JSON.stringify(summary))
  return summary
}

async function publish(run: Run, summary: RunSummary, curated: LocalFile): Promise<RunSummary> {
  const { plan, runId, engine, deps } = run
  const contentHash = await staged(run, 'hash', async () => String(await oneValue(run, plan.program.contentHash)))
  let quality: RunSummary['quality'] = null
  if (plan.engine === 'small') {
    await engine.run('CREATE OR REPLACE TEMP VIEW sluice_data AS SELECT * FROM sluice_written')
    quality = { verdict: await staged(run, 'quality', () => evaluateQuality(plan, runId, engine, deps.objects)) }
  }
  const url = `${destination(run, 'curated')}part-00000.parquet`
  const bytes = await deps.objects.putFile(url, curated.path)
  const done: RunSummary = {
    ...summary,
    outcome: 'ok',
    files: 1,
    bytes,
    contentHash,
    manifest: parseUri(destination(run, 'manifest')),
    curatedUri: destination(run, 'curated'),
    quality,
    stages: run.stages,
  }
  await deps.objects.putText(destination(run, 'summary'), JSON.stringify(done))
  await deps.objects.putText(
    destination(run, 'manifest'),
    JSON.stringify(manifestOf(run, url, bytes, summary.counts.curated, contentHash)),
  )
  return done
}

/** Errors of the engine that are about the data; all others are about the machine and fail the run. */
const isDataError = (error: unknown): boolean =>
  /(?:^|Error: )(?:Invalid Input|Conversion) Error/.test(messageOf(error))

async function execute(run: Run): Promise<RunSummary> {
  const { program } = run.plan
  const prepared = await staged(run, 'frame', () => prepare(run))
  for (const sql of program.session) await run.engine.run(sql)
  await staged(run, 'parse', () => parse(run, prepared))
  await staged(run, 'resolve', () => resolve(run, prepared))
  const curated = await staged(run, 'write', () => write(run, program.curated, 'curated.parquet', 'sluice_written'))
  const rejects = await staged(run, 'rejects', () =>
    write(run, program.rejects, 'rejects.parquet', 'sluice_rejects_written'),
  )
  const jobs = await countRows(run, prepared, curated, rejects)
  const counts = sumCounts(jobs.map((job) => job.counts))
  const { codes, typeErrors } = await rejectFacts(run, rejects)
  const outcome = judge(
    run.plan,
    counts,
    typeErrors,
    prepared.some(({ openQuote }) => openQuote),
  )
  const rejectsUri = await publishRejects(run, rejects)
  const summary = { ...emptySummary(run), ...outcome, counts, jobs, rejectCodes: codes, rejectsUri }
  return outcome.reasonCode === null ? publish(run, summary, curated) : finishRefused(run, summary)
}

async function refuseForData(run: Run, error: unknown): Promise<RunSummary> {
  const coded = error instanceof SluiceError && isReasonCode(error.code) ? error.code : null
  if (coded === null && !isDataError(error)) throw error
  const message = messageOf(error).split('\n').slice(0, 2).join(' ').slice(0, 500)
  return finishRefused(run, { ...emptySummary(run), reasonCode: coded ?? 'malformed_records', message })
}

async function withRun<T>(args: RunArguments, deps: ExecutorDeps, work: (run: Run) => Promise<T>): Promise<T> {
  const runId = parseRunId(args.runId)
  const plan = parsePlan(await deps.objects.readText(args.planUri))
  const directory = await mkdtemp(join(deps.settings.tempDirectory, 'run-'))
  const engine = await deps.openDuckdb({ ...deps.settings, tempDirectory: directory })
  try {
    return await work({ plan, runId, engine, directory, deps, stages: [] })
  } finally {
    engine.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/**
 * Runs a plan in process: reads the validated copy, writes curated Parquet, rejects, documents, and last the manifest. Bad data
 * ends in a summary that says `refused`; a throw means that the machine failed and another try (with another run id) may help.
 */
export const runTransform = (args: RunArguments, deps: ExecutorDeps): Promise<RunSummary> =>
  withRun(args, deps, (run) => execute(run).catch((error: unknown) => refuseForData(run, error)))

/** Evaluates the plan's ruleset over exactly the files of the run's manifest. @returns where `verdict.json` is */
export const runQuality = (
  args: RunArguments,
  deps: ExecutorDeps,
): Promise<{ readonly bucket: string; readonly key: string }> =>
  withRun(args, deps, async (run) => {
    const manifest = parseManifest(await deps.objects.readText(destination(run, 'manifest')))
    const paths = await Promise.all(manifest.map((url) => deps.objects.localPath(url)))
    for (const sql of run.plan.program.session) await run.engine.run(sql)
    await run.engine.run(
      `CREATE OR REPLACE TEMP VIEW sluice_data AS SELECT * FROM read_parquet([${paths.map(text).join(', ')}])`,
    )
    return evaluateQuality(run.plan, run.runId, run.engine, deps.objects)
  })

/** URLs of a run's files. @throws SluiceError `invalid_manifest` */
function parseManifest(document: string): readonly string[] {
  const value: unknown = JSON.parse(document)
  const entries = isJsonObject(value) && Array.isArray(value.entries) ? value.entries : null
  const urls = entries?.map((entry: unknown) => (isJsonObject(entry) ? entry.url : undefined))
  if (urls?.every((url) => typeof url === 'string') === true) return urls
  throw new SluiceError('invalid_manifest', 'Cannot read the manifest: expected entries with urls')
}
