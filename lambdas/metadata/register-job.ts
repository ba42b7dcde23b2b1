import { digestOfJson } from '../../core/digest.ts'
import type { DatasetName, TenantId } from '../../core/identifiers.ts'
import { REASONS, type ReasonCode } from '../../core/reason-codes.ts'
import { replaySlots } from '../../replay/admission.ts'
import type { Fields } from '../input.ts'
import type { IngestInput, RegisteredJob, RegisterJobResult } from '../messages.ts'
import { waiversOf } from '../waivers.ts'
import { type Choice, chooseConfiguration } from './choose-configuration.ts'
import { configurationOfJob, type LoadedConfiguration, underDeployedCompiler } from './configuration.ts'
import { type Database, firstRowOf, type Queryable } from './database.ts'
import {
  decideRegistration,
  type KnownJob,
  type Registration,
  type RegistrationStep,
  takesUp,
} from './decide-registration.ts'
import { giveUp, replaceJob } from './end-without-run.ts'
import { ownerOf, type SourceOwner, UNKNOWN_NAME } from './ingest-input.ts'
import {
  attemptKindOf,
  idempotencyKeyOf,
  insertJob,
  jobIdOf,
  putSource,
  type Registering,
  triggerOf,
} from './insert-job.ts'
import { type JobRow, readJob } from './job-row.ts'

/**
 * How long a slot counts: one of an execution that died is free then at the latest. An execution that runs longer goes on, but a
 * replay may make the next attempt of its job meanwhile.
 */
export const LEASE_SECONDS = 6 * 3600

/** The answer, and the documents that it pins. */
export interface Registered {
  readonly result: RegisterJobResult
  readonly configuration: LoadedConfiguration | null
}

/** The row after a step, before its status moves on. */
function afterStep(job: JobRow, step: RegistrationStep, { input, executionArn }: Registering): JobRow {
  const mine = { ...job, executionArn, deferred: false }
  switch (step) {
    case 'keep':
      return job
    case 'register':
      return { ...job, waivers: waiversOf(input) }
    case 'resume':
      return mine
    case 'redrive':
      return { ...mine, redrives: job.redrives + 1, attemptKind: 'redrive' }
    case 'attempt':
    case 'publish':
      return {
        ...mine,
        attempt: job.attempt + 1,
        attemptKind: input.replay === null ? 'redrive' : attemptKindOf(input),
        replayId: input.replay?.replayId ?? null,
        waivers: waiversOf(input),
        publication: job.publication + (step === 'publish' && job.status === 'COMPLETED' ? 1 : 0),
      }
  }
}

async function writeStep(
  sql: Queryable,
  tenantId: TenantId,
  before: JobRow,
  { decision, step }: Registration,
  registering: Registering,
): Promise<JobRow> {
  const job = afterStep(before, step, registering)
  const { now } = registering
  const { replay } = registering.input
  if (decision === 'duplicate' || (step === 'keep' && before.status === 'PROCESSING')) return job
  // A closed job stays as it is while its next attempt waits for a slot.
  if (decision === 'wait' && before.status !== 'PENDING') return before
  if (before.status === 'PROCESSING') await giveUp(sql, tenantId, before, now)
  const opens = decision !== 'wait'
  const status = opens ? 'PROCESSING' : before.status
  await sql.query(
    `UPDATE sluice.ingestion_jobs SET
       status = $3, attempt = $4, attempt_kind = $5, redrives = $6, publication = $7, replay_id = $8, execution_arn = $9,
       deferred_at = NULL, lease_expires_at = $10, updated_at = $11,
       processing_at = CASE WHEN $12 THEN $11::timestamptz ELSE processing_at END,
       closed_at = NULL, reason_code = NULL, message = NULL, duplicate_of = NULL
     WHERE tenant_id = $1 AND job_id = $2`,
    [
      tenantId,
      job.jobId,
      status,
      job.attempt,
      job.attemptKind,
      job.redrives,
      job.publication,
      job.replayId,
      job.executionArn,
      opens ? new Date(Date.parse(now) + LEASE_SECONDS * 1000).toISOString() : null,
      now,
      opens,
    ],
  )
  await sql.query(
    `INSERT INTO sluice.job_attempts
       (tenant_id, job_id, attempt, kind, execution_arn, replay_id, publication, status, opened_at, requested_by, requested_why,
        waivers, trigger)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     ON CONFLICT (tenant_id, job_id, attempt) DO UPDATE SET kind = excluded.kind, execution_arn = excluded.execution_arn,
       status = excluded.status, reason_code = NULL, closed_at = NULL`,
    [
      tenantId,
      job.jobId,
      job.attempt,
      job.attemptKind,
      job.executionArn,
      job.replayId,
      job.publication,
      status,
      now,
      replay?.requestedBy ?? null,
      replay?.reason ?? null,
      job.waivers === null ? null : JSON.stringify(job.waivers),
      triggerOf(registering.input),
    ],
  )
  return job
}

async function recordAnswer(
  sql: Queryable,
  tenantId: TenantId,
  job: JobRow,
  { decision }: Registration,
  { executionArn, now }: Registering,
): Promise<void> {
  await sql.query(
    `INSERT INTO sluice.job_executions (tenant_id, execution_arn, job_id, attempt, decision, registered_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (tenant_id, execution_arn) DO UPDATE SET attempt = excluded.attempt, decision = excluded.decision`,
    [tenantId, executionArn, job.jobId, job.attempt, decision, now],
  )
}

const DECISIONS = ['run', 'duplicate', 'wait', 'refuse'] as const

async function answerBefore(sql: Queryable, tenantId: TenantId, executionArn: string) {
  const row = await firstRowOf(
    sql,
    'SELECT job_id, decision FROM sluice.job_executions WHERE tenant_id = $1 AND execution_arn = $2',
    [tenantId, executionArn],
  )
  return row === null ? null : { jobId: row.text('job_id'), decision: row.oneOf('decision', DECISIONS) }
}

/** The slots of a tenant's live or of its replayed jobs, and how many of them are taken. */
async function slotsOf(sql: Queryable, tenantId: TenantId, tenant: Fields | null, replayed: boolean, now: string) {
  const row = await firstRowOf(
    sql,
    `SELECT count(*)::integer AS active FROM sluice.ingestion_jobs
     WHERE tenant_id = $1 AND status = 'PROCESSING' AND lease_expires_at > $2
       AND starts_with(attempt_kind, 'replay:') = $3`,
    [tenantId, now, replayed],
  )
  const slots = tenant?.integer('max_active_jobs') ?? 0
  return { activeJobs: row?.integer('active') ?? 0, maxActiveJobs: replayed ? replaySlots(slots) : slots }
}

const knownJobOf = (job: JobRow, executionArn: string): KnownJob => ({
  status: job.status,
  deferred: job.deferred,
  leaseExpired: job.leaseExpired,
  ownedByCaller: job.executionArn === executionArn,
})

function messageFor(decision: Registration['decision'], reason: ReasonCode | null, owner: SourceOwner): string | null {
  if (decision === 'wait') return `Tenant "${owner.tenantId}" has as many active jobs as it may have`
  return reason === null ? null : REASONS[reason].meaning
}

function reasonFor(decision: Registration['decision'], refusal: ReasonCode | null): ReasonCode | null {
  if (decision === 'duplicate') return 'already_processed'
  return decision === 'refuse' ? refusal : null
}

const registeredJobOf = (job: JobRow, owner: SourceOwner): RegisteredJob => ({
  jobId: job.jobId,
  tenantId: owner.tenantId,
  dataset: owner.dataset as DatasetName,
  attempt: job.attempt,
  attemptKind: job.attemptKind,
  publication: job.publication,
  registeredAt: job.registeredAt,
  firstRegisteredAt: job.firstRegisteredAt,
  ingestDate: job.registeredAt.slice(0, 10),
  idempotencyKey: job.idempotencyKey,
  replayId: job.replayId,
  waivers: job.waivers,
})

/** A deferred replay that the sweep resumes stays one. */
const isReplayed = ({ trigger }: IngestInput, { attemptKind, deferred }: JobRow): boolean =>
  trigger === 'replay' || (trigger === 'sweep' && deferred && attemptKind.startsWith('replay:'))

interface JobInQuestion {
  /** What this very execution was answered before, if it asked before. */
  readonly answered: (typeof DECISIONS)[number] | null
  readonly configuration: LoadedConfiguration | null
  readonly isNew: boolean
  readonly jobId: string
}

/** The job of a source under a configuration, registered now unless it is there. */
async function jobUnder(
  sql: Queryable,
  owner: SourceOwner,
  registering: Registering,
  choice: Choice,
): Promise<JobInQuestion> {
  const { input, now } = registering
  const { configuration, refusal } = choice
  const pinnedHash = configuration?.pinned.hash ?? digestOfJson({ refusal })
  const wouldBe = jobIdOf(idempotencyKeyOf(owner, input.source, pinnedHash))
  const isNew = (await readJob(sql, owner.tenantId, wouldBe, now)) === null
  const jobId = isNew ? await insertJob(sql, owner, registering, choice) : wouldBe
  return { answered: null, configuration, isNew, jobId }
}

/**
 * A job that is there and wanted again. Where it would be compiled by another compiler than it pinned, which is not deployed any
 * more, a job of the same documents under the deployed one takes its place.
 */
async function jobAgain(
  sql: Queryable,
  owner: SourceOwner,
  registering: Registering,
  choice: Choice,
  jobId: string,
): Promise<JobInQuestion> {
  const { input, executionArn, now } = registering
  const again = { answered: null, configuration: choice.configuration, isNew: false, jobId }
  const anew = choice.configuration === null ? null : underDeployedCompiler(choice.configuration)
  const job = anew === null ? null : await readJob(sql, owner.tenantId, jobId, now)
  if (anew === null || job === null) return again
  if (!takesUp({ trigger: input.trigger, force: input.replay?.force ?? false }, knownJobOf(job, executionArn)))
    return again
  const instead = await jobUnder(sql, owner, registering, { ...choice, configuration: anew })
  if (job.status === 'PENDING') await replaceJob(sql, owner.tenantId, job, instead.jobId, now)
  return instead
}

/** The job in question: of the same execution, of the configuration wanted again, or registered now. */
async function jobInQuestion(sql: Queryable, owner: SourceOwner, registering: Registering): Promise<JobInQuestion> {
  const { input, executionArn } = registering
  const answered = await answerBefore(sql, owner.tenantId, executionArn)
  if (answered !== null) {
    const configuration = await configurationOfJob(sql, owner.tenantId, answered.jobId)
    return { answered: answered.decision, configuration, isNew: false, jobId: answered.jobId }
  }
  const tenant = await readTenant(sql, owner.tenantId)
  const choice = await chooseConfiguration(sql, owner, input, tenant)
  if (choice.jobId !== null) return jobAgain(sql, owner, registering, choice, choice.jobId)
  await putSource(sql, owner.tenantId, input.source)
  return jobUnder(sql, owner, registering, choice)
}

const readTenant = (sql: Queryable, tenantId: TenantId): Promise<Fields | null> =>
  tenantId === UNKNOWN_NAME
    ? Promise.resolve(null)
    : firstRowOf(sql, 'SELECT status, max_active_jobs FROM sluice.tenants WHERE tenant_id = $1', [tenantId])

/**
 * Registers a source: decides whether it runs, waits, was processed before or is refused, and records the decision.
 * Asking again for the same execution gives the same answer; a waiting one is decided anew.
 */
export function registerJob(database: Database, registering: Registering): Promise<Registered> {
  const owner = ownerOf(registering.input.source.key)
  return database.asTenant(owner.tenantId, async (sql) => {
    // One admission a tenant at a time: slots are counted and taken in one piece.
    await sql.query(`SELECT pg_advisory_xact_lock(hashtextextended('admission:' || $1, 0))`, [owner.tenantId])
    const { answered, configuration, isNew, jobId } = await jobInQuestion(sql, owner, registering)
    const job = await readJob(sql, owner.tenantId, jobId, registering.now)
    if (job === null) throw new Error(`Job ${jobId} of ${owner.tenantId} vanished in its own transaction`)
    const tenant = await readTenant(sql, owner.tenantId)
    const registration = decideRegistration({
      trigger: registering.input.trigger,
      force: registering.input.replay?.force ?? false,
      refusal: job.refusal,
      known: isNew ? null : knownJobOf(job, registering.executionArn),
      answered,
      ...(await slotsOf(sql, owner.tenantId, tenant, isReplayed(registering.input, job), registering.now)),
    })
    const after = await writeStep(sql, owner.tenantId, job, registration, registering)
    await recordAnswer(sql, owner.tenantId, after, registration, registering)
    const { decision } = registration
    const reasonCode = reasonFor(decision, job.refusal)
    return {
      configuration: decision === 'run' ? configuration : null,
      result: {
        decision,
        job: registeredJobOf(after, owner),
        source: registering.input.source,
        duplicateOf: decision === 'duplicate' ? after.jobId : null,
        reasonCode,
        message: messageFor(decision, reasonCode, owner),
        configuration: decision === 'run' ? (configuration?.pinned ?? null) : null,
      },
    }
  })
}
