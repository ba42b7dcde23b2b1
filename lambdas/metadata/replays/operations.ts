import { SluiceError } from '../../../core/errors.ts'
import type { Fields } from '../../input.ts'
import type { Log } from '../../log.ts'
import type { CloseReplayResult, PlanReplayResult } from '../../messages.ts'
import { closeReplay } from './close-replay.ts'
import { planReplay } from './plan-replay.ts'
import type { DroppedManifest } from './replay-documents.ts'
import { progressOf, type ReplayRecord, readReplay } from './replay-record.ts'
import type { ReplayDeps } from './replay-reports.ts'

export { backtestSources, readConfiguration } from './backtest-sources.ts'
export { previewReplay } from './preview-replay.ts'
export { replayLines } from './replay-lines.ts'

interface LoggedDeps extends ReplayDeps {
  readonly log: Log
}

const manifestOf = (request: Fields): DroppedManifest => {
  const manifest = request.object('manifest')
  return { bucket: manifest.text('bucket'), key: manifest.text('key'), versionId: manifest.text('versionId') }
}

/** @throws SluiceError `invalid_input` */
export async function plan(request: Fields, deps: LoggedDeps): Promise<PlanReplayResult> {
  const executionArn = request.text('executionArn')
  const result = await planReplay(
    {
      operation: 'planReplay',
      manifest: manifestOf(request),
      executionArn,
      takeOver: request.textOrNull('takeOver'),
      ingestMachineArn: request.text('ingestMachineArn'),
      at: request.time('at'),
    },
    deps,
  )
  const { decision, replayId, runs } = result
  deps.log('INFO', `Replay planned: ${decision}`, { tenantId: null, jobId: null, executionArn }, { replayId, runs })
  return result
}

/** @throws SluiceError `invalid_input`, `replay_document_missing` */
export async function close(request: Fields, deps: LoggedDeps): Promise<CloseReplayResult> {
  const executionArn = request.text('executionArn')
  const replayId = request.text('replayId')
  const at = request.time('at')
  const result = await closeReplay(
    { operation: 'closeReplay', replayId, manifest: manifestOf(request), executionArn, at },
    deps,
  )
  deps.log('INFO', 'Replay closed', { tenantId: null, jobId: null, executionArn }, { replayId, ...result.totals })
  return result
}

/** A replay and how far it is. */
export interface ReplayProgress extends ReplayRecord {
  /** Attempts by status. */
  readonly progress: Readonly<Record<string, number>>
}

/** @throws SluiceError `unknown_replay` */
export async function describe(request: Fields, deps: ReplayDeps): Promise<ReplayProgress> {
  const replayId = request.text('replayId')
  return deps.database.asOperator(async (sql) => {
    const record = await readReplay(sql, replayId)
    if (record === null)
      throw new SluiceError('unknown_replay', `No manifest of replay "${replayId}" was accepted`, { found: replayId })
    return { ...record, progress: await progressOf(sql, replayId) }
  })
}
