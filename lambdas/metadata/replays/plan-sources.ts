import { type LandedSource, sequencerOfListed } from '../../../core/source.ts'
import type { ReplayManifest } from '../../../replay/manifest.ts'
import type { ManifestProblem } from '../../../replay/parse-manifest.ts'
import { selectionProblems } from '../../../replay/plan.ts'
import { type PlanLine, planSource, type SourceFacts, unknownJobLine } from '../../../replay/plan-source.ts'
import type { IngestInput } from '../../messages.ts'
import type { SourceInspector } from '../../source-inspector.ts'
import type { Database } from '../database.ts'
import { listTenants } from '../tenants.ts'
import { type ChosenConfiguration, configurationsFor } from './configurations.ts'
import { type SelectedSource, selectSources } from './selected-sources.ts'
import { readSourceJobs, type SourceJob } from './source-jobs.ts'

export interface PlanningDeps {
  readonly database: Database
  readonly inspector: SourceInspector
  readonly rawBucket: string
}

/** A source with what will happen to it, and the input of its ingest execution where it runs. */
export interface PlannedSource {
  readonly line: PlanLine
  readonly input: IngestInput | null
  readonly clock: SourceClock
}

/** The times that rules of a source's job go by: what `now()` means, and until when earlier runs count. */
export interface SourceClock {
  /** ISO 8601 UTC: of the job, or of the plan where the replay makes one. */
  readonly registeredAt: string
  /** ISO 8601 UTC: of the source's first job. */
  readonly firstRegisteredAt: string
}

export type PlannedReplay =
  | { readonly ok: true; readonly sources: readonly PlannedSource[] }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] }

/** Objects that are looked at at once. */
const INSPECTIONS = 32

async function eachAtOnce<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length)
  const rest = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  return results
}

function inputOf(
  manifest: ReplayManifest,
  source: LandedSource,
  { pinned }: ChosenConfiguration,
  job: SourceJob | null,
  now: string,
): IngestInput {
  const { replayId, requestedBy, reason, configuration, options } = manifest
  const { force, acceptRejects, overrideGate } = options
  const jobId = job?.jobId ?? null
  const order = { replayId, requestedBy, reason, configuration, force, acceptRejects, overrideGate }
  return {
    source,
    sourceType: 's3',
    trigger: 'replay',
    replay: { ...order, jobId, pinned: jobId === null ? pinned : null, plannedAt: now },
  }
}

/** What decides about a source before anyone looked at its object. */
interface Candidate {
  readonly selected: SelectedSource
  readonly facts: SourceFacts
  readonly chosen: ChosenConfiguration
  readonly job: SourceJob | null
  readonly clock: SourceClock
}

async function planOne(
  candidate: Candidate,
  manifest: ReplayManifest,
  deps: PlanningDeps,
  now: string,
): Promise<PlannedSource> {
  const { selected, facts, chosen, job, clock } = candidate
  const line = planSource(manifest, facts)
  if (line.decision !== 'RUN') return { line, input: null, clock }
  const { object, landed } = await deps.inspector.inspect(selected.source)
  const seen = planSource(manifest, { ...facts, object })
  const source =
    selected.known ?? (landed && { ...selected.source, ...landed, sequencer: sequencerOfListed(selected.source) })
  if (seen.decision !== 'RUN' || source === null) return { line: seen, input: null, clock }
  return { line: seen, input: inputOf(manifest, source, chosen, job, now), clock }
}

/** ISO 8601 UTC of the source's first job; `now` where it has none. */
const firstOf = (jobs: readonly SourceJob[], now: string): string =>
  [now, ...jobs.map(({ registeredAt }) => registeredAt)].toSorted()[0] ?? now

async function candidatesOf(
  manifest: ReplayManifest,
  sources: readonly SelectedSource[],
  { database, rawBucket }: PlanningDeps,
  now: string,
): Promise<readonly Candidate[]> {
  const ids = sources.map(({ sourceObjectId }) => sourceObjectId)
  const jobsOf = await database.asOperator((sql) => readSourceJobs(sql, ids, now))
  const tenants = new Map((await listTenants(database)).map(({ tenantId, status }) => [tenantId, status]))
  const choose = await configurationsFor(database, manifest.configuration, sources, jobsOf)
  return sources.map((selected): Candidate => {
    const jobs = jobsOf(selected.sourceObjectId)
    const chosen = choose(selected, jobs)
    const { facts: configuration } = chosen
    const wanted = configuration.kind === 'pinned' ? configuration.jobId : null
    const job = jobs.find(({ jobId }) => jobId === wanted) ?? null
    const { bucket, key } = selected.source
    const facts: SourceFacts = {
      source: { bucket, key, versionId: selected.source.versionId },
      landed: bucket === rawBucket && key.startsWith('landing/'),
      tenant: tenants.get(key.split('/')[1] ?? '') ?? 'unknown',
      configuration,
      job,
      publishedBy: jobs.findLast(({ published }) => published)?.jobId ?? null,
      object: { kind: 'unseen' },
    }
    const clock = { registeredAt: job?.registeredAt ?? now, firstRegisteredAt: firstOf(jobs, now) }
    return { selected, facts, chosen, job, clock }
  })
}

/** Plans every source of a manifest as it is now; writes nothing. @param now ISO 8601 UTC */
export async function planSources(manifest: ReplayManifest, deps: PlanningDeps, now: string): Promise<PlannedReplay> {
  const { sources, unknownJobs } = await deps.database.asOperator((sql) => selectSources(sql, manifest))
  const problems = selectionProblems(manifest, sources.length + unknownJobs.length)
  if (problems.length > 0) return { ok: false, problems }
  const candidates = await candidatesOf(manifest, sources, deps, now)
  const planned = await eachAtOnce(candidates, INSPECTIONS, (candidate) => planOne(candidate, manifest, deps, now))
  const unknown = unknownJobs.map((jobId) => ({
    line: unknownJobLine(jobId),
    input: null,
    clock: { registeredAt: now, firstRegisteredAt: now },
  }))
  return { ok: true, sources: [...planned, ...unknown] }
}
