import { isJobId } from '../core/identifiers.ts'
import { isReasonCode, type ReasonCode } from '../core/reason-codes.ts'
import type { SourceVersion } from '../core/source.ts'
import type { ReplayOptions } from '../replay/manifest.ts'
import type { ManifestProblem } from '../replay/parse-manifest.ts'
import { PLANNED_DECISIONS, type PlanLine, REPLAY_CAUSES, REPLAY_REFUSALS } from '../replay/plan-source.ts'
import { REPLAY_OUTCOMES, REPORT_STATUSES, type ReplayReport, type ReportLine } from '../replay/report.ts'
import { type Guard, isFlag, isNumber, isText, listOf, objectWith, oneOf, orNull, recordOf } from './guards.ts'

/** A replay as the metadata function describes it, as far as commands look at it. */
export interface ReplayView {
  readonly replayId: string
  readonly status: 'PLANNING' | 'RUNNING' | 'COMPLETED'
  readonly reason: string
  readonly requestedBy: string
  readonly executionArn: string
  readonly sources: number | null
  readonly runs: number | null
  readonly totals: Readonly<Record<string, number>> | null
  readonly progress: Readonly<Record<string, number>>
  readonly acceptedAt: string
  readonly closedAt: string | null
}

/** Some of the lines of a plan that was not kept. */
export interface PreviewPage {
  readonly report: ReplayReport
  /** The number of the next page's first line; `null` on the last page. */
  readonly nextLine: number | null
}

/** Some of the lines of a replay. */
export interface LinesPage {
  readonly lines: readonly ReportLine[]
  readonly nextLine: number | null
}

export const isReplayView: Guard<ReplayView> = objectWith<ReplayView>({
  replayId: isText,
  status: oneOf(['PLANNING', 'RUNNING', 'COMPLETED']),
  reason: isText,
  requestedBy: isText,
  executionArn: isText,
  sources: orNull(isNumber),
  runs: orNull(isNumber),
  totals: orNull(recordOf(isNumber)),
  progress: recordOf(isNumber),
  acceptedAt: isText,
  closedAt: orNull(isText),
})

const isSource = objectWith<SourceVersion>({ bucket: isText, key: isText, versionId: isText })
const isReason = (value: unknown): value is ReasonCode => isText(value) && isReasonCode(value)
const isRefusalOrCause = oneOf([...REPLAY_REFUSALS, ...REPLAY_CAUSES])
const isCode = (value: unknown): value is NonNullable<PlanLine['code']> => isReason(value) || isRefusalOrCause(value)

const isLine: Guard<ReportLine> = objectWith<ReportLine>({
  source: orNull(isSource),
  tenantId: orNull(isText),
  dataset: orNull(isText),
  decision: oneOf(PLANNED_DECISIONS),
  code: orNull(isCode),
  why: isText,
  jobId: orNull(isJobId),
  attempt: orNull(isNumber),
  publication: orNull(isNumber),
  configurationHash: orNull(isText),
  executionName: orNull(isText),
  outcome: orNull(oneOf(REPLAY_OUTCOMES)),
  reasonCode: orNull(isText),
  executionArn: orNull(isText),
  runId: orNull(isText),
  counts: orNull(recordOf(orNull(isNumber))),
  changed: orNull(isText),
})

const isOptions: Guard<ReplayOptions> = objectWith<ReplayOptions>({
  dryRun: isFlag,
  force: isFlag,
  skipIfPublished: isFlag,
  maxConcurrency: isNumber,
  maxSources: isNumber,
  confirm: orNull(isNumber),
  acceptRejects: isFlag,
  overrideGate: listOf(isText),
})

const isProblem = objectWith<ManifestProblem>({ field: isText, message: isText, expected: isText, found: isText })

export const isReport: Guard<ReplayReport> = objectWith<ReplayReport>({
  reportVersion: (value): value is 1 => value === 1,
  replayId: orNull(isText),
  status: oneOf(REPORT_STATUSES),
  manifest: objectWith<ReplayReport['manifest']>({ bucket: isText, key: isText, versionId: isText, sha256: isText }),
  reason: orNull(isText),
  requestedBy: orNull(isText),
  configuration: orNull(oneOf(['original', 'current'])),
  options: orNull(isOptions),
  executionArn: orNull(isText),
  plannedAt: orNull(isText),
  startedAt: isText,
  endedAt: isText,
  problems: listOf(isProblem),
  totals: recordOf(isNumber),
  lines: listOf(isLine),
})

export const isPreviewPage: Guard<PreviewPage> = objectWith<PreviewPage>({
  report: isReport,
  nextLine: orNull(isNumber),
})
export const isLinesPage: Guard<LinesPage> = objectWith<LinesPage>({
  lines: listOf(isLine),
  nextLine: orNull(isNumber),
})
