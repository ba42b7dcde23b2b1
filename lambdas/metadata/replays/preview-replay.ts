import { type Digest, digestOf } from '../../../core/digest.ts'
import type { ReplayManifest } from '../../../replay/manifest.ts'
import { parseManifest } from '../../../replay/parse-manifest.ts'
import { confirmationProblems } from '../../../replay/plan.ts'
import type { ReplayReport } from '../../../replay/report.ts'
import type { Fields } from '../../input.ts'
import { fitting } from './lines-page.ts'
import { planSources } from './plan-sources.ts'
import { differsProblem, readReplay } from './replay-record.ts'
import { dryRunReport, nowOf, type ReplayDeps, reportOf } from './replay-reports.ts'

export interface PreviewPage {
  readonly report: ReplayReport
  /** The number of the next page's first line; `null` on the last page. */
  readonly nextLine: number | null
}

const NOWHERE = { bucket: '-', key: '-', versionId: '-' }

/** The bytes of a dry run are never those of the run that follows, and it takes no id. */
async function takenId({ replayId, options }: ReplayManifest, sha256: Digest, { database }: ReplayDeps) {
  const record = options.dryRun ? null : await database.asOperator((sql) => readReplay(sql, replayId))
  return record === null || record.manifestSha256 === sha256 ? [] : [differsProblem(record, sha256)]
}

/** What a manifest would do, for who holds its text: what a dropped dry run reports, and nothing is written anywhere. */
export async function previewReplay(request: Fields, deps: ReplayDeps): Promise<PreviewPage> {
  const bytes = Buffer.from(request.text('manifest'))
  const at = nowOf(deps)
  const sha256 = digestOf(bytes)
  const parsed = parseManifest(bytes)
  if (!parsed.ok) {
    const report = reportOf('REFUSED', { manifest: NOWHERE, at }, sha256, null, at)
    return { report: { ...report, replayId: parsed.replayId, problems: parsed.problems }, nextLine: null }
  }
  const { manifest } = parsed
  const planned = await planSources(manifest, deps, at)
  const taken = await takenId(manifest, sha256, deps)
  const refused = reportOf('REFUSED', { manifest: NOWHERE, at }, sha256, manifest, nowOf(deps))
  if (!planned.ok) return { report: { ...refused, problems: planned.problems }, nextLine: null }
  const lines = planned.sources.map(({ line }) => line)
  // What only a run must have is told beside the plan.
  const problems = [...taken, ...confirmationProblems(manifest, lines)]
  const report = dryRunReport({ ...refused, status: 'DRY_RUN' }, planned.sources, at)
  const from = request.integerOr('fromLine', 0)
  const page = fitting(report.lines.slice(from))
  const next = from + page.length
  return { report: { ...report, problems, lines: page }, nextLine: next < lines.length ? next : null }
}
