import { type JobId, parseJobId } from '../../../core/identifiers.ts'
import type { LandedSource, SourceVersion } from '../../../core/source.ts'
import { MAX_SOURCES, type ReplayManifest, type ReplaySelection } from '../../../replay/manifest.ts'
import { type Queryable, rowsOf } from '../database.ts'
import { sourceObjectIdOf } from '../ingest-input.ts'
import { LANDED_SOURCE, landedSourceOf } from '../landed-source.ts'

/** A source that a manifest names. */
export interface SelectedSource {
  readonly source: SourceVersion
  readonly sourceObjectId: string
  /** As its event told it; `null` for a source that was never registered. */
  readonly known: LandedSource | null
  /** The job that the manifest names it by. */
  readonly namedJob: JobId | null
}

export interface Selection {
  readonly sources: readonly SelectedSource[]
  /** Jobs that the manifest names and nobody registered. */
  readonly unknownJobs: readonly JobId[]
}

/** What is registered of the sources with these ids. */
async function registered(sql: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, LandedSource>> {
  const rows = await rowsOf(sql, `SELECT source_object_id, ${LANDED_SOURCE} FROM sluice.admin_sources($1)`, [ids])
  return new Map(rows.map((row) => [row.text('source_object_id'), landedSourceOf(row)]))
}

/** One more than may be, so that too many are seen. */
async function idsOf(sql: Queryable, select: ReplaySelection): Promise<readonly string[]> {
  const { tenant, dataset, landedFrom, landedTo, status, reasonCode, keyPrefix } = select
  const rows = await rowsOf(sql, 'SELECT sluice.admin_select_sources($1, $2, $3, $4, $5, $6, $7, $8) AS id', [
    tenant,
    dataset,
    landedFrom,
    landedTo,
    status,
    reasonCode,
    keyPrefix,
    MAX_SOURCES + 1,
  ])
  return rows.map((row) => row.text('id'))
}

async function byId(
  sql: Queryable,
  ids: readonly string[],
  namedJobs: ReadonlyMap<string, JobId>,
): Promise<readonly SelectedSource[]> {
  const known = await registered(sql, ids)
  return ids.flatMap((sourceObjectId) => {
    const source = known.get(sourceObjectId)
    const namedJob = namedJobs.get(sourceObjectId) ?? null
    return source === undefined ? [] : [{ source, sourceObjectId, known: source, namedJob }]
  })
}

async function ofJobs(sql: Queryable, jobs: readonly JobId[]): Promise<Selection> {
  const rows = await rowsOf(sql, 'SELECT * FROM sluice.admin_sources_of_jobs($1)', [jobs])
  const idOfJob = new Map(rows.map((row) => [row.text('job_id'), row.text('source_object_id')]))
  // Two jobs of one source are one line: the later one in the manifest names its configuration.
  const namedJobs = new Map<string, JobId>()
  for (const job of jobs) {
    const id = idOfJob.get(job)
    if (id !== undefined) namedJobs.set(id, parseJobId(job))
  }
  return {
    sources: await byId(sql, [...namedJobs.keys()], namedJobs),
    unknownJobs: jobs.filter((job) => !idOfJob.has(job)),
  }
}

/** The sources that a manifest names, as they are now, in its order; a selection's oldest first. */
export async function selectSources(sql: Queryable, { target }: ReplayManifest): Promise<Selection> {
  if (target.kind === 'jobs') return ofJobs(sql, target.jobs)
  if (target.kind === 'select')
    return { sources: await byId(sql, await idsOf(sql, target.select), new Map()), unknownJobs: [] }
  const ids = target.sources.map(sourceObjectIdOf)
  const known = await registered(sql, ids)
  const sources = target.sources.map((source): SelectedSource => {
    const sourceObjectId = sourceObjectIdOf(source)
    return { source, sourceObjectId, known: known.get(sourceObjectId) ?? null, namedJob: null }
  })
  return { sources, unknownJobs: [] }
}
