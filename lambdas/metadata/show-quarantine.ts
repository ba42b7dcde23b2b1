import { SluiceError } from '../../core/errors.ts'
import { type DatasetName, type JobId, parseDatasetName, parseTenantId } from '../../core/identifiers.ts'
import { isReasonCode } from '../../core/reason-codes.ts'
import type { PinnedConfiguration } from '../messages.ts'
import { configurationOfJob, currentConfiguration } from './configuration.ts'
import type { Database } from './database.ts'
import { type ConfigurationVersions, decideRemedy, type Remedy } from './decide-remedy.ts'
import { type QuarantineRecord, recordsOfJob, tenantStatusOf } from './quarantine-list.ts'
import { tenantOfJob } from './tenant-of-job.ts'

/** Why a source waits, what it ran under and what it would run under now. */
export interface QuarantineView {
  /** Latest first; never empty. */
  readonly records: readonly QuarantineRecord[]
  readonly configuration: {
    readonly pinned: ConfigurationVersions | null
    readonly current: ConfigurationVersions | null
  }
  readonly remedy: Remedy
}

const versionsOf = ({ contract, mapping, ruleset, compilerVersion }: PinnedConfiguration): ConfigurationVersions => ({
  contract: { version: contract.version, hash: contract.hash },
  mapping: { version: mapping.version, hash: mapping.hash },
  ruleset: { version: ruleset.version, hash: ruleset.hash },
  compilerVersion,
})

/** @throws SluiceError `unknown_job`; `invalid_state` when the job was never quarantined */
export async function showQuarantine(database: Database, jobId: JobId): Promise<QuarantineView> {
  const tenantId = parseTenantId(await tenantOfJob(database, jobId))
  return database.asTenant(tenantId, async (sql) => {
    const records = await recordsOfJob(sql, tenantId, jobId)
    const [latest] = records
    if (latest === undefined)
      throw new SluiceError('invalid_state', `Job ${jobId} was never quarantined`, { hint: 'sluice quarantine list' })
    const dataset: DatasetName = parseDatasetName(latest.dataset)
    const pinned = await configurationOfJob(sql, tenantId, jobId)
    const current = await currentConfiguration(sql, tenantId, dataset)
    const configuration = {
      pinned: pinned === null ? null : versionsOf(pinned.pinned),
      current: current === null ? null : versionsOf(current.pinned),
    }
    const reasonCode = isReasonCode(latest.reasonCode) ? latest.reasonCode : 'infrastructure_failed'
    const tenantStatus = await tenantStatusOf(sql, tenantId)
    return { records, configuration, remedy: decideRemedy({ ...configuration, reasonCode, tenantStatus }) }
  })
}
