import type { RunId } from '../core/identifiers.ts'
import type { RunSummary } from '../core/run-documents.ts'
import type { Duckdb, EngineSettings, OpenDuckdb } from './duckdb.ts'
import { type ObjectAccess, uriOf } from './object-access.ts'
import type { Plan } from './plan.ts'

export interface ExecutorDeps {
  readonly objects: ObjectAccess
  readonly openDuckdb: OpenDuckdb
  /** Milliseconds of a clock that never goes back; for stage times only. */
  readonly now: () => number
  readonly settings: EngineSettings
}

/** A run in progress: everything its steps share. */
export interface Run {
  readonly plan: Plan
  readonly runId: RunId
  readonly engine: Duckdb
  /** The run's own folder, deleted at its end. */
  readonly directory: string
  readonly deps: ExecutorDeps
  readonly stages: RunSummary['stages'][number][]
}

/** A written file that is not yet where it belongs. */
export interface LocalFile {
  readonly path: string
  readonly rows: number
}

/** What a run wrote, before it is judged and published. */
export interface WrittenRows {
  /** At least one file; several are in the order of their names to be. */
  readonly curated: readonly LocalFile[]
  readonly rejects: LocalFile
  /** Of each input, counted without the parser. */
  readonly records: readonly number[]
  /** A quote was opened and not closed before the end of an input. */
  readonly openQuote: boolean
}

/** A count that the engine answered. */
export const integer = (value: unknown): number => {
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value)
  throw new TypeError(`Cannot read "${String(value)}" as a count`)
}

/** The first value of the first row. */
export const oneValue = async ({ engine }: Run, sql: string): Promise<unknown> =>
  Object.values((await engine.rows(sql))[0] ?? {})[0]

/** Does the work and notes how long it took. */
export async function staged<T>(run: Run, name: string, work: () => Promise<T>): Promise<T> {
  const start = run.deps.now()
  try {
    return await work()
  } finally {
    run.stages.push({ name, millis: Math.round(run.deps.now() - start) })
  }
}

/** The URI of one of the destinations that each plan has, for this run. */
export const destination = (
  { plan, runId }: Run,
  name: Exclude<keyof Plan['destinations'], 'qualityHistory'>,
): string => plan.destinations[name].replaceAll('{runId}', runId)

/** Where the stored bytes of an input can be read. */
export function localPathOf({ plan, deps }: Run, inputIndex: number): Promise<string> {
  const read = plan.reads[inputIndex]
  if (read === undefined) throw new TypeError(`Cannot find where input ${inputIndex} is read`)
  return deps.objects.localPath(uriOf(read))
}
