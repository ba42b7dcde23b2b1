import { digestOfJson } from '../../core/digest.ts'
import { type JobId, parseJobId, type TenantId } from '../../core/identifiers.ts'
import type { LandedSource, SourceVersion } from '../../core/source.ts'
import type { IngestInput } from '../messages.ts'
import type { Choice } from './choose-configuration.ts'
import type { Queryable } from './database.ts'
import { type SourceOwner, sourceObjectIdOf } from './ingest-input.ts'

export interface Registering {
  readonly input: IngestInput
  readonly executionArn: string
  /** ISO 8601 UTC: the execution's start, which becomes the job's clock unless a replay pinned one. */
  readonly at: string
  /** ISO 8601 UTC: the real time, for leases. */
  readonly now: string
}

/** Records a source; one that is known stays as it is. */
export async function putSource(sql: Queryable, tenantId: TenantId, source: LandedSource): Promise<void> {
  await sql.query(
    `INSERT INTO sluice.source_objects
       (tenant_id, source_object_id, bucket, object_key, version_id, size_bytes, etag, sequencer, landed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
    [
      tenantId,
      sourceObjectIdOf(source),
      source.bucket,
      source.key,
      source.versionId,
      source.sizeBytes,
      source.etag,
      source.sequencer,
      source.landedAt,
    ],
  )
}

/** Tenant, source and configuration: two submissions with the same three are the same job. */
export const idempotencyKeyOf = (
  owner: Pick<SourceOwner, 'tenantId'>,
  source: SourceVersion,
  configurationHash: string,
): string =>
  digestOfJson({
    tenantId: owner.tenantId,
    bucket: source.bucket,
    key: source.key,
    versionId: source.versionId,
    configurationHash,
  })

export const jobIdOf = (idempotencyKey: string): JobId => parseJobId(`j${idempotencyKey.slice(0, 24)}`)

/** The id of the job that a source has, or would get, under a configuration. */
export const jobIdUnder = (tenantId: TenantId, source: SourceVersion, configurationHash: string): JobId =>
  jobIdOf(idempotencyKeyOf({ tenantId }, source, configurationHash))

/** Registers a job unless the source has one under the configuration. Answers its id. */
export async function insertJob(
  sql: Queryable,
  owner: SourceOwner,
  { input, executionArn, at }: Registering,
  choice: Choice,
): Promise<string> {
  const pinned = choice.configuration?.pinned ?? null
  const configurationHash = pinned?.hash ?? digestOfJson({ refusal: choice.refusal })
  const key = idempotencyKeyOf(owner, input.source, configurationHash)
  const jobId = jobIdOf(key)
  await sql.query(
    `INSERT INTO sluice.ingestion_jobs
       (tenant_id, job_id, source_object_id, dataset, status, refusal, source_type, trigger, idempotency_key,
        configuration_hash, contract_version, contract_hash, mapping_hash, mapping_version, ruleset_hash, ruleset_version,
        compiler_version, attempt, attempt_kind, replay_id, execution_arn, registered_at, updated_at)
     VALUES ($1, $2, $3, $4, 'PENDING', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $18, $19, $20, $21)
     ON CONFLICT DO NOTHING`,
    [
      owner.tenantId,
      jobId,
      sourceObjectIdOf(input.source),
      owner.dataset,
      choice.refusal,
      input.sourceType,
      triggerOf(input),
      key,
      configurationHash,
      pinned?.contract.version ?? null,
      pinned?.contract.hash ?? null,
      pinned?.mapping.hash ?? null,
      pinned?.mapping.version ?? null,
      pinned?.ruleset.hash ?? null,
      pinned?.ruleset.version ?? null,
      pinned?.compilerVersion ?? null,
      attemptKindOf(input),
      input.replay?.replayId ?? null,
      executionArn,
      input.replay?.plannedAt ?? at,
      at,
    ],
  )
  return jobId
}

/** A replay is the call of a person, who is named beside it. */
export const triggerOf = ({ trigger }: IngestInput): 'event' | 'manual' | 'sweep' =>
  trigger === 'replay' ? 'manual' : trigger

export const attemptKindOf = ({ replay }: IngestInput): string =>
  replay === null ? 'initial' : `replay:${replay.replayId}`
