import type { Contract } from '../core/contract.ts'
import type { TenantId } from '../core/identifiers.ts'
import { quoteName, quoteText } from './quote.ts'
import {
  ANALYST_ROLE,
  ANALYST_TENANTS,
  baseTable,
  EVERY_TENANT,
  ledgerTable,
  READER_USER,
  SCHEMAS,
} from './relations.ts'
import {
  addBaseColumn,
  addLedgerColumn,
  createBaseTable,
  createLedgerTable,
  warehouseColumns,
  widenBaseColumn,
} from './tables.ts'
import { replaceAnalystView } from './views.ts'

/** Statements that are sent together: as one transaction where there are several, by themselves where there is one. */
export interface DeploymentBatch {
  /** What it sets up, for the deployment's output: `schemas`, `table orders`, … */
  readonly name: string
  /** At most 40. */
  readonly sqls: readonly string[]
  /**
   * Redshift has no IF NOT EXISTS for some statements. Such a batch has one statement, and when it fails with this text in
   * its error, in any case of letters, the batch is done.
   */
  readonly tolerate: string | null
}

export interface DeploymentOptions {
  /** Database user of the ingest machine's role, `IAMR:{role name}`: it alone loads. */
  readonly loaderUser: string
  /** Tenants whose analysts shall find their rows. */
  readonly tenants: readonly TenantId[]
}

const EXISTS = 'already exists'
/** How Redshift refuses a VARCHAR's size that is the present one, or too small for what the column holds. */
const SIZE_STANDS = 'target column size should be'

const batch = (name: string, sqls: readonly string[]): DeploymentBatch => ({ name, sqls, tolerate: null })
const tolerant = (name: string, sql: string, tolerate: string = EXISTS): DeploymentBatch => ({
  name,
  sqls: [sql],
  tolerate,
})

/** The database user of a tenant's analysts: the IAM role `sluice-analyst-{tenantId}`. */
export const analystUserOf = (tenantId: TenantId): string => `IAMR:sluice-analyst-${tenantId}`

const createUser = (user: string): DeploymentBatch =>
  tolerant(`user ${user}`, `CREATE USER ${quoteName(user)} PASSWORD DISABLE`)

/** A user who reads the views, and the row that says whose rows it sees there. */
const reader = (user: string, name: string, tenant: string): readonly DeploymentBatch[] => [
  createUser(user),
  batch(name, [
    `GRANT ROLE ${quoteName(ANALYST_ROLE)} TO ${quoteName(user)}`,
    `INSERT INTO ${ANALYST_TENANTS} (db_user, tenant_id) SELECT ${quoteText(user)}, ${quoteText(tenant)} WHERE NOT EXISTS (SELECT 1 FROM ${ANALYST_TENANTS} WHERE db_user = ${quoteText(user)} AND tenant_id = ${quoteText(tenant)})`,
  ]),
]

/** What a new tenant's analysts need. */
export const analystStatements = (tenantId: TenantId): readonly DeploymentBatch[] =>
  reader(analystUserOf(tenantId), `analysts of ${tenantId}`, tenantId)

function foundation(loaderUser: string): readonly DeploymentBatch[] {
  const schemas = Object.values(SCHEMAS).map(quoteName)
  const loader = quoteName(loaderUser)
  return [
    batch(
      'schemas',
      schemas.map((schema) => `CREATE SCHEMA IF NOT EXISTS ${schema}`),
    ),
    tolerant('role of analysts', `CREATE ROLE ${quoteName(ANALYST_ROLE)}`),
    createUser(loaderUser),
    batch('access to schemas', [
      ...schemas.map((schema) => `REVOKE ALL ON SCHEMA ${schema} FROM PUBLIC`),
      `GRANT USAGE ON SCHEMA ${quoteName(SCHEMAS.views)} TO ROLE ${quoteName(ANALYST_ROLE)}`,
      `GRANT USAGE ON SCHEMA ${quoteName(SCHEMAS.base)} TO ${loader}`,
      `GRANT USAGE ON SCHEMA ${quoteName(SCHEMAS.operations)} TO ${loader}`,
      `GRANT USAGE, CREATE ON SCHEMA ${quoteName(SCHEMAS.staging)} TO ${loader}`,
    ]),
    batch('tenants of analysts', [
      `CREATE TABLE IF NOT EXISTS ${ANALYST_TENANTS} (db_user VARCHAR(128) NOT NULL, tenant_id VARCHAR(24) NOT NULL) DISTSTYLE ALL`,
      `REVOKE ALL ON ${ANALYST_TENANTS} FROM PUBLIC`,
    ]),
    ...reader(READER_USER, 'reader of all tenants', EVERY_TENANT),
  ]
}

const tableBatch = (contract: Contract, loaderUser: string): DeploymentBatch => {
  const loader = quoteName(loaderUser)
  const tables = [baseTable(contract.dataset), ledgerTable(contract.dataset)]
  return batch(`table ${contract.dataset}`, [
    createBaseTable(contract),
    createLedgerTable(contract),
    ...tables.map((table) => `REVOKE ALL ON ${table} FROM PUBLIC`),
    ...tables.map((table) => `GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO ${loader}`),
  ])
}

/**
 * Columns that a contract may have gained since its first version: the table exists by then, and ADD COLUMN knows no
 * IF NOT EXISTS. A key never changes, and a first version has nothing to add.
 */
const gainedColumns = (contract: Contract): readonly DeploymentBatch[] =>
  contract.version === 1
    ? []
    : warehouseColumns(contract)
        .filter(({ name, role }) => role === 'contract' && !contract.key.includes(name))
        .map((column) => tolerant(`column ${contract.dataset}.${column.name}`, addBaseColumn(contract, column)))

/** Texts that a contract may have widened since its first version, key columns among them. */
const widenedColumns = (contract: Contract): readonly DeploymentBatch[] =>
  contract.version === 1
    ? []
    : warehouseColumns(contract)
        .filter(({ role, maxBytes }) => role === 'contract' && maxBytes !== null)
        .map((column) =>
          tolerant(`size of ${contract.dataset}.${column.name}`, widenBaseColumn(contract, column), SIZE_STANDS),
        )

/**
 * Everything the warehouse needs for these contracts, in order, for `asl/deploy/v1`. Sending it again changes nothing.
 * To be sent as a user who may create roles and policies (the workgroup's administrator).
 */
export const deploymentStatements = (
  contracts: readonly Contract[],
  { loaderUser, tenants }: DeploymentOptions,
): readonly DeploymentBatch[] => [
  ...foundation(loaderUser),
  ...contracts.flatMap((contract) => [
    tableBatch(contract, loaderUser),
    tolerant(`ledger column ${contract.dataset}`, addLedgerColumn(contract)),
    ...gainedColumns(contract),
    ...widenedColumns(contract),
    batch(`view ${contract.dataset}`, replaceAnalystView(contract)),
  ]),
  ...tenants.flatMap(analystStatements),
]
