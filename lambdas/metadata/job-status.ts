/** The states of a job, as the database spells them. A `DEFERRED` job is `PENDING`. */
export const JOB_STATUSES = ['PENDING', 'PROCESSING', 'COMPLETED', 'QUARANTINED', 'FAILED', 'SKIPPED'] as const

export type JobStatus = (typeof JOB_STATUSES)[number]
