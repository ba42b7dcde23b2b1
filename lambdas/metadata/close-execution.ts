import { SluiceError } from '../../core/errors.ts'
import type { ReasonCode } from '../../core/reason-codes.ts'
import { Fields } from '../input.ts'
import type { CloseJobRequest, CloseJobResult, IngestInput } from '../messages.ts'
import { type CloseDeps, closeJob } from './close-job.ts'
import { firstRowOf } from './database.ts'
import { parseIngestInput } from './ingest-input.ts'
import { registerJob } from './register-job.ts'

const ENDED = ['FAILED', 'TIMED_OUT', 'ABORTED', 'SUCCEEDED'] as const
type Ended = (typeof ENDED)[number]

const REASON: Record<Ended, ReasonCode> = {
  FAILED: 'infrastructure_failed',
  TIMED_OUT: 'execution_timed_out',
  ABORTED: 'execution_aborted',
  SUCCEEDED: 'infrastructure_failed',
}

/** An execution of the ingest machine that ended, as EventBridge tells it or the sweep found it. */
export interface EndedExecution {
  readonly executionArn: string
  readonly status: Ended
  /** `null` where the event left it out or it cannot be read: then nothing but the log knows the execution. */
  readonly input: IngestInput | null
  readonly startedAt: string
  readonly message: string
}

const instantOf = (value: unknown, fallback: string): string => {
  const time = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? fallback : new Date(time).toISOString()
}

function inputOf(text: string | null): IngestInput | null {
  if (text === null) return null
  try {
    return parseIngestInput(JSON.parse(text))
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof SluiceError) return null
    throw thrown
  }
}

/** Reads the event "Step Functions Execution Status Change". @throws SluiceError `invalid_input` */
export function parseEndedExecution(event: unknown, now: string): EndedExecution {
  const detail = new Fields(event).object('detail')
  const status = detail.oneOf('status', ENDED)
  const said = [detail.textOrNull('error'), detail.textOrNull('cause')].filter((part) => part !== null).join(': ')
  return {
    executionArn: detail.text('executionArn'),
    status,
    input: inputOf(detail.textOrNull('input')),
    startedAt: instantOf(detail.unknown('startDate'), now),
    message: said === '' ? `The execution ended as ${status} without closing its job` : said,
  }
}

export interface CloseExecutionResult {
  /** The job that the execution had; `null` when there is none to close. */
  readonly jobId: string | null
  readonly tenantId: string | null
  readonly closed: CloseJobResult | null
}

interface OwnedJob {
  readonly tenantId: string
  readonly jobId: string
  readonly attempt: number
}

/** The job whose current attempt the execution runs; executions that were told "duplicate" own none. */
async function jobOf(execution: EndedExecution, deps: CloseDeps): Promise<OwnedJob | 'none' | 'unregistered'> {
  const row = await deps.database.asOperator((sql) =>
    firstRowOf(sql, 'SELECT * FROM sluice.admin_job_of_execution($1)', [execution.executionArn]),
  )
  if (row === null) return 'unregistered'
  if (row.text('decision') === 'duplicate') return 'none'
  const job = { tenantId: row.text('tenant_id'), jobId: row.text('job_id'), attempt: row.integer('attempt') }
  const owner = await deps.database.asTenant(job.tenantId, (sql) =>
    firstRowOf(sql, 'SELECT execution_arn, attempt FROM sluice.ingestion_jobs WHERE tenant_id = $1 AND job_id = $2', [
      job.tenantId,
      job.jobId,
    ]),
  )
  return owner?.text('execution_arn') === execution.executionArn ? job : 'none'
}

/** An execution that ended before it registered: the source gets its job now, so that its end is recorded. */
async function registerLate(execution: EndedExecution, now: string, deps: CloseDeps): Promise<OwnedJob | 'none'> {
  if (execution.input === null) return 'none'
  const { result } = await registerJob(deps.database, {
    input: execution.input,
    executionArn: execution.executionArn,
    at: execution.startedAt,
    now,
  })
  return result.decision === 'duplicate' ? 'none' : result.job
}

const closing = (job: OwnedJob, execution: EndedExecution, at: string): CloseJobRequest => ({
  operation: 'closeJob',
  tenantId: job.tenantId,
  jobId: job.jobId,
  attempt: job.attempt,
  status: 'FAILED',
  reasonCode: REASON[execution.status],
  message: execution.message,
  duplicateOf: null,
  runId: null,
  counts: null,
  ledger: null,
  objects: { validated: null, plan: null, curated: null, rejects: null, quarantine: null, quality: null },
  score: null,
  drift: null,
  stages: [],
  at,
})

/**
 * Closes the job of an execution that ended where no Catch of the machine could see it. A job that is closed already stays
 * as it is; an execution that never registered gets a job, which says how it ended.
 */
export async function closeExecution(
  execution: EndedExecution,
  now: string,
  deps: CloseDeps,
): Promise<CloseExecutionResult> {
  const known = await jobOf(execution, deps)
  const job = known === 'unregistered' ? await registerLate(execution, now, deps) : known
  if (job === 'none') return { jobId: null, tenantId: null, closed: null }
  const { result: closed } = await closeJob(closing(job, execution, now), deps)
  return { jobId: job.jobId, tenantId: job.tenantId, closed }
}
