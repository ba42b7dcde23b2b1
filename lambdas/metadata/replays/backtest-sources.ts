import { SluiceError } from '../../../core/errors.ts'
import { parseDatasetName, parseJobId, parseTenantId } from '../../../core/identifiers.ts'
import type { LandedSource } from '../../../core/source.ts'
import type { ReplayManifest } from '../../../replay/manifest.ts'
import { parseManifest } from '../../../replay/parse-manifest.ts'
import type { PlanLine } from '../../../replay/plan-source.ts'
import type { Fields } from '../../input.ts'
import { configurationOfJob, currentConfiguration, type LoadedConfiguration } from '../configuration.ts'
import type { Database } from '../database.ts'
import { tenantOfJob } from '../tenant-of-job.ts'
import { type PlannedSource, planSources, type SourceClock } from './plan-sources.ts'
import { nowOf, type ReplayDeps } from './replay-reports.ts'

/** A source of a manifest as a backtest runs it: whatever was published, and nothing is registered. */
export interface BacktestSource {
  readonly line: PlanLine
  /** `null` for a source that no replay could run. */
  readonly source: LandedSource | null
  /** As the replay's job would have it. */
  readonly clock: SourceClock
}

export interface BacktestPage {
  readonly sources: readonly BacktestSource[]
  /** The number of the next page's first source; `null` on the last page. */
  readonly nextSource: number | null
}

/** With keys and reasons of full length a page stays below what a Lambda may answer. */
const PAGE_SOURCES = 1000

const backtestOf = ({ line, input, clock }: PlannedSource): BacktestSource => ({
  line,
  source: input?.source ?? null,
  clock,
})

/** Published sources count too: what a change would do to them is the question. */
const everySource = (manifest: ReplayManifest): ReplayManifest => ({
  ...manifest,
  options: { ...manifest.options, force: true, skipIfPublished: false },
})

/** The sources of a manifest, for a run in a scratch area of the caller; writes nothing. @throws SluiceError `invalid_manifest` */
export async function backtestSources(request: Fields, deps: ReplayDeps): Promise<BacktestPage> {
  const parsed = parseManifest(Buffer.from(request.text('manifest')))
  const planned = parsed.ok ? await planSources(everySource(parsed.manifest), deps, nowOf(deps)) : parsed
  if (!planned.ok) {
    const [first] = planned.problems
    throw new SluiceError(
      'invalid_manifest',
      `${first?.field ?? '$'}: ${first?.message ?? 'The manifest is not valid'}`,
    )
  }
  const from = request.integerOr('fromSource', 0)
  const next = from + PAGE_SOURCES
  return {
    sources: planned.sources.slice(from, next).map(backtestOf),
    nextSource: next < planned.sources.length ? next : null,
  }
}

/** The documents in force for a tenant's dataset, or those that a job pinned; `null` where there are none. */
export async function readConfiguration(request: Fields, database: Database): Promise<LoadedConfiguration | null> {
  if (request.has('jobId')) {
    const jobId = parseJobId(request.text('jobId'))
    const tenantId = parseTenantId(await tenantOfJob(database, jobId))
    return database.asTenant(tenantId, (sql) => configurationOfJob(sql, tenantId, jobId))
  }
  const tenantId = parseTenantId(request.text('tenantId'))
  const dataset = parseDatasetName(request.text('dataset'))
  return database.asTenant(tenantId, (sql) => currentConfiguration(sql, tenantId, dataset))
}
