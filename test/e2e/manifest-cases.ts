import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { executionArnOf } from '../../cli/follow.ts'
import { describeReplay, dropManifest } from '../../cli/replay-client.ts'
import type { SourceVersion } from '../../core/source.ts'
import type { ReplayReport } from '../../replay/report.ts'
import { documentOf, sluice } from '../cli/command.ts'
import { fuzzedManifests } from '../replay/manifests.ts'
import type { BackfillHarness } from './backfill-cases.ts'
import { everything } from './everything.ts'
import { land } from './faulty-runtime.ts'
import { jobOf } from './harness.ts'
import { objectOf } from './json.ts'
import { asAdministrator, endOf } from './operator.ts'
import { type MachineHarness, manifestText } from './replay-machine.ts'

/** What the tests need of the runtime that they share. */
export interface ReplaysHarness extends MachineHarness, BackfillHarness {
  /** The published file with that number. */
  sources(index: number): SourceVersion
  /** Of a machine, by its name. */
  executions(machine: string): Promise<readonly string[]>
}

/** Manifests by command and by drop, and what becomes of those that are not valid. */
export function manifestTests({ runtime, folder, sources, jobId, executions, drop, resultOf }: ReplaysHarness): void {
  describe('the command', () => {
    const run = async (verb: string, manifest: string) =>
      sluice(['replay', verb, manifest, '--state', runtime().state, '--json'])

    test('REP-13 plans a manifest and writes nothing anywhere, runs it, and tells its status', async () => {
      const file = join(folder, 'command.json')
      writeFileSync(file, manifestText({ replayId: 'by-command', jobs: [jobId(3)], options: { force: true } }))
      const before = await everything(runtime().clients)
      const planned = await run('plan', file)
      expect([planned.exitCode, planned.stderr]).toEqual([0, ''])
      expect(await everything(runtime().clients)).toEqual(before)
      expect(await describeReplay(runtime().clients.lambda, 'by-command')).toBeNull()
      const plan = objectOf(documentOf(planned))
      const ran = await run('run', file)
      expect(ran.exitCode).toBe(0)
      const report = objectOf(documentOf(ran))
      expect(report).toMatchObject({ totals: { COMPLETED: 1 } })
      const decided = (lines: unknown) =>
        (lines as Record<string, unknown>[]).map(({ decision, jobId, attempt, publication, executionName }) => ({
          decision,
          jobId,
          attempt,
          publication,
          executionName,
        }))
      expect(decided(report.lines)).toEqual(decided(plan.lines))
      expect((await run('plan', file)).stderr).toContain('Replay by-command has ended')
      expect(documentOf(await run('status', 'by-command'))).toMatchObject({
        replay: { status: 'COMPLETED', progress: { COMPLETED: 1 } },
        report: { totals: { COMPLETED: 1 } },
      })
    })

    test('REP-13 of a dry run that is dropped, writes the report beside it and nothing else in any bucket, table or record', async () => {
      const manifest = { replayId: 'dry', jobs: [jobId(0), jobId(3)], options: { force: true, dryRun: true } }
      const { versions: versionsBefore, ...before } = await everything(runtime().clients)
      const report = await resultOf(await drop(manifest), manifest.replayId)
      expect(report).toMatchObject({ status: 'DRY_RUN', totals: { RUN: 2 } })
      const { versions, ...after } = await everything(runtime().clients)
      expect(after).toEqual(before)
      const written = versions.filter((version) => !versionsBefore.includes(version)).map((line) => line.split(' ')[1])
      expect(written).toEqual(['manifests/dry.json', 'manifests/dry.result'])
      expect(versions).toHaveLength(versionsBefore.length + 2)
      expect(await describeReplay(runtime().clients.lambda, 'dry')).toBeNull()
    })

    test('tries every source of a plan for real, also one that cannot be read, and leaves objects, schemas, tables and records as they were', async () => {
      const gone = { bucket: sources(0).bucket, key: sources(0).key, versionId: 'gone' }
      const both = [sources(1), gone].map(({ bucket, key, versionId }) => ({ bucket, key, versionId }))
      const file = join(folder, 'tried.json')
      writeFileSync(file, manifestText({ replayId: 'tried', sources: both, configuration: 'current' }))
      const before = await everything(runtime().clients)
      const tried = await sluice(['replay', 'plan', file, '--diff', '--state', runtime().state, '--json'])
      expect([tried.exitCode, documentOf(tried)]).toMatchObject([
        1,
        { lines: [{ replay: { status: 'COMPLETED' } }, { replay: { status: 'REFUSED' }, effect: null }] },
      ])
      expect(await everything(runtime().clients)).toEqual(before)
    })

    test('IDEM-04 runs a job again that the warehouse had not taken, as it was, by its id alone', async () => {
      const { clients } = runtime()
      await asAdministrator(clients, ['ALTER TABLE "ops"."ledger_lines" RENAME TO "ledger_away"'])
      const source = await land(runtime(), 'acme/lines/unlucky.json', `{"id":"unlucky","reading":1}\n`, false)
      const { jobId: failed, ...job } = await jobOf(runtime(), await executionArnOf(clients.states, source))
      await asAdministrator(clients, ['ALTER TABLE "ops"."ledger_away" RENAME TO "ledger_lines"'])
      expect(job).toMatchObject({ status: 'FAILED', reasonCode: 'load_failed' })
      const again = () =>
        sluice(['replay', 'jobs', failed, '--why', 'it is back', '--by', 'olga', '--json', '--state', runtime().state])
      const ran = await again()
      expect([ran.exitCode, documentOf(ran)]).toMatchObject([
        0,
        { requestedBy: 'olga', reason: 'it is back', lines: [{ jobId: failed, attempt: 2, outcome: 'COMPLETED' }] },
      ])
      expect(documentOf(await again())).toMatchObject({ lines: [{ jobId: failed, outcome: 'SKIPPED_PUBLISHED' }] })
    })

    test('REP-07 refuses a manifest that is not valid before it goes anywhere', async () => {
      const file = join(folder, 'wrong.json')
      writeFileSync(file, manifestText({ replayId: 'wrong', jobs: ['x'] }))
      const { exitCode, stdout } = await run('run', file)
      expect(exitCode).toBe(2)
      expect(stdout).toContain('$.jobs[0]')
    })
  })

  describe('manifests of every kind', () => {
    test('REP-07 REP-19 are each answered beside them: refused by the field, or run; none fails the machine, none runs in part', async () => {
      const started = await executions('ingest')
      const fuzzed = [...fuzzedManifests(24, 7)]
      const dropped = await Promise.all(
        fuzzed.map(({ text }, index) => dropManifest(runtime().clients, `manifests/fuzzed/${index}.json`, text)),
      )
      const results = await Promise.all(dropped.map((one) => resultOf(one, null)))
      for (const [index, { field }] of fuzzed.entries()) {
        const { status, problems } = results[index] as ReplayReport
        const told = problems.map((problem) => problem.field)
        if (field !== null)
          expect({ status, told }).toEqual({ status: 'REFUSED', told: expect.arrayContaining([field]) })
      }
      expect(await executions('ingest')).toEqual(started)
      const { states } = runtime().clients
      for (const executionArn of await executions('replay'))
        expect(await endOf(states, executionArn)).toMatchObject({ status: 'SUCCEEDED' })
    })
  })
}
