import type { ExecutionRecord } from './execution-store.ts'
import { MAX_EVENTS } from './turn.ts'

const DAY_MILLIS = 86_400_000

/** Whether a closed execution can be taken up again, and why not. `now` in epoch milliseconds; `isMachineGone`: its machine is deleted. */
export function redriveStatus(
  record: ExecutionRecord,
  now: number,
  isMachineGone = false,
): { readonly status: 'REDRIVABLE' | 'NOT_REDRIVABLE' | 'REDRIVABLE_BY_MAP_RUN'; readonly reason: string | null } {
  const { status, stoppedAt, startedAt, lastEventId, mapRun } = record
  if (status === 'RUNNING' || status === 'SUCCEEDED')
    return { status: 'NOT_REDRIVABLE', reason: `Execution is ${status} and cannot be redriven` }
  if (mapRun !== null) return { status: 'REDRIVABLE_BY_MAP_RUN', reason: 'Execution can be redriven by its Map Run' }
  if (isMachineGone) return { status: 'NOT_REDRIVABLE', reason: 'State machine is in DELETING status' }
  if (lastEventId >= MAX_EVENTS - 1)
    return { status: 'NOT_REDRIVABLE', reason: 'Execution history event limit exceeded' }
  if (now - (stoppedAt ?? now) > 14 * DAY_MILLIS)
    return { status: 'NOT_REDRIVABLE', reason: 'Execution redrivable period exceeded' }
  if (now - startedAt > 365 * DAY_MILLIS)
    return { status: 'NOT_REDRIVABLE', reason: 'Execution has exceeded the max execution time' }
  return { status: 'REDRIVABLE', reason: null }
}
