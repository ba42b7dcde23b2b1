import type { Input } from '../input.ts'
import { AwsError, type Operation } from '../service.ts'
import { type Api, on, operation, present } from './api.ts'
import { executionOf } from './api-executions.ts'
import type { MapRunRecord } from './map-run-store.ts'

/** Operations on the runs of distributed Maps. */
export const mapRunOperations = (api: Api): Readonly<Record<string, Operation>> => ({
  DescribeMapRun: operation(on('DescribeMapRun', 'mapRunArn'), async (input) =>
    describe(api, mapRunOf(api, input.text('mapRunArn'))),
  ),
  UpdateMapRun: operation(on('UpdateMapRun', 'mapRunArn'), (input) => update(api, input)),
  ListMapRuns: operation(on('ListMapRuns', 'executionArn'), async (input) => list(api, input)),
})

function mapRunOf(api: Api, arn: string): MapRunRecord {
  const record = api.mapRuns.get(arn)
  if (record === undefined) throw new AwsError('ResourceNotFound', `Resource not found: '${arn}'`)
  return record
}

/** @throws AwsError ResourceNotFound, ValidationException */
async function update(api: Api, input: Input): Promise<unknown> {
  const record = mapRunOf(api, input.text('mapRunArn'))
  if (record.status !== 'RUNNING')
    throw new AwsError('ValidationException', `Map Run is not running and cannot be updated: '${record.arn}'`)
  await api.engine.updateMapRun({
    ...record,
    maxConcurrency: bounded(input, 'maxConcurrency', Number.MAX_SAFE_INTEGER) ?? record.maxConcurrency,
    toleratedFailureCount:
      bounded(input, 'toleratedFailureCount', Number.MAX_SAFE_INTEGER) ?? record.toleratedFailureCount,
    toleratedFailurePercentage: bounded(input, 'toleratedFailurePercentage', 100) ?? record.toleratedFailurePercentage,
  })
  return {}
}

function bounded(input: Input, member: string, max: number): number | null {
  const value = input.numberOr(member, null)
  if (value === null || (value >= 0 && value <= max)) return value
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must have value between 0 and ${max}`,
  )
}

function list(api: Api, input: Input): unknown {
  const { arn } = executionOf(api, input.text('executionArn'))
  return {
    mapRuns: api.mapRuns.ofExecution(arn).map((record) =>
      present({
        executionArn: arn,
        mapRunArn: record.arn,
        stateMachineArn: record.machineArn,
        startDate: new Date(record.startedAt),
        stopDate: record.stoppedAt === null ? undefined : new Date(record.stoppedAt),
      }),
    ),
  }
}

type Counts = Record<
  'pending' | 'running' | 'succeeded' | 'failed' | 'timedOut' | 'aborted' | 'total' | 'resultsWritten',
  number
>

const COUNT_OF = {
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timedOut',
  ABORTED: 'aborted',
} as const

const noCounts = (): Counts => ({
  pending: 0,
  running: 0,
  succeeded: 0,
  failed: 0,
  timedOut: 0,
  aborted: 0,
  total: 0,
  resultsWritten: 0,
})

function describe(api: Api, record: MapRunRecord): unknown {
  const { items, executions } = counts(api, record)
  return present({
    mapRunArn: record.arn,
    executionArn: record.executionArn,
    status: record.status,
    startDate: new Date(record.startedAt),
    stopDate: record.stoppedAt === null ? undefined : new Date(record.stoppedAt),
    maxConcurrency: record.maxConcurrency,
    toleratedFailurePercentage: record.toleratedFailurePercentage,
    toleratedFailureCount: record.toleratedFailureCount,
    itemCounts: items,
    executionCounts: executions,
    redriveCount: record.redriveCount,
  })
}

function counts(api: Api, record: MapRunRecord): { readonly items: Counts; readonly executions: Counts } {
  const inputs = api.mapRuns.inputs(record.arn)
  const items = { ...noCounts(), total: record.itemCount, pending: record.itemCount }
  const executions = { ...noCounts(), total: record.childCount, pending: record.childCount }
  for (const { value } of api.executions.list(record.arn)) {
    const child = api.engine.record(value.arn)
    if (child === undefined) continue
    const member = COUNT_OF[child.status]
    const size = inputs[child.mapRun?.index ?? -1]?.items ?? 0
    items[member] += size
    items.pending -= size
    executions[member] += 1
    executions.pending -= 1
  }
  return { items, executions }
}
