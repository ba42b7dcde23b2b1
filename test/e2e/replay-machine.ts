import { readFileSync } from 'node:fs'
import { ListExecutionsCommand } from '@aws-sdk/client-sfn'
import { expect, test } from '@jest/globals'
import { parseDefinition } from '../../asl/definition.ts'
import { printTransition, transitionsOf } from '../../asl/transitions.ts'
import { invokeMetadata } from '../../cli/deployment.ts'
import { describeReplay } from '../../cli/replay-client.ts'
import type { SourceVersion } from '../../core/source.ts'
import type { ReplayReport } from '../../replay/report.ts'
import { createClone } from './clones.ts'
import { start } from './faulty-runtime.ts'
import type { RunningRuntime } from './harness.ts'
import { edgesOf, executionsOf, historyOf } from './history.ts'
import { endOf, eventually, machineArn } from './operator.ts'

export type Manifest = Readonly<Record<string, unknown>> & { readonly replayId: string }

export const manifestText = (manifest: Manifest): string =>
  JSON.stringify({ reason: 'a test', requestedBy: 'ops@example.com', configuration: 'original', ...manifest })

/** What the tests need of the runtime that they share. */
export interface MachineHarness {
  runtime(): RunningRuntime
  /** Of the published file with that number. */
  jobId(index: number): string
  drop(manifest: Manifest, key?: string): Promise<SourceVersion>
  resultOf(dropped: SourceVersion, replayId: string | null): Promise<ReplayReport>
}

/** What goes wrong for a copy of the machine: a text of its definition that is another, and how its execution ends. No two of them run a job at once. */
const FAULTS = [
  { name: 'plan', job: 0, from: '"planReplay"', to: '"unheard"', status: 'FAILED' },
  { name: 'close', job: 1, from: '"closeReplay"', to: '"unheard"', status: 'FAILED' },
  { name: 'read', job: 2, from: '$runsAt.key', to: "'audit/nothing'", status: 'FAILED' },
  // Asks before any job can have ended.
  { name: 'haste', job: 4, from: '"waitSeconds":1', to: '"waitSeconds":0', status: 'SUCCEEDED' },
  { name: 'start', job: 3, from: ':ingest:live', to: ':ingest:dead', status: 'SUCCEEDED' },
  {
    name: 'follow',
    job: 3,
    from: '{% $executionArn %}',
    to: 'arn:aws:states:us-east-2:000000000000:execution:other:x',
    status: 'SUCCEEDED',
  },
  {
    name: 'owner',
    job: 2,
    from: '{% $owner %}"}',
    to: 'arn:aws:states:us-east-2:000000000000:execution:other:x"}',
    status: 'FAILED',
  },
] as const

/**
 * Every transition of the replay machine, on a runtime that other tests use too; those that they took count.
 */
export function machineTests({ runtime: runtimeOf, jobId, drop, resultOf }: MachineHarness): void {
  const executions = async (): Promise<readonly string[]> => {
    const { states } = runtimeOf().clients
    return executionsOf(states, await machineArn(states, 'replay'))
  }
  const definition = parseDefinition(readFileSync('asl/replay/v1.asl.json', 'utf8'), 'asl/replay/v1.asl.json')
  const taken = new Set<string>()
  /** Of the planning request that the machine sends, for a manifest that an execution took up before. */
  const planFor = async (manifest: SourceVersion, name: string): Promise<void> => {
    const replay = await machineArn(runtimeOf().clients.states, 'replay')
    await invokeMetadata(runtimeOf().clients.lambda, {
      operation: 'planReplay',
      manifest,
      executionArn: `${replay.replace(':stateMachine:', ':execution:')}:${name}`,
      ingestMachineArn: await machineArn(runtimeOf().clients.states, 'ingest'),
      at: new Date().toISOString(),
    })
  }
  const eventOf = ({ bucket, key, versionId }: SourceVersion) => ({
    detail: { bucket: { name: bucket }, object: { key, 'version-id': versionId } },
  })

  async function collect(executionArn: string): Promise<void> {
    const { states } = runtimeOf().clients
    const events = await historyOf(states, executionArn)
    for (const edge of edgesOf(definition, events)) taken.add(printTransition(edge))
    for (const { mapRunStartedEventDetails } of events) {
      const mapRunArn = mapRunStartedEventDetails?.mapRunArn
      if (mapRunArn === undefined) continue
      const { executions: children = [] } = await states.send(new ListExecutionsCommand({ mapRunArn }))
      for (const child of children)
        for (const edge of edgesOf(definition, await historyOf(states, child.executionArn ?? '')))
          taken.add(printTransition(edge))
    }
  }

  test.each(FAULTS)('a fault in $name ends the execution as $status', async ({ name, job, from, to, status }) => {
    const { states } = runtimeOf().clients
    const clone = {
      name: `fault-replay-${name}`,
      role: 'sluice-replay',
      pauseBefore: [],
      replace: [[from, to]],
    } as const
    await createClone(states, await machineArn(states, 'replay'), { ...clone, timeoutSeconds: null }, '')
    const manifest: Manifest = { replayId: `fault-${name}`, jobs: [jobId(job)], options: { force: true } }
    const dropped = await drop(manifest, `manifests/fault-${name}.text`)
    if (name === 'owner') await planFor(dropped, 'gone')
    const executionArn = await start(runtimeOf(), clone.name, eventOf(dropped))
    expect(await endOf(states, executionArn)).toMatchObject({ status })
    await collect(executionArn)
  })

  test('an execution that is gone leaves its replay to the next one that gets the manifest', async () => {
    const manifest: Manifest = { replayId: 'orphan', jobs: [jobId(4)], options: { force: true } }
    await planFor(await drop(manifest, 'manifests/orphan.text'), 'gone')
    expect(await resultOf(await drop(manifest), manifest.replayId)).toMatchObject({ totals: { COMPLETED: 1 } })
  })

  test('REP-20 a manifest dropped again while its replay runs is left to the execution that has it', async () => {
    const manifest: Manifest = { replayId: 'at-once', jobs: [jobId(0), jobId(1)], options: { force: true } }
    const first = await drop(manifest)
    await eventually(
      'the plan',
      async () => (await describeReplay(runtimeOf().clients.lambda, 'at-once'))?.runs ?? null,
    )
    const again = await drop(manifest, 'manifests/again.text')
    const executionArn = await start(runtimeOf(), 'replay', eventOf(again))
    expect(JSON.parse((await endOf(runtimeOf().clients.states, executionArn)).output ?? '')).toMatchObject({
      decision: 'owned',
    })
    expect((await resultOf(first, 'at-once')).totals).toEqual({ COMPLETED: 2 })
  })

  test('ORC-01 has every transition taken', async () => {
    for (const executionArn of await executions()) {
      await endOf(runtimeOf().clients.states, executionArn)
      await collect(executionArn)
    }
    const all = transitionsOf(definition).map(printTransition)
    expect(all.filter((edge) => !taken.has(edge))).toEqual([])
  })
}
