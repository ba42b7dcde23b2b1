import { SluiceError } from '../../core/errors.ts'
import type { CloseJobRequest } from '../messages.ts'
import type { JobStatus } from './job-status.ts'

export interface OpenJob {
  readonly status: JobStatus
  readonly attempt: number
}

/**
 * `write`: take the job to the status. `reopen`: the execution was redriven after its failure had been recorded, so open the
 * attempt again and then write. `defer`: leave it waiting for the sweep. `answer`: it is closed, say how.
 * `superseded`: a later attempt owns the job, answer for the earlier one.
 */
export type CloseStep = 'write' | 'reopen' | 'defer' | 'answer' | 'superseded'

/**
 * The first end that is recorded for an attempt stays, with one exception: a failure may be followed by another end, as
 * failed executions can be redriven. So a close that is repeated changes nothing.
 * @throws SluiceError `unknown_attempt`, `illegal_close`
 */
export function decideClose(job: OpenJob, attempt: number, wanted: CloseJobRequest['status']): CloseStep {
  if (attempt > job.attempt)
    throw new SluiceError('unknown_attempt', `Cannot close attempt ${attempt} as the job has ${job.attempt}`)
  if (attempt < job.attempt) return 'superseded'
  if (wanted === 'DEFERRED') {
    if (job.status === 'PENDING') return 'defer'
    if (job.status !== 'PROCESSING') return 'answer'
    throw new SluiceError('illegal_close', 'Cannot defer a job that is PROCESSING')
  }
  if (job.status === 'PENDING' || job.status === 'PROCESSING') return 'write'
  return job.status === 'FAILED' && wanted !== 'FAILED' ? 'reopen' : 'answer'
}
