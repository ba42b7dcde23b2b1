import type { ReplayConfiguration, ReplayOptions } from './manifest.ts'
import type { ManifestProblem } from './parse-manifest.ts'
import type { PlanLine } from './plan-source.ts'

/** How a source ended; where nothing was to run, what was decided. */
export const REPLAY_OUTCOMES = [
  'COMPLETED',
  'QUARANTINED',
  'FAILED',
  'SKIPPED',
  /** Waits for a free slot; the sweep takes it up. */
  'DEFERRED',
  'RUNNING',
  /** Its execution could not be started, or ended before it registered the source. */
  'NOT_STARTED',
  'SKIPPED_PUBLISHED',
  'SKIPPED_RUNNING',
  'REFUSED',
] as const
export type ReplayOutcome = (typeof REPLAY_OUTCOMES)[number]

/** A line of the plan, and what became of it. */
export interface ReportLine extends PlanLine {
  /** `null` in a dry run, and while a replay runs for a source whose turn has not come. */
  readonly outcome: ReplayOutcome | null
  readonly reasonCode: string | null
  readonly executionArn: string | null
  readonly runId: string | null
  readonly counts: Readonly<Record<string, number | null>> | null
  /** What happened to the source between planning and running, where that made a difference. */
  readonly changed: string | null
}

export const REPORT_STATUSES = ['REFUSED', 'DRY_RUN', 'COMPLETED'] as const
export type ReportStatus = (typeof REPORT_STATUSES)[number]

/** The result object beside a manifest. */
export interface ReplayReport {
  readonly reportVersion: 1
  readonly replayId: string | null
  readonly status: ReportStatus
  readonly manifest: {
    readonly bucket: string
    readonly key: string
    readonly versionId: string
    /** Of the exact bytes. */
    readonly sha256: string
  }
  readonly reason: string | null
  readonly requestedBy: string | null
  readonly configuration: ReplayConfiguration | null
  readonly options: ReplayOptions | null
  /** The replay machine's execution; `null` where none was needed. */
  readonly executionArn: string | null
  /** ISO 8601 UTC: what `now()` of a rule means for the jobs that the replay makes. `null` where nothing was planned. */
  readonly plannedAt: string | null
  readonly startedAt: string
  readonly endedAt: string
  /** Why the manifest was refused; nothing ran then. */
  readonly problems: readonly ManifestProblem[]
  /** Sources by outcome, or by decision in a dry run. */
  readonly totals: Readonly<Record<string, number>>
  readonly lines: readonly ReportLine[]
}

/** How often each outcome, or decision where there is none, stands in the lines. */
export function outcomeTotals(lines: readonly ReportLine[]): Record<string, number> {
  const totals: Record<string, number> = {}
  for (const { outcome, decision } of lines) {
    const name = outcome ?? decision
    totals[name] = (totals[name] ?? 0) + 1
  }
  return totals
}

/** A line of a plan that nothing became of. */
export const unranLine = (line: PlanLine, outcome: ReplayOutcome | null): ReportLine => ({
  ...line,
  outcome,
  reasonCode: null,
  executionArn: null,
  runId: null,
  counts: null,
  changed: null,
})
