import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { SendTaskSuccessCommand, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn'
import { bucketOf, invokeMetadata } from '../../cli/deployment.ts'
import { getJob } from '../../cli/jobs-client.ts'
import type { SourceVersion } from '../../core/source.ts'
import { createClone } from './clones.ts'
import type { Fault, MachineFault, Sabotage } from './faults.ts'
import { cloneName, PAUSES, roleName } from './faulty-assembly.ts'
import type { RunningRuntime } from './harness.ts'
import { isJsonObject, objectOf, textOf } from './json.ts'
import { asAdministrator, deleteObjects, eventually, machineArn, openQueue, rewriteObject } from './operator.ts'

/** A landed version as the event of S3 tells it. */
export interface Landed extends SourceVersion {
  readonly sizeBytes: number
  readonly etag: string
  readonly sequencer: string
}

/** An execution of a copy of the ingest machine, with its source. */
export interface Started {
  readonly executionArn: string
  readonly source: Landed
}

let sequence = 0

/** Puts an object under `landing/`. */
export async function land(
  { clients: { s3, lambda } }: RunningRuntime,
  key: string,
  content: string | Uint8Array,
  checksum: boolean,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Landed> {
  const bucket = await bucketOf(lambda, 'RAW')
  const target = { Bucket: bucket, Key: `landing/${key}` }
  const { VersionId = '', ETag = '' } = await s3.send(
    new PutObjectCommand({
      ...target,
      Body: typeof content === 'string' ? Buffer.from(content) : content,
      ContentLength: Buffer.byteLength(content),
      Metadata: { ...metadata },
      ...(checksum ? { ChecksumAlgorithm: 'SHA256' } : {}),
    }),
  )
  sequence += 1
  return {
    bucket,
    key: target.Key,
    versionId: VersionId,
    sizeBytes: Buffer.byteLength(content),
    etag: ETag.replaceAll('"', ''),
    sequencer: sequence.toString(16).toUpperCase().padStart(16, '0'),
  }
}

/** The input of an ingest execution, as intake writes it. */
export const ingestInput = (source: Landed, at = new Date()): Record<string, unknown> => ({
  sourceType: 's3',
  trigger: 'event',
  replay: null,
  source: { ...source, landedAt: at.toISOString() },
})

/** The event that S3 sends for a version, as far as intake reads it. */
export const s3Event = (source: Landed, at = new Date()): Record<string, unknown> => ({
  version: '0',
  source: 'aws.s3',
  'detail-type': 'Object Created',
  time: at.toISOString(),
  detail: {
    bucket: { name: source.bucket },
    object: {
      key: source.key,
      'version-id': source.versionId,
      size: source.sizeBytes,
      etag: source.etag,
      sequencer: source.sequencer,
    },
  },
})

export async function start(runtime: RunningRuntime, machine: string, input: unknown, name?: string): Promise<string> {
  const { states } = runtime.clients
  const stateMachineArn = await machineArn(states, machine)
  const { executionArn = '' } = await states.send(
    new StartExecutionCommand({
      stateMachineArn,
      input: JSON.stringify(input),
      ...(name === undefined ? {} : { name }),
    }),
  )
  return executionArn
}

/** Copies a machine for each fault. */
export async function createClones(
  { clients: { states }, connection }: RunningRuntime,
  faults: readonly (Fault | MachineFault)[],
): Promise<void> {
  const queue = await openQueue(connection, PAUSES)
  for (const fault of faults) {
    const machine = 'machine' in fault ? fault.machine : 'ingest'
    await createClone(
      states,
      await machineArn(states, machine),
      {
        name: cloneName(fault),
        role: roleName({ ...fault, machine }),
        pauseBefore: fault.pauseBefore === undefined ? [] : [fault.pauseBefore],
        replace: fault.replace ?? [],
        timeoutSeconds: 'timeoutSeconds' in fault ? (fault.timeoutSeconds ?? null) : null,
      },
      queue.url,
    )
  }
  queue.close()
}

/** Lets the copies of a role load as the role itself does: the warehouse knows roles by name. */
export async function grantWarehouse(
  { clients }: RunningRuntime,
  assembly: string,
  roles: readonly string[],
): Promise<void> {
  const statements = readdirSync(assembly)
    .filter((name) => /^asset\..*\.json$/.test(name))
    .map((name): unknown => JSON.parse(readFileSync(join(assembly, name), 'utf8')))
    .flatMap((document) => (isJsonObject(document) && Array.isArray(document.statements) ? document.statements : []))
    .map(String)
    .filter((sql) => sql.includes('"IAMR:sluice-ingest"'))
    .toSorted((one, other) => Number(other.startsWith('CREATE')) - Number(one.startsWith('CREATE')))
  const named = roles.flatMap((role) => statements.map((sql) => sql.replaceAll('IAMR:sluice-ingest', `IAMR:${role}`)))
  await asAdministrator(clients, named)
}

/** Starts the copy of the ingest machine on a file of its own. */
export async function startFault(runtime: RunningRuntime, fault: Fault): Promise<Started> {
  const { name, tenant = 'acme', dataset = 'events', checksum = false } = fault
  const row = dataset === 'events' ? `${name},1.00,2026-01-01T00:00:00Z,` : `${name},7`
  const content = fault.content ?? `${dataset === 'events' ? 'id,amount,at,note' : 'id,reading'}\n${row}\n`
  const folder = tenant === 'narrow' ? 'started/' : ''
  const source = await land(runtime, `${tenant}/${dataset}/${folder}${name}.csv`, content, checksum)
  return { source, executionArn: await start(runtime, cloneName(fault), ingestInput(source)) }
}

/** Executions that wait, by ARN, with the tokens that let them go on. */
export class Pauses {
  readonly #tokens = new Map<string, string[]>()

  async refresh({ connection }: RunningRuntime): Promise<void> {
    const queue = await openQueue(connection, PAUSES)
    for (let messages = await queue.receive(); messages.length > 0; messages = await queue.receive())
      for (const { executionArn, token } of messages)
        this.#tokens.set(textOf(executionArn), [...(this.#tokens.get(textOf(executionArn)) ?? []), textOf(token)])
    queue.close()
  }

  has(executionArn: string): boolean {
    return (this.#tokens.get(executionArn) ?? []).length > 0
  }

  async waitFor(runtime: RunningRuntime, executionArns: readonly string[]): Promise<void> {
    await eventually(`pauses of ${executionArns.length} executions`, async () => {
      await this.refresh(runtime)
      return executionArns.every((arn) => this.has(arn)) ? true : null
    })
  }

  /** Lets an execution go on. Answers whether one waited; stopped ones no longer do. */
  async release({ clients: { states } }: RunningRuntime, executionArn: string): Promise<void> {
    for (const taskToken of this.#tokens.get(executionArn) ?? [])
      await states.send(new SendTaskSuccessCommand({ taskToken, output: '{}' })).catch((thrown: unknown) => {
        if (!(thrown instanceof Error && ['TaskTimedOut', 'TaskDoesNotExist'].includes(thrown.name))) throw thrown
      })
    this.#tokens.delete(executionArn)
  }

  waiting(): readonly string[] {
    return [...this.#tokens.keys()]
  }
}

const WORDS_OF_A_CONFLICT = "SELECT CAST('deadlock detected' AS INTEGER)"

function withFailingLoad(text: string): string {
  const document: unknown = JSON.parse(text)
  if (!isJsonObject(document) || !Array.isArray(document.transaction)) throw new TypeError('this is no load')
  return JSON.stringify({ ...document, transaction: [WORDS_OF_A_CONFLICT, ...document.transaction] })
}

const withLoadMended = (text: string): string => text.replace(`${JSON.stringify(WORDS_OF_A_CONFLICT)},`, '')

function withoutARecord(text: string): string {
  const document = objectOf(JSON.parse(text))
  const program = objectOf(document.program)
  return JSON.stringify({ ...document, program: { ...program, parse: `${textOf(program.parse)} OFFSET 1` } })
}

/** Mends what `let the load fail in words of a conflict` did. */
export async function mendLoad(runtime: RunningRuntime, { executionArn, source }: Started): Promise<void> {
  const { jobId } = await getJob(runtime.clients.lambda, { executionArn })
  const folder = `plans/${source.key.split('/').slice(1, 3).join('/')}/${jobId}/`
  await rewriteObject(runtime.clients.s3, workOf(source), folder, 'load.json', withLoadMended)
}

const workOf = (source: Landed): string => source.bucket.replace('raw', 'work')
const curatedOf = (source: Landed): string => source.bucket.replace('raw', 'curated')

/** Does to a waiting job what its fault says. */
export async function sabotage(runtime: RunningRuntime, what: Sabotage, started: Started): Promise<void> {
  const { s3, states, lambda } = runtime.clients
  const { executionArn, source } = started
  const { jobId } = await getJob(lambda, { executionArn })
  const runId = `${jobId}-1-0`
  const [tenant, dataset] = source.key.split('/').slice(1)
  const work = workOf(source)
  const plans = `plans/${tenant}/${dataset}/${jobId}/`
  const deleted = async (bucket: string, prefix: string, part: string): Promise<void> => {
    if ((await deleteObjects(s3, bucket, prefix, part)) === 0) throw new Error(`nothing to delete: ${prefix}${part}`)
  }
  switch (what) {
    case 'delete the source version':
      return deleted(source.bucket, source.key, '')
    case 'delete the validated copy':
      return deleted(source.bucket.replace('raw', 'validated'), `${tenant}/${dataset}/job=${jobId}/`, '')
    case 'let the parser lose a record':
      return rewriteObject(s3, work, plans, 'plan.json', withoutARecord)
    case 'delete the manifest':
      return deleted(work, `runs/${tenant}/${runId}/`, 'manifest.json')
    case 'give the manifest another schema':
      return rewriteObject(s3, work, `runs/${tenant}/${runId}/`, 'manifest.json', (text) =>
        text.replace('"name":"amount"', '"name":"total"'),
      )
    case 'delete the data files':
      return deleted(curatedOf(source), `${dataset}/tenant=${tenant}/`, `run=${runId}/`)
    case 'delete the load':
      return deleted(work, plans, 'load.json')
    case 'let the load fail in words of a conflict':
      return rewriteObject(s3, work, plans, 'load.json', withFailingLoad)
    case 'delete a staged row':
      return asAdministrator(runtime.clients, [`DELETE FROM "staging"."${dataset}_${runId.replaceAll('-', '_')}"`])
    case 'stop the execution':
      await states.send(new StopExecutionCommand({ executionArn, cause: 'An operator stopped it' }))
  }
}

export const metadata = ({ clients: { lambda } }: RunningRuntime, request: Record<string, unknown>): Promise<unknown> =>
  invokeMetadata(lambda, request)
