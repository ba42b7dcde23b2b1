import type { DatasetName, TenantId } from '../core/identifiers.ts'

interface Owner {
  readonly dataset: DatasetName
  readonly tenantId: TenantId
}

/** Later than any instant in milliseconds that this century needs: keys count down, so that a listing begins with the newest. */
const LAST_MILLIS = 9_999_999_999_999

/** Prefix in dq-results of the results that a tenant's dataset is compared with (`last(k)`), newest first. */
export const historyPrefix = ({ dataset, tenantId }: Owner): string => `${dataset}/tenant=${tenantId}/history/`

/** Key of a job's result among them; another try at the job replaces it. @param registeredAt ISO 8601 */
export function historyKey(job: Owner & { readonly jobId: string; readonly registeredAt: string }): string {
  const countdown = LAST_MILLIS - Date.parse(job.registeredAt)
  return `${historyPrefix(job)}${String(countdown).padStart(13, '0')}-${job.jobId}.json`
}

/** When the job of a result was registered, by the key of the result; ISO 8601 UTC. @throws RangeError for another key */
export function registeredAtOf(key: string): string {
  const countdown = /\/history\/(\d{13})-[^/]+$/.exec(key)?.[1]
  return new Date(LAST_MILLIS - Number(countdown)).toISOString()
}
