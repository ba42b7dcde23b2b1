import { digestOf } from '../core/digest.ts'
import type { JobId } from '../core/identifiers.ts'
import { REASONS, type ReasonCode } from '../core/reason-codes.ts'
import { parseLandingKey, type SourceVersion } from '../core/source.ts'
import { type ReplayedJob, replayStepOf } from './job-step.ts'
import type { ReplayManifest } from './manifest.ts'

/** The object version as S3 describes it. `unseen`: nobody has looked yet. */
export type ObjectFacts =
  | { readonly kind: 'unseen' }
  | { readonly kind: 'readable' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'delete_marker' }
  | { readonly kind: 'archived'; readonly storageClass: string; readonly restoring: boolean }
  | { readonly kind: 'denied'; readonly message: string }

/** The configuration that the manifest asks for, as far as it is to be had. */
export type ConfigurationFacts =
  | { readonly kind: 'pinned'; readonly hash: string; readonly jobId: JobId }
  /** What a job pinned and is not to be had any more, each part in words. */
  | { readonly kind: 'gone'; readonly parts: readonly string[] }
  /** No job of the source ever pinned one. */
  | { readonly kind: 'never_pinned' }
  /** The tenant has no mapping for the dataset, or the dataset no contract or ruleset. */
  | { readonly kind: 'none' }

export interface JobFacts extends ReplayedJob {
  readonly attempt: number
  readonly publication: number
}

/** Everything that decides about one source. */
export interface SourceFacts {
  readonly source: SourceVersion
  /** Whether the source lies where files land. */
  readonly landed: boolean
  readonly tenant: 'active' | 'suspended' | 'unknown'
  readonly configuration: ConfigurationFacts
  /** The job of the source under that configuration, if there is one. */
  readonly job: JobFacts | null
  /** A job of the source, of any configuration, that loaded it. */
  readonly publishedBy: JobId | null
  readonly object: ObjectFacts
}

export const PLANNED_DECISIONS = ['RUN', 'SKIPPED_PUBLISHED', 'SKIPPED_RUNNING', 'REFUSED'] as const
export type PlannedDecision = (typeof PLANNED_DECISIONS)[number]

/** Why a source is refused though the workflow itself knows no such reason. */
export const REPLAY_REFUSALS = [
  'not_a_landing_source',
  'no_original_configuration',
  'original_configuration_gone',
  'delete_marker',
  'needs_restore',
  'source_unreadable',
  'unknown_job',
] as const
export type ReplayRefusal = (typeof REPLAY_REFUSALS)[number]

/** Why a source is skipped, or runs though it has a job already. */
export const REPLAY_CAUSES = ['published', 'running', 'again', 'forced', 'deferred'] as const
export type ReplayCause = (typeof REPLAY_CAUSES)[number]

/** What will happen to one source, and why. */
export interface PlanLine {
  readonly source: SourceVersion | null
  readonly tenantId: string | null
  readonly dataset: string | null
  readonly decision: PlannedDecision
  /** `null` for a source that runs for the first time under its configuration. */
  readonly code: ReasonCode | ReplayRefusal | ReplayCause | null
  readonly why: string
  /** The job that runs, or that stands in the way. */
  readonly jobId: JobId | null
  /** That the job will make, counted from 1. */
  readonly attempt: number | null
  readonly publication: number | null
  readonly configurationHash: string | null
  /** Of the ingest execution. */
  readonly executionName: string | null
}

type Verdict = Pick<PlanLine, 'decision' | 'code' | 'why'> &
  Partial<Pick<PlanLine, 'jobId' | 'attempt' | 'publication'>>

const refuse = (code: NonNullable<PlanLine['code']>, why: string): Verdict => ({ decision: 'REFUSED', code, why })
const refuseAsWorkflow = (code: ReasonCode): Verdict => refuse(code, REASONS[code].meaning)

/** Why the source cannot be run, whatever its job's state; `null` when it can. */
function refusalOf({ landed, source, tenant, configuration }: SourceFacts): Verdict | null {
  if (!landed)
    return refuse('not_a_landing_source', 'The object lies in another bucket than raw, or not under landing/.')
  if (parseLandingKey(source.key) === null) return refuseAsWorkflow('invalid_key_prefix')
  if (tenant === 'unknown') return refuseAsWorkflow('unknown_tenant')
  if (tenant === 'suspended') return refuseAsWorkflow('tenant_suspended')
  switch (configuration.kind) {
    case 'none':
      return refuseAsWorkflow('unknown_dataset')
    case 'never_pinned':
      return refuse(
        'no_original_configuration',
        'No job of the source ever pinned a configuration; replay it with the current one.',
      )
    case 'gone':
      return refuse(
        'original_configuration_gone',
        `The original configuration is not to be had any more: ${configuration.parts.join('; ')}.`,
      )
    case 'pinned':
      return null
  }
}

function objectRefusal(object: ObjectFacts): Verdict | null {
  switch (object.kind) {
    case 'unseen':
    case 'readable':
      return null
    case 'missing':
      return refuseAsWorkflow('source_missing')
    case 'delete_marker':
      return refuse('delete_marker', 'The version is a delete marker: name the version that it hides.')
    case 'archived':
      return refuse(
        'needs_restore',
        object.restoring
          ? `The version is in storage class ${object.storageClass} and its restoration is under way: replay it when that is done.`
          : `The version is in storage class ${object.storageClass} and must be restored first (aws s3api restore-object).`,
      )
    case 'denied':
      return refuse('source_unreadable', `The version cannot be read: ${object.message}`)
  }
}

const skip = (code: 'published' | 'running', jobId: JobId, why: string): Verdict => ({
  decision: code === 'published' ? 'SKIPPED_PUBLISHED' : 'SKIPPED_RUNNING',
  code,
  why,
  jobId,
})

const WHY = {
  register: 'The source has no job under this configuration yet.',
  resume: 'Its job was put off for want of a free slot.',
  attempt: 'Its job did not complete.',
  publish: 'It is published already, and force is set.',
} as const

const CODE = { register: null, resume: 'deferred', attempt: 'again', publish: 'forced' } as const

function runOrSkip(facts: SourceFacts, jobId: JobId, { options }: ReplayManifest): Verdict {
  const { job, publishedBy } = facts
  const step = replayStepOf(job, options.force)
  if (step === null && (job?.status === 'PENDING' || job?.status === 'PROCESSING'))
    return skip('running', jobId, `Job ${jobId} is running.`)
  if (step === null) return skip('published', jobId, `Job ${jobId} published it under this configuration.`)
  if (options.skipIfPublished && publishedBy !== null)
    return skip('published', publishedBy, `Job ${publishedBy} published it.`)
  const again = step === 'attempt' || step === 'publish'
  return {
    decision: 'RUN',
    code: CODE[step],
    why: WHY[step],
    jobId,
    attempt: (job?.attempt ?? 1) + (again ? 1 : 0),
    publication: (job?.publication ?? 1) + (step === 'publish' && job?.status === 'COMPLETED' ? 1 : 0),
  }
}

/**
 * The name of the ingest execution that a replay starts for a source: the same replay and source give the same name, so a
 * manifest dropped twice runs once.
 */
function replayExecutionName(replayId: string, source: SourceVersion): string {
  const key = parseLandingKey(source.key)
  const hash = digestOf([replayId, source.bucket, source.key, source.versionId].join('\n')).slice(0, 16)
  return key === null ? `unknown-r${hash}` : `${key.tenantId}-${key.dataset}-r${hash}`
}

/**
 * Decides about one source. A dry run and a run call this and nothing else; asked before anyone looked at the object, it
 * answers what would happen if the object can be read.
 */
export function planSource(manifest: ReplayManifest, facts: SourceFacts): PlanLine {
  const { source, configuration } = facts
  const key = parseLandingKey(source.key)
  const verdict =
    refusalOf(facts) ??
    (configuration.kind === 'pinned'
      ? runOrSkip(facts, configuration.jobId, manifest)
      : refuseAsWorkflow('unknown_dataset'))
  const refused = verdict.decision === 'RUN' ? objectRefusal(facts.object) : null
  const { decision, code, why, jobId = null, attempt = null, publication = null } = refused ?? verdict
  return {
    source,
    tenantId: key?.tenantId ?? null,
    dataset: key?.dataset ?? null,
    decision,
    code,
    why,
    jobId,
    attempt,
    publication,
    configurationHash: configuration.kind === 'pinned' ? configuration.hash : null,
    executionName: decision === 'RUN' ? replayExecutionName(manifest.replayId, source) : null,
  }
}

/** A job that the manifest names and nobody registered. */
export const unknownJobLine = (jobId: JobId): PlanLine => ({
  source: null,
  tenantId: null,
  dataset: null,
  decision: 'REFUSED',
  code: 'unknown_job',
  why: `There is no job ${jobId}.`,
  jobId,
  attempt: null,
  publication: null,
  configurationHash: null,
  executionName: null,
})
