import type { DatasetName } from '../core/identifiers.ts'
import { quoteQualified } from './quote.ts'

/** The warehouse's schemas: base tables, staging tables of runs, ledgers, and the views that analysts read. */
export const SCHEMAS = { base: 'mart', staging: 'staging', operations: 'ops', views: 'analytics' } as const

/** A dataset's name as a table's: `-` would have to be quoted everywhere. */
export const tableNameOf = (dataset: DatasetName): string => dataset.replaceAll('-', '_')

/** `"mart"."orders"` */
export const baseTable = (dataset: DatasetName): string => quoteQualified(SCHEMAS.base, tableNameOf(dataset))
/** `"ops"."ledger_orders"`: one row a publication. */
export const ledgerTable = (dataset: DatasetName): string =>
  quoteQualified(SCHEMAS.operations, `ledger_${tableNameOf(dataset)}`)
/** `"staging"."orders_{run}"`: the rows of one run, with the placeholder of the load plan. */
export const stagingTable = (dataset: DatasetName): string =>
  quoteQualified(SCHEMAS.staging, `${tableNameOf(dataset)}_{run}`)
/** `"analytics"."orders"`; a dataset with `-` in its name has a second view under the name that needs no quotes. */
export const analystViews = (dataset: DatasetName): readonly string[] =>
  [...new Set<string>([dataset, tableNameOf(dataset)])].map((name) => quoteQualified(SCHEMAS.views, name))
/** Which database user reads which tenant's rows. */
export const ANALYST_TENANTS = quoteQualified(SCHEMAS.operations, 'analyst_tenant')
/** The database role that may read the views. */
export const ANALYST_ROLE = 'sluice_analyst'
/** The database user who may read the views of all tenants, and nothing else: the operator's queries run as it. */
export const READER_USER = 'sluice_reader'
/** In `ops.analyst_tenant`: every tenant. */
export const EVERY_TENANT = '*'
