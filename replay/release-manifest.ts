import { digestOfJson } from '../core/digest.ts'
import { CONFIRM_ABOVE, type ReplayConfiguration, type ReplayOverrides } from './manifest.ts'

/** Jobs that are run again, by whom and why: let out of quarantine, or failed before. */
export interface Release extends ReplayOverrides {
  /** With the attempt that is to be followed by another one, in any order. */
  readonly jobs: readonly { readonly jobId: string; readonly attempt: number; readonly tenantId: string }[]
  readonly reason: string
  readonly requestedBy: string
  readonly configuration: ReplayConfiguration
  readonly dryRun: boolean
  /** The number of jobs that the operator expects; `null` when not given. */
  readonly confirm: number | null
}

/** A manifest as `replay/manifest.v1.schema.json` describes it. */
export interface ReleaseManifest {
  readonly replayId: string
  readonly text: string
}

/** Whether so many sources or tenants must be confirmed with their number. */
export const mustConfirm = ({ jobs }: Pick<Release, 'jobs'>): boolean =>
  jobs.length > CONFIRM_ABOVE.sources || new Set(jobs.map(({ tenantId }) => tenantId)).size > CONFIRM_ABOVE.tenants

/** What the id of a manifest begins with: `release` for what was quarantined, `again` for other jobs. */
export type ReleaseKind = 'release' | 'again'

/**
 * The manifest that runs the jobs again. Its id is a hash of what it asks for: the same release asked for twice is
 * one replay, and one of a job that was quarantined again is another.
 * @param round counted from 1: 2 asks again for a release that ended, but not as wanted
 */
export function releaseManifest(release: Release, round = 1, kind: ReleaseKind = 'release'): ReleaseManifest {
  const { reason, requestedBy, configuration, dryRun, acceptRejects, overrideGate, confirm } = release
  const jobs = release.jobs.toSorted((one, other) => (one.jobId < other.jobId ? -1 : 1))
  const options = {
    ...(dryRun ? { dryRun } : {}),
    ...(acceptRejects ? { acceptRejects } : {}),
    ...(overrideGate.length > 0 ? { overrideGate } : {}),
    ...(confirm === null ? {} : { confirm }),
  }
  const asked = { reason, requestedBy, jobs: jobs.map(({ jobId }) => jobId), configuration, options }
  const attempts = jobs.map(({ attempt }) => attempt)
  const replayId = `${kind}-${digestOfJson({ ...asked, attempts }).slice(0, 16)}${round === 1 ? '' : `-${round}`}`
  return { replayId, text: `${JSON.stringify({ replayId, ...asked }, null, 2)}\n` }
}
