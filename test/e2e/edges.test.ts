import { readFileSync } from 'node:fs'
import { GetJobRunCommand, GlueClient } from '@aws-sdk/client-glue'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parseDefinition } from '../../asl/definition.ts'
import { printTransition, transitionsOf } from '../../asl/transitions.ts'
import { clientSettings } from '../../cli/deployment.ts'
import { executionArnOf } from '../../cli/follow.ts'
import type { JobDocument } from '../../cli/job-document.ts'
import { printJob } from '../../cli/job-view.ts'
import { getJob } from '../../cli/jobs-client.ts'
import { REASONS, type ReasonCode } from '../../core/reason-codes.ts'
import { EARLY_FAULTS, FAULTS, type Fault, KNOWN_CONTENT, LATE_FAULTS, type MachineFault } from './faults.ts'
import { cloneName, faultyAssemblies, roleName } from './faulty-assembly.ts'
import {
  createClones,
  grantWarehouse,
  ingestInput,
  land,
  mendLoad,
  metadata,
  Pauses,
  type Started,
  s3Event,
  sabotage,
  start,
  startFault,
} from './faulty-runtime.ts'
import { deployedState, imbalanceOf, jobOf, type RunningRuntime, scratchFolder, up } from './harness.ts'
import { edgesOf, executionsOf, historyOf } from './history.ts'
import { readObject, statesEntered } from './observed.ts'
import { asAdministrator, endOf, machineArn } from './operator.ts'
import { REFUSED_FILES } from './refused-files.ts'

const MACHINES = ['ingest', 'intake', 'deploy', 'sweep'] as const
const GOOD = 'id,amount,at,note\ngood,1.00,2026-01-01T00:00:00Z,\n'

const scratch = scratchFolder('edges')
const pauses = new Pauses()
let runtime: RunningRuntime
/** By the fault's name. */
const started = new Map<string, Started>()
const machineEnds = new Map<string, string>()
/** By the reason that the file is refused for. */
const refused = new Map<ReasonCode, JobDocument>()
const taken = new Map<string, Set<string>>()

const startedAs = (name: string): Started => {
  const found = started.get(name)
  if (found === undefined) throw new Error(`no execution was started for ${name}`)
  return found
}

async function startAll(faults: readonly Fault[]): Promise<void> {
  for (const fault of faults) started.set(fault.name, await startFault(runtime, fault))
}

async function dropRefusedFiles(): Promise<void> {
  const sources = await Promise.all(
    REFUSED_FILES.map(({ key, content, metadata }) => land(runtime, key, content, false, metadata)),
  )
  for (const [index, { reasonCode }] of REFUSED_FILES.entries()) {
    const source = sources[index]
    if (source === undefined) continue
    refused.set(reasonCode, await jobOf(runtime, await executionArnOf(runtime.clients.states, source)))
  }
}

async function runMachineFaults(faults: readonly MachineFault[]): Promise<void> {
  const executions = new Map<string, string>()
  const known = startedAs('known').source
  for (const fault of faults) {
    const input =
      fault.machine !== 'intake'
        ? {}
        : s3Event(
            fault.name === 'intake-again' ? known : await land(runtime, `acme/events/${fault.name}.csv`, GOOD, false),
          )
    executions.set(fault.name, await start(runtime, cloneName(fault), input))
  }
  for (const [name, executionArn] of executions) machineEnds.set(name, executionArn)
}

/** Tenants, one job that others are copies of, and the versions that no event tells of. */
async function prepare(): Promise<void> {
  await metadata(runtime, { operation: 'createTenant', tenantId: 'asleep' })
  await metadata(runtime, { operation: 'suspendTenant', tenantId: 'asleep' })
  await metadata(runtime, { operation: 'createTenant', tenantId: 'narrow', maxActiveJobs: 1 })
  const mapping = readFileSync('test/e2e/fixtures/narrow.events.yaml', 'utf8')
  await metadata(runtime, { operation: 'putMapping', mapping })
  await createClones(runtime, [...FAULTS, ...EARLY_FAULTS, ...LATE_FAULTS])
  const roles = FAULTS.map((fault) => roleName({ ...fault, machine: 'ingest' }))
  await grantWarehouse(runtime, before, [...new Set(roles)])
}

let before = ''

/** Everything that runs before the operator revokes what the faults say. */
async function beforeRevoking(): Promise<void> {
  const known = await land(runtime, 'acme/events/known.csv', KNOWN_CONTENT, true)
  started.set('known', { source: known, executionArn: await startNamed(known) })
  await endOf(runtime.clients.states, startedAs('known').executionArn)
  const [first, rest] = [
    FAULTS.filter(({ name }) => name === 'source-gone'),
    FAULTS.filter(({ name }) => name !== 'source-gone'),
  ]
  await startAll(first)
  await pauses.waitFor(runtime, [startedAs('source-gone').executionArn])
  const deferred = await land(runtime, 'narrow/events/deferred.csv', GOOD, false)
  started.set('deferred', { source: deferred, executionArn: await executionArnOf(runtime.clients.states, deferred) })
  await startAll(rest)
  started.set('again', { source: known, executionArn: await start(runtime, 'ingest', ingestInput(known)) })
  const large = await land(runtime, 'globex/strict/large.csv', 'id,reading\na,1\n', false)
  started.set('large', { source: large, executionArn: await executionArnOf(runtime.clients.states, large) })
  await dropRefusedFiles()
  started.set('malformed', { source: known, executionArn: await start(runtime, 'ingest', {}) })
  const paused = FAULTS.filter(
    ({ pauseBefore, timeoutSeconds }) => pauseBefore !== undefined && timeoutSeconds === undefined,
  )
  await pauses.waitFor(
    runtime,
    paused.map(({ name }) => startedAs(name).executionArn),
  )
  for (const fault of paused)
    if (fault.sabotage !== undefined) await sabotage(runtime, fault.sabotage, startedAs(fault.name))
  await land(runtime, 'acme/events/unheard.csv', GOOD, false)
  await endOf(runtime.clients.states, startedAs('stopped-unheard').executionArn)
  await endOf(runtime.clients.states, startedAs('deferred').executionArn)
  await registerGoneExecution()
  await runMachineFaults(EARLY_FAULTS)
  const waiting = EARLY_FAULTS.flatMap(({ name, pauseBefore }) =>
    pauseBefore === undefined ? [] : [machineEnds.get(name) ?? ''],
  )
  await pauses.waitFor(runtime, waiting)
}

/** Under intake's name. */
async function startNamed(source: Started['source']): Promise<string> {
  const executionArn = await executionArnOf(runtime.clients.states, source)
  return start(runtime, 'ingest', ingestInput(source), executionArn.split(':').at(-1))
}

/** A job whose execution's history has expired. */
async function registerGoneExecution(): Promise<void> {
  const source = await land(runtime, 'acme/events/expired.csv', GOOD, false)
  const executionArn = `${startedAs('known').executionArn.replace(/[^:]+$/, '')}expired`
  const at = new Date().toISOString()
  await metadata(runtime, { operation: 'registerJob', input: ingestInput(source), executionArn, at })
  started.set('expired', { source, executionArn })
}

async function afterRevoking(): Promise<void> {
  const conflict = startedAs('conflict')
  for (const executionArn of pauses.waiting()) await pauses.release(runtime, executionArn)
  await pauses.waitFor(runtime, [conflict.executionArn])
  await mendLoad(runtime, conflict)
  await pauses.release(runtime, conflict.executionArn)
  for (const { executionArn } of started.values())
    if (executionArn !== startedAs('expired').executionArn) await endOf(runtime.clients.states, executionArn)
  // One after the other: what the first one starts and closes, the next ones find in order.
  for (const fault of LATE_FAULTS.filter(({ machine }) => machine === 'sweep')) {
    await runMachineFaults([fault])
    await endOf(runtime.clients.states, machineEnds.get(fault.name) ?? '')
  }
  await asAdministrator(runtime.clients, [
    'DROP TABLE "mart"."lines" CASCADE',
    'CREATE TABLE "mart"."lines" (a INTEGER)',
  ])
  await runMachineFaults(LATE_FAULTS.filter(({ machine }) => machine === 'deploy'))
  for (const executionArn of machineEnds.values()) await endOf(runtime.clients.states, executionArn)
}

const definitionOf = (machine: string) => {
  const file = `asl/${machine}/v1.asl.json`
  return parseDefinition(readFileSync(file, 'utf8'), file)
}

async function collectEdges(): Promise<void> {
  const { states } = runtime.clients
  const faults = [...FAULTS.map((fault) => ({ ...fault, machine: 'ingest' })), ...EARLY_FAULTS, ...LATE_FAULTS]
  for (const machine of MACHINES) {
    const definition = definitionOf(machine)
    const names = [
      ...(machine === 'intake' ? [] : [machine]),
      ...faults.filter((fault) => fault.machine === machine).map(cloneName),
    ]
    const edges = new Set<string>()
    const executions = await Promise.all(
      names.map(async (name) => executionsOf(states, await machineArn(states, name))),
    )
    for (const executionArn of executions.flat())
      for (const edge of edgesOf(definition, await historyOf(states, executionArn))) edges.add(printTransition(edge))
    taken.set(machine, edges)
  }
}

const jobOfFault = (name: string): Promise<JobDocument> =>
  getJob(runtime.clients.lambda, { executionArn: startedAs(name).executionArn })

beforeAll(async () => {
  const assemblies = await faultyAssemblies(scratch.path)
  before = assemblies.before
  const state = await deployedState(scratch.path, assemblies.before)
  runtime = await up(state, { assembly: assemblies.before })
  await prepare()
  await beforeRevoking()
  await runtime.stop()
  runtime = await up(state, { assembly: assemblies.after })
  await afterRevoking()
  await collectEdges()
}, 240_000)

afterAll(async () => {
  await runtime.stop()
  await scratch.remove()
})

describe('a file that is refused', () => {
  test.each(REFUSED_FILES.map(({ reasonCode }) => reasonCode))('%s ends its job with its reason', (reasonCode) => {
    expect(refused.get(reasonCode)).toMatchObject({ status: REASONS[reasonCode].status, reasonCode })
  })
})

describe('a fault of the infrastructure', () => {
  const open = ['skip', 'claim', 'close', 'complete', 'defer']
  test.each(FAULTS)('$name ends in a recorded status: $status $reasonCode', async ({ name, status, reasonCode }) => {
    const job = await jobOfFault(name)
    expect(job).toMatchObject({ status, reasonCode: open.includes(name) ? expect.any(String) : reasonCode })
    expect(imbalanceOf(job)).toBeNull()
  })

  test.each([...EARLY_FAULTS, ...LATE_FAULTS])('$name ends the execution as $status', async ({ name, status }) => {
    const execution = await endOf(runtime.clients.states, machineEnds.get(name) ?? '')
    expect(execution.status).toBe(status)
  })
})

describe('a job that failed for good', () => {
  test('QUA-01 lies with its source and error in the quarantine of its tenant, as FAILED', async () => {
    const { source } = startedAs('load')
    const { jobId, message, objects } = await jobOfFault('load')
    expect(objects.quarantine).toMatch(/^s3:\/\/[^/]*quarantine[^/]*\/acme\/events\/job=/)
    const manifest: unknown = JSON.parse(await readObject(runtime.clients.s3, objects.quarantine))
    const { bucket, key, versionId } = source
    expect(manifest).toMatchObject({
      status: 'FAILED',
      jobId,
      reasonCode: 'load_failed',
      message,
      source: { bucket, key, versionId },
    })
  })
})

describe('a transform that crashes', () => {
  test('QUA-19 leaves a record with the error of Glue and the id of the job run, which the job shows', async () => {
    const job = await jobOfFault('crash')
    const [, jobRunId = ''] = /\(job run (\S+)\)$/.exec(job.message ?? '') ?? []
    const glue = new GlueClient(clientSettings(runtime.connection))
    const { JobRun } = await glue.send(new GetJobRunCommand({ JobName: 'transform-small', RunId: jobRunId }))
    glue.destroy()
    expect(JobRun).toMatchObject({ JobRunState: 'FAILED', ErrorMessage: expect.stringMatching(/.+/) })
    expect(job.message).toContain(JobRun?.ErrorMessage)
    expect(JobRun?.Arguments?.['--run_id']).toContain(job.jobId)
    expect(printJob(job)).toContain(job.message)
  })
})

describe('a run that left nothing', () => {
  test('DQ-16 is stopped at the gate as no_output, before anything is registered or loaded', async () => {
    const { executionArn } = startedAs('output-gone')
    const entered = statesEntered(await historyOf(runtime.clients.states, executionArn))
    expect(entered).toContain('FindOutput')
    expect(entered.filter((state) => ['RegisterPartition', 'StageFiles', 'LoadWarehouse'].includes(state))).toEqual([])
  })
})

describe('what no event told of', () => {
  test('JOB-07 a job that found no slot is deferred, and the sweep resumes it', async () => {
    expect(await jobOfFault('deferred')).toMatchObject({ status: 'COMPLETED' })
  })
})

describe('the definitions', () => {
  test.each(MACHINES)('ORC-01 every transition of %s is taken by a real file or fault', (machine) => {
    const all = transitionsOf(definitionOf(machine)).map(printTransition)
    expect(all.filter((edge) => taken.get(machine)?.has(edge) !== true)).toEqual([])
  })

  test('every reason is reached', () => {
    const reached = new Set<string>([...refused.keys(), ...FAULTS.flatMap(({ reasonCode }) => reasonCode ?? [])])
    expect(Object.keys(REASONS).filter((reason) => !reached.has(reason))).toEqual([])
  })
})
