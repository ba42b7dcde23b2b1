/** The job of a source under the configuration in question, as a replay finds it. */
export interface ReplayedJob {
  readonly status: 'PENDING' | 'PROCESSING' | 'COMPLETED' | 'QUARANTINED' | 'FAILED' | 'SKIPPED'
  /** Waits for the sweep, with no execution of its own any more. */
  readonly deferred: boolean
  /** Says PROCESSING, but its slot has run out. */
  readonly leaseExpired: boolean
}

/** `register`: a new job. `resume`: a waiting one goes on. `attempt`: a new attempt. `publish`: a new attempt that may publish once more. */
export type ReplayStep = 'register' | 'resume' | 'attempt' | 'publish'

/**
 * What a replay does with a job; `null` when there is nothing to do. The plan and the registration of a job both ask here, so
 * that a dry run answers what the run will do.
 */
export function replayStepOf(job: ReplayedJob | null, force: boolean): ReplayStep | null {
  if (job === null) return 'register'
  switch (job.status) {
    case 'PENDING':
      return job.deferred ? 'resume' : null
    case 'PROCESSING':
      return job.leaseExpired ? 'attempt' : null
    case 'FAILED':
    case 'QUARANTINED':
      return 'attempt'
    case 'COMPLETED':
    case 'SKIPPED':
      return force ? 'publish' : null
  }
}
