import { digestOf } from '../../../core/digest.ts'
import { SluiceError } from '../../../core/errors.ts'
import type { ReplayManifest } from '../../../replay/manifest.ts'
import { parseManifest } from '../../../replay/parse-manifest.ts'
import { outcomeTotals, type ReplayReport } from '../../../replay/report.ts'
import type { CloseReplayRequest, CloseReplayResult } from '../../messages.ts'
import { linesOf, ReplayDocuments } from './replay-documents.ts'
import { reportLines } from './replay-outcomes.ts'
import { endReplay, readReplay } from './replay-record.ts'
import { nowOf, type ReplayDeps, reportOf } from './replay-reports.ts'

function manifestOf(replayId: string, text: string): ReplayManifest {
  const parsed = parseManifest(Buffer.from(text))
  if (parsed.ok) return parsed.manifest
  throw new SluiceError(
    'replay_document_missing',
    `The manifest kept of replay ${replayId} is not the one that was accepted`,
  )
}

async function reportFor(
  request: CloseReplayRequest,
  documents: ReplayDocuments,
  deps: ReplayDeps,
): Promise<ReplayReport> {
  const { replayId, manifest: dropped, executionArn } = request
  const text = await documents.readText(dropped.bucket, replayId, 'manifest.json')
  const plan = linesOf(await documents.readText(dropped.bucket, replayId, 'plan.jsonl'))
  const { lines, plannedAt } = await deps.database.asOperator(async (sql) => ({
    lines: await reportLines(sql, plan, true),
    plannedAt: (await readReplay(sql, replayId))?.plannedAt ?? null,
  }))
  const report = reportOf('COMPLETED', request, digestOf(text), manifestOf(replayId, text), nowOf(deps))
  return { ...report, plannedAt, executionArn, totals: outcomeTotals(lines), lines }
}

/**
 * Writes what became of every source beside the manifest and into the audit, and ends the replay. Repeated, it writes what is known
 * then. @throws SluiceError `replay_document_missing`
 */
export async function closeReplay(request: CloseReplayRequest, deps: ReplayDeps): Promise<CloseReplayResult> {
  const documents = new ReplayDocuments(deps.objects, deps.inspector)
  const report = await reportFor(request, documents, deps)
  const { bucket } = request.manifest
  await documents.put(bucket, request.replayId, 'result.json', `${JSON.stringify(report)}\n`)
  await endReplay(deps.database, request.replayId, report.totals, nowOf(deps))
  await documents.putResult(request.manifest, report)
  return { totals: report.totals, result: documents.resultOf(request.manifest) }
}
