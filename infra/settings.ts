import { resolve } from 'node:path'
import { SluiceError } from '../core/errors.ts'

/** What a deployment may choose. Everything else is the same in every account. */
export interface Settings {
  readonly account: string
  readonly region: string
  /** Absolute folders of what data engineers write. */
  readonly contractsFolder: string
  readonly rulesFolder: string
  /** Absolute folder of the repository: entries, definitions and scripts are found from here. */
  readonly root: string
  /** Largest version that one CopyObject copies; beyond it the copy goes in parts. At most 5 GB. */
  readonly singleCopyMaxBytes: number
  /** 5 MiB to 5 GiB. */
  readonly copyPartBytes: number
  /** A job over its tenant's quota asks again this often, … */
  readonly quotaWaitSeconds: number
  /** … this many times; then it is deferred. */
  readonly quotaWaits: number
  readonly sweepEveryMinutes: number
  /** How old a landed version or a job must be before the sweep takes it up: longer than an event takes to arrive. */
  readonly sweepGraceSeconds: number
  /**
   * The version of the ingest machine that `live` stays on while a deployment publishes a newer one, which `sluice promote` makes live
   * once it passed the smoke run. `null`: live follows the deployment.
   */
  readonly liveVersion: number | null
}

/** Where a setting comes from: CDK's context first, then the environment. */
export interface SettingsSource {
  context(name: string): unknown
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly root: string
}

const MIB = 1024 * 1024

function textOf(source: SettingsSource, name: string, variable: string, fallback: string): string {
  const value = source.context(name) ?? source.environment[variable] ?? fallback
  if (typeof value === 'string' && value !== '') return value
  throw new SluiceError('invalid_setting', `Cannot use ${name} as it must be a text`, { found: JSON.stringify(value) })
}

function countOf(source: SettingsSource, name: string, fallback: number, from: number, to: number): number {
  const value = Number(source.context(name) ?? fallback)
  if (Number.isSafeInteger(value) && value >= from && value <= to) return value
  throw new SluiceError('invalid_setting', `Cannot use ${name} as it must be an integer from ${from} to ${to}`, {
    found: String(value),
  })
}

/** @throws SluiceError `invalid_setting` */
export const readSettings = (source: SettingsSource): Settings => ({
  account: textOf(source, 'account', 'CDK_DEFAULT_ACCOUNT', '000000000000'),
  region: textOf(source, 'region', 'CDK_DEFAULT_REGION', 'us-east-2'),
  contractsFolder: resolve(source.root, textOf(source, 'contracts', 'SLUICE_CONTRACTS', 'contracts')),
  rulesFolder: resolve(source.root, textOf(source, 'rules', 'SLUICE_RULES', 'dq-rules')),
  root: source.root,
  singleCopyMaxBytes: countOf(source, 'singleCopyMaxBytes', 1024 * MIB, 5 * MIB, 5_000_000_000),
  copyPartBytes: countOf(source, 'copyPartBytes', 512 * MIB, 5 * MIB, 5 * 1024 * MIB),
  quotaWaitSeconds: countOf(source, 'quotaWaitSeconds', 30, 1, 3600),
  quotaWaits: countOf(source, 'quotaWaits', 20, 0, 1000),
  sweepEveryMinutes: countOf(source, 'sweepEveryMinutes', 15, 1, 1440),
  sweepGraceSeconds: countOf(source, 'sweepGraceSeconds', 900, 0, 86_400),
  liveVersion: source.context('liveVersion') === undefined ? null : countOf(source, 'liveVersion', 1, 1, 1_000_000),
})
