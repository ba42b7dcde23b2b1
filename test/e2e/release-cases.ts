import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GetStatementResultCommand, type RedshiftDataClient } from '@aws-sdk/client-redshift-data'
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import { expect, test } from '@jest/globals'
import { job } from '../../cli/commands/jobs.ts'
import { quarantineDiscard, quarantineList, quarantineShow } from '../../cli/commands/quarantine.ts'
import { quarantineRelease } from '../../cli/commands/quarantine-release.ts'
import { replayBacktest } from '../../cli/commands/replay-backtest.ts'
import { bucketOf, invokeMetadata } from '../../cli/deployment.ts'
import type { Invocation } from '../../cli/invocation.ts'
import { CommandError, createOutput, type ExitCode } from '../../cli/output.ts'
import { runBatch } from '../../cli/warehouse-client.ts'
import { isJsonObject } from '../../core/json.ts'
import { sluice } from '../cli/command.ts'
import { ingest, type RunningRuntime, rowsOf } from './harness.ts'
import { eventually } from './operator.ts'

const HEADER =
  'Auftrag;Kunde;E-Mail;Status;Menge;Einzelpreis;Betrag;Währung;Rabatt;Express;Bestelldatum;Geändert;Bemerkung'
const order = (id: string, quantity = '1'): string =>
  `${id};c1;a@x.org;bezahlt;${quantity};10,00;10,00;EUR;;ja;01.01.2026;01.01.2026 10:00:00;`
const file = (...rows: string[]): string => `${[HEADER, ...rows].join('\n')}\n`
/** On a machine that others use. */
const TEST_MILLIS = 120_000
const landing = (name: string) => ({ tenant: 'globex', dataset: 'orders', name })

async function ledgerOf(client: RedshiftDataClient, jobId: string) {
  const end = await runBatch(client, [`SELECT publication, waivers FROM ops.ledger_orders WHERE job_id = '${jobId}'`])
  if ('error' in end) throw new Error(end.error)
  const { Records } = await client.send(new GetStatementResultCommand({ Id: end.lastId }))
  return (Records ?? []).map(([, waivers]) => waivers?.stringValue ?? null)
}

/**
 * Quarantine as a life cycle, by the commands that an operator has, on a runtime that other tests use too.
 * @param folder for files that are dropped
 */
export function releaseTests(runtimeOf: () => RunningRuntime, folder: string): void {
  /** Runs a command in this process, which is quicker than starting one. */
  async function command<T extends unknown[]>(
    run: (invocation: Invocation, ...args: T) => Promise<ExitCode>,
    ...args: T
  ) {
    const printed: unknown[] = []
    const quiet = createOutput(true, {})
    const output = { ...quiet, result: (value: unknown) => void printed.push(value), note: () => undefined }
    const invocation = { output, state: runtimeOf().state, environment: {}, directory: process.cwd() }
    try {
      const exitCode = await run(invocation, ...args)
      return { exitCode, document: printed[0] }
    } catch (thrown) {
      if (!(thrown instanceof CommandError)) throw thrown
      return { exitCode: thrown.exitCode, document: { error: { code: thrown.code } } }
    }
  }
  const release = (jobs: readonly string[], options: Partial<Parameters<typeof quarantineRelease>[2]> = {}) =>
    command(quarantineRelease, jobs, {
      why: 'Released from quarantine',
      configuration: 'current',
      limit: '20000',
      ...options,
    })
  const list = () => command(quarantineList, { tenant: 'globex', limit: '50' })
  const jobDocument = async (jobId: string) => (await command(job, jobId, {})).document
  const recordOf = async (jobId: string) => {
    const answer = await invokeMetadata(runtimeOf().clients.lambda, { operation: 'showQuarantine', jobId })
    const [record] = isJsonObject(answer) && Array.isArray(answer.records) ? answer.records : []
    return isJsonObject(record) ? record : {}
  }
  const closed = (jobId: string) =>
    eventually(`the end of the quarantine of ${jobId}`, async () => {
      const record = await recordOf(jobId)
      return record.state === 'open' ? null : record
    })
  const quarantined = async (name: string, content: string, reasonCode: string) => {
    const job = await ingest(runtimeOf(), folder, landing(name), content)
    expect(job).toMatchObject({ status: 'QUARANTINED', reasonCode })
    return job.jobId
  }
  const versionsOf = async (zone: 'RAW' | 'REPLAY') => {
    const { s3, lambda } = runtimeOf().clients
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: await bucketOf(lambda, zone) }))
    return Versions.map(({ Key, VersionId }) => `${Key} ${VersionId}`)
  }
  const idsOf = async (prefix: string) => {
    const rows = await rowsOf(
      runtimeOf(),
      `SELECT order_id FROM orders WHERE order_id LIKE '${prefix}%' ORDER BY 1`,
      'globex',
    )
    return rows.map((row) => row.order_id)
  }

  test(
    'QUA-24, QUA-03: a file over its tolerance is released with its rejects accepted, its job and the ledger say so for ever, and its rejects are a CSV',
    async () => {
      const jobId = await quarantined('r.csv', file(order('r1'), order('r2', '=1+1')), 'too_many_rejects')
      const raw = await versionsOf('RAW')
      const released = await release([jobId], { acceptRejects: true, by: 'olga', why: 'agreed' })
      expect(released.exitCode).toBe(0)
      expect(await closed(jobId)).toMatchObject({
        state: 'released',
        closedBy: 'olga',
        why: 'agreed',
        closingJobId: jobId,
      })
      const job = await jobDocument(jobId)
      expect(job).toMatchObject({
        status: 'COMPLETED',
        counts: { input: 2, curated: 1, rejected: 1 },
        attempts: [{ waivers: null }, { requestedBy: 'olga', waivers: { acceptRejects: true, overrideGate: [] } }],
      })
      expect(await ledgerOf(runtimeOf().clients.warehouse, jobId)).toEqual(['accept-rejects'])
      expect(await idsOf('r')).toEqual(['r1'])
      expect(await versionsOf('RAW')).toEqual(raw)
      const report = join(folder, 'errors.csv')
      const shown = await sluice(['job', jobId, '--errors', report, '--state', runtimeOf().state])
      expect(shown.stdout).toContain('rejects accepted')
      expect(readFileSync(report, 'utf8').split('\n')).toMatchObject([
        'record_number,code,column,value,message,raw',
        expect.stringMatching(/^2,type_mismatch,quantity,'=1\+1,/),
        '',
      ])
    },
    TEST_MILLIS,
  )

  test(
    'a file that failed its gate is released with the rule named, which then only warns; another rule is refused and nothing is written',
    async () => {
      const jobId = await quarantined('g.csv', file(order('g1'), order('g2', '-3')), 'gate_failed')
      // What the replay of another test still writes is no manifest.
      const manifests = async () =>
        (await versionsOf('REPLAY')).filter((version) => /^manifests\/\S+\.json /.test(version))
      const before = await manifests()
      const wrong = await release([jobId], { overrideGate: ['Rule_1'] })
      expect([wrong.exitCode, wrong.document]).toMatchObject([2, { error: { code: 'unknown_rule' } }])
      expect(await manifests()).toEqual(before)
      await release([jobId], { overrideGate: ['Rule_9'] })
      expect(await closed(jobId)).toMatchObject({ state: 'released' })
      const rule = 'ColumnValues "quantity" > 0'
      const job = await jobDocument(jobId)
      expect(job).toMatchObject({ attempts: [{}, { waivers: { overrideGate: [rule] } }] })
      expect(job).toMatchObject({
        quality: { rules: expect.arrayContaining([{ name: 'Rule_9', rule, result: 'FAIL', severity: 'warn' }]) },
      })
      expect(await idsOf('g')).toEqual(['g1', 'g2'])
    },
    TEST_MILLIS,
  )

  test(
    'QUA-17: what waits is listed with stage, reason and counts; a corrected file supersedes it, a discarded one is closed',
    async () => {
      const broken = await quarantined('c.csv', file(order('c1', 'viele')), 'too_many_rejects')
      const empty = await quarantined('e.csv', '', 'empty_object')
      expect((await list()).document).toMatchObject({
        total: 2,
        reasons: { empty_object: 1, too_many_rejects: 1 },
        jobs: [
          { jobId: empty, state: 'open', stage: 'INGEST_VALIDATION', message: expect.any(String) },
          {
            jobId: broken,
            state: 'open',
            stage: 'TRANSFORM',
            message: '1 of 1 records are rejects; the contract tolerates 5%',
          },
        ],
      })
      const corrected = await ingest(runtimeOf(), folder, landing('c.csv'), file(order('c1')))
      expect(await recordOf(broken)).toMatchObject({ state: 'superseded', closingJobId: corrected.jobId })
      expect((await command(quarantineDiscard, empty, {})).exitCode).toBe(2)
      expect((await command(quarantineDiscard, empty, { why: 'nothing in it' })).exitCode).toBe(0)
      expect(await recordOf(empty)).toMatchObject({ state: 'discarded', why: 'nothing in it' })
      expect((await release([empty])).exitCode).toBe(2)
      expect((await list()).document).toMatchObject({ total: 0, jobs: [] })
    },
    TEST_MILLIS,
  )

  test(
    'QUA-24, REP-17, TEST-38: a mapping is mended, tried without a trace, and all that waited for it is released by its reason',
    async () => {
      const renamed = (...rows: string[]) => file(...rows).replace('Betrag', 'Summe')
      const [first, second] = await Promise.all([
        quarantined('m1.csv', renamed(order('m1')), 'missing_required_column'),
        quarantined('m2.csv', renamed(order('m2'), order('m3')), 'missing_required_column'),
      ])
      const mapping = readFileSync('contracts/mappings/globex.orders.yaml', 'utf8')
      const mended = mapping.replace('version: 1', 'version: 2').replace('source: Betrag', 'source: Summe')
      const { lambda } = runtimeOf().clients
      await invokeMetadata(lambda, { operation: 'putMapping', mapping: mended })
      try {
        expect((await command(quarantineShow, first)).document).toMatchObject({
          remedy: { changed: ['mapping'], replay: 'can_help' },
          errors: [{ code: 'missing_required_column' }],
        })
        const manifest = join(folder, 'mend.json')
        const asked = {
          replayId: 'try-mend',
          reason: 'try',
          requestedBy: 'olga',
          jobs: [first, second],
          configuration: 'current',
        }
        writeFileSync(manifest, JSON.stringify(asked))
        const tried = await command(replayBacktest, manifest, { diff: true, rows: '5' })
        expect(tried.document).toMatchObject({
          lines: [
            {
              now: { status: 'QUARANTINED' },
              replay: { status: 'COMPLETED', counts: { curated: 1 } },
              effect: { inserted: 1, differences: [{ change: 'inserted', identity: { order_id: 'm1' } }] },
            },
            { replay: { counts: { curated: 2 } }, effect: { inserted: 2, updated: 0, unchanged: 0, stale: 0 } },
          ],
        })
        expect(await idsOf('m')).toEqual([])
        const waiting = { tenant: 'globex', reason: 'missing_required_column', why: 'mended' }
        expect((await release([], { ...waiting, limit: '1', dryRun: true })).document).toMatchObject({ waiting: 1 })
        expect((await release([], waiting)).document).toMatchObject({ waiting: 0 })
        const ends = [await closed(first), await closed(second)]
        for (const end of ends) expect(end).toMatchObject({ state: 'released', why: 'mended' })
        expect(await idsOf('m')).toEqual(['m1', 'm2', 'm3'])
      } finally {
        await invokeMetadata(lambda, { operation: 'putMapping', mapping })
      }
    },
    TEST_MILLIS,
  )
}
