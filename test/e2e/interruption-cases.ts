import { DescribeExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn'
import { beforeAll, expect, test } from '@jest/globals'
import { executionArnOf } from '../../cli/follow.ts'
import { describeReplay } from '../../cli/replay-client.ts'
import type { ReplayReport } from '../../replay/report.ts'
import { type Landed, land } from './faulty-runtime.ts'
import { jobOf, rowsOf } from './harness.ts'
import type { ReplaysHarness } from './manifest-cases.ts'
import { administratorRows, endOf, eventually } from './operator.ts'
import type { Manifest } from './replay-machine.ts'

/** A file of events. */
export const csv = (...rows: string[]): string => `${['id,amount,at,note', ...rows].join('\n')}\n`
export const row = (id: string, amount: string, day = '01'): string => `${id},${amount},2026-01-${day}T00:00:00Z,`

/** Replays that are stopped or killed, and one beside live work. */
export function interruptionTests({ runtime, restart, started, executions, drop, resultOf }: ReplaysHarness): void {
  const COUNT = 12
  const idOf = (index: number): string => `m${String(index).padStart(2, '0')}`
  const landed: Landed[] = []

  beforeAll(async () => {
    for (let index = 0; index < COUNT; index += 1)
      landed.push(await land(runtime(), `globex/events/many-${index}.csv`, csv(row(idOf(index), '1.00')), false))
    for (const source of landed) await jobOf(runtime(), await executionArnOf(runtime().clients.states, source))
  }, 300_000)

  const manifest = (replayId: string): Manifest => ({
    replayId,
    select: { keyPrefix: 'landing/globex/events/' },
    options: { force: true, maxConcurrency: 2 },
  })
  const expectEachOnce = async (report: ReplayReport, publication: number) => {
    expect(report.totals).toEqual({ COMPLETED: COUNT })
    for (const line of report.lines) expect(line).toMatchObject({ publication, changed: null })
    const rows = await rowsOf(runtime(), 'select id, count(*) as n from events group by id order by id', 'globex')
    expect(rows).toEqual(landed.map((_, index) => ({ id: idOf(index), n: '1' })))
    const ledger = await administratorRows(
      runtime().clients,
      `select job_id, max(publication), count(*) from ops.ledger_events where tenant_id = 'globex' group by job_id`,
    )
    expect(ledger.map(([, last, count]) => [Number(last), Number(count)])).toEqual(
      Array(COUNT).fill([publication, publication]),
    )
  }

  test('REP-20 JOB-17 stopped, lets running jobs finish and starts no more; dropped again it goes on where it stopped', async () => {
    await drop(manifest('stopped'))
    await eventually('the first sources', async () => ((await started('stopped')) >= 2 ? true : null))
    const { executionArn = '' } = (await describeReplay(runtime().clients.lambda, 'stopped')) ?? {}
    await runtime().clients.states.send(new StopExecutionCommand({ executionArn, cause: 'a test' }))
    const atStop = await started('stopped')
    const ingests = await executions('ingest')
    for (const ingest of ingests.filter((arn) => arn.includes(':globex-events-')))
      expect(await endOf(runtime().clients.states, ingest)).toMatchObject({ status: 'SUCCEEDED' })
    expect(await started('stopped')).toBeLessThan(COUNT)
    expect(await started('stopped')).toBeLessThanOrEqual(atStop + 2)
    const report = await resultOf(await drop(manifest('stopped')), 'stopped')
    await expectEachOnce(report, 2)
    const { status } = await runtime().clients.states.send(
      new DescribeExecutionCommand({ executionArn: report.executionArn ?? '' }),
    )
    expect(['RUNNING', 'SUCCEEDED']).toContain(status)
  })

  test('IDEM-12 REP-10 killed in the middle, goes on after a restart: each source exactly once', async () => {
    const dropped = await drop(manifest('killed'))
    await eventually('the first sources', async () => ((await started('killed')) >= 3 ? true : null))
    await restart()
    await expectEachOnce(await resultOf(dropped, 'killed'), 3)
  })

  test('REP-04 runs no more sources at once than its manifest says, and a file that lands meanwhile is loaded before it ends', async () => {
    const { states, lambda } = runtime().clients
    const dropped = await drop(manifest('beside'))
    await eventually('the first sources', async () => ((await started('beside')) >= 2 ? true : null))
    const live = await land(runtime(), 'globex/events/live.csv', csv(row('live', '1.00')), false)
    expect(await jobOf(runtime(), await executionArnOf(states, live))).toMatchObject({ status: 'COMPLETED' })
    expect(await describeReplay(lambda, 'beside')).toMatchObject({ status: 'RUNNING' })
    const { lines, totals } = await resultOf(dropped, 'beside')
    expect(totals).toEqual({ COMPLETED: COUNT })
    const ran = await Promise.all(
      lines.map(async ({ executionArn }) => {
        const { startDate, stopDate } = await endOf(states, executionArn ?? '')
        return { from: startDate?.getTime() ?? 0, to: stopDate?.getTime() ?? 0 }
      }),
    )
    const beside = ran.map(({ from }) => ran.filter((other) => other.from <= from && from < other.to).length)
    expect(Math.max(...beside)).toBeLessThanOrEqual(2)
  })
}
