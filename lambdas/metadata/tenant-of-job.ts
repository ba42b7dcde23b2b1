import { SluiceError } from '../../core/errors.ts'
import { type Database, firstRowOf } from './database.ts'

/** Whose a job is, so that the job itself is then read under that tenant. @throws SluiceError `unknown_job` */
export async function tenantOfJob(database: Database, jobId: string): Promise<string> {
  const row = await database.asOperator((sql) =>
    firstRowOf(sql, 'SELECT sluice.admin_tenant_of_job($1) AS tenant_id', [jobId]),
  )
  const tenantId = row?.textOrNull('tenant_id') ?? null
  if (tenantId !== null) return tenantId
  throw new SluiceError('unknown_job', `There is no job ${jobId}`, { found: jobId, hint: 'sluice jobs' })
}
