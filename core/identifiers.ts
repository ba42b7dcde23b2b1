import { SluiceError } from './errors.ts'

export type TenantId = string & { readonly __brand: 'TenantId' }
export type DatasetName = string & { readonly __brand: 'DatasetName' }
/** `j` and 24 hex characters: a hash of tenant, source and pinned configuration. */
export type JobId = string & { readonly __brand: 'JobId' }
/** `{jobId}-{attempt}-{try}`: one execution of the engines; owns the prefixes that carry it. */
export type RunId = string & { readonly __brand: 'RunId' }

/** Tenants and datasets: 2 to 24 characters, so that `{tenant}-{dataset}-{hash}` fits an execution name of 80. */
export const NAME_PATTERN = /^[a-z][a-z0-9-]{1,23}$/

const named = (kind: string, text: string): string => {
  if (NAME_PATTERN.test(text)) return text
  throw new SluiceError(`invalid_${kind}`, `Cannot use "${text}" as a ${kind}: it must match ${NAME_PATTERN.source}`, {
    expected: NAME_PATTERN.source,
    found: text,
  })
}

/** @throws SluiceError `invalid_tenant` */
export const parseTenantId = (text: string): TenantId => named('tenant', text) as TenantId
/** @throws SluiceError `invalid_dataset` */
export const parseDatasetName = (text: string): DatasetName => named('dataset', text) as DatasetName

const idOf = (kind: string, pattern: RegExp, text: string): string => {
  if (pattern.test(text)) return text
  throw new SluiceError(`invalid_${kind}`, `Cannot use "${text}" as a ${kind}: it must match ${pattern.source}`, {
    expected: pattern.source,
    found: text,
  })
}

const JOB_ID = /^j[0-9a-f]{24}$/

/** @throws SluiceError `invalid_job_id` */
export const parseJobId = (text: string): JobId => idOf('job_id', JOB_ID, text) as JobId
export const isJobId = (value: unknown): value is JobId => typeof value === 'string' && JOB_ID.test(value)
/** @throws SluiceError `invalid_run_id` */
export const parseRunId = (text: string): RunId => idOf('run_id', /^j[0-9a-f]{24}-\d{1,6}-\d{1,6}$/, text) as RunId
/** @param attempt counted from 1 @param tryNumber Step Functions' RetryCount plus redrives, from 0 */
export const runIdOf = (jobId: JobId, attempt: number, tryNumber: number): RunId =>
  `${jobId}-${attempt}-${tryNumber}` as RunId
