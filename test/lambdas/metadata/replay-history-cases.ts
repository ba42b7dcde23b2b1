import { expect, test } from '@jest/globals'
import type { LandedSource } from '../../../core/source.ts'
import { seedDatabase } from '../../../lambdas/metadata/seed.ts'
import { setTenantStatus } from '../../../lambdas/metadata/tenants.ts'
import type { ReportLine } from '../../../replay/report.ts'
import { seeded } from '../../e2e/seeded.ts'
import { fuzzedManifests } from '../../replay/manifests.ts'
import { AT, inputOf, SEED } from './fixtures.ts'
import type { ReplayHarness } from './replay-harness.ts'

/** `SLUICE_HISTORIES` asks for more than the suite has time for. */
const HISTORIES = Number(process.env.SLUICE_HISTORIES ?? 12)

/** Dry runs held against the runs that follow. */
export function historyTests({
  register,
  close,
  source,
  editMapping,
  drop,
  resultOf,
  preview,
  carryOut,
  opened,
  ended,
}: ReplayHarness): void {
  const STATUSES = ['COMPLETED', 'QUARANTINED', 'FAILED', 'SKIPPED', 'PROCESSING', 'PENDING'] as const

  /** A history of one source: jobs under one configuration or several, ended in any way or not. */
  async function liveThrough(one: LandedSource, random: () => number): Promise<void> {
    const status = STATUSES[Math.floor(random() * STATUSES.length)] ?? 'COMPLETED'
    if (random() < 0.15) return
    const job = await register(inputOf(one))
    if (job.decision !== 'run') return
    if (status === 'PROCESSING' || status === 'PENDING') {
      if (random() < 0.5)
        await opened().admin.query(
          `UPDATE sluice.ingestion_jobs SET lease_expires_at = '2026-01-01' WHERE job_id = '${job.job.jobId}'`,
        )
      return
    }
    await close(job, status)
  }

  const PLANNED = [
    'decision',
    'code',
    'why',
    'jobId',
    'attempt',
    'publication',
    'configurationHash',
    'executionName',
  ] as const
  const planned = (line: ReportLine) => PLANNED.map((name) => [name, line[name]])

  test(
    `REP-13: over ${HISTORIES} generated histories, each line of a dry run is that of the run, or its source changed in between`,
    async () => {
      const random = seeded(20_261_121)
      let differences = 0
      for (let history = 0; history < HISTORIES; history += 1) {
        await opened().reset()
        await seedDatabase(opened().database, SEED, AT)
        const sources = Array.from({ length: 8 }, (_, index) => source(`h${index}`))
        for (let round = 0; round < 2; round += 1) {
          for (const one of sources) await liveThrough(one, random)
          if (random() < 0.5) await editMapping(`history ${history}, round ${round}`)
        }
        const replayId = `history-${history}`
        const manifest = {
          replayId,
          configuration: random() < 0.5 ? 'original' : 'current',
          sources: sources.map(({ bucket, key, versionId }) => ({ bucket, key, versionId })),
          options: random() < 0.4 ? { force: true } : { skipIfPublished: random() < 0.5 },
        }
        const happenTo = async (share: number): Promise<ReadonlySet<string>> => {
          const changed = new Set<string>()
          for (const one of sources)
            if (random() < share) {
              changed.add(one.key)
              await liveThrough(one, random)
            }
          return changed
        }
        const dry = await preview(manifest)
        const early = await happenTo(0.1)
        const dropped = await drop(manifest, `h${history}`)
        const late = await happenTo(0.2)
        if (random() < 0.3) await editMapping(`history ${history}, too late`)
        const suspended = random() < 0.1
        if (suspended) await setTenantStatus(opened().database, 'acme', 'suspended', AT)
        const run = dropped.answer.decision === 'run' ? await carryOut(dropped, replayId) : resultOf(dropped)
        for (const [index, line] of run.lines.entries()) {
          const tried = dry.lines[index]
          const key = line.source?.key ?? ''
          if (tried !== undefined && !early.has(key)) expect(planned(line)).toEqual(planned(tried))
          const asPlanned = line.outcome === (line.decision === 'RUN' ? 'COMPLETED' : line.decision)
          if (asPlanned && line.changed === null) continue
          differences += 1
          expect({ line, explained: line.changed !== null && (suspended || late.has(key)) }).toMatchObject({
            explained: true,
          })
        }
      }
      // Few histories may hold none.
      expect(differences).toBeGreaterThan(HISTORIES < 10 ? -1 : 0)
    },
    60_000 + HISTORIES * 2000,
  )

  test(`REP-07: each of ${2 * HISTORIES} fuzzed manifests is answered whole: refused by its field, which leaves no record and no job, or planned source by source`, async () => {
    const { job } = await ended(source('a'), 'FAILED')
    for (const [index, { text, field }] of [...fuzzedManifests(2 * HISTORIES, 11)].entries()) {
      const dropped = await drop(text, `fuzzed-${index}`, `arn:replay:fuzzed-${index}`)
      const { status, problems, lines, replayId } = resultOf(dropped)
      if (field !== null)
        expect({ text, told: problems.map((one) => one.field) }).toEqual({
          text,
          told: expect.arrayContaining([field]),
        })
      const { rows } = await opened().admin.query('SELECT status FROM sluice.replays WHERE replay_id = $1', [replayId])
      const kept = status === 'COMPLETED' ? [{ status: 'COMPLETED' }] : []
      expect({ text, decision: dropped.answer.decision, rows, lines: lines.length > 0 }).toEqual({
        text,
        decision: { REFUSED: 'refused', DRY_RUN: 'dry_run', COMPLETED: 'reported' }[status],
        rows: kept,
        lines: status !== 'REFUSED',
      })
    }
    const { rows } = await opened().admin.query('SELECT job_id FROM sluice.ingestion_jobs')
    expect(rows).toEqual([{ job_id: job.jobId }])
  })
}
