import { userInfo } from 'node:os'
import { isReasonCode, REASONS } from '../core/reason-codes.ts'
import type { QuarantineFilter } from '../lambdas/metadata/quarantine-list.ts'
import { QUARANTINE_STATES } from '../lambdas/metadata/quarantine-records.ts'
import { CommandError, EXIT } from './output.ts'

/** The filter of `sluice quarantine list` and `release` as given. */
export interface FilterOptions {
  readonly tenant?: string
  readonly dataset?: string
  readonly status?: string
  readonly reason?: string
  readonly since?: string
  readonly until?: string
}

const wrong = (code: string, message: string, hint?: string): CommandError =>
  new CommandError(EXIT.wrongUse, code, message, hint)

function timeOf(name: string, text: string | undefined): string | null {
  if (text === undefined) return null
  const instant = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text)
  if (!Number.isNaN(instant) && /^\d{4}-\d{2}-\d{2}/.test(text)) return new Date(instant).toISOString()
  throw wrong(
    'invalid_time',
    `Cannot use "${text}" as --${name}: expected a day or an ISO 8601 time, such as 2026-11-01`,
  )
}

/** @throws CommandError `invalid_status`, `invalid_reason`, `invalid_time` */
export function parseFilter(options: FilterOptions): QuarantineFilter {
  const status = options.status ?? 'open'
  const state = QUARANTINE_STATES.find((known) => known === status) ?? null
  if (state === null && status !== 'all')
    throw wrong(
      'invalid_status',
      `Cannot use "${status}" as --status: expected one of all, ${QUARANTINE_STATES.join(', ')}`,
    )
  const { reason } = options
  if (reason !== undefined && !isReasonCode(reason))
    throw wrong('invalid_reason', `There is no reason "${reason}"`, `One of ${Object.keys(REASONS).join(', ')}`)
  return {
    tenantId: options.tenant ?? null,
    dataset: options.dataset ?? null,
    state,
    reasonCode: reason ?? null,
    since: timeOf('since', options.since),
    until: timeOf('until', options.until),
  }
}

/** Who acts: `--by`, or the user of this machine. */
export const actorOf = (by: string | undefined): string => by ?? userInfo().username
