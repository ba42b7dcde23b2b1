import type { Digest } from '../../../core/digest.ts'
import type { ReplayManifest } from '../../../replay/manifest.ts'
import { outcomeTotals, type ReplayReport, type ReportStatus, unranLine } from '../../../replay/report.ts'
import type { PlanReplayRequest } from '../../messages.ts'
import type { ObjectStore } from '../../object-store.ts'
import type { PlannedSource, PlanningDeps } from './plan-sources.ts'

export interface ReplayDeps extends PlanningDeps {
  readonly objects: ObjectStore
  readonly now: () => Date
}

/** ISO 8601 UTC */
export const nowOf = ({ now }: Pick<ReplayDeps, 'now'>): string => now().toISOString()

/** What a report says of its manifest, as far as it could be read; without lines. */
export const reportOf = (
  status: ReportStatus,
  request: Pick<PlanReplayRequest, 'manifest' | 'at'>,
  sha256: Digest,
  manifest: ReplayManifest | null,
  endedAt: string,
): ReplayReport => ({
  reportVersion: 1,
  replayId: manifest?.replayId ?? null,
  status,
  manifest: { ...request.manifest, sha256 },
  reason: manifest?.reason ?? null,
  requestedBy: manifest?.requestedBy ?? null,
  configuration: manifest?.configuration ?? null,
  options: manifest?.options ?? null,
  executionArn: null,
  plannedAt: null,
  startedAt: request.at,
  endedAt,
  problems: [],
  totals: {},
  lines: [],
})

/** The lines of a dry run: what was decided, and that nothing was done. */
export function dryRunReport(report: ReplayReport, sources: readonly PlannedSource[], plannedAt: string): ReplayReport {
  const lines = sources.map(({ line }) => unranLine(line, null))
  return { ...report, plannedAt, totals: outcomeTotals(lines), lines }
}
