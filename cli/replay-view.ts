import type { ReplayReport, ReportLine } from '../replay/report.ts'
import type { ReplayView } from './replay-answers.ts'
import { columns } from './table.ts'

/** Lines that people are shown; `--json` and the result object have all. */
const LINES_SHOWN = 50

const totalsText = (totals: Readonly<Record<string, number>>): string =>
  Object.entries(totals)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')

const loadedText = ({ counts }: ReportLine): string =>
  counts === null
    ? ''
    : `${counts.inserted ?? 0} inserted, ${counts.updated ?? 0} updated, ${counts.unchanged ?? 0} unchanged, ${counts.stale ?? 0} stale`

const whyText = (line: ReportLine): string => line.changed ?? line.reasonCode ?? (loadedText(line) || line.why)

const rowOf = (line: ReportLine): string[] => [
  line.source === null ? '-' : line.source.key.replace(/^landing\//, ''),
  line.outcome ?? line.decision,
  line.jobId ?? '-',
  whyText(line),
]

/** A report as text: what was asked, sources by outcome, and a line each. */
export function printReport(report: ReplayReport): string {
  const { replayId, status, reason, requestedBy, problems, totals, lines } = report
  const head = [
    `${replayId ?? 'manifest'}  ${status}${status === 'DRY_RUN' ? ' (nothing was written)' : ''}`,
    ...(reason === null ? [] : [`  ${reason} (${requestedBy})`]),
    ...problems.map(
      ({ field, message, expected, found }) => `  ${field}: ${message}; expected ${expected}, found ${found}`,
    ),
    ...(lines.length === 0 ? [] : [`  ${totalsText(totals)}`]),
  ]
  return lines.length === 0 ? head.join('\n') : [...head, '', printLines(lines)].join('\n')
}

/** A line a source. */
export function printLines(lines: readonly ReportLine[]): string {
  const rows = [['SOURCE', 'OUTCOME', 'JOB', 'WHY'], ...lines.slice(0, LINES_SHOWN).map(rowOf)]
  const rest = lines.length - LINES_SHOWN
  const table = columns(rows, ['left', 'left', 'left', 'left'])
  return rest > 0 ? `${table}\n… and ${rest} more; --json prints all` : table
}

/** A replay as it stands. */
export function printReplay(view: ReplayView, stopped: boolean): string {
  const { replayId, status, reason, requestedBy, sources, runs, progress, executionArn, acceptedAt, closedAt } = view
  return [
    `${replayId}  ${status}`,
    `  ${reason} (${requestedBy})`,
    `  accepted ${acceptedAt}${closedAt === null ? '' : `, ended ${closedAt}`}`,
    `  ${sources ?? '?'} sources, ${runs ?? '?'} to run${Object.keys(progress).length === 0 ? '' : `: ${totalsText(progress)}`}`,
    `  ${executionArn}`,
    ...(stopped ? ['  It was stopped: drop the manifest again (sluice replay run MANIFEST) to go on.'] : []),
  ].join('\n')
}
