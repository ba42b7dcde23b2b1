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

function manifestOf({ plan, runId }: Run, url: string, bytes: number, rows: number, contentHash: string): RunManifest {
  const meta = { content_length: bytes, record_count: rows }
  return {
    entries: [{ url, mandatory: true, meta }],
    schema: { elements: plan.schema },
    meta,
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

/** Stores the curated file, the verdict where the plan asks for it here, the summary, and last the manifest. */
export async function publishCurated(run: Run, summary: RunSummary, curated: LocalFile): Promise<RunSummary> {
  const { plan, runId, engine, deps } = run
  const contentHash = await staged(run, 'hash', async () => String(await oneValue(run, plan.program.contentHash)))
  let quality: RunSummary['quality'] = null
  if (plan.engine === 'small') {
    await engine.run('CREATE OR REPLACE TEMP VIEW sluice_data AS SELECT * FROM sluice_written')
    quality = { verdict: await staged(run, 'quality', () => evaluateQuality(plan, runId, engine, deps.objects)) }
  }
  const url = `${destination(run, 'curated')}part-00000.parquet`
  const bytes = await deps.objects.putFile(url, curated.path)
  const done: RunSummary = {
    ...summary,
    outcome: 'ok',
    files: 1,
    bytes,
    contentHash,
    manifest: parseUri(destination(run, 'manifest')),
    curatedUri: destination(run, 'curated'),
    quality,
    stages: run.stages,
  }
  await deps.objects.putText(destination(run, 'summary'), JSON.stringify(done))
  await deps.objects.putText(
    destination(run, 'manifest'),
    JSON.stringify(manifestOf(run, url, bytes, summary.counts.curated, contentHash)),
  )
  return done
}
