import { afterAll, beforeAll, beforeEach } from '@jest/globals'
import { digestOf } from '../../../core/digest.ts'
import type { LandedSource } from '../../../core/source.ts'
import { Fields } from '../../../lambdas/input.ts'
import type { CloseJobRequest, IngestInput, PlanReplayResult, RegisterJobResult } from '../../../lambdas/messages.ts'
import { closeJob } from '../../../lambdas/metadata/close-job.ts'
import { registerJob } from '../../../lambdas/metadata/register-job.ts'
import { closeReplay } from '../../../lambdas/metadata/replays/close-replay.ts'
import { planReplay } from '../../../lambdas/metadata/replays/plan-replay.ts'
import { previewReplay } from '../../../lambdas/metadata/replays/preview-replay.ts'
import type { ReplayDeps } from '../../../lambdas/metadata/replays/replay-reports.ts'
import { seedDatabase } from '../../../lambdas/metadata/seed.ts'
import { resultKeyOf } from '../../../replay/manifest.ts'
import type { ReplayReport } from '../../../replay/report.ts'
import type { Engine, TestDatabase } from './databases.ts'
import { AT, closing, inputOf, MemoryInspector, MemoryObjects, SEED, sourceOf } from './fixtures.ts'

export const REPLAY_BUCKET = 'sluice-replay'
const INGEST = 'arn:aws:states:us-east-2:000000000000:stateMachine:ingest'
export type Manifest = Readonly<Record<string, unknown>> & { readonly replayId: string }
export const manifestText = (manifest: Manifest): string =>
  JSON.stringify({ reason: 'a test', requestedBy: 'ops', configuration: 'original', ...manifest })

/** A dropped manifest, and what planning answered. */
export interface Dropped {
  readonly answer: PlanReplayResult
  readonly place: { readonly bucket: string; readonly key: string; readonly versionId: string }
}

/** Replays on a database that is empty before each test. Called within `describe`. */
export function replayHarness({ open }: Engine) {
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
    const place = { bucket: REPLAY_BUCKET, key: `manifests/${name}.json`, versionId: `v${digestOf(text).slice(0, 8)}` }
    inspector.versions.set(`${REPLAY_BUCKET}/${place.key}?${place.versionId}`, Buffer.from(text))
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
  const reportAt = (key: string): ReplayReport => JSON.parse(String(objects.stored.get(`${REPLAY_BUCKET}/${key}`)))
  const resultOf = ({ place }: Dropped): ReplayReport => reportAt(resultKeyOf(place.key))
  const preview = async (manifest: Manifest) =>
    (await previewReplay(new Fields({ manifest: manifestText(manifest) }), deps)).report
  const runsOf = (replayId: string): { executionArn: string; input: IngestInput }[] =>
    String(objects.stored.get(`${REPLAY_BUCKET}/audit/${replayId}/runs.jsonl`))
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

  return {
    register,
    close,
    ended,
    source,
    editMapping,
    put,
    plan,
    drop,
    reportAt,
    resultOf,
    preview,
    runsOf,
    finish,
    carryOut,
    opened: () => opened,
    objects: () => objects,
    inspector: () => inspector,
    deps: () => deps,
    /** Lets it be another time. */
    setTime: (time: string) => {
      deps = { ...deps, now: () => new Date(time) }
    },
  }
}

export type ReplayHarness = ReturnType<typeof replayHarness>
