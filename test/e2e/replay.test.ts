import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { DeleteObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { bucketOf, invokeMetadata } from '../../cli/deployment.ts'
import { executionArnOf } from '../../cli/follow.ts'
import type { JobDocument } from '../../cli/job-document.ts'
import { getJob } from '../../cli/jobs-client.ts'
import { awaitResult, describeReplay, dropManifest } from '../../cli/replay-client.ts'
import type { SourceVersion } from '../../core/source.ts'
import { openCredentialStore } from '../../local/iam/credentials.ts'
import { manifestKeyOf } from '../../replay/manifest.ts'
import type { ReplayReport } from '../../replay/report.ts'
import { addQueue, editedAssembly, fixturesAssembly, type WorkflowTemplate } from './assembly.ts'
import { backfillTests } from './backfill-cases.ts'
import { EVENTS } from './faulty-assembly.ts'
import { type Landed, land } from './faulty-runtime.ts'
import { clientsOf, deployedState, jobOf, type RunningRuntime, scratchFolder, up } from './harness.ts'
import { executionsOf } from './history.ts'
import { csv, interruptionTests, row } from './interruption-cases.ts'
import { objectOf } from './json.ts'
import { manifestTests, type ReplaysHarness } from './manifest-cases.ts'
import { allObjects, readObject } from './observed.ts'
import { administratorRows, deleteObjects, eventually, machineArn, openQueue } from './operator.ts'
import { type Manifest, machineTests, manifestText } from './replay-machine.ts'

jest.setTimeout(120_000)
const scratch = scratchFolder('replay')
let runtime: RunningRuntime
let assembly = ''
let state = ''

/** A day's files: one is a later version of another's key, one corrects a row, one is late. */
const DAY = [
  { key: 'acme/events/day-1.csv', content: csv(row('a', '1.00'), row('b', '2.00')) },
  { key: 'acme/events/day-2.csv', content: csv(row('b', '3.00', '02'), row('c', '4.00')) },
  { key: 'acme/events/day-1.csv', content: csv(row('a', '5.00', '03'), row('d', '6.00')) },
  { key: 'acme/events/day-3.csv', content: csv(row('a', '7.00', '02'), row('e', '8.00')) },
  { key: 'acme/lines/day.json', content: `${JSON.stringify({ id: 'l', reading: 1 })}\n` },
] as const
const DAY_PREFIX = 'landing/acme/'

/** Files that no event tells of: only a manifest runs them. */
const UNHEARD = 'globex/lines/unheard/'

function editTemplate(template: WorkflowTemplate): void {
  addQueue(template, EVENTS, 'events')
  const { EventPattern } = template.find('Landed', 'AWS::Events::Rule').properties
  objectOf(objectOf(objectOf(EventPattern).detail).object).key = [{ 'anything-but': { prefix: `landing/${UNHEARD}` } }]
}

const sources: Landed[] = []
const jobs: JobDocument[] = []
const runIds: string[] = []

beforeAll(async () => {
  // However long a backfill takes: the sweep must not take its sources for files whose event was lost.
  const fixtures = await fixturesAssembly({ sweepGraceSeconds: 86_400 })
  assembly = await editedAssembly(fixtures, join(scratch.path, 'assembly'), (template) => editTemplate(template))
  state = await deployedState(scratch.path, assembly)
  runtime = await up(state, { assembly })
  for (const { key, content } of DAY) {
    const source = await land(runtime, key, content, false)
    sources.push(source)
    const job = await jobOf(runtime, await executionArnOf(runtime.clients.states, source))
    jobs.push(job)
    runIds.push(`${job.jobId}-1-0`)
  }
}, 300_000)

afterAll(async () => {
  await runtime.stop()
  await scratch.remove()
})

const drop = (manifest: Manifest, key = manifestKeyOf(manifest.replayId)): Promise<SourceVersion> =>
  dropManifest(runtime.clients, key, manifestText(manifest))
const resultOf = (dropped: SourceVersion, replayId: string | null): Promise<ReplayReport> =>
  awaitResult(runtime.clients, dropped, replayId, () => undefined)
const replay = async (manifest: Manifest): Promise<ReplayReport> => resultOf(await drop(manifest), manifest.replayId)

const executions = async (machine: string): Promise<readonly string[]> =>
  executionsOf(runtime.clients.states, await machineArn(runtime.clients.states, machine))
const tableRows = () => administratorRows(runtime.clients, 'select * from mart.events order by id')
const ledgerRows = () =>
  administratorRows(runtime.clients, 'select job_id, publication from ops.ledger_events order by 1, 2')
const rawVersions = async (): Promise<readonly string[]> => {
  const Bucket = await bucketOf(runtime.clients.lambda, 'RAW')
  const { Versions = [] } = await runtime.clients.s3.send(new ListObjectVersionsCommand({ Bucket }))
  return Versions.map(({ Key, VersionId, ETag, Size }) => [Key, VersionId, ETag, Size].join(' ')).sort()
}

/** Of a run's curated rows, as its manifest states it. */
async function contentHash(runId: string | null): Promise<unknown> {
  const work = (await bucketOf(runtime.clients.lambda, 'RAW')).replace('raw', 'work')
  const manifest = await readObject(runtime.clients.s3, `s3://${work}/runs/acme/${runId}/manifest.json`)
  return objectOf(objectOf(JSON.parse(manifest)).author).contentHash
}

/** Of all jobs, since they were last asked for. */
async function successEvents(): Promise<readonly unknown[]> {
  const queue = await openQueue(runtime.connection, EVENTS)
  const received: Record<string, unknown>[] = []
  for (let found = await queue.receive(); found.length > 0; found = await queue.receive()) received.push(...found)
  queue.close()
  return received.filter((event) => event['detail-type'] === 'IngestionJobCompleted')
}

describe('a published day', () => {
  test('REP-18 TEST-39 IDEM-11 REP-14 replayed without force changes no row, publishes nothing and tells of no success', async () => {
    await eventually('the events of the day', async () => ((await successEvents()).length > 0 ? true : null))
    const before = { rows: await tableRows(), ledger: await ledgerRows(), started: await executions('ingest') }
    const report = await replay({ replayId: 'day-again', select: { keyPrefix: DAY_PREFIX } })
    expect(report).toMatchObject({ status: 'COMPLETED', totals: { SKIPPED_PUBLISHED: DAY.length } })
    expect({ rows: await tableRows(), ledger: await ledgerRows(), started: await executions('ingest') }).toEqual(before)
    expect(await successEvents()).toEqual([])
  })

  test('TEST-37 REP-01 REP-02 REP-08 REP-12 REP-16 IDEM-11 forced, runs through the ingest machine with equal content, brings no old value back and leaves raw alone', async () => {
    const before = { rows: await tableRows(), raw: await rawVersions() }
    const hashes = await Promise.all(runIds.map(contentHash))
    // As when everything that expires has expired: only raw and the pinned configuration are left.
    const { s3, lambda } = runtime.clients
    const raw = await bucketOf(lambda, 'RAW')
    for (const prefix of ['plans/', 'runs/']) await deleteObjects(s3, raw.replace('raw', 'work'), prefix)
    await deleteObjects(s3, raw.replace('raw', 'validated'), '')
    const select = { keyPrefix: DAY_PREFIX }
    const report = await replay({ replayId: 'day-forced', select, options: { force: true, maxConcurrency: 3 } })
    expect(report).toMatchObject({ status: 'COMPLETED', totals: { COMPLETED: DAY.length } })
    expect({ rows: await tableRows(), raw: await rawVersions() }).toEqual(before)
    // Files that landed in the same second stand in no order.
    expect(report.lines.map(({ jobId }) => jobId).sort()).toEqual(jobs.map(({ jobId }) => jobId).sort())
    for (const line of report.lines) {
      expect(line.executionArn).toMatch(/:execution:ingest:acme-(events|lines)-r[0-9a-f]{16}$/)
      expect(line).toMatchObject({ attempt: 2, publication: 2, changed: null })
      const hash = hashes[jobs.findIndex(({ jobId }) => jobId === line.jobId)]
      expect([await contentHash(line.runId), typeof hash]).toEqual([hash, 'string'])
    }
    const { attemptKind } = (await getJob(runtime.clients.lambda, { jobId: jobs[0]?.jobId ?? '' })) as JobDocument & {
      attemptKind?: string
    }
    expect(attemptKind).toBe('replay:day-forced')
    const ledger = await ledgerRows()
    expect(ledger).toHaveLength(2 * DAY.filter(({ key }) => key.startsWith('acme/events/')).length)
  })

  test('TEST-36 REP-06 one of its files, replayed by nothing but a manifest in the bucket, ends with the status, the counts and the rows of its first run', async () => {
    const { jobId, status } = jobs[1] as JobDocument
    const read = async () => {
      const { counts, quality } = await getJob(runtime.clients.lambda, { jobId })
      const { input, curated, rejected, duplicates } = counts ?? {}
      return { input, curated, rejected, duplicates, quality }
    }
    const before = { job: await read(), rows: await tableRows() }
    const report = await replay({ replayId: 'one-file', jobs: [jobId], options: { force: true } })
    expect(report).toMatchObject({ totals: { COMPLETED: 1 }, lines: [{ jobId, outcome: status }] })
    expect({ job: await read(), rows: await tableRows() }).toEqual(before)
  })

  test('IN-16 is replayed by who may drop manifests, in runs that are flagged manual under that name, and by nobody else', async () => {
    const jobId = jobs[2]?.jobId ?? ''
    const who = { requestedBy: 'olga@example.com', reason: 'the day of the outage' }
    const manifest = { replayId: 'by-olga', jobs: [jobId], options: { force: true }, ...who }
    // A role of the deployment that reads sources and writes plans.
    const { Role = '' } = await runtime.clients.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'validate' }),
    )
    const credentials = openCredentialStore(state, Role.split(':')[4] ?? '').credentialsFor(Role, 'validate')
    const other = clientsOf({ ...runtime.connection, credentials })
    const refused = other.s3.send(
      new PutObjectCommand({
        Bucket: await bucketOf(runtime.clients.lambda, 'REPLAY'),
        Key: manifestKeyOf(manifest.replayId),
        Body: manifestText(manifest),
      }),
    )
    await expect(refused).rejects.toMatchObject({ name: 'AccessDenied' })
    for (const client of Object.values(other)) client.destroy()
    expect(await describeReplay(runtime.clients.lambda, manifest.replayId)).toBeNull()
    expect((await replay(manifest)).totals).toEqual({ COMPLETED: 1 })
    expect(await getJob(runtime.clients.lambda, { jobId })).toMatchObject({
      attempts: expect.arrayContaining([
        expect.objectContaining({ trigger: 'event', requestedBy: null }),
        expect.objectContaining({
          trigger: 'manual',
          replayId: 'by-olga',
          requestedBy: who.requestedBy,
          why: who.reason,
        }),
      ]),
    })
    expect(await describeReplay(runtime.clients.lambda, manifest.replayId)).toMatchObject(who)
  })

  test('is judged by what was known of earlier runs when it first came: a replay neither sees nor adds any', async () => {
    const first = sources.findIndex(({ key }) => key.startsWith('landing/acme/lines/'))
    const larger = await land(
      runtime,
      'acme/lines/larger.json',
      `{"id":"m","reading":1}\n{"id":"n","reading":2}\n`,
      false,
    )
    await jobOf(runtime, await executionArnOf(runtime.clients.states, larger))
    const verdicts = async () => {
      const { objects } = await getJob(runtime.clients.lambda, { jobId: jobs[first]?.jobId ?? '' })
      const result = objectOf(JSON.parse(await readObject(runtime.clients.s3, objects.quality)))
      return (result.RuleResults as Record<string, unknown>[]).map(({ Description, Result }) => [Description, Result])
    }
    const history = async () =>
      (await allObjects(runtime.clients.s3)).filter(({ key }) => key.startsWith('lines/tenant=acme/history/'))
    const before = { verdicts: await verdicts(), history: await history() }
    expect(before.history).toHaveLength(2)
    expect(before.verdicts).toContainEqual(['RowCount >= last()', 'PASS'])
    const select = { keyPrefix: sources[first]?.key }
    const report = await replay({ replayId: 'as-of-then', select, options: { force: true } })
    expect(report.totals).toEqual({ COMPLETED: 1 })
    expect({ verdicts: await verdicts(), history: await history() }).toEqual(before)
  })

  test('REP-05 REP-11 REP-15 under a mended mapping, changes the rows that it changes, from the versions as they were, and marks them', async () => {
    const mapping = readFileSync('test/e2e/fixtures/contracts/mappings/acme.events.yaml', 'utf8')
      .replace('version: 1\ncontract', 'version: 2\ncontract')
      .replace('target: note }', 'target: note, transform: [default: mended] }')
    await invokeMetadata(runtime.clients.lambda, { operation: 'putMapping', mapping })
    const named = sources.filter(({ key }) => key.startsWith('landing/acme/events/'))
    // One key is overwritten, one has a delete marker now.
    const { bucket: Bucket, key: Key } = sourceOf(1)
    await runtime.clients.s3.send(new DeleteObjectCommand({ Bucket, Key }))
    const report = await replay({
      replayId: 'mended',
      sources: named.map(({ bucket, key, versionId }) => ({ bucket, key, versionId })),
      configuration: 'current',
      options: { skipIfPublished: false },
    })
    expect(report).toMatchObject({ totals: { COMPLETED: named.length } })
    expect(report.lines.every(({ attempt, publication }) => attempt === 1 && publication === 1)).toBe(true)
    expect(report.lines.reduce((sum, { counts }) => sum + (counts?.input ?? 0), 0)).toBe(8)
    const rows = await administratorRows(
      runtime.clients,
      'select id, amount, note, replay_id from mart.events order by id',
    )
    expect(rows).toEqual(
      [
        ['a', '5.00'],
        ['b', '3.00'],
        ['c', '4.00'],
        ['d', '6.00'],
        ['e', '8.00'],
      ].map(([id, amount]) => [id, amount, 'mended', 'mended']),
    )
  })

  test('REP-09 REP-11 a source that is still bad is quarantined again, and one in an archive is refused with what must be done first', async () => {
    const bad = await land(runtime, 'acme/events/bad.csv', 'id,at\nx,2026-01-01T00:00:00Z\n', false)
    const once = await jobOf(runtime, await executionArnOf(runtime.clients.states, bad))
    expect(once).toMatchObject({ status: 'QUARANTINED', reasonCode: 'missing_required_column' })
    const Bucket = await bucketOf(runtime.clients.lambda, 'RAW')
    const Key = 'landing/acme/events/archived.csv'
    const { VersionId = '' } = await runtime.clients.s3.send(
      new PutObjectCommand({ Bucket, Key, Body: csv(row('z', '9.00')), StorageClass: 'DEEP_ARCHIVE' }),
    )
    const archived = [{ bucket: Bucket, key: Key, versionId: VersionId }]
    await jobOf(runtime, await executionArnOf(runtime.clients.states, archived[0] as SourceVersion))
    const { bucket, key, versionId } = bad
    const both = [...archived, { bucket, key, versionId }]
    const report = await replay({ replayId: 'archived', sources: both, options: { force: true } })
    expect(report).toMatchObject({
      totals: { REFUSED: 1, QUARANTINED: 1 },
      lines: [
        { code: 'needs_restore', outcome: 'REFUSED' },
        { outcome: 'QUARANTINED', reasonCode: 'missing_required_column', attempt: 2, jobId: once.jobId },
      ],
    })
  })
})

/** Attempts of a replay, whatever became of them. */
async function started(replayId: string): Promise<number> {
  const progress = (await describeReplay(runtime.clients.lambda, replayId))?.progress ?? {}
  return Object.values(progress).reduce((sum, count) => sum + count, 0)
}

/** Kills the runtime and starts another one on its state. */
async function restart(environment: NodeJS.ProcessEnv = {}): Promise<void> {
  await runtime.kill()
  runtime = await up(state, { assembly, environment })
}

function sourceOf(index: number): Landed {
  const source = sources[index]
  if (source === undefined) throw new RangeError(`there is no file ${index}`)
  return source
}

const harness: ReplaysHarness = {
  runtime: () => runtime,
  restart,
  folder: scratch.path,
  unheard: UNHEARD,
  sources: sourceOf,
  jobId: (index) => jobs[index]?.jobId ?? '',
  executions,
  started,
  drop,
  resultOf,
}

manifestTests(harness)
describe('a backfill', () => backfillTests(harness))
describe('a replay that is interrupted', () => interruptionTests(harness))
describe('asl/replay/v1', () => machineTests(harness))
