/** What runs a Glue job on the laptop. */
import { SluiceError } from '../../core/errors.ts'
import type { OpenDuckdb } from '../../glue/duckdb.ts'
import { type ExecutorDeps, runQuality, runTransform } from '../../glue/executor.ts'
import type { ObjectAccess } from '../../glue/object-access.ts'
import type { GlueJobModel } from '../assembly/model.ts'

/** One run, as its engine gets it. */
export interface JobOrder {
  readonly job: GlueJobModel
  readonly runId: string
  /** Defaults of the job under the arguments of the run. */
  readonly arguments: Readonly<Record<string, string>>
  /** Aborted when the run is stopped or times out. */
  readonly signal: AbortSignal
}

export interface JobOutcome {
  /** Where the verdict of a quality evaluation is, if the run made one. */
  readonly verdict: { readonly bucket: string; readonly key: string } | null
}

/** Resolves when the job's script would have ended well; a throw is the run's failure. */
export type JobEngine = (order: JobOrder) => Promise<JobOutcome>

export interface InProcessOptions {
  /** Objects as the job's role may touch them. */
  readonly objects: (roleArn: string) => ObjectAccess
  readonly openDuckdb: OpenDuckdb
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
  readonly tempDirectory: string
  readonly threads: number
  /** For one run of this entry. */
  readonly memoryLimitBytes: (entry: string) => number
}

/** Runs the plans in this process, on DuckDB. The entry is the module that the bootstrap script would load. */
export function inProcessEngine(options: InProcessOptions): JobEngine {
  return async ({ job, arguments: given }) => {
    const entry = argument(given, '--entry', job.name)
    const args = { planUri: argument(given, '--plan_uri', job.name), runId: argument(given, '--run_id', job.name) }
    const objects = options.objects(job.roleArn)
    // Glue reads the script and the script the archive, both with the job's role, before anything of the plan is read.
    const code = [job.command.scriptLocation, given['--code_uri']].filter((uri) => uri !== undefined && uri !== '')
    for (const uri of code) await objects.localPath(uri ?? '')
    const deps: ExecutorDeps = {
      objects,
      openDuckdb: options.openDuckdb,
      now: options.now,
      settings: {
        threads: options.threads,
        memoryLimitBytes: options.memoryLimitBytes(entry),
        tempDirectory: options.tempDirectory,
      },
    }
    const run = ENTRIES[entry]
    if (run !== undefined) return { verdict: await run(args, deps) }
    throw new SluiceError('unknown_job_entry', `Cannot run Glue job "${job.name}": its entry "${entry}" is not known`)
  }
}

type Entry = (
  args: { readonly planUri: string; readonly runId: string },
  deps: ExecutorDeps,
) => Promise<JobOutcome['verdict']>

const transform: Entry = async (args, deps) => (await runTransform(args, deps)).quality?.verdict ?? null

const ENTRIES: Readonly<Record<string, Entry>> = {
  transform_small: transform,
  transform_large: transform,
  quality: runQuality,
}

function argument(given: Readonly<Record<string, string>>, name: string, jobName: string): string {
  const value = given[name]
  if (value !== undefined && value !== '') return value
  throw new SluiceError('missing_job_argument', `Cannot run Glue job "${jobName}": the argument "${name}" is required`)
}
