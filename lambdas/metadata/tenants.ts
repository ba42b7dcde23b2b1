import { SluiceError } from '../../core/errors.ts'
import { parseTenantId } from '../../core/identifiers.ts'
import type { Fields } from '../input.ts'
import { type Database, firstRowOf, type Queryable, rowsOf } from './database.ts'
import { UNKNOWN_NAME } from './ingest-input.ts'
import { DEFAULT_ACTIVE_JOBS, putTenant } from './seed.ts'

export interface TenantRecord {
  readonly tenantId: string
  readonly name: string
  readonly status: 'active' | 'suspended'
  /** Jobs in state PROCESSING at once. */
  readonly maxActiveJobs: number
  readonly createdAt: string
}

const LIST = `SELECT tenant_id, name, status, max_active_jobs,
  to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS created_at FROM sluice.admin_list_tenants()`

const tenantOf = (row: Fields): TenantRecord => ({
  tenantId: row.text('tenant_id'),
  name: row.text('name'),
  status: row.oneOf('status', ['active', 'suspended']),
  maxActiveJobs: row.integer('max_active_jobs'),
  createdAt: row.text('created_at'),
})

/** All tenants by id. */
export const listTenants = (database: Database): Promise<readonly TenantRecord[]> =>
  database.asOperator(async (sql) => (await rowsOf(sql, LIST)).map(tenantOf))

async function readTenant(sql: Queryable, tenantId: string): Promise<TenantRecord> {
  const row = await firstRowOf(sql, `${LIST} WHERE tenant_id = $1`, [tenantId])
  if (row !== null) return tenantOf(row)
  throw new SluiceError('unknown_tenant', `There is no tenant "${tenantId}"`, {
    found: tenantId,
    hint: `sluice tenant create ${tenantId}`,
  })
}

/** @throws SluiceError `invalid_tenant` */
export function createTenant(database: Database, request: Fields, at: string) {
  const tenantId = parseTenantId(request.text('tenantId'))
  if (tenantId === UNKNOWN_NAME)
    throw new SluiceError('invalid_tenant', `Cannot create tenant "${tenantId}": the name stands for unreadable keys`)
  const name = request.textOrNull('name') ?? tenantId
  const slots = request.integerOr('maxActiveJobs', DEFAULT_ACTIVE_JOBS)
  return database.asOperator(async (sql) => {
    const created = await putTenant(sql, tenantId, name, slots, at)
    return { created, tenant: await readTenant(sql, tenantId) }
  })
}

/** @throws SluiceError `unknown_tenant` */
export const setTenantStatus = (
  database: Database,
  tenantId: string,
  status: TenantRecord['status'],
  at: string,
): Promise<{ readonly tenant: TenantRecord }> =>
  database.asOperator(async (sql) => {
    await sql.query('SELECT sluice.admin_set_tenant_status($1, $2, $3)', [tenantId, status, at])
    return { tenant: await readTenant(sql, tenantId) }
  })
