import { expect, test } from '@jest/globals'
import { linesSoFar } from '../../cli/replay-client.ts'
import type { SourceVersion } from '../../core/source.ts'
import { land } from './faulty-runtime.ts'
import { rowsOf } from './harness.ts'
import { historyOf } from './history.ts'
import { memoryOf, reportingMemory } from './memory.ts'
import { administratorRows, eventually } from './operator.ts'
import type { MachineHarness, Manifest } from './replay-machine.ts'

/** `npm run test:replay` asks for 5,000. */
const MANY = Number(process.env.SLUICE_REPLAY_SOURCES ?? 6)
/** Caches fill; what a source left behind would be more, many times over. */
const HEAP_GROWTH_BYTES = 16 * 1024 ** 2
/** Engines give pages back late; files that the warehouse kept were 364 MiB of 2,500 sources. */
const PROCESS_GROWTH_BYTES = 96 * 1024 ** 2

/** What the tests need of the runtime that they share. */
export interface BackfillHarness extends Pick<MachineHarness, 'runtime' | 'drop' | 'resultOf'> {
  /** Kills the runtime and starts another one on its state. */
  restart(environment?: NodeJS.ProcessEnv): Promise<void>
  /** For files of the tests. */
  readonly folder: string
  /** A prefix below `landing/` of which no event tells. */
  readonly unheard: string
  /** Attempts of a replay. */
  started(replayId: string): Promise<number>
}

/** Sources that only a manifest runs, as many as asked for. */
export function backfillTests(replays: BackfillHarness): void {
  const MILLIS = 60_000 + MANY * 4000
  const hasStarted = (count: number): Promise<true> =>
    eventually(
      `${count} sources`,
      async () => ((await replays.started('backfill')) >= count ? true : null),
      MILLIS / 1000,
    )

  test(
    `REP-10 REP-03 REP-04 IDEM-12 of ${MANY} sources that nobody registered, killed on its way, has a line for each, each once, in the same memory and history for any number`,
    async () => {
      const unheard: SourceVersion[] = []
      for (let from = 0; from < MANY; from += 20) {
        const indexes = Array.from({ length: Math.min(20, MANY - from) }, (_, index) => from + index)
        const content = (index: number) => `${JSON.stringify({ id: `u${index}`, reading: index })}\n`
        const names = indexes.map((index) =>
          land(replays.runtime(), `${replays.unheard}${index}.json`, content(index), false),
        )
        for (const { bucket, key, versionId } of await Promise.all(names)) unheard.push({ bucket, key, versionId })
      }
      const manifest: Manifest = {
        replayId: 'backfill',
        sources: unheard,
        configuration: 'current',
        options: { maxConcurrency: Math.min(20, Math.ceil(MANY / 5)), confirm: MANY },
      }
      const dropped = await replays.drop(manifest)
      await hasStarted(Math.ceil(MANY / 5))
      await replays.restart(reportingMemory(replays.folder))
      const runtime = replays.runtime()
      await hasStarted(Math.ceil(MANY / 2))
      const before = await memoryOf(runtime, replays.folder)
      const soFar = await linesSoFar(runtime.clients.lambda, dropped.bucket, 'backfill')
      expect(soFar.map(({ source }) => source)).toEqual(unheard)
      expect(soFar.filter(({ outcome }) => outcome === 'COMPLETED').length).toBeGreaterThan(0)
      const report = await replays.resultOf(dropped, 'backfill')
      expect(report.totals).toEqual({ COMPLETED: MANY })
      expect(report.lines.map(({ source }) => source)).toEqual(unheard)
      expect(report.lines.filter(({ attempt, changed }) => attempt !== 1 || changed !== null)).toEqual([])
      const rows = await rowsOf(runtime, 'select count(*) as n, count(distinct id) as ids from lines', 'globex')
      expect(rows).toEqual([{ n: `${MANY}`, ids: `${MANY}` }])
      const ledger = await administratorRows(
        runtime.clients,
        `select count(*), count(distinct job_id), max(publication) from ops.ledger_lines where tenant_id = 'globex'`,
      )
      expect(ledger).toEqual([[`${MANY}`, `${MANY}`, '1']])
      // The children have histories of their own.
      expect((await historyOf(runtime.clients.states, report.executionArn ?? '')).length).toBeLessThan(40)
      const after = await memoryOf(runtime, replays.folder)
      if (MANY > 100) console.log({ before, after })
      expect(after.heapBytes - before.heapBytes).toBeLessThan(HEAP_GROWTH_BYTES)
      expect(after.anonymousBytes - before.anonymousBytes).toBeLessThan(PROCESS_GROWTH_BYTES)
    },
    MILLIS,
  )
}
