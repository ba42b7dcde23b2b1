import type { Input } from '../input.ts'
import { AwsError, type Operation } from '../service.ts'
import {
  type Api,
  givenFailure,
  maxResults,
  on,
  operation,
  type PageKey,
  page,
  parsePageToken,
  present,
} from './api.ts'
import { checkExecutionArn, checkName, parseMachineArn } from './arns.ts'
import type { StartSpec } from './engine-ports.ts'
import { MAX_PAYLOAD_BYTES } from './evaluation.ts'
import { type ExecutionRecord, ownersOf } from './execution-store.ts'
import { type HistoryEvent, HistoryProjection, sdkEvent } from './history.ts'
import { activeMachineOf, machineOf, noMachine } from './known-machine.ts'
import type { MachineRecord } from './machine-store.ts'
import type { ChildInput } from './map-run-store.ts'
import { redriveStatus } from './redrive.ts'

/** Operations on executions. */
export const executionOperations = (api: Api): Readonly<Record<string, Operation>> => ({
  StartExecution: operation(on('StartExecution', 'stateMachineArn'), (input) => startExecution(api, input)),
  StartSyncExecution: operation(on('StartSyncExecution', 'stateMachineArn'), (input) => startSync(api, input)),
  StopExecution: operation(on('StopExecution', 'executionArn'), (input) => stopExecution(api, input)),
  RedriveExecution: operation(on('RedriveExecution', 'executionArn'), (input) => redrive(api, input)),
  DescribeExecution: operation(on('DescribeExecution', 'executionArn'), async (input) =>
    describe(api, executionOf(api, input.text('executionArn')), input.textOr('includedData', 'ALL_DATA')),
  ),
  ListExecutions: operation(listPermission, async (input) => listExecutions(api, input)),
  GetExecutionHistory: operation(on('GetExecutionHistory', 'executionArn'), async (input) => history(api, input)),
})

/** What an ARN, plain or qualified, starts. */
function target(api: Api, arn: string) {
  const { machineArn, qualifier } = parseMachineArn(arn)
  const machine = activeMachineOf(api, arn)
  if (qualifier === null) return { machine, versionArn: null, aliasArn: null, ...machine }
  if (/^\d+$/.test(qualifier)) return { machine, versionArn: arn, aliasArn: null, ...versionOf(api, arn) }
  const alias = api.machines.aliases.get([machineArn, qualifier])
  if (alias === undefined) throw noMachine(arn)
  const draw = api.chance.random() * 100
  const [first, second] = alias.routes
  const versionArn = (second === undefined || draw < (first?.weight ?? 0) ? first : second)?.versionArn ?? ''
  return { machine, versionArn, aliasArn: arn, ...versionOf(api, versionArn) }
}

function versionOf(api: Api, arn: string) {
  const { machineArn, qualifier } = parseMachineArn(arn)
  const version = api.machines.versions.get([machineArn, Number(qualifier)])
  if (version === undefined) throw noMachine(arn)
  return { definition: version.definition, roleArn: version.roleArn }
}

function startSpec(api: Api, input: Input, sync: boolean): StartSpec {
  const chosen = target(api, input.text('stateMachineArn'))
  const { machine } = chosen
  const name = checkName(input.textOr('name', undefined) ?? api.chance.uuid())
  const kind = machine.type === 'EXPRESS' ? 'express' : 'execution'
  if (sync && machine.type !== 'EXPRESS')
    throw new AwsError('StateMachineTypeNotSupported', 'This operation is not supported by this type of state machine')
  const suffix = machine.type === 'EXPRESS' ? `:${api.chance.uuid()}` : ''
  return {
    arn: `arn:aws:states:${api.region}:${api.accountId}:${kind}:${machine.name}:${name}${suffix}`,
    name,
    machineArn: machine.arn,
    machineName: machine.name,
    versionArn: chosen.versionArn,
    aliasArn: chosen.aliasArn,
    mapRun: null,
    definition: chosen.definition,
    roleArn: chosen.roleArn,
    type: machine.type,
    input: checkInput(input.textOr('input', '{}')),
    traceHeader: input.textOr('traceHeader', null),
  }
}

/** @throws AwsError InvalidExecutionInput, ValidationException */
function checkInput(text: string): string {
  if (text === '')
    throw new AwsError('InvalidExecutionInput', "Invalid State Machine Execution Input: 'Invalid execution input.'")
  if (Buffer.byteLength(text) > MAX_PAYLOAD_BYTES)
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to ${MAX_PAYLOAD_BYTES}`,
    )
  try {
    JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AwsError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${reason}'`)
  }
  return text
}

async function startExecution(api: Api, input: Input): Promise<unknown> {
  const spec = startSpec(api, input, false)
  const known = spec.type === 'STANDARD' ? api.engine.record(spec.arn) : undefined
  if (known !== undefined) return startedBefore(api, known, spec)
  const record = await api.engine.start(spec)
  return { executionArn: record.arn, startDate: new Date(record.startedAt) }
}

/** The same start again is no fault while the execution runs. */
async function startedBefore(api: Api, first: ExecutionRecord, spec: StartSpec): Promise<unknown> {
  await api.engine.live(first.arn)?.idle()
  const known = api.engine.record(first.arn) ?? first
  if (known.status === 'RUNNING' && known.input === spec.input)
    return { executionArn: known.arn, startDate: new Date(known.startedAt) }
  throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${known.arn}'`)
}

/** Billed in steps of 100 ms. */
const BILLING_STEP_MILLIS = 100

async function startSync(api: Api, input: Input): Promise<unknown> {
  const record = await api.engine.run(startSpec(api, input, true), true)
  const stoppedAt = record.stoppedAt ?? record.startedAt
  return present({
    executionArn: record.arn,
    stateMachineArn: record.machineArn,
    name: record.name,
    startDate: new Date(record.startedAt),
    stopDate: new Date(stoppedAt),
    status: record.status,
    error: record.error,
    cause: record.cause,
    input: record.input,
    inputDetails: { included: true },
    output: record.output,
    outputDetails: record.output === null ? undefined : { included: true },
    traceHeader: record.traceHeader,
    billingDetails: {
      billedMemoryUsedInMB: 64,
      billedDurationInMilliseconds:
        Math.ceil((stoppedAt - record.startedAt) / BILLING_STEP_MILLIS) * BILLING_STEP_MILLIS,
    },
  })
}

/** False for Express executions of their own: AWS keeps no record of them. */
const isListed = ({ type, mapRun }: ExecutionRecord): boolean => type !== 'EXPRESS' || mapRun !== null

/** @throws AwsError InvalidArn, ExecutionDoesNotExist */
export function executionOf(api: Api, arn: string): ExecutionRecord {
  const record = api.engine.record(checkExecutionArn(arn))
  if (record === undefined || !isListed(record))
    throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`)
  return record
}

async function stopExecution(api: Api, input: Input): Promise<unknown> {
  const { arn } = executionOf(api, input.text('executionArn'))
  await api.engine.deliver(arn, { kind: 'stop', ...givenFailure(input) })
  return { stopDate: new Date(api.engine.record(arn)?.stoppedAt ?? api.clock.now().getTime()) }
}

/** As long as the same token asks for the same redrive. */
const REDRIVE_TOKEN_MILLIS = 15 * 60_000

async function redrive(api: Api, input: Input): Promise<unknown> {
  const record = executionOf(api, input.text('executionArn'))
  const token = input.textOr('clientToken', null)
  const now = api.clock.now().getTime()
  const { redriveToken = null, redrivenAt } = record
  if (token !== null && token === redriveToken && redrivenAt !== null && now - redrivenAt < REDRIVE_TOKEN_MILLIS)
    return { redriveDate: new Date(redrivenAt) }
  const { status, reason } = redriveStatus(record, now, isMachineGone(api, record))
  if (status !== 'REDRIVABLE')
    throw new AwsError('ExecutionNotRedrivable', `Execution is not redrivable: '${record.arn}'. ${reason ?? ''}`.trim())
  const redriven = await api.engine.redrive({ ...record, redriveToken: token })
  return { redriveDate: new Date(redriven.redrivenAt ?? api.clock.now().getTime()) }
}

const DELETED: Pick<MachineRecord, 'deleting'> = { deleting: true }

const isMachineGone = (api: Api, { machineArn }: ExecutionRecord): boolean =>
  (api.machines.machines.get([machineArn]) ?? DELETED).deleting === true

function describe(api: Api, record: ExecutionRecord, includedData: string): unknown {
  const { status, reason } = redriveStatus(record, api.clock.now().getTime(), isMachineGone(api, record))
  const withData = includedData !== 'METADATA_ONLY'
  return present({
    executionArn: record.arn,
    stateMachineArn: record.machineArn,
    stateMachineVersionArn: record.versionArn,
    stateMachineAliasArn: record.aliasArn,
    name: record.name,
    status: record.status,
    startDate: new Date(record.startedAt),
    stopDate: record.stoppedAt === null ? undefined : new Date(record.stoppedAt),
    input: withData ? record.input : undefined,
    inputDetails: { included: withData },
    output: withData ? record.output : undefined,
    outputDetails: record.output === null ? undefined : { included: withData },
    traceHeader: record.traceHeader,
    mapRunArn: record.mapRun?.arn,
    error: record.error,
    cause: record.cause,
    redriveCount: record.redriveCount,
    redriveDate: record.redrivenAt === null ? undefined : new Date(record.redrivenAt),
    redriveStatus: status,
    redriveStatusReason: reason,
  })
}

const listPermission = (input: Input) =>
  input.has('mapRunArn') ? on('ListExecutions', 'mapRunArn')(input) : on('ListExecutions', 'stateMachineArn')(input)

function listExecutions(api: Api, input: Input): unknown {
  const machineArn = input.textOr('stateMachineArn', undefined)
  const owner = machineArn ?? input.text('mapRunArn')
  if (machineArn !== undefined) checkListed(api, machineArn)
  const status = input.textOr('statusFilter', undefined)
  const redriven = input.textOr('redriveFilter', undefined)
  const { items, nextToken } = page(
    listed(api, owner, status, redriven, parsePageToken(input.textOr('nextToken', undefined))),
    maxResults(input),
    ({ key }) => key,
  )
  const children = machineArn === undefined ? api.mapRuns.inputs(owner) : []
  return present({ executions: items.map(({ record }) => listing(record, children)), nextToken })
}

function checkListed(api: Api, arn: string): void {
  if (machineOf(api, arn).type === 'EXPRESS')
    throw new AwsError('StateMachineTypeNotSupported', 'This operation is not supported by this type of state machine')
}

interface Listed {
  readonly key: PageKey
  readonly record: ExecutionRecord
}

function* listed(
  api: Api,
  owner: string,
  status: string | undefined,
  redriven: string | undefined,
  after: PageKey | undefined,
): Iterable<Listed> {
  const found = status === 'RUNNING' ? listedRunning(api, owner, after) : listedByTime(api, owner, status, after)
  for (const each of found)
    if (redriven === undefined || each.record.redriveCount > 0 === (redriven === 'REDRIVEN')) yield each
}

function* listedByTime(
  api: Api,
  owner: string,
  status: string | undefined,
  after: PageKey | undefined,
): Iterable<Listed> {
  for (const { key, value } of api.executions.list(owner, after)) {
    if (status !== undefined && value.status !== status) continue
    const record = api.engine.record(value.arn)
    if (record !== undefined) yield { key, record }
  }
}

/** The same of what runs, which is few beside what has ended. */
function listedRunning(api: Api, owner: string, after: PageKey | undefined): readonly Listed[] {
  const found: Listed[] = []
  for (const arn of api.executions.running()) {
    const record = api.engine.record(arn)
    if (record === undefined || !isListed(record) || !ownersOf(record).includes(owner)) continue
    const key = [owner, record.startedAt, arn]
    if (after === undefined || newestFirst(after, key) < 0) found.push({ key, record })
  }
  return found.sort((left, right) => newestFirst(left.key, right.key))
}

/** Order of keys of one owner: time of the start, then ARN. */
function newestFirst([, leftTime = 0, leftArn = '']: PageKey, [, rightTime = 0, rightArn = '']: PageKey): number {
  if (leftTime !== rightTime) return Number(rightTime) - Number(leftTime)
  return leftArn < rightArn ? 1 : leftArn > rightArn ? -1 : 0
}

/** `children`: what the children of the listed Map Run were given. */
const listing = (record: ExecutionRecord, children: readonly ChildInput[]): unknown =>
  present({
    executionArn: record.arn,
    stateMachineArn: record.machineArn,
    stateMachineVersionArn: record.versionArn,
    stateMachineAliasArn: record.aliasArn,
    name: record.name,
    status: record.status,
    startDate: new Date(record.startedAt),
    stopDate: record.stoppedAt === null ? undefined : new Date(record.stoppedAt),
    mapRunArn: record.mapRun?.arn,
    itemCount: record.mapRun === null ? undefined : children[record.mapRun.index]?.items,
    redriveCount: record.redriveCount,
    redriveDate: record.redrivenAt === null ? undefined : new Date(record.redrivenAt),
  })

/** The events of an execution in order, as far as they are on disk. */
export function* historyOf(api: Api, record: ExecutionRecord): Iterable<HistoryEvent> {
  const qualified = {
    ...(record.aliasArn === null ? {} : { stateMachineAliasArn: record.aliasArn }),
    ...(record.versionArn === null ? {} : { stateMachineVersionArn: record.versionArn }),
  }
  const machine = api.definitions.machineOf(record.definition)
  const projection = new HistoryProjection(machine, api.region, record.roleArn, qualified)
  for (const entry of api.executions.log(record.arn)) {
    const event = projection.project(entry)
    if (event !== null) yield event
  }
}

function history(api: Api, input: Input): unknown {
  const record = executionOf(api, input.text('executionArn'))
  const [lastId] = parsePageToken(input.textOr('nextToken', undefined)) ?? []
  const reverse = input.booleanOr('reverseOrder', false)
  const events = reverse ? [...historyOf(api, record)].reverse() : historyOf(api, record)
  const { items, nextToken } = page(eventsAfter(events, lastId, reverse), maxResults(input), ({ id }) => [id])
  const withData = input.booleanOr('includeExecutionData', true)
  return present({ events: items.map((event) => sdkEvent(event, withData)), nextToken })
}

function* eventsAfter(
  events: Iterable<HistoryEvent>,
  lastId: string | number | undefined,
  reverse: boolean,
): Iterable<HistoryEvent> {
  for (const event of events)
    if (lastId === undefined || (reverse ? event.id < Number(lastId) : event.id > Number(lastId))) yield event
}
