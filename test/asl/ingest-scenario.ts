import { isJsonObject } from '../../core/json.ts'
import { AwsError } from '../../local/service.ts'
import { type Answer, harness, type SeenCall } from '../local/states/harness.ts'
import { definitionOf } from './repository-definitions.ts'

const SUBSTITUTIONS: Readonly<Record<string, string>> = {
  ValidateFunctionArn: 'arn:aws:lambda:us-east-2:000000000000:function:validate:1',
  QuarantineFunctionArn: 'arn:aws:lambda:us-east-2:000000000000:function:quarantine:1',
  MetadataFunctionArn: 'arn:aws:lambda:us-east-2:000000000000:function:metadata:1',
  TransformSmallJob: 'transform-small',
  TransformLargeJob: 'transform-large',
  QualityJob: 'quality',
  CodeUri: 's3://assets/code.zip',
  WorkBucket: 'work',
  CuratedBucket: 'curated',
  DqResultsBucket: 'dq-results',
  CatalogDatabase: 'curated',
  WarehouseWorkgroup: 'sluice',
  WarehouseDatabase: 'sluice',
  EventBusName: 'sluice',
  SingleCopyMaxBytes: '1000',
  CopyPartBytes: '400',
  QuotaWaits: '2',
  QuotaWaitSeconds: '30',
}

const SOURCE = {
  bucket: 'raw',
  key: 'landing/acme/orders/é +%.csv',
  versionId: 'v1',
  sizeBytes: 10,
  etag: 'e',
  sequencer: '1',
  landedAt: '2026-01-01T00:00:00Z',
}
const JOB = {
  jobId: 'j000000000000000000000001',
  tenantId: 'acme',
  dataset: 'orders',
  attempt: 1,
  attemptKind: 'initial',
  publication: 1,
  registeredAt: '2026-01-01T00:00:00.000Z',
  ingestDate: '2026-01-01',
  idempotencyKey: 'k',
  replayId: null,
  waivers: { acceptRejects: true, overrideGate: ['RowCount > 0'] },
}
const SCHEMA = [
  { name: 'order_id', type: 'string' },
  { name: 'tenant_id', type: 'string' },
]
const LOAD = {
  loadPlanVersion: 1,
  stagingTable: 'staging.orders_{run}',
  stage: ['CREATE TABLE staging.orders_{run} (x INTEGER)', "COPY staging.orders_{run} FROM '{manifest}'"],
  transaction: ['LOCK TABLE ops.ledger_orders', 'SELECT {publication} -- {runId} {executionArn}'],
  schema: SCHEMA,
}
const MANIFEST = { entries: [], schema: { elements: SCHEMA.map((column) => ({ ...column, nullable: true })) } }
const SUMMARY = {
  outcome: 'ok',
  reasonCode: null,
  message: null,
  counts: { input: 3, curated: 2, rejected: 1, duplicates: 0 },
  rejectCodes: [{ code: 'type_mismatch', column: 'quantity', rows: 1 }],
  curatedUri: 's3://curated/orders/tenant=acme/ingest_date=2026-01-01/run=r/',
  rejectsUri: 's3://curated/rejects/orders/tenant=acme/run=r/',
  quality: { verdict: { bucket: 'dq-results', key: 'v' } },
}
const VERDICT = {
  gate: 'PASS',
  score: 1,
  rules: { passed: 1, failed: 0, errors: 0, warnings: 0 },
  notPassed: [{ name: 'Rule_1', rule: 'RowCount > 9', result: 'FAIL', severity: 'gate', message: null }],
  result: { bucket: 'dq-results', key: 'result.json' },
}

/** What differs from the way of a small, good file. */
export interface Scenario {
  readonly register?: object
  readonly validate?: object
  readonly claim?: object
  readonly summary?: object
  /** Of the run's curated prefix. */
  readonly listing?: object
  readonly verdict?: object
  readonly manifest?: object
  readonly load?: object
  readonly closed?: object
  /** Of the Glue run. */
  readonly glueRun?: object
  /** Answers of DescribeStatement in order; the last one repeats. */
  readonly statements?: readonly object[]
  /** The calls that fail, by their numbers from 0 among those that tasks start. */
  readonly failing?: readonly number[]
  /** What they fail with. @default an error that nothing retries */
  readonly failWith?: string
}

export interface Outcome {
  readonly status: string
  readonly output: unknown
  readonly error: string | null
  readonly cause: string | null
  readonly calls: readonly SeenCall[]
  /** `{from} {to} {caught}` of each transition, in order. */
  readonly transitions: readonly { readonly from: string; readonly to: string; readonly caught: boolean }[]
  /** Largest input or output of a state, in bytes; the SQL of the load, in the one state that sends it, is left out. */
  readonly largestPayloadBytes: number
}

const json = (value: unknown) => ({ Body: JSON.stringify(value) })
const payload = (value: unknown) => ({
  StatusCode: 200,
  ExecutedVersion: '1',
  Payload: Buffer.from(JSON.stringify(value)),
})

/** What a Lambda call was sent. */
export function sentTo(call: SeenCall): Record<string, unknown> {
  const sent: unknown =
    call.input.Payload instanceof Uint8Array ? JSON.parse(Buffer.from(call.input.Payload).toString()) : {}
  return isJsonObject(sent) ? sent : {}
}

function answerFunction(call: SeenCall, scenario: Scenario): unknown {
  const sent = sentTo(call)
  if (String(call.input.FunctionName).includes(':validate'))
    return payload({
      valid: true,
      plan: { bucket: 'work', key: 'plans/plan.json' },
      load: { bucket: 'work', key: 'plans/load.json' },
      engine: 'small',
      validated: { bucket: 'validated', key: 'acme/orders/job=j/é +%.csv' },
      sizeBytes: 10,
      sha256: null,
      drift: { class: 'none', added: [], missing: [], changes: [] },
      breaking: 'quarantine',
      ...scenario.validate,
    })
  if (String(call.input.FunctionName).includes(':quarantine'))
    return payload({ manifest: { bucket: 'quarantine', key: 'acme/orders/job=j/manifest.json' } })
  if (sent.operation === 'registerJob')
    return payload({
      decision: 'run',
      job: JOB,
      source: SOURCE,
      duplicateOf: null,
      reasonCode: null,
      message: null,
      configuration: { hash: 'c' },
      ...scenario.register,
    })
  if (sent.operation === 'claimContent') return payload({ decision: 'run', duplicateOf: null, ...scenario.claim })
  return payload({ status: sent.status, reasonCode: null, ...scenario.closed })
}

const ofKey = (key: string, scenario: Scenario): unknown => {
  if (key.endsWith('load.json')) return { ...LOAD, ...scenario.load }
  if (key.endsWith('summary.json')) return { ...SUMMARY, ...scenario.summary }
  if (key.endsWith('verdict.json')) return { ...VERDICT, ...scenario.verdict }
  return { ...MANIFEST, ...scenario.manifest }
}

/** Errors that the services model and no retrier names. */
const FINAL_ERRORS: Readonly<Record<string, string>> = {
  s3: 'InvalidRequest',
  glue: 'EntityNotFoundException',
  'redshift-data': 'ValidationException',
}

/** Services that answer as AWS does where all goes well, except for what the scenario says. */
function answersOf(scenario: Scenario): Answer {
  let started = 0
  let described = 0
  let runArguments: unknown
  const results: Readonly<Record<string, (call: SeenCall) => unknown>> = {
    'lambda.Invoke': (call) => answerFunction(call, scenario),
    's3.GetObject': ({ input }) => json(ofKey(String(input.Key), scenario)),
    's3.ListObjectsV2': () => ({ KeyCount: 1, ...scenario.listing }),
    's3.CreateMultipartUpload': () => ({ UploadId: 'u' }),
    's3.UploadPartCopy': ({ input }) => ({ CopyPartResult: { ETag: `"${input.PartNumber}"` } }),
    'glue.StartJobRun': ({ input }) => {
      runArguments = input.Arguments
      return { JobRunId: 'jr' }
    },
    'glue.GetJobRun': ({ input }) => ({
      JobRun: {
        Id: 'jr',
        JobName: input.JobName,
        JobRunState: 'SUCCEEDED',
        Arguments: runArguments,
        ...scenario.glueRun,
      },
    }),
    'redshift-data.BatchExecuteStatement': () => ({ Id: `s${started}` }),
    'redshift-data.DescribeStatement': () => {
      const statements = scenario.statements ?? [{ Status: 'FINISHED' }]
      described += 1
      return { Id: 's', ...statements[Math.min(described, statements.length) - 1] }
    },
    'redshift-data.GetStatementResult': () => ({
      Records: [[{ longValue: 1 }, { longValue: 1 }, { longValue: 0 }, { longValue: 0 }]],
    }),
    'events.PutEvents': () => ({ Entries: [{ EventId: 'e' }], FailedEntryCount: 0 }),
  }
  return (call) => {
    const name = `${call.service}.${call.operation}`
    if (name !== 'glue.GetJobRun') {
      const number = started
      started += 1
      if (scenario.failing?.includes(number) === true)
        throw new AwsError(
          scenario.failWith ?? FINAL_ERRORS[call.service] ?? 'RefusedException',
          'It does not work',
          400,
        )
    }
    return results[name]?.(call) ?? {}
  }
}

function definitionText(): string {
  const { text } = definitionOf('ingest/v1')
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => SUBSTITUTIONS[name] ?? '')
}

interface HistoryEvent {
  readonly type: string
  readonly name: string
  readonly bytes: number
}

const read = (event: unknown): HistoryEvent => {
  const members = isJsonObject(event) ? event : {}
  const entered = isJsonObject(members.stateEnteredEventDetails) ? members.stateEnteredEventDetails : {}
  const exited = isJsonObject(members.stateExitedEventDetails) ? members.stateExitedEventDetails : {}
  return {
    type: String(members.type),
    name: String(entered.name ?? exited.name ?? ''),
    bytes: Buffer.byteLength(String(entered.input ?? exited.output ?? '')),
  }
}

const isLoadSql = ({ type, name }: HistoryEvent): boolean =>
  (type === 'TaskStateExited' && name === 'ReadTransaction') ||
  (type === 'TaskStateEntered' && name === 'LoadWarehouse')

/** Which state was left for which, and whether after a failed task; the states inside the Map are left out. */
function transitionsTaken(events: readonly HistoryEvent[]): Outcome['transitions'] {
  const taken: { from: string; to: string; caught: boolean }[] = []
  let from: string | null = null
  let failed = false
  let caught = false
  for (const { type, name } of events.filter(
    (event) => !event.name.startsWith('CopyPart') || event.name === 'CopyParts',
  )) {
    if (/^(Task(Failed|TimedOut|StartFailed|SubmitFailed)|MapStateFailed)$/.test(type)) failed = true
    if (type === 'TaskScheduled' || type === 'TaskSucceeded') failed = false
    if (type.endsWith('StateExited')) {
      from = name
      caught = failed
      failed = false
    }
    if (type.endsWith('StateEntered') && from !== null) taken.push({ from, to: name, caught })
  }
  return taken
}

/** The executor with ingest/v1 created; made once, as checking and compiling the definition takes most of a run. */
export interface IngestMachine {
  run(scenario?: Scenario): Promise<Outcome>
  close(): Promise<void>
}

/** Runs ingest/v1 on the executor of the local runtime, with answers of the scenario, on a clock that jumps. */
export async function createIngest(): Promise<IngestMachine> {
  let answer: Answer = () => ({})
  let runs = 0
  const runtime = harness((call, context) => answer(call, context))
  const created = await runtime.call('CreateStateMachine', {
    name: 'ingest',
    type: 'STANDARD',
    roleArn: 'arn:aws:iam::000000000000:role/sluice-ingest',
    definition: definitionText(),
  })
  const input = { sourceType: 's3', trigger: 'event', replay: null, source: SOURCE }
  return {
    async run(scenario = {}) {
      answer = answersOf(scenario)
      runs += 1
      const callsBefore = runtime.calls.length
      const end = await runtime.run(String(created.stateMachineArn), input, `acme-orders-${runs}`)
      const history = await runtime.call('GetExecutionHistory', { executionArn: end.executionArn, maxResults: 1_000 })
      const events = (Array.isArray(history.events) ? history.events : []).map(read)
      return {
        status: String(end.status),
        output: typeof end.output === 'string' ? JSON.parse(end.output) : null,
        error: typeof end.error === 'string' ? end.error : null,
        cause: typeof end.cause === 'string' ? end.cause : null,
        calls: runtime.calls.slice(callsBefore),
        transitions: transitionsTaken(events),
        largestPayloadBytes: Math.max(...events.filter((event) => !isLoadSql(event)).map(({ bytes }) => bytes)),
      }
    },
    close: () => runtime.states.close(),
  }
}
