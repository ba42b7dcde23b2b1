import type { DatasetName, JobId, TenantId } from '../../../core/identifiers.ts'
import { parseLandingKey } from '../../../core/source.ts'
import type { ReplayConfiguration } from '../../../replay/manifest.ts'
import type { ConfigurationFacts } from '../../../replay/plan-source.ts'
import { COMPILER_VERSION } from '../../compiler-version.ts'
import type { PlannedConfiguration } from '../../messages.ts'
import { currentConfiguration } from '../configuration.ts'
import { type Database, rowsOf } from '../database.ts'
import { jobIdUnder } from '../insert-job.ts'
import type { SelectedSource } from './selected-sources.ts'
import type { SourceJob } from './source-jobs.ts'

/** What a source would be run under. */
export interface ChosenConfiguration {
  readonly facts: ConfigurationFacts
  /** For a job that is not there yet. */
  readonly pinned: PlannedConfiguration | null
}

export type ChooseConfiguration = (selected: SelectedSource, jobs: readonly SourceJob[]) => ChosenConfiguration

interface CurrentOfDataset {
  readonly hash: string
  readonly pinned: PlannedConfiguration
}

const pairOf = (key: string): { tenantId: TenantId; dataset: DatasetName; name: string } | null => {
  const landing = parseLandingKey(key)
  return landing === null ? null : { ...landing, name: `${landing.tenantId}/${landing.dataset}` }
}

/** The configuration in force for each tenant and dataset among the sources. */
async function currentOf(
  database: Database,
  sources: readonly SelectedSource[],
): Promise<ReadonlyMap<string, CurrentOfDataset>> {
  const pairs = new Map(sources.flatMap(({ source }) => pairOf(source.key) ?? []).map((pair) => [pair.name, pair]))
  const found = new Map<string, CurrentOfDataset>()
  for (const { name, tenantId, dataset } of pairs.values()) {
    const loaded = await database.asTenant(tenantId, (sql) => currentConfiguration(sql, tenantId, dataset))
    if (loaded === null) continue
    const { hash, contract, mapping, ruleset } = loaded.pinned
    found.set(name, {
      hash,
      pinned: {
        contractHash: contract.hash,
        contractVersion: contract.version,
        mappingHash: mapping.hash,
        rulesetHash: ruleset.hash,
      },
    })
  }
  return found
}

const chooseCurrent =
  (current: ReadonlyMap<string, CurrentOfDataset>): ChooseConfiguration =>
  ({ source }) => {
    const pair = pairOf(source.key)
    const inForce = pair === null ? undefined : current.get(pair.name)
    if (pair === null || inForce === undefined) return { facts: { kind: 'none' }, pinned: null }
    const jobId = jobIdUnder(pair.tenantId, source, inForce.hash)
    return { facts: { kind: 'pinned', hash: inForce.hash, jobId }, pinned: inForce.pinned }
  }

/** What of a job's documents is not in Postgres any more, in words. */
const MISSING = `SELECT j.job_id,
    CASE WHEN c.hash IS NULL THEN 'contract version ' || j.contract_version || ' (' || left(j.contract_hash, 12) || ')' END AS contract,
    CASE WHEN m.hash IS NULL THEN 'mapping version ' || j.mapping_version || ' (' || left(j.mapping_hash, 12) || ')' END AS mapping,
    CASE WHEN r.hash IS NULL THEN 'ruleset version ' || j.ruleset_version || ' (' || left(j.ruleset_hash, 12) || ')' END AS ruleset
  FROM sluice.ingestion_jobs j
  LEFT JOIN sluice.contracts c ON c.dataset = j.dataset AND c.version = j.contract_version AND c.hash = j.contract_hash
  LEFT JOIN sluice.ingestion_mappings m ON m.tenant_id = j.tenant_id AND m.dataset = j.dataset AND m.hash = j.mapping_hash
  LEFT JOIN sluice.rulesets r ON r.dataset = j.dataset AND r.hash = j.ruleset_hash
  WHERE j.tenant_id = $1 AND j.job_id = ANY ($2) AND (c.hash IS NULL OR m.hash IS NULL OR r.hash IS NULL)`

async function missingDocuments(
  database: Database,
  originals: ReadonlyMap<string, { readonly tenantId: TenantId; readonly job: SourceJob }>,
): Promise<ReadonlyMap<JobId, readonly string[]>> {
  const missing = new Map<JobId, readonly string[]>()
  const tenants = new Set([...originals.values()].map(({ tenantId }) => tenantId))
  for (const tenantId of tenants) {
    const jobs = [...originals.values()].flatMap((one) => (one.tenantId === tenantId ? [one.job.jobId] : []))
    const rows = await database.asTenant(tenantId, (sql) => rowsOf(sql, MISSING, [tenantId, jobs]))
    for (const row of rows) {
      const parts = ['contract', 'mapping', 'ruleset'].flatMap((kind) => row.textOrNull(kind) ?? [])
      const job = jobs.find((jobId) => jobId === row.text('job_id'))
      if (job !== undefined) missing.set(job, parts)
    }
  }
  return missing
}

/** The job that names the original configuration: the one that the manifest names, else the last one that pinned any. */
const originalOf = ({ namedJob }: SelectedSource, jobs: readonly SourceJob[]): SourceJob | null => {
  const pinning = jobs.filter(({ refusal }) => refusal === null)
  return (namedJob === null ? undefined : pinning.find(({ jobId }) => jobId === namedJob)) ?? pinning.at(-1) ?? null
}

const goneParts = ({ jobId, compilerVersion }: SourceJob, missing: ReadonlyMap<JobId, readonly string[]>) => [
  ...(missing.get(jobId) ?? []),
  ...(compilerVersion === COMPILER_VERSION
    ? []
    : [`compiler version ${compilerVersion} (deployed is ${COMPILER_VERSION})`]),
]

async function chooseOriginal(
  database: Database,
  sources: readonly SelectedSource[],
  jobsOf: (sourceObjectId: string) => readonly SourceJob[],
): Promise<ChooseConfiguration> {
  const originals = new Map<string, { tenantId: TenantId; job: SourceJob }>()
  for (const selected of sources) {
    const job = originalOf(selected, jobsOf(selected.sourceObjectId))
    const pair = pairOf(selected.source.key)
    if (job !== null && pair !== null) originals.set(selected.sourceObjectId, { tenantId: pair.tenantId, job })
  }
  const missing = await missingDocuments(database, originals)
  return ({ sourceObjectId }) => {
    const job = originals.get(sourceObjectId)?.job
    if (job === undefined) return { facts: { kind: 'never_pinned' }, pinned: null }
    const parts = goneParts(job, missing)
    if (parts.length > 0) return { facts: { kind: 'gone', parts }, pinned: null }
    return { facts: { kind: 'pinned', hash: job.configurationHash, jobId: job.jobId }, pinned: null }
  }
}

/** How the sources of a replay come to their configuration, read once for all of them. */
export async function configurationsFor(
  database: Database,
  wanted: ReplayConfiguration,
  sources: readonly SelectedSource[],
  jobsOf: (sourceObjectId: string) => readonly SourceJob[],
): Promise<ChooseConfiguration> {
  if (wanted === 'original') return chooseOriginal(database, sources, jobsOf)
  return chooseCurrent(await currentOf(database, sources))
}
