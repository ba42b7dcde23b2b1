import type { PhysicalColumn } from '../core/column-type.ts'
import type { Contract } from '../core/contract.ts'
import { VIEW_COLUMNS } from '../core/curated-columns.ts'
import { quoteName, quoteText } from './quote.ts'
import { ANALYST_ROLE, ANALYST_TENANTS, analystViews, baseTable, EVERY_TENANT, tableNameOf } from './relations.ts'
import { warehouseColumns } from './tables.ts'

const isJson = (contract: Contract, name: string): boolean =>
  name === '_rescued' || contract.columns.some((column) => column.name === name && column.type.kind === 'json')

const printViewColumn = (contract: Contract, { name }: Pick<PhysicalColumn, 'name'>): string =>
  isJson(contract, name) ? `JSON_PARSE(${quoteName(name)}) AS ${quoteName(name)}` : quoteName(name)

/** The columns of a dataset's view, in order: the contract's, then `VIEW_COLUMNS`. */
const viewColumns = (contract: Contract): readonly string[] => [
  ...contract.columns.map(({ name }) => name),
  ...VIEW_COLUMNS,
]

/**
 * The view analysts read. Late binding, so that the base table may change below it; it hides deleted rows, which the
 * table keeps so that an older version of the row cannot come back.
 */
function createAnalystView(contract: Contract, view: string): string {
  const columns = viewColumns(contract).map((name) => printViewColumn(contract, { name }))
  return `CREATE VIEW ${view} AS SELECT ${columns.join(', ')} FROM ${baseTable(contract.dataset)} WHERE "op" <> 'D' WITH NO SCHEMA BINDING`
}

const policyOf = (contract: Contract): string => quoteName(`analyst_tenant_${tableNameOf(contract.dataset)}`)

/** Whose rows the current user sees. */
const OWN_TENANTS = `SELECT tenant_id FROM ${ANALYST_TENANTS} WHERE LOWER(db_user) = LOWER(current_user)`

/** The tenant column as Redshift's policy must declare it. */
const tenantType = (contract: Contract): string => {
  const tenant = warehouseColumns(contract).find(({ name }) => name === 'tenant_id')
  return `VARCHAR(${tenant?.maxBytes ?? 24})`
}

/**
 * Replaces view, grants and row-level security of a dataset; to be run as one transaction, so that no analyst ever meets
 * the view without its policy. `CREATE OR REPLACE VIEW` could not change columns, and policies know no OR REPLACE.
 */
export function replaceAnalystView(contract: Contract): readonly string[] {
  const policy = policyOf(contract)
  const views = analystViews(contract.dataset)
  return [
    `DROP RLS POLICY IF EXISTS ${policy} CASCADE`,
    `CREATE RLS POLICY ${policy} WITH (tenant_id ${tenantType(contract)}) USING (tenant_id IN (${OWN_TENANTS}) OR ${quoteText(EVERY_TENANT)} IN (${OWN_TENANTS}))`,
    ...views.flatMap((view) => [
      `DROP VIEW IF EXISTS ${view}`,
      createAnalystView(contract, view),
      `REVOKE ALL ON ${view} FROM PUBLIC`,
      `GRANT SELECT ON ${view} TO ROLE ${quoteName(ANALYST_ROLE)}`,
      `ATTACH RLS POLICY ${policy} ON ${view} TO ROLE ${quoteName(ANALYST_ROLE)}`,
      `ALTER TABLE ${view} ROW LEVEL SECURITY ON`,
    ]),
  ]
}
