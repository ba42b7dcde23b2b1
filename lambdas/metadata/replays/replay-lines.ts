import { SluiceError } from '../../../core/errors.ts'
import type { ReportLine } from '../../../replay/report.ts'
import type { Fields } from '../../input.ts'
import { fitting } from './lines-page.ts'
import { linesOf, ReplayDocuments } from './replay-documents.ts'
import { reportLines } from './replay-outcomes.ts'
import { readReplay } from './replay-record.ts'
import type { ReplayDeps } from './replay-reports.ts'

/** What has become of the sources of a replay that runs; `outcome` is `null` for those whose turn has not come. */
export interface LinesPage {
  readonly lines: readonly ReportLine[]
  /** The number of the next page's first line; `null` on the last page. */
  readonly nextLine: number | null
}

/** Lines that are looked up at once. */
const PAGE_LINES = 2000

/**
 * How far each source of a replay is, as its pinned plan has them in order.
 * @throws SluiceError `unknown_replay` for one that is not planned; `replay_document_missing`
 */
export async function replayLines(request: Fields, deps: ReplayDeps): Promise<LinesPage> {
  const replayId = request.text('replayId')
  const from = request.integerOr('fromLine', 0)
  const record = await deps.database.asOperator((sql) => readReplay(sql, replayId))
  if (record === null || record.status === 'PLANNING')
    throw new SluiceError('unknown_replay', `Replay "${replayId}" has no plan yet`, { found: replayId })
  const documents = new ReplayDocuments(deps.objects, deps.inspector)
  const plan = linesOf(await documents.readText(request.text('bucket'), replayId, 'plan.jsonl'))
  const asked = plan.slice(from, from + PAGE_LINES)
  const lines = await deps.database.asOperator((sql) => reportLines(sql, asked, record.status === 'COMPLETED'))
  const page = fitting(lines)
  const next = from + page.length
  return { lines: page, nextLine: next < plan.length ? next : null }
}
