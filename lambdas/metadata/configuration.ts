import { digestOfJson } from '../../core/digest.ts'
import type { DatasetName, TenantId } from '../../core/identifiers.ts'
import { COMPILER_VERSION } from '../compiler-version.ts'
import type { PinnedConfiguration, PlannedConfiguration } from '../messages.ts'
import { firstRowOf, type Queryable } from './database.ts'

/** A pinned configuration with the documents it names. */
export interface LoadedConfiguration {
  readonly pinned: PinnedConfiguration
  readonly documents: {
    readonly contract: unknown
    readonly mapping: unknown
    readonly ruleset: unknown
  }
}

type Kind = keyof LoadedConfiguration['documents']

/** Content-addressed in the work bucket, below the tenant whose job reads it; written by the metadata function only. */
const configurationKey = (tenantId: TenantId, kind: Kind, hash: string): string =>
  `config/${tenantId}/${kind}/${hash}.json`

const pinnedDocument = (tenantId: TenantId, kind: Kind, hash: string, version: number) => ({
  key: configurationKey(tenantId, kind, hash),
  hash,
  version,
})

const COLUMNS = `m.hash AS mapping_hash, m.version AS mapping_version, m.document AS mapping,
  c.hash AS contract_hash, c.version AS contract_version, c.document AS contract,
  r.hash AS ruleset_hash, r.version AS ruleset_version, r.document AS ruleset`

/** The mapping a tenant uses now, the current text of the contract version it names, and the current ruleset. */
const CURRENT = `SELECT ${COLUMNS} FROM sluice.ingestion_mappings m
  JOIN sluice.contracts c ON c.dataset = m.dataset AND c.version = m.contract_version AND c.current
  JOIN sluice.rulesets r ON r.dataset = m.dataset AND r.current
  WHERE m.tenant_id = $1 AND m.dataset = $2 AND m.current`

/** What a job pinned, however much has changed since. */
const OF_JOB = `SELECT ${COLUMNS}, j.compiler_version FROM sluice.ingestion_jobs j
  JOIN sluice.ingestion_mappings m ON m.tenant_id = j.tenant_id AND m.dataset = j.dataset AND m.hash = j.mapping_hash
  JOIN sluice.contracts c ON c.dataset = j.dataset AND c.version = j.contract_version AND c.hash = j.contract_hash
  JOIN sluice.rulesets r ON r.dataset = j.dataset AND r.hash = j.ruleset_hash
  WHERE j.tenant_id = $1 AND j.job_id = $2`

/** Named part by part. */
const OF_PARTS = `SELECT ${COLUMNS} FROM sluice.ingestion_mappings m
  JOIN sluice.contracts c ON c.dataset = m.dataset AND c.version = $4 AND c.hash = $5
  JOIN sluice.rulesets r ON r.dataset = m.dataset AND r.hash = $6
  WHERE m.tenant_id = $1 AND m.dataset = $2 AND m.hash = $3`

const pinnedUnder = (members: Omit<PinnedConfiguration, 'hash'>): PinnedConfiguration => ({
  hash: digestOfJson(members),
  ...members,
})

/** The same documents under the compiler that is deployed; `null`: they are under it already. */
export function underDeployedCompiler({ pinned, documents }: LoadedConfiguration): LoadedConfiguration | null {
  const { hash: _, ...members } = pinned
  if (members.compilerVersion === COMPILER_VERSION) return null
  return { pinned: pinnedUnder({ ...members, compilerVersion: COMPILER_VERSION }), documents }
}

async function load(
  sql: Queryable,
  text: string,
  tenantId: TenantId,
  subject: readonly unknown[],
): Promise<LoadedConfiguration | null> {
  const row = await firstRowOf(sql, text, [tenantId, ...subject])
  if (row === null) return null
  const members = {
    contract: pinnedDocument(tenantId, 'contract', row.text('contract_hash'), row.integer('contract_version')),
    mapping: pinnedDocument(tenantId, 'mapping', row.text('mapping_hash'), row.integer('mapping_version')),
    ruleset: pinnedDocument(tenantId, 'ruleset', row.text('ruleset_hash'), row.integer('ruleset_version')),
    compilerVersion: row.textOrNull('compiler_version') ?? COMPILER_VERSION,
  }
  return {
    pinned: pinnedUnder(members),
    documents: {
      contract: row.unknown('contract'),
      mapping: row.unknown('mapping'),
      ruleset: row.unknown('ruleset'),
    },
  }
}

/** `null`: the tenant has no mapping for the dataset, or its contract or ruleset is not there. */
export const currentConfiguration = (
  sql: Queryable,
  tenantId: TenantId,
  dataset: DatasetName,
): Promise<LoadedConfiguration | null> => load(sql, CURRENT, tenantId, [dataset])

/** `null`: the job was refused before it had a configuration. */
export const configurationOfJob = (
  sql: Queryable,
  tenantId: TenantId,
  jobId: string,
): Promise<LoadedConfiguration | null> => load(sql, OF_JOB, tenantId, [jobId])

/** What a plan chose; `null`: a part of it is not there. */
export const plannedConfiguration = (
  sql: Queryable,
  tenantId: TenantId,
  dataset: DatasetName,
  parts: PlannedConfiguration,
): Promise<LoadedConfiguration | null> =>
  load(sql, OF_PARTS, tenantId, [
    dataset,
    parts.mappingHash,
    parts.contractVersion,
    parts.contractHash,
    parts.rulesetHash,
  ])
