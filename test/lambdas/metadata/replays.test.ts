import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../core/digest.ts'
import type { LandedSource } from '../../../core/source.ts'
import { Fields } from '../../../lambdas/input.ts'
import type { CloseJobRequest, IngestInput, PlanReplayResult, RegisterJobResult } from '../../../lambdas/messages.ts'
import { closeJob } from '../../../lambdas/metadata/close-job.ts'
import { parseIngestInput } from '../../../lambdas/metadata/ingest-input.ts'
import { getJobOfExecution } from '../../../lambdas/metadata/jobs.ts'
import { registerJob } from '../../../lambdas/metadata/register-job.ts'
import { backtestSources } from '../../../lambdas/metadata/replays/backtest-sources.ts'
import { closeReplay } from '../../../lambdas/metadata/replays/close-replay.ts'
import { describe as describeReplay } from '../../../lambdas/metadata/replays/operations.ts'
import { planReplay } from '../../../lambdas/metadata/replays/plan-replay.ts'
import { previewReplay } from '../../../lambdas/metadata/replays/preview-replay.ts'
import { replayLines } from '../../../lambdas/metadata/replays/replay-lines.ts'
import type { ReplayDeps } from '../../../lambdas/metadata/replays/replay-reports.ts'
import { seedDatabase } from '../../../lambdas/metadata/seed.ts'
import { setTenantStatus } from '../../../lambdas/metadata/tenants.ts'
import { resultKeyOf } from '../../../replay/manifest.ts'
import type { ReplayReport, ReportLine } from '../../../replay/report.ts'
import { seeded } from '../../e2e/seeded.ts'
import { ENGINES, type TestDatabase } from './databases.ts'
import { AT, closing, inputOf, MemoryInspector, MemoryObjects, SEED, sourceOf } from './fixtures.ts'

const BUCKET = 'sluice-replay'
const INGEST = 'arn:aws:states:us-east-2:000000000000:stateMachine:ingest'
/** `SLUICE_HISTORIES` asks for more than the suite has time for. */
const HISTORIES = Number(process.env.SLUICE_HISTORIES ?? 12)

type Manifest = Readonly<Record<string, unknown>> & { readonly replayId: string }
const manifestText = (manifest: Manifest): string =>
  JSON.stringify({ reason: 'a test', requestedBy: 'ops', configuration: 'original', ...manifest })

interface Dropped {
  readonly answer: PlanReplayResult
  readonly place: { readonly bucket: string; readonly key: string; readonly versionId: string }
}

describe.each(ENGINES)('replays on $name', ({ open }) => {
  let opened: TestDatabase
  let objects: MemoryObjects
  let inspector: MemoryInspector
  let deps: ReplayDeps
  let executions = 0
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.close())
  beforeEach(async () => {
    await opened.reset()
    await seedDatabase(opened.database, SEED, AT)
    objects = new MemoryObjects()
    inspector = new MemoryInspector()
    deps = { database: opened.database, objects, inspector, rawBucket: 'sluice-raw', now: () => new Date(AT) }
  })

  const register = async (input: IngestInput, executionArn?: string): Promise<RegisterJobResult> => {
    executions += 1
    const arn = executionArn ?? `arn:test:${executions}`
    return (await registerJob(opened.database, { input, executionArn: arn, at: AT, now: AT })).result
  }
  const close = (job: RegisterJobResult, status: CloseJobRequest['status']) =>
    closeJob(closing(job, status), { database: opened.database, objects, workBucket: 'work' })
  const ended = async (source: LandedSource, status: CloseJobRequest['status']): Promise<RegisterJobResult> => {
    const job = await register(inputOf(source))
    await close(job, status)
    return job
  }
  const source = (name: string, versionId = 'v1'): LandedSource =>
    sourceOf(`landing/acme/orders/${name}.csv`, versionId)
  const editMapping = (note: string) =>
    opened.database.asTenant('acme', async (sql) => {
      await sql.query(`UPDATE sluice.ingestion_mappings SET current = false WHERE dataset = 'orders'`)
      await sql.query(
        `INSERT INTO sluice.ingestion_mappings (tenant_id, dataset, hash, version, contract_version, document, current, origin, created_at)
         SELECT tenant_id, dataset, $1, version + 1, contract_version, document, true, origin, created_at
         FROM sluice.ingestion_mappings ORDER BY version DESC LIMIT 1`,
        [digestOf(note)],
      )
    })

  const put = (manifest: Manifest | string, name = 'm'): Dropped['place'] => {
    const text = typeof manifest === 'string' ? manifest : manifestText(manifest)
    const place = { bucket: BUCKET, key: `manifests/${name}.json`, versionId: `v${digestOf(text).slice(0, 8)}` }
    inspector.versions.set(`${BUCKET}/${place.key}?${place.versionId}`, Buffer.from(text))
    return place
  }
  const plan = (place: Dropped['place'], executionArn = 'arn:replay:1', takeOver: string | null = null) =>
    planReplay(
      { operation: 'planReplay', manifest: place, executionArn, takeOver, ingestMachineArn: INGEST, at: AT },
      deps,
    )
  const drop = async (manifest: Manifest | string, name = 'm', executionArn = 'arn:replay:1'): Promise<Dropped> => {
    const place = put(manifest, name)
    return { place, answer: await plan(place, executionArn) }
  }
  const reportAt = (key: string): ReplayReport => JSON.parse(String(objects.stored.get(`${BUCKET}/${key}`)))
  const resultOf = ({ place }: Dropped): ReplayReport => reportAt(resultKeyOf(place.key))
  const preview = async (manifest: Manifest) =>
    (await previewReplay(new Fields({ manifest: manifestText(manifest) }), deps)).report
  const runsOf = (replayId: string): { executionArn: string; input: IngestInput }[] =>
    String(objects.stored.get(`${BUCKET}/audit/${replayId}/runs.jsonl`))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  const finish = async ({ place }: Dropped, replayId: string): Promise<ReplayReport> => {
    const request = {
      operation: 'closeReplay',
      replayId,
      manifest: place,
      executionArn: 'arn:replay:1',
      at: AT,
    } as const
    await closeReplay(request, deps)
    return reportAt(resultKeyOf(place.key))
  }
  /** Runs what a plan lets run; every job ends as said. */
  const carryOut = async (dropped: Dropped, replayId: string, status: CloseJobRequest['status'] = 'COMPLETED') => {
    for (const { executionArn, input } of runsOf(replayId)) {
      const job = await register(input, executionArn)
      if (job.decision === 'run') await close(job, status)
      if (job.decision === 'refuse') await close(job, 'QUARANTINED')
    }
    return finish(dropped, replayId)
  }

  test('REP-10 IDEM-04: sources that failed or were quarantined run again under what they had pinned', async () => {
    const failed = await ended(source('a'), 'FAILED')
    await ended(source('b'), 'QUARANTINED')
    const dropped = await drop({ replayId: 'again', select: { tenant: 'acme' } })
    expect(dropped.answer).toMatchObject({ decision: 'run', runs: 2, maxConcurrency: 10 })
    const { lines, totals } = await carryOut(dropped, 'again')
    expect(totals).toEqual({ COMPLETED: 2 })
    expect(lines[0]).toMatchObject({
      code: 'again',
      jobId: failed.job.jobId,
      attempt: 2,
      outcome: 'COMPLETED',
      changed: null,
    })
  })

  test('REP-12 REP-14 IDEM-10: what is published is skipped unless it is forced, also under another configuration', async () => {
    const { job } = await ended(source('a'), 'COMPLETED')
    const skipped = await drop({ replayId: 'plain', jobs: [job.jobId] })
    expect(skipped.answer.decision).toBe('reported')
    expect(resultOf(skipped).lines).toMatchObject([{ outcome: 'SKIPPED_PUBLISHED', jobId: job.jobId }])
    await editMapping('a newer mapping')
    const current = { jobs: [job.jobId], configuration: 'current' }
    const newer = await preview({ replayId: 'newer', ...current })
    expect(newer.totals).toEqual({ SKIPPED_PUBLISHED: 1 })
    const again = await preview({ replayId: 'newer', ...current, options: { skipIfPublished: false } })
    expect(again.lines).toMatchObject([{ decision: 'RUN', code: null, attempt: 1, publication: 1 }])
    expect(again.lines[0]?.jobId).not.toBe(job.jobId)
    const forced = await preview({ replayId: 'forced', jobs: [job.jobId], options: { force: true } })
    expect(forced.lines).toMatchObject([
      { decision: 'RUN', code: 'forced', jobId: job.jobId, attempt: 2, publication: 2 },
    ])
  })

  test('REP-05: current means what is in force when it is planned, original what the last job pinned', async () => {
    const { job } = await ended(source('a'), 'QUARANTINED')
    await editMapping('in force at planning')
    const current = await drop({ replayId: 'current', configuration: 'current', jobs: [job.jobId] })
    await editMapping('too late')
    const [line] = (await carryOut(current, 'current')).lines
    expect(line).toMatchObject({ decision: 'RUN', outcome: 'COMPLETED', changed: null })
    const original = await preview({ replayId: 'original', jobs: [job.jobId] })
    expect(original.lines).toMatchObject([{ decision: 'SKIPPED_PUBLISHED', jobId: line?.jobId }])
  })

  test('rules of a job that a replay makes go by the time of the plan, also where it runs later, and by earlier runs as of when the source first came; dry run, backtest and result say so', async () => {
    const { job } = await ended(source('a'), 'QUARANTINED')
    await editMapping('a later mapping')
    const manifest = { replayId: 'clock', configuration: 'current', jobs: [job.jobId] }
    const plannedAt = '2026-03-02T00:00:00.000Z'
    deps = { ...deps, now: () => new Date(plannedAt) }
    const dropped = await drop(manifest)
    expect((await preview(manifest)).plannedAt).toBe(plannedAt)
    const tried = await backtestSources(new Fields({ manifest: manifestText(manifest) }), deps)
    const clock = { registeredAt: plannedAt, firstRegisteredAt: AT }
    expect(tried.sources).toMatchObject([{ clock }])
    const [run] = runsOf('clock')
    const at = '2026-03-09T00:00:00.000Z'
    const input = parseIngestInput(JSON.parse(JSON.stringify(run?.input)))
    const { result } = await registerJob(opened.database, { input, executionArn: run?.executionArn ?? '', at, now: at })
    expect(result.job).toMatchObject(clock)
    deps = { ...deps, now: () => new Date(at) }
    expect(await finish(dropped, 'clock')).toMatchObject({ plannedAt })
  })

  test('a backtest under the original configuration goes by the times of the job that it stands for', async () => {
    const { job } = await ended(source('a'), 'QUARANTINED')
    deps = { ...deps, now: () => new Date('2026-03-02T00:00:00.000Z') }
    const manifest = manifestText({ replayId: 'then', jobs: [job.jobId] })
    const { sources } = await backtestSources(new Fields({ manifest }), deps)
    expect(sources).toMatchObject([{ clock: { registeredAt: AT, firstRegisteredAt: AT } }])
  })

  test('IN-16: a replay starts runs whose trigger is manual, under the name of who asked for it', async () => {
    const { job } = await ended(source('a'), 'FAILED')
    const sources = [source('a'), source('new')].map(({ bucket, key, versionId }) => ({ bucket, key, versionId }))
    const asked = { requestedBy: 'olga@example.com', reason: 'the day of the outage' }
    await carryOut(await drop({ replayId: 'manual', sources, configuration: 'current', ...asked }), 'manual')
    const attempt = { trigger: 'manual', replayId: 'manual', requestedBy: asked.requestedBy, why: asked.reason }
    const [again, made] = runsOf('manual')
    expect(await getJobOfExecution(opened.database, again?.executionArn ?? '')).toMatchObject({
      jobId: job.jobId,
      trigger: 'event',
      attempts: [{ trigger: 'event', requestedBy: null }, attempt],
    })
    const first = await getJobOfExecution(opened.database, made?.executionArn ?? '')
    expect(first).toMatchObject({ trigger: 'manual', attempts: [attempt] })
    expect(await describeReplay(new Fields({ replayId: 'manual' }), deps)).toMatchObject(asked)
  })

  test('REP-02: an original configuration of which a part is gone is refused with that part', async () => {
    const { job } = await ended(source('a'), 'QUARANTINED')
    await opened.admin.query(
      `UPDATE sluice.ingestion_jobs SET compiler_version = '0.0.1' WHERE job_id = '${job.jobId}'`,
    )
    const { lines } = await preview({ replayId: 'gone', jobs: [job.jobId] })
    expect(lines).toMatchObject([
      {
        decision: 'REFUSED',
        code: 'original_configuration_gone',
        why: expect.stringContaining('compiler version 0.0.1'),
      },
    ])
  })

  test('REP-11: a source that cannot be read is refused with the reason, and is not registered', async () => {
    for (const name of ['marker', 'archived', 'restoring', 'gone', 'denied', 'there'])
      await ended(source(name), 'FAILED')
    const kinds = {
      marker: { kind: 'delete_marker' },
      archived: { kind: 'archived', storageClass: 'DEEP_ARCHIVE', restoring: false },
      restoring: { kind: 'archived', storageClass: 'GLACIER', restoring: true },
      gone: { kind: 'missing' },
      denied: { kind: 'denied', message: 'S3 denies it (403)' },
    } as const
    for (const [name, facts] of Object.entries(kinds)) inspector.facts.set(`landing/acme/orders/${name}.csv?v1`, facts)
    const { lines } = await preview({ replayId: 'unread', select: { keyPrefix: 'landing/acme/orders/' } })
    const codes = Object.fromEntries(lines.map((line) => [line.source?.key.slice(20, -4), line.code]))
    expect(codes).toEqual({
      marker: 'delete_marker',
      archived: 'needs_restore',
      restoring: 'needs_restore',
      gone: 'source_missing',
      denied: 'source_unreadable',
      there: 'again',
    })
    expect(lines.find(({ code }) => code === 'needs_restore')?.why).toContain('must be restored first')
  })

  test('a source that nobody registered runs under the current configuration, and has no original one', async () => {
    const sources = [{ bucket: 'sluice-raw', key: 'landing/acme/orders/new.csv', versionId: 'v9' }]
    expect((await preview({ replayId: 'new', sources })).lines).toMatchObject([{ code: 'no_original_configuration' }])
    const dropped = await drop({ replayId: 'new', sources, configuration: 'current' })
    expect((await carryOut(dropped, 'new')).totals).toEqual({ COMPLETED: 1 })
  })

  test('what lies elsewhere, belongs to nobody or has no mapping is refused by its own reason', async () => {
    await setTenantStatus(opened.database, 'globex', 'suspended', AT)
    const key = (rest: string) => ({ bucket: 'sluice-raw', key: `landing/${rest}`, versionId: 'v1' })
    const sources = [
      { bucket: 'another', key: 'landing/acme/orders/a.csv', versionId: 'v1' },
      key('No Tenant/a.csv'),
      key('nobody/orders/a.csv'),
      key('globex/orders/a.csv'),
      key('acme/lines/a.csv'),
    ]
    const { lines } = await preview({ replayId: 'refused', sources, configuration: 'current' })
    expect(lines.map(({ code }) => code)).toEqual([
      'not_a_landing_source',
      'invalid_key_prefix',
      'unknown_tenant',
      'tenant_suspended',
      'unknown_dataset',
    ])
    const unknown = await preview({ replayId: 'refused', jobs: [`j${'0'.repeat(24)}`] })
    expect(unknown.lines).toMatchObject([{ decision: 'REFUSED', code: 'unknown_job' }])
  })

  test('REP-20 IDEM-12: the same manifest runs once, goes on where its execution stopped, and reports when it has ended', async () => {
    await ended(source('a'), 'FAILED')
    const manifest = { replayId: 'twice', select: { tenant: 'acme' } }
    const first = await drop(manifest)
    await ended(source('later'), 'FAILED')
    const second = await drop(manifest, 'other-name', 'arn:replay:2')
    expect(second.answer).toMatchObject({ decision: 'owned', owner: 'arn:replay:1' })
    const taken = await plan(second.place, 'arn:replay:2', 'arn:replay:1')
    expect(taken).toMatchObject({ decision: 'run', runs: 1, runsAt: first.answer.runsAt })
    expect((await carryOut(second, 'twice')).lines).toHaveLength(1)
    const third = await drop(manifest, 'third', 'arn:replay:3')
    expect(third.answer.decision).toBe('reported')
    expect(resultOf(third)).toMatchObject({ status: 'COMPLETED', totals: { COMPLETED: 1 }, manifest: third.place })
    const { status, progress } = await describeReplay(new Fields({ replayId: 'twice' }), deps)
    expect({ status, progress }).toEqual({ status: 'COMPLETED', progress: { COMPLETED: 1 } })
  })

  test('REP-10: while a replay runs, each source says how far it is', async () => {
    for (const name of ['a', 'b', 'c']) await ended(source(name), 'FAILED')
    await drop({ replayId: 'so-far', select: { tenant: 'acme' } })
    const [one, two] = runsOf('so-far')
    if (one === undefined || two === undefined) throw new Error('three sources were to run')
    await close(await register(one.input, one.executionArn), 'COMPLETED')
    await register(two.input, two.executionArn)
    const { lines, nextLine } = await replayLines(new Fields({ replayId: 'so-far', bucket: BUCKET }), deps)
    expect([lines.map(({ outcome }) => outcome), nextLine]).toEqual([['COMPLETED', 'RUNNING', null], null])
    const rest = await replayLines(new Fields({ replayId: 'so-far', bucket: BUCKET, fromLine: 2 }), deps)
    expect(rest.lines).toEqual(lines.slice(2))
  })

  test('REP-19 JOB-17: the same id with other bytes is refused, and the exact bytes are kept with the outcome', async () => {
    await ended(source('a'), 'FAILED')
    const text = `\n${manifestText({ replayId: 'exact', select: { tenant: 'acme' } })}  `
    await carryOut(await drop(text), 'exact')
    const kept = objects.stored.get(`${BUCKET}/audit/exact/manifest.json`)
    expect(Buffer.from(kept ?? '').toString()).toBe(text)
    expect(reportAt('audit/exact/result.json')).toMatchObject({
      reason: 'a test',
      requestedBy: 'ops',
      options: { force: false, dryRun: false },
      totals: { COMPLETED: 1 },
      lines: [{ outcome: 'COMPLETED' }],
    })
    const other = await drop(`${text} `, 'other', 'arn:replay:2')
    expect(resultOf(other)).toMatchObject({
      status: 'REFUSED',
      problems: [{ field: '$.replayId', found: digestOf(`${text} `) }],
    })
    expect(objects.stored.has(`${BUCKET}/audit/refused/${digestOf(`${text} `)}/manifest.json`)).toBe(true)
    await expect(
      opened.admin.query(`UPDATE sluice.replays SET manifest_sha256 = repeat('0', 64) WHERE replay_id = 'exact'`),
    ).rejects.toMatchObject({ code: '23514' })
  })

  test('REP-03: a large replay runs only when the manifest says how many sources it means; refused, it leaves its id free', async () => {
    for (let index = 0; index < 101; index += 1) await register(inputOf(source(`s${index}`)))
    await opened.admin.query(`UPDATE sluice.ingestion_jobs SET lease_expires_at = '2026-01-01'`)
    const manifest = { replayId: 'large', select: { tenant: 'acme' } }
    const refused = await drop(manifest)
    expect(resultOf(refused).problems).toMatchObject([
      { field: '$.options.confirm', expected: '101', found: 'nothing' },
    ])
    const wrong = await drop({ ...manifest, options: { confirm: 100 } })
    expect(resultOf(wrong).problems).toMatchObject([{ expected: '101', found: '100' }])
    const few = await drop({ ...manifest, options: { maxSources: 50, confirm: 101 } })
    expect(resultOf(few).problems).toMatchObject([{ field: '$.options.maxSources', found: '101 sources' }])
    expect((await drop({ ...manifest, options: { confirm: 101 } })).answer).toMatchObject({
      decision: 'run',
    })
    const none = await drop({ replayId: 'none', select: { keyPrefix: 'landing/acme/nothing' } })
    expect(resultOf(none).problems).toMatchObject([{ field: '$.select', found: '0 sources' }])
  })

  test('REP-13: a dry run and a preview write nothing but the report', async () => {
    await ended(source('a'), 'FAILED')
    const before = new Set(objects.stored.keys())
    const manifest = { replayId: 'dry', select: { tenant: 'acme' }, options: { dryRun: true } }
    const { answer } = await drop(manifest)
    expect(answer.decision).toBe('dry_run')
    await preview(manifest)
    expect([...objects.stored.keys()].filter((key) => !before.has(key))).toEqual([`${BUCKET}/manifests/m.result`])
    const { rows } = await opened.admin.query('SELECT * FROM sluice.replays')
    expect(rows).toEqual([])
  })

  test('REP-04: replays have slots of their own, and live work takes none of them', async () => {
    await opened.admin.query(`UPDATE sluice.tenants SET max_active_jobs = 4 WHERE tenant_id = 'acme'`)
    for (const name of ['a', 'b']) await ended(source(name), 'FAILED')
    await drop({ replayId: 'share', select: { tenant: 'acme' } })
    const decisions: string[] = []
    for (const { input, executionArn } of runsOf('share'))
      decisions.push((await register(input, executionArn)).decision)
    for (const name of ['c', 'd', 'e', 'f', 'g']) decisions.push((await register(inputOf(source(name)))).decision)
    expect(decisions).toEqual(['run', 'wait', 'run', 'run', 'run', 'run', 'wait'])
  })

  test('a forced replay that waits for a slot leaves its job as it was, and publishes once when it gets one', async () => {
    await opened.admin.query(`UPDATE sluice.tenants SET max_active_jobs = 1 WHERE tenant_id = 'acme'`)
    for (const name of ['a', 'b']) await ended(source(name), 'COMPLETED')
    await drop({ replayId: 'slots', select: { tenant: 'acme' }, options: { force: true } })
    const [one, two] = runsOf('slots')
    if (one === undefined || two === undefined) throw new Error('two sources were to run')
    const first = await register(one.input, one.executionArn)
    expect([first.decision, (await register(two.input, two.executionArn)).decision]).toEqual(['run', 'wait'])
    await close(first, 'COMPLETED')
    expect(await register(two.input, two.executionArn)).toMatchObject({
      decision: 'run',
      job: { attempt: 2, publication: 2 },
    })
  })

  const STATUSES = ['COMPLETED', 'QUARANTINED', 'FAILED', 'SKIPPED', 'PROCESSING', 'PENDING'] as const

  /** A history of one source: jobs under one configuration or several, ended in any way or not. */
  async function liveThrough(one: LandedSource, random: () => number): Promise<void> {
    const status = STATUSES[Math.floor(random() * STATUSES.length)] ?? 'COMPLETED'
    if (random() < 0.15) return
    const job = await register(inputOf(one))
    if (job.decision !== 'run') return
    if (status === 'PROCESSING' || status === 'PENDING') {
      if (random() < 0.5)
        await opened.admin.query(
          `UPDATE sluice.ingestion_jobs SET lease_expires_at = '2026-01-01' WHERE job_id = '${job.job.jobId}'`,
        )
      return
    }
    await close(job, status)
  }

  const planned = ({
    decision,
    code,
    why,
    jobId,
    attempt,
    publication,
    configurationHash,
    executionName,
  }: ReportLine) => ({
    decision,
    code,
    why,
    jobId,
    attempt,
    publication,
    configurationHash,
    executionName,
  })

  test(
    `REP-13: over ${HISTORIES} generated histories, each line of a dry run is that of the run, or its source changed in between`,
    async () => {
      const random = seeded(20_261_121)
      let differences = 0
      for (let history = 0; history < HISTORIES; history += 1) {
        await opened.reset()
        await seedDatabase(opened.database, SEED, AT)
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
        if (suspended) await setTenantStatus(opened.database, 'acme', 'suspended', AT)
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
})
