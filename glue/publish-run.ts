import type { RunManifest, RunSummary } from '../core/run-documents.ts'
import { evaluateQuality } from './evaluate-quality.ts'
import { parseUri } from './object-access.ts'
import { destination, integer, type LocalFile, oneValue, type Run, staged } from './run.ts'

/** Reject codes by frequency, and how many rows hold a value that does not fit its type. */
export async function rejectFacts(
  run: Run,
  rejects: LocalFile,
): Promise<{ codes: RunSummary['rejectCodes']; typeErrors: number }> {
  if (rejects.rows === 0) return { codes: [], typeErrors: 0 }
  const { program } = run.plan
  const codes = (await run.engine.rows(program.rejectCodes)).map((row) => ({
    code: String(row.code),
    column: typeof row.column === 'string' ? row.column : null,
    rows: integer(row.rows),
  }))
  return { codes, typeErrors: integer(await oneValue(run, program.typeErrors)) }
}

/** Stores the rejects and their sample. @returns where they are, `null` where there are none */
export async function publishRejects(run: Run, rejects: LocalFile): Promise<string | null> {
  if (rejects.rows === 0) return null
  await run.deps.objects.putText(
    destination(run, 'rejectSample'),
    String(await oneValue(run, run.plan.program.rejectSample)),
  )
  const uri = `${destination(run, 'rejects')}part-00000.parquet`
  await run.deps.objects.putFile(uri, rejects.path)
  return destination(run, 'rejects')
}

interface PublishedFile {
  readonly url: string
  readonly bytes: number
  readonly rows: number
}

const metaOf = (files: readonly PublishedFile[]): RunManifest['meta'] => ({
  content_length: files.reduce((sum, { bytes }) => sum + bytes, 0),
  record_count: files.reduce((sum, { rows }) => sum + rows, 0),
})

function manifestOf({ plan, runId }: Run, files: readonly PublishedFile[], contentHash: string): RunManifest {
  return {
    entries: files.map((file) => ({ url: file.url, mandatory: true, meta: metaOf([file]) })),
    schema: { elements: plan.schema },
    meta: metaOf(files),
    author: {
      name: 'sluice',
      runId,
      tenantId: plan.tenantId,
      dataset: plan.dataset,
      schemaHash: plan.schemaHash,
      contentHash,
    },
  }
}

/** A summary that says nothing yet. */
export const emptySummary = ({ plan, runId, stages }: Run): RunSummary => ({
  runId,
  tenantId: plan.tenantId,
  dataset: plan.dataset,
  outcome: 'refused',
  reasonCode: null,
  message: null,
  counts: { input: 0, curated: 0, rejected: 0, duplicates: 0 },
  jobs: [],
  rejectCodes: [],
  files: 0,
  bytes: 0,
  contentHash: null,
  manifest: null,
  curatedUri: null,
  rejectsUri: null,
  quality: null,
  stages,
})

/** Stores the summary of a refused run. */
export async function finishRefused(run: Run, summary: RunSummary): Promise<RunSummary> {
  await run.deps.objects.putText(destination(run, 'summary'), JSON.stringify(summary))
  return summary
}

/** Stores the curated files, the verdict where the plan asks for it here, the summary, and last the manifest. */
export async function publishCurated(
  run: Run,
  summary: RunSummary,
  curated: readonly LocalFile[],
): Promise<RunSummary> {
  const { plan, runId, engine, deps } = run
  const contentHash = await staged(run, 'hash', async () => String(await oneValue(run, plan.program.contentHash)))
  let quality: RunSummary['quality'] = null
  if (plan.engine === 'small') {
    await engine.run('CREATE OR REPLACE TEMP VIEW sluice_data AS SELECT * FROM sluice_written')
    quality = { verdict: await staged(run, 'quality', () => evaluateQuality(plan, runId, engine, deps.objects)) }
  }
  const files: PublishedFile[] = []
  for (const [index, { path, rows }] of curated.entries()) {
    const url = `${destination(run, 'curated')}part-${String(index).padStart(5, '0')}.parquet`
    files.push({ url, bytes: await deps.objects.putFile(url, path), rows })
  }
  const done: RunSummary = {
    ...summary,
    outcome: 'ok',
    files: files.length,
    bytes: metaOf(files).content_length,
    contentHash,
    manifest: parseUri(destination(run, 'manifest')),
    curatedUri: destination(run, 'curated'),
    quality,
    stages: run.stages,
  }
  await deps.objects.putText(destination(run, 'summary'), JSON.stringify(done))
  await deps.objects.putText(destination(run, 'manifest'), JSON.stringify(manifestOf(run, files, contentHash)))
  return done
}
