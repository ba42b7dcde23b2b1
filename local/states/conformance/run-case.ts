import { isJsonObject, type Json } from '../../../core/json.ts'
import { memoryStore } from '../../memory-store.ts'
import { AwsError, type CallContext, type Caller, type Clock, type ServiceBus, type Store } from '../../service.ts'
import { createStatesService, type StatesService } from '../service.ts'
import type { ConformanceCase, FunctionBehaviour } from './case.ts'
import { type ActualEvent, type ActualExecution, compareExecution } from './compare.ts'
import { virtualClock } from './virtual-clock.ts'

export interface CaseResult {
  readonly id: string
  readonly pass: boolean
  readonly differences: readonly string[]
  readonly actual: ActualExecution
}

const REGION = 'us-east-1'
const ACCOUNT_ID = '111111111111'
const ROLE = `arn:aws:iam::${ACCOUNT_ID}:role/conformance`
const OPERATOR: Caller = { principalArn: `arn:aws:iam::${ACCOUNT_ID}:root`, roleArn: null, servicePrincipal: null }

/** Step Functions with the functions, objects and nested machines of a case. */
export interface CaseRuntime {
  readonly states: StatesService
  /** Creates the machines; the outcome when the definition is refused. */
  create(): Promise<ActualExecution | null>
  /** Starts the execution and returns its ARN. */
  start(): Promise<string>
  /** What the execution came to, when it has ended. */
  finish(executionArn: string): Promise<ActualExecution>
}

/** Runs a case on the executor and compares it with the recording. */
export async function runCase(recorded: ConformanceCase): Promise<CaseResult> {
  const runtime = openCase(recorded, memoryStore())
  try {
    const actual = (await runtime.create()) ?? (await runtime.finish(await runtime.start()))
    const found = recorded.expected === null ? [] : compareExecution(recorded.expected, actual)
    return { id: recorded.id, pass: found.length === 0, differences: found, actual }
  } finally {
    await runtime.states.close()
  }
}

/** Opens a case over a store. `generation` keeps the identifiers of one start apart from those of the next. */
export function openCase(recorded: ConformanceCase, store: Store, generation = 0): CaseRuntime {
  const clock = virtualClock(new Date('2025-01-01T00:00:00Z'))
  const bus = caseBus(recorded, clock)
  const states = createStatesService({
    store,
    bus,
    clock,
    random: () => 0.5,
    ids: { uuid: sequence(generation) },
    region: REGION,
    accountId: ACCOUNT_ID,
    emit: async () => undefined,
    log: () => undefined,
  })
  bus.states = states
  const call = callerOf(states)
  return {
    states,
    create: () => createMachines(recorded, call),
    async start() {
      const input = JSON.stringify(recorded.input)
      return String((await call('StartExecution', { stateMachineArn: CASE_ARN, input })).executionArn)
    },
    finish: (executionArn) => finish(states, call, executionArn),
  }
}

const CASE_ARN = `arn:aws:states:${REGION}:${ACCOUNT_ID}:stateMachine:case`

/** UUIDs that count up: the same case runs the same each time. */
function sequence(generation: number): () => string {
  let count = 0
  return () => {
    count += 1
    return `00000000-0000-4000-800${generation}-${count.toString(16).padStart(12, '0')}`
  }
}

async function createMachines(recorded: ConformanceCase, call: Call): Promise<ActualExecution | null> {
  for (const [arn, definition] of Object.entries(recorded.nested))
    await call('CreateStateMachine', machine(arn.split(':')[6] ?? 'nested', definition))
  return call('CreateStateMachine', machine('case', recorded.definition)).then(() => null, refusal)
}

async function finish(states: StatesService, call: Call, executionArn: string): Promise<ActualExecution> {
  await states.whenClosed(executionArn)
  const description = await call('DescribeExecution', { executionArn })
  return {
    status: String(description.status),
    output: typeof description.output === 'string' ? (JSON.parse(description.output) as Json) : undefined,
    error: typeof description.error === 'string' ? description.error : undefined,
    cause: typeof description.cause === 'string' ? description.cause : undefined,
    events: await historyOf(call, executionArn),
  }
}

const machine = (name: string, definition: Json) => ({ name, definition: JSON.stringify(definition), roleArn: ROLE })

function refusal(thrown: unknown): ActualExecution {
  if (!(thrown instanceof AwsError)) throw thrown
  return { status: 'REFUSED', output: undefined, error: thrown.code, cause: thrown.message, events: [] }
}

type Call = (operation: string, input: unknown) => Promise<Record<string, unknown>>

const callerOf =
  (states: StatesService): Call =>
  async (operation, input) => {
    const context: CallContext = { caller: OPERATOR, requestId: 'case', signal: new AbortController().signal }
    const output: unknown = await states.operations[operation]?.run(input, context)
    return isJsonObject(output) ? output : {}
  }

const LEFT_OUT = ['roleArn', 'inputDetails', 'outputDetails', 'assignedVariablesDetails']
const JSON_TEXT = ['input', 'output', 'parameters']

async function historyOf(call: Call, executionArn: string): Promise<readonly ActualEvent[]> {
  const events: ActualEvent[] = []
  let nextToken: unknown
  do {
    const page = await call('GetExecutionHistory', { executionArn, maxResults: 1_000, nextToken })
    for (const event of Array.isArray(page.events) ? page.events : [])
      if (isJsonObject(event)) events.push(eventOf(event))
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  return events
}

function eventOf(event: Record<string, unknown>): ActualEvent {
  const head = { id: Number(event.id), prev: Number(event.previousEventId), type: String(event.type) }
  const member = Object.keys(event).find((key) => key.endsWith('EventDetails'))
  const details = member === undefined ? undefined : event[member]
  if (!isJsonObject(details)) return head
  const shown = Object.entries(details)
    .filter(([key]) => !LEFT_OUT.includes(key))
    .map(([key, value]) => [key, shownValue(key, value)] as const)
  return shown.length === 0 ? head : { ...head, details: Object.fromEntries(shown) }
}

function shownValue(key: string, value: unknown): Json {
  if (JSON_TEXT.includes(key) && typeof value === 'string') return JSON.parse(value) as Json
  if (key === 'assignedVariables' && isJsonObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, JSON.parse(String(text)) as Json]))
  return value as Json
}

/** The services of a case: its functions, its objects, and Step Functions itself. */
function caseBus(recorded: ConformanceCase, clock: Clock): ServiceBus & { states: StatesService | null } {
  const bus: ServiceBus & { states: StatesService | null } = {
    states: null,
    authorize: async () => undefined,
    async call(service, operation, input, context) {
      const members = isJsonObject(input) ? input : {}
      if (service === 'lambda' && operation === 'Invoke') return invoke(recorded, clock, members, context)
      if (service === 's3' && operation === 'GetObject') return getObject(recorded, members)
      if (service === 's3' && operation === 'ListObjectsV2') return listObjects(recorded, members)
      if (service === 's3' && operation === 'PutObject') return PUT
      const known = service === 'states' ? bus.states?.operations[operation] : undefined
      if (known === undefined) throw new AwsError('NotImplemented', `The case has no ${service}:${operation}`, 501)
      return known.run(input, context)
    },
  }
  return bus
}

async function invoke(
  { functions }: ConformanceCase,
  clock: Clock,
  input: Record<string, unknown>,
  { requestId, signal }: CallContext,
): Promise<unknown> {
  const arn = String(input.FunctionName)
  const behaviour = functions[arn.split(':').at(-1) ?? '']
  if (behaviour === undefined) {
    const full = arn.startsWith('arn:') ? arn : `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${arn}`
    throw new AwsError('ResourceNotFoundException', `Function not found: ${full}:$LATEST`, 404)
  }
  if (behaviour.sleepSeconds !== undefined)
    await clock.sleepUntil(new Date(clock.now().getTime() + behaviour.sleepSeconds * 1_000), signal)
  const payload = input.Payload instanceof Uint8Array ? Buffer.from(input.Payload).toString() : '{}'
  return { StatusCode: 200, ExecutedVersion: '$LATEST', ...respond(behaviour, payload, requestId) }
}

function respond(behaviour: FunctionBehaviour, payload: string, requestId: string) {
  if (behaviour.error !== undefined) {
    const body = { ...(isJsonObject(behaviour.error) ? behaviour.error : {}), requestId }
    return { FunctionError: 'Unhandled', Payload: Buffer.from(JSON.stringify(body)) }
  }
  const value = behaviour.echo === true ? (JSON.parse(payload) as Json) : returned(behaviour)
  return { Payload: Buffer.from(JSON.stringify(value)) }
}

const returned = ({ return: value, returnRepeated }: FunctionBehaviour): Json =>
  returnRepeated === undefined ? (value ?? null) : returnRepeated.text.repeat(returnRepeated.count)

const ETAG = '"00000000000000000000000000000000"'
const PUT = { ChecksumCRC32: 'AAAAAA==', ChecksumType: 'FULL_OBJECT', ETag: ETAG, ServerSideEncryption: 'AES256' }

/** A text under a name that says so (`.csv`, `.jsonl`, …) is the object itself; any other value is its JSON text. */
const objectText = (key: string, value: Json): string =>
  typeof value === 'string' && !key.endsWith('.json') ? value : JSON.stringify(value)

function listObjects({ objects }: ConformanceCase, input: Record<string, unknown>): unknown {
  const bucket = objects[String(input.Bucket)]
  if (bucket === undefined) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404)
  const prefix = typeof input.Prefix === 'string' ? input.Prefix : ''
  const keys = Object.keys(bucket).filter((key) => key.startsWith(prefix))
  return {
    Contents: keys.sort().map((Key) => ({
      Key,
      ETag: ETAG,
      LastModified: new Date(0),
      Size: Buffer.byteLength(objectText(Key, bucket[Key] ?? null)),
      StorageClass: 'STANDARD',
    })),
    KeyCount: keys.length,
    IsTruncated: false,
  }
}

function getObject({ objects }: ConformanceCase, input: Record<string, unknown>): unknown {
  const bucket = objects[String(input.Bucket)]
  if (bucket === undefined) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404)
  const value = bucket[String(input.Key)]
  if (value === undefined) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404)
  const text = objectText(String(input.Key), value)
  return {
    AcceptRanges: 'bytes',
    Body: Buffer.from(text),
    ContentLength: text.length,
    ContentType: 'application/json',
    ETag: ETAG,
    LastModified: new Date(0),
    Metadata: {},
    ServerSideEncryption: 'AES256',
  }
}
