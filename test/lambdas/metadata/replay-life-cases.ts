import { expect, test } from '@jest/globals'
import { digestOf } from '../../../core/digest.ts'
import { Fields } from '../../../lambdas/input.ts'
import { parseIngestInput } from '../../../lambdas/metadata/ingest-input.ts'
import { getJobOfExecution } from '../../../lambdas/metadata/jobs.ts'
import { registerJob } from '../../../lambdas/metadata/register-job.ts'
import { backtestSources } from '../../../lambdas/metadata/replays/backtest-sources.ts'
import { describe as describeReplay } from '../../../lambdas/metadata/replays/operations.ts'
import { replayLines } from '../../../lambdas/metadata/replays/replay-lines.ts'
import { AT, inputOf } from './fixtures.ts'

import { manifestText, REPLAY_BUCKET, type ReplayHarness } from './replay-harness.ts'

/** A replay from its manifest to its result, and what the jobs that it makes go by. */
export function lifeTests({
  register,
  close,
  ended,
  source,
  editMapping,
  plan,
  drop,
  reportAt,
  resultOf,
  preview,
  runsOf,
  finish,
  carryOut,
  opened,
  objects,
  deps,
  setTime,
}: ReplayHarness): void {
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
    const { status, progress } = await describeReplay(new Fields({ replayId: 'twice' }), deps())
    expect({ status, progress }).toEqual({ status: 'COMPLETED', progress: { COMPLETED: 1 } })
  })

  test('REP-10: while a replay runs, each source says how far it is', async () => {
    for (const name of ['a', 'b', 'c']) await ended(source(name), 'FAILED')
    await drop({ replayId: 'so-far', select: { tenant: 'acme' } })
    const [one, two] = runsOf('so-far')
    if (one === undefined || two === undefined) throw new Error('three sources were to run')
    await close(await register(one.input, one.executionArn), 'COMPLETED')
    await register(two.input, two.executionArn)
    const { lines, nextLine } = await replayLines(new Fields({ replayId: 'so-far', bucket: REPLAY_BUCKET }), deps())
    expect([lines.map(({ outcome }) => outcome), nextLine]).toEqual([['COMPLETED', 'RUNNING', null], null])
    const rest = await replayLines(new Fields({ replayId: 'so-far', bucket: REPLAY_BUCKET, fromLine: 2 }), deps())
    expect(rest.lines).toEqual(lines.slice(2))
  })

  test('REP-19 JOB-17: the same id with other bytes is refused, and the exact bytes are kept with the outcome', async () => {
    await ended(source('a'), 'FAILED')
    const text = `\n${manifestText({ replayId: 'exact', select: { tenant: 'acme' } })}  `
    await carryOut(await drop(text), 'exact')
    const kept = objects().stored.get(`${REPLAY_BUCKET}/audit/exact/manifest.json`)
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
    expect(objects().stored.has(`${REPLAY_BUCKET}/audit/refused/${digestOf(`${text} `)}/manifest.json`)).toBe(true)
    const another = { replayId: 'exact', select: { tenant: 'acme' }, reason: 'another' }
    expect((await preview(another)).problems).toMatchObject([{ field: '$.replayId' }])
    expect((await preview({ ...another, options: { dryRun: true } })).problems).toEqual([])
    await expect(
      opened().admin.query(`UPDATE sluice.replays SET manifest_sha256 = repeat('0', 64) WHERE replay_id = 'exact'`),
    ).rejects.toMatchObject({ code: '23514' })
  })

  test('REP-03: a large replay runs only when the manifest says how many sources it means; refused, it leaves its id free', async () => {
    for (let index = 0; index < 101; index += 1) await register(inputOf(source(`s${index}`)))
    await opened().admin.query(`UPDATE sluice.ingestion_jobs SET lease_expires_at = '2026-01-01'`)
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
    const before = new Set(objects().stored.keys())
    const manifest = { replayId: 'dry', select: { tenant: 'acme' }, options: { dryRun: true } }
    const { answer } = await drop(manifest)
    expect(answer.decision).toBe('dry_run')
    await preview(manifest)
    expect([...objects().stored.keys()].filter((key) => !before.has(key))).toEqual([
      `${REPLAY_BUCKET}/manifests/m.result`,
    ])
    const { rows } = await opened().admin.query('SELECT * FROM sluice.replays')
    expect(rows).toEqual([])
  })

  test('REP-04: replays have slots of their own, and live work takes none of them', async () => {
    await opened().admin.query(`UPDATE sluice.tenants SET max_active_jobs = 4 WHERE tenant_id = 'acme'`)
    for (const name of ['a', 'b']) await ended(source(name), 'FAILED')
    await drop({ replayId: 'share', select: { tenant: 'acme' } })
    const decisions: string[] = []
    for (const { input, executionArn } of runsOf('share'))
      decisions.push((await register(input, executionArn)).decision)
    for (const name of ['c', 'd', 'e', 'f', 'g']) decisions.push((await register(inputOf(source(name)))).decision)
    expect(decisions).toEqual(['run', 'wait', 'run', 'run', 'run', 'run', 'wait'])
  })

  test('a forced replay that waits for a slot leaves its job as it was, and publishes once when it gets one', async () => {
    await opened().admin.query(`UPDATE sluice.tenants SET max_active_jobs = 1 WHERE tenant_id = 'acme'`)
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

  test('IN-16: a replay starts runs whose trigger is manual, under the name of who asked for it', async () => {
    const { job } = await ended(source('a'), 'FAILED')
    const sources = [source('a'), source('new')].map(({ bucket, key, versionId }) => ({ bucket, key, versionId }))
    const asked = { requestedBy: 'olga@example.com', reason: 'the day of the outage' }
    await carryOut(await drop({ replayId: 'manual', sources, configuration: 'current', ...asked }), 'manual')
    const attempt = { trigger: 'manual', replayId: 'manual', requestedBy: asked.requestedBy, why: asked.reason }
    const [again, made] = runsOf('manual')
    expect(await getJobOfExecution(opened().database, again?.executionArn ?? '')).toMatchObject({
      jobId: job.jobId,
      trigger: 'event',
      attempts: [{ trigger: 'event', requestedBy: null }, attempt],
    })
    const first = await getJobOfExecution(opened().database, made?.executionArn ?? '')
    expect(first).toMatchObject({ trigger: 'manual', attempts: [attempt] })
    expect(await describeReplay(new Fields({ replayId: 'manual' }), deps())).toMatchObject(asked)
  })

  test('rules of a job that a replay makes go by the time of the plan, also where it runs later, and by earlier runs as of when the source first came; dry run, backtest and result say so', async () => {
    const { job } = await ended(source('a'), 'QUARANTINED')
    await editMapping('a later mapping')
    const manifest = { replayId: 'clock', configuration: 'current', jobs: [job.jobId] }
    const plannedAt = '2026-03-02T00:00:00.000Z'
    setTime(plannedAt)
    const dropped = await drop(manifest)
    expect((await preview(manifest)).plannedAt).toBe(plannedAt)
    const tried = await backtestSources(new Fields({ manifest: manifestText(manifest) }), deps())
    const clock = { registeredAt: plannedAt, firstRegisteredAt: AT }
    expect(tried.sources).toMatchObject([{ clock }])
    const [run] = runsOf('clock')
    const at = '2026-03-09T00:00:00.000Z'
    const input = parseIngestInput(JSON.parse(JSON.stringify(run?.input)))
    const { result } = await registerJob(opened().database, {
      input,
      executionArn: run?.executionArn ?? '',
      at,
      now: at,
    })
    expect(result.job).toMatchObject(clock)
    setTime(at)
    expect(await finish(dropped, 'clock')).toMatchObject({ plannedAt })
  })

  test('a backtest under the original configuration goes by the times of the job that it stands for', async () => {
    const { job } = await ended(source('a'), 'QUARANTINED')
    setTime('2026-03-02T00:00:00.000Z')
    const manifest = manifestText({ replayId: 'then', jobs: [job.jobId] })
    const { sources } = await backtestSources(new Fields({ manifest }), deps())
    expect(sources).toMatchObject([{ clock: { registeredAt: AT, firstRegisteredAt: AT } }])
  })
}
