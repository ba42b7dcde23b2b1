import { digestOfJson } from '../../core/digest.ts'
import type { Mapping } from '../../core/mapping.ts'
import type { RulesetDocument, SeedDocument } from '../seed-document.ts'
import { type Database, firstRowOf, type Queryable } from './database.ts'

/** What seeding changed; all empty when the database had everything. */
export interface SeedResult {
  readonly tenants: readonly string[]
  /** `dataset@version` */
  readonly contracts: readonly string[]
  readonly rulesets: readonly string[]
  /** `tenant/dataset@version` */
  readonly mappings: readonly string[]
  /** Mappings of the seed that a tenant has changed and that were left alone. */
  readonly kept: readonly string[]
}

/** The jobs in state PROCESSING that a tenant may have at once, unless told otherwise. */
export const DEFAULT_ACTIVE_JOBS = 100

const isTrue = async (sql: Queryable, call: string, values: readonly unknown[]): Promise<boolean> =>
  (await firstRowOf(sql, `SELECT ${call} AS changed`, values))?.flag('changed', false) ?? false

/** Answers whether the tenant is new. */
export const putTenant = (
  sql: Queryable,
  tenantId: string,
  name: string,
  slots: number,
  at: string,
): Promise<boolean> => isTrue(sql, 'sluice.admin_create_tenant($1, $2, $3, $4)', [tenantId, name, slots, at])

export type MappingOrigin = 'seed' | 'tenant'

/**
 * Makes a mapping the tenant's current one. From the seed it never replaces one that the tenant has put.
 * @param sql a transaction of that tenant
 */
export async function putMapping(
  sql: Queryable,
  mapping: Mapping,
  origin: MappingOrigin,
  at: string,
): Promise<'changed' | 'unchanged' | 'kept'> {
  const { tenantId, dataset } = mapping
  const hash = digestOfJson(mapping)
  const current = await firstRowOf(
    sql,
    `SELECT hash, origin FROM sluice.ingestion_mappings WHERE tenant_id = $1 AND dataset = $2 AND current FOR UPDATE`,
    [tenantId, dataset],
  )
  if (current?.text('hash') === hash && (origin === 'seed' || current.text('origin') === origin)) return 'unchanged'
  if (origin === 'seed' && current?.text('origin') === 'tenant') return 'kept'
  await sql.query(
    `UPDATE sluice.ingestion_mappings SET current = false WHERE tenant_id = $1 AND dataset = $2 AND current`,
    [tenantId, dataset],
  )
  await sql.query(
    `INSERT INTO sluice.ingestion_mappings
       (tenant_id, dataset, hash, version, contract_version, document, current, origin, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, true, $7, $8)
     ON CONFLICT (tenant_id, dataset, hash) DO UPDATE SET current = true, origin = excluded.origin`,
    [tenantId, dataset, hash, mapping.version, mapping.contractVersion, JSON.stringify(mapping), origin, at],
  )
  return 'changed'
}

async function seedShared(database: Database, seed: SeedDocument, at: string) {
  return database.asOperator(async (sql) => {
    const tenants: string[] = []
    const contracts: string[] = []
    const rulesets: string[] = []
    for (const tenantId of new Set(seed.mappings.map((mapping) => mapping.tenantId)))
      if (await putTenant(sql, tenantId, tenantId, DEFAULT_ACTIVE_JOBS, at)) tenants.push(tenantId)
    for (const contract of seed.contracts) {
      const values = [contract.dataset, contract.version, digestOfJson(contract), JSON.stringify(contract), at]
      if (await isTrue(sql, 'sluice.admin_put_contract($1, $2, $3, $4, $5)', values))
        contracts.push(`${contract.dataset}@${contract.version}`)
    }
    for (const { dataset, dqdl, translations } of seed.rulesets) {
      const document: RulesetDocument = { dqdl, translations }
      const values = [dataset, digestOfJson(document), JSON.stringify(document), at]
      if (await isTrue(sql, 'sluice.admin_put_ruleset($1, $2, $3, $4)', values)) rulesets.push(dataset)
    }
    return { tenants, contracts, rulesets }
  })
}

/** Puts tenants, contracts, rulesets and mappings of the seed; repeating it changes nothing. */
export async function seedDatabase(database: Database, seed: SeedDocument, at: string): Promise<SeedResult> {
  const shared = await seedShared(database, seed, at)
  const mappings: string[] = []
  const kept: string[] = []
  for (const mapping of seed.mappings) {
    const name = `${mapping.tenantId}/${mapping.dataset}@${mapping.version}`
    const outcome = await database.asTenant(mapping.tenantId, (sql) => putMapping(sql, mapping, 'seed', at))
    if (outcome === 'changed') mappings.push(name)
    if (outcome === 'kept') kept.push(name)
  }
  return { ...shared, mappings, kept }
}
