import type { PlanLine } from '../../../replay/plan-source.ts'
import { type ReplayOutcome, type ReportLine, unranLine } from '../../../replay/report.ts'
import type { Fields } from '../../input.ts'
import { type Queryable, rowsOf } from '../database.ts'
import { JOB_STATUSES, type JobStatus } from '../job-status.ts'

/** A line of a pinned plan: with the ARN of its execution, where it runs. */
export interface PinnedLine extends PlanLine {
  readonly executionArn: string | null
}

/** What registration answered an execution, and how its attempt stands. */
interface Registered {
  readonly decision: 'run' | 'duplicate' | 'wait' | 'refuse'
  readonly jobId: string
  readonly jobStatus: JobStatus
  readonly deferred: boolean
  readonly attempt: number
  readonly publication: number | null
  readonly status: JobStatus | null
  readonly reasonCode: string | null
  readonly runId: string | null
  readonly counts: Readonly<Record<string, number | null>> | null
}

const COUNTS = {
  input: 'input_rows',
  curated: 'curated_rows',
  rejected: 'rejected_rows',
  duplicates: 'duplicate_rows',
  inserted: 'inserted_rows',
  updated: 'updated_rows',
  unchanged: 'unchanged_rows',
  stale: 'stale_rows',
} as const

/** bigint columns arrive as float8, which is exact up to 2^53. */
const COLUMNS = `execution_arn, decision, job_id, job_status, deferred, attempt, status, reason_code, run_id, publication, is_last,
  ${Object.values(COUNTS)
    .map((column) => `${column}::float8 AS ${column}`)
    .join(', ')}`

const countsOf = (row: Fields): Registered['counts'] =>
  row.flag('is_last', false) && row.has('input_rows')
    ? Object.fromEntries(Object.entries(COUNTS).map(([name, column]) => [name, row.numberOrNull(column)]))
    : null

const registeredOf = (row: Fields): Registered => ({
  decision: row.oneOf('decision', ['run', 'duplicate', 'wait', 'refuse']),
  jobId: row.text('job_id'),
  jobStatus: row.oneOf('job_status', JOB_STATUSES),
  deferred: row.flag('deferred', false),
  attempt: row.integer('attempt'),
  publication: row.numberOrNull('publication'),
  status: row.has('status') ? row.oneOf('status', JOB_STATUSES) : null,
  reasonCode: row.textOrNull('reason_code'),
  runId: row.textOrNull('run_id'),
  counts: countsOf(row),
})

interface Ending {
  readonly outcome: ReplayOutcome
  readonly changed: string | null
}

const isOpen = (status: JobStatus | null): boolean => status === 'PENDING' || status === 'PROCESSING'

/** Told not to run: somebody else had done it, or was at it, between planning and registration. */
function overtaken({ jobId, jobStatus }: Registered): Ending {
  const outcome = isOpen(jobStatus) ? 'SKIPPED_RUNNING' : 'SKIPPED_PUBLISHED'
  return { outcome, changed: `Another execution took job ${jobId} up after planning; it is ${jobStatus}.` }
}

function waited({ deferred, status }: Registered): Ending {
  if (deferred) return { outcome: 'DEFERRED', changed: null }
  if (isOpen(status)) return { outcome: 'RUNNING', changed: null }
  return { outcome: 'NOT_STARTED', changed: 'No slot of the tenant’s replays came free in time.' }
}

function differences(line: PlanLine, { jobId, attempt, decision }: Registered): string | null {
  if (decision === 'refuse') return 'Registration refused it: tenant, dataset or mapping changed after planning.'
  if (jobId !== line.jobId) return `Job ${jobId} ran instead of ${line.jobId}.`
  if (attempt !== line.attempt) return `It was attempt ${attempt}: the job had others after planning.`
  return null
}

function endingOf(line: PlanLine, registered: Registered): Ending {
  if (registered.decision === 'duplicate') return overtaken(registered)
  if (registered.decision === 'wait') return waited(registered)
  const { status } = registered
  const outcome = status === null || status === 'PENDING' || status === 'PROCESSING' ? 'RUNNING' : status
  return { outcome, changed: differences(line, registered) }
}

const NOT_STARTED = 'Its execution could not be started, or ended before it registered the source.'

function reportLine(
  { executionArn, ...line }: PinnedLine,
  registered: Registered | undefined,
  over: boolean,
): ReportLine {
  if (line.decision !== 'RUN') return unranLine(line, line.decision)
  if (registered === undefined && !over) return { ...unranLine(line, null), executionArn }
  if (registered === undefined) return { ...unranLine(line, 'NOT_STARTED'), executionArn, changed: NOT_STARTED }
  const { outcome, changed } = endingOf(line, registered)
  const { reasonCode, runId } = registered
  // Those that stand there while it runs are of the attempt before.
  const counts = outcome === 'RUNNING' ? null : registered.counts
  return { ...line, outcome, reasonCode, executionArn, runId, counts, changed }
}

/**
 * What became of each line of a plan, as Postgres knows it.
 * @param over whether the replay has ended: before, a source that nobody registered has only not had its turn
 */
export async function reportLines(
  sql: Queryable,
  lines: readonly PinnedLine[],
  over: boolean,
): Promise<readonly ReportLine[]> {
  const arns = lines.flatMap(({ executionArn }) => executionArn ?? [])
  const rows = await rowsOf(sql, `SELECT ${COLUMNS} FROM sluice.admin_outcomes($1)`, [arns])
  const registered = new Map(rows.map((row) => [row.text('execution_arn'), registeredOf(row)]))
  return lines.map((line) => reportLine(line, registered.get(line.executionArn ?? ''), over))
}
