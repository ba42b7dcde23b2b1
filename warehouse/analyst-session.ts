import type { TenantId } from '../core/identifiers.ts'
import { analystUserOf } from './deploy.ts'
import { quoteName } from './quote.ts'
import { READER_USER, SCHEMAS } from './relations.ts'

/**
 * The statements that turn a session into that of a tenant's analyst, or of the reader who sees all tenants, with the
 * views on the search path. Both may read the views and nothing else.
 */
export const analystSession = (tenantId: TenantId | null): readonly string[] => [
  `SET SESSION AUTHORIZATION ${quoteName(tenantId === null ? READER_USER : analystUserOf(tenantId))}`,
  `SET search_path TO ${quoteName(SCHEMAS.views)}`,
]

/** The secret of the workgroup's administrator, who alone may take on another user's session and make users. */
export const ADMINISTRATOR_SECRET = 'sluice/warehouse-admin'
