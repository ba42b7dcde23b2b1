import type { TenantId } from '../../core/identifiers.ts'
import type { ReasonCode } from '../../core/reason-codes.ts'
import type { Fields } from '../input.ts'
import type { IngestInput } from '../messages.ts'
import {
  configurationOfJob,
  currentConfiguration,
  type LoadedConfiguration,
  plannedConfiguration,
} from './configuration.ts'
import { firstRowOf, type Queryable } from './database.ts'
import { type SourceOwner, sourceObjectIdOf } from './ingest-input.ts'

/** Which configuration the source gets, or why it gets none; `jobId` when an existing job decides. */
export interface Choice {
  readonly refusal: ReasonCode | null
  readonly configuration: LoadedConfiguration | null
  readonly jobId: string | null
}

const refused = (refusal: ReasonCode): Choice => ({ refusal, configuration: null, jobId: null })

/** The latest job of the source that pinned a configuration, for those who want that configuration again. */
async function originalJobOf(sql: Queryable, tenantId: TenantId, sourceObjectId: string): Promise<string | null> {
  const row = await firstRowOf(
    sql,
    `SELECT job_id FROM sluice.ingestion_jobs WHERE tenant_id = $1 AND source_object_id = $2 AND refusal IS NULL
     ORDER BY sequence DESC LIMIT 1`,
    [tenantId, sourceObjectId],
  )
  return row?.text('job_id') ?? null
}

/** The job that the plan of a replay found, if it is one of this source. */
async function plannedJobOf(
  sql: Queryable,
  tenantId: TenantId,
  { source, replay }: IngestInput,
): Promise<string | null> {
  if (replay === null || replay.jobId === null) return null
  const row = await firstRowOf(
    sql,
    `SELECT job_id FROM sluice.ingestion_jobs
     WHERE tenant_id = $1 AND job_id = $2 AND source_object_id = $3 AND refusal IS NULL`,
    [tenantId, replay.jobId, sourceObjectIdOf(source)],
  )
  return row?.text('job_id') ?? null
}

async function existingJobOf(sql: Queryable, tenantId: TenantId, input: IngestInput): Promise<string | null> {
  const planned = await plannedJobOf(sql, tenantId, input)
  if (planned !== null) return planned
  const wantsOriginal = input.trigger === 'sweep' || input.replay?.configuration === 'original'
  return wantsOriginal ? originalJobOf(sql, tenantId, sourceObjectIdOf(input.source)) : null
}

/** Decides by the tenant, by the jobs of the source where a replay or the sweep wants one again, else by what is in force. */
export async function chooseConfiguration(
  sql: Queryable,
  owner: SourceOwner,
  input: IngestInput,
  tenant: Fields | null,
): Promise<Choice> {
  if (!owner.readable) return refused('invalid_key_prefix')
  if (tenant === null) return refused('unknown_tenant')
  if (tenant.text('status') !== 'active') return refused('tenant_suspended')
  const existing = await existingJobOf(sql, owner.tenantId, input)
  if (existing !== null)
    return { refusal: null, configuration: await configurationOfJob(sql, owner.tenantId, existing), jobId: existing }
  const pinned = input.replay?.pinned ?? null
  const configuration =
    pinned === null
      ? await currentConfiguration(sql, owner.tenantId, owner.dataset)
      : await plannedConfiguration(sql, owner.tenantId, owner.dataset, pinned)
  return configuration === null ? refused('unknown_dataset') : { refusal: null, configuration, jobId: null }
}
