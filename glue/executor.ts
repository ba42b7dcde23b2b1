import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, SluiceError } from '../core/errors.ts'
import { parseRunId } from '../core/identifiers.ts'
import { isJsonObject } from '../core/json.ts'
import { isReasonCode } from '../core/reason-codes.ts'
import type { RunSummary } from '../core/run-documents.ts'
import { countRows, sumCounts } from './count-rows.ts'
import { evaluateQuality } from './evaluate-quality.ts'
import { judgeRun } from './judge-run.ts'
import { parsePlan } from './parse-plan.ts'
import { emptySummary, finishRefused, publishCurated, publishRejects, rejectFacts } from './publish-run.ts'
import { destination, type ExecutorDeps, type LocalFile, type Run } from './run.ts'
import { writeSegments } from './run-segments.ts'
import { writeWhole } from './run-steps.ts'
import { texts } from './sql/literals.ts'

export type { ExecutorDeps } from './run.ts'

export interface RunArguments {
  /** `s3://…/plan.json` */
  readonly planUri: string
  readonly runId: string
}

/** Errors of the engine that are about the data; all others are about the machine and fail the run. */
const isDataError = (error: unknown): boolean =>
  /(?:^|Error: )(?:Invalid Input|Conversion) Error/.test(messageOf(error))

/** Inputs larger than this together are taken in segments; smaller ones stay in memory. */
const IN_MEMORY_BYTES = 16 << 20

const readWritten = (run: Run, relation: string, files: readonly LocalFile[]): Promise<void> =>
  run.engine.run(
    `CREATE OR REPLACE TEMP VIEW ${relation} AS SELECT * FROM read_parquet([${texts(files.map(({ path }) => path))}])`,
  )

async function execute(run: Run): Promise<RunSummary> {
  const { program, inputs } = run.plan
  for (const sql of program.session) await run.engine.run(sql)
  const bytes = inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const written = await (bytes <= IN_MEMORY_BYTES ? writeWhole(run) : writeSegments(run))
  await readWritten(run, 'sluice_written', written.curated)
  await readWritten(run, 'sluice_rejects_written', [written.rejects])
  const jobs = await countRows(run, written)
  const counts = sumCounts(jobs.map((job) => job.counts))
  const { codes, typeErrors } = await rejectFacts(run, written.rejects)
  const outcome = judgeRun(run.plan, counts, typeErrors, written.openQuote)
  const rejectsUri = await publishRejects(run, written.rejects)
  const summary = { ...emptySummary(run), ...outcome, counts, jobs, rejectCodes: codes, rejectsUri }
  return outcome.reasonCode === null ? publishCurated(run, summary, written.curated) : finishRefused(run, summary)
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
    await run.engine.run(`CREATE OR REPLACE TEMP VIEW sluice_data AS SELECT * FROM read_parquet([${texts(paths)}])`)
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
