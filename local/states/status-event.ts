import type { Json } from '../../core/json.ts'
import type { ExecutionRecord } from './execution-store.ts'
import { redriveStatus } from './redrive.ts'

/** "Step Functions Execution Status Change", in EventBridge's envelope. */
export interface StatusEvent {
  readonly version: '0'
  readonly id: string
  readonly 'detail-type': string
  readonly source: string
  readonly account: string
  readonly time: string
  readonly region: string
  readonly resources: readonly string[]
  readonly detail: Json
}

/** Escaped input and output above this leave the input out, in characters. */
const MAX_DATA_LENGTH = 248 * 1_024

/** A character becomes six at most when it is escaped: most data need not be, to know that it fits. */
const fits = (input: string, output: string): boolean =>
  6 * (input.length + output.length) + 4 <= MAX_DATA_LENGTH ||
  JSON.stringify(input).length + JSON.stringify(output).length <= MAX_DATA_LENGTH

/** The event of a change of status. `now` in epoch milliseconds. */
export function statusEvent(
  record: ExecutionRecord,
  { id, region, accountId, now }: { id: string; region: string; accountId: string; now: number },
): StatusEvent {
  const { status, reason } = redriveStatus(record, now)
  const included = fits(record.input, record.output ?? '')
  return {
    version: '0',
    id,
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account: accountId,
    time: `${new Date(record.stoppedAt ?? now).toISOString().slice(0, 19)}Z`,
    region,
    resources: [record.arn],
    detail: {
      executionArn: record.arn,
      stateMachineArn: record.machineArn,
      name: record.name,
      status: record.status,
      startDate: record.startedAt,
      stopDate: record.stoppedAt,
      input: included ? record.input : null,
      output: record.output,
      stateMachineVersionArn: record.versionArn,
      stateMachineAliasArn: record.aliasArn,
      redriveCount: record.redriveCount,
      redriveDate: record.redrivenAt,
      redriveStatus: status,
      redriveStatusReason: reason,
      inputDetails: { included },
      outputDetails: record.output === null ? null : { included: true },
      error: record.error,
      cause: record.cause,
    },
  }
}
