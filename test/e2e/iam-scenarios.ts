import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { InvokeCommand, ListVersionsByFunctionCommand } from '@aws-sdk/client-lambda'
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { SFNClient, StartSyncExecutionCommand } from '@aws-sdk/client-sfn'
import { bucketOf, clientSettings } from '../../cli/deployment.ts'
import { executionArnOf } from '../../cli/follow.ts'
import { manifestKeyOf } from '../../replay/manifest.ts'
import { ingestInput, type Landed, land, metadata, s3Event, start } from './faulty-runtime.ts'
import { type CloneName, SCHEDULE_SOURCE, UNHEARD } from './iam-assembly.ts'
import { type Ending, endingOf, followed, type Stage, startedBy } from './iam-stage.ts'
import type { JsonObject } from './json.ts'
import { readObject } from './observed.ts'
import { machineArn } from './operator.ts'
import { manifestText } from './replay-machine.ts'

/** One way through the deployed template. */
export interface Scenario {
  readonly name: string
  /** How it ends where nothing is missing. */
  readonly ends: string
  run(stage: Stage): Promise<Ending>
  /** Taken out before it runs, as it is about what happens then: statements of a role with an action. */
  readonly broken?: readonly (readonly [roleName: string, action: string])[]
}

const GOOD_ROW = ',1.00,2026-01-01T00:00:00Z,'
const csv = (...rows: string[]): string => `${['id,amount,at,note', ...rows].join('\n')}\n`
const good = (name: string): string => csv(`${name}${GOOD_ROW}`)
const strict = (name: string): string => `id,reading\n${name},1\n`

/** A file that lands and is told of. */
const heard =
  (dataset: string, content: (name: string) => string) =>
  async (stage: Stage): Promise<Ending> => {
    const source = await land(stage.runtime, `acme/${dataset}/${stage.name}.csv`, content(stage.name), true)
    return followed(stage, await executionArnOf(stage.runtime.clients.states, source))
  }

const machine =
  (name: string) =>
  async (stage: Stage): Promise<Ending> =>
    followed(stage, await start(stage.runtime, name, {}))

const unheard = ({ runtime, name }: Stage, suffix = ''): Promise<Landed> =>
  land(runtime, `${UNHEARD.events}${name}${suffix}.csv`, good(name), false)

/** On a copy of the ingest machine. */
const cloned =
  (clone: CloneName, dataset: keyof typeof UNHEARD, content: (name: string) => string) =>
  async (stage: Stage): Promise<Ending> => {
    const source = await land(stage.runtime, `${UNHEARD[dataset]}${stage.name}.csv`, content(stage.name), false)
    return followed(stage, await start(stage.runtime, clone, ingestInput(source)))
  }

/** A version that no event told of, and a job whose execution is not there any more. */
async function swept(stage: Stage): Promise<Ending> {
  const { runtime, name } = stage
  const landed = await unheard(stage)
  const gone = await unheard(stage, '-gone')
  const executionArn = (await executionArnOf(runtime.clients.states, gone)).replace(/[^:]+$/, `gone-${name}`)
  const at = new Date(Date.now() - 60_000).toISOString()
  await metadata(runtime, { operation: 'registerJob', input: ingestInput(gone), executionArn, at })
  const ending = await machine('sweep')(stage)
  const count = await startedSince(stage, landed)
  return { end: `${ending.end}, ${count}`, texts: ending.texts }
}

/** Whether an execution of the source was started: one by the sweep has intake's name with a suffix. */
async function startedSince(stage: Stage, source: Landed): Promise<string> {
  const answer = await metadata(stage.runtime, { operation: 'listJobs', tenantId: 'acme', limit: 50 })
  return JSON.stringify(answer).includes(source.versionId) ? 'started' : 'lost'
}

/** A source that is gone when its execution looks for it. */
async function sourceGone(stage: Stage): Promise<Ending> {
  const source = await unheard(stage)
  const input = ingestInput({ ...source, versionId: 'a'.repeat(source.versionId.length) })
  return followed(stage, await start(stage.runtime, 'ingest', input))
}

const replayed =
  (versionOf: (landed: Landed) => string) =>
  async (stage: Stage): Promise<Ending> => {
    const { s3, lambda } = stage.runtime.clients
    const landed = await unheard(stage)
    const sources: JsonObject[] = [{ bucket: landed.bucket, key: landed.key, versionId: versionOf(landed) }]
    const Body = manifestText({ replayId: stage.name, configuration: 'current', sources })
    const target = { Bucket: await bucketOf(lambda, 'REPLAY'), Key: manifestKeyOf(stage.name) }
    const ending = await startedBy(stage, 'replay', () => s3.send(new PutObjectCommand({ ...target, Body })))
    return { ...ending, texts: [...ending.texts, ...(await auditOf(stage))] }
  }

/** What the replay wrote about itself. */
async function auditOf({ runtime, name }: Stage): Promise<readonly string[]> {
  const { s3, lambda } = runtime.clients
  const Bucket = await bucketOf(lambda, 'REPLAY')
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }))
  const own = Contents.filter(({ Key = '' }) => Key.includes(name))
  return Promise.all(own.map(({ Key }) => readObject(s3, `s3://${Bucket}/${Key}`)))
}

/** A manifest that is gone when its replay looks for it. */
async function manifestGone(stage: Stage): Promise<Ending> {
  const bucket = { name: await bucketOf(stage.runtime.clients.lambda, 'REPLAY') }
  const object = { key: manifestKeyOf(stage.name), 'version-id': 'a'.repeat(32) }
  return followed(stage, await start(stage.runtime, 'replay', { detail: { bucket, object } }))
}

/** The schedule's rule, whose event is sent. */
async function scheduled(stage: Stage): Promise<Ending> {
  const client = new EventBridgeClient(clientSettings(stage.runtime.connection))
  const Entries = [{ Source: SCHEDULE_SOURCE, DetailType: 'Scheduled Event', Detail: '{}' }]
  const ending = await startedBy(stage, 'sweep', () => client.send(new PutEventsCommand({ Entries })))
  client.destroy()
  return ending
}

/** Intake cannot start ingest, so it leaves the event with the dead letters. */
async function unstarted(stage: Stage): Promise<Ending> {
  const source = await unheard(stage)
  const states = new SFNClient({ ...clientSettings(stage.runtime.connection), disableHostPrefix: true })
  const stateMachineArn = await machineArn(states, 'intake')
  const input = JSON.stringify(s3Event(source))
  const { status, cause = '' } = await states.send(new StartSyncExecutionCommand({ stateMachineArn, input }))
  states.destroy()
  const left = (await stage.deadLetters()).length > 0 ? 'left' : 'lost'
  return { end: `${status} ${left}`, texts: [cause] }
}

/** An event that the metadata function cannot read ends with the dead letters. */
async function unread(stage: Stage): Promise<Ending> {
  const { lambda } = stage.runtime.clients
  const { Versions = [] } = await lambda.send(new ListVersionsByFunctionCommand({ FunctionName: 'metadata' }))
  const Qualifier = Versions.map(({ Version }) => Version).find((version) => version !== '$LATEST')
  const Payload = Buffer.from('{"operation":"unheard"}')
  let asked = 0
  const invoke = new InvokeCommand({ FunctionName: 'metadata', Qualifier, InvocationType: 'Event', Payload })
  return endingOf(stage, async () => {
    if (asked === 0) await lambda.send(invoke)
    asked += 1
    return asked > 40 ? { end: 'lost', texts: [] } : null
  })
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'an empty file', ends: 'QUARANTINED', run: heard('events', () => '') },
  { name: 'a source that is gone', ends: 'QUARANTINED', run: sourceGone },
  { name: 'a small file', ends: 'COMPLETED', run: heard('events', good) },
  { name: 'a first file of a dataset', ends: 'COMPLETED', run: heard('lines', (name) => `{"id":"${name}"}\n`) },
  { name: 'a second file of a dataset', ends: 'COMPLETED', run: heard('lines', (name) => `{"id":"${name}"}\n`) },
  {
    name: 'a file that fails the gate',
    ends: 'QUARANTINED',
    run: heard('events', (name) => csv(`gate,1.00,2026-01-01T00:00:00Z,gate`, `${name}${GOOD_ROW}`)),
  },
  {
    name: 'a file of broken rows',
    ends: 'QUARANTINED',
    run: heard('events', (name) => csv(`${name},many,2026-01-01T00:00:00Z,`)),
  },
  { name: 'a large file', ends: 'COMPLETED', run: heard('strict', strict) },
  { name: 'a run without a manifest', ends: 'QUARANTINED', run: cloned('without-manifest', 'events', good) },
  { name: 'a run without output', ends: 'QUARANTINED', run: cloned('without-output', 'strict', strict) },
  { name: 'a run without a summary', ends: 'FAILED', run: cloned('without-summary', 'events', good) },
  {
    name: 'a run that crashes',
    ends: 'FAILED',
    run: heard('events', good),
    broken: [['sluice-runs', 's3:PutObject']],
  },
  {
    name: 'an event that starts nothing',
    ends: 'FAILED left',
    run: unstarted,
    broken: [['sluice-intake', 'states:StartExecution']],
  },
  { name: 'an event that cannot be read', ends: 'dead letter', run: unread },
  { name: 'a deployment', ends: 'SUCCEEDED', run: machine('deploy') },
  { name: 'a sweep', ends: 'SUCCEEDED, started', run: swept },
  { name: 'a schedule', ends: 'SUCCEEDED', run: scheduled },
  { name: 'a replay', ends: 'SUCCEEDED', run: replayed(({ versionId }) => versionId) },
  {
    name: 'a replay of what is gone',
    ends: 'SUCCEEDED',
    run: replayed(({ versionId }) => 'a'.repeat(versionId.length)),
  },
  { name: 'a manifest that is gone', ends: 'SUCCEEDED', run: manifestGone },
]
