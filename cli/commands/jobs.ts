import { lambdaClient } from '../deployment.ts'
import type { Invocation } from '../invocation.ts'
import { exitCodeOfJob, printJob, printJobs } from '../job-view.ts'
import { getJob, listJobs, withRules } from '../jobs-client.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { connectionOf } from '../session.ts'

const STATUSES = ['PENDING', 'PROCESSING', 'COMPLETED', 'QUARANTINED', 'FAILED', 'SKIPPED']
const MOST_JOBS = 10_000

/** A count of things to list. @throws CommandError `invalid_limit` */
export function parseLimit(text: string): number {
  const limit = Number(text)
  if (/^\d+$/.test(text) && limit >= 1 && limit <= MOST_JOBS) return limit
  throw new CommandError(
    EXIT.wrongUse,
    'invalid_limit',
    `Cannot use "${text}" as --limit: expected a whole number from 1 to ${MOST_JOBS}`,
  )
}

/** `sluice jobs` */
export async function jobs(
  { output, state, directory, environment }: Invocation,
  options: { tenant?: string; status?: string; limit: string },
): Promise<ExitCode> {
  const status = options.status?.toUpperCase() ?? null
  if (status !== null && !STATUSES.includes(status)) {
    throw new CommandError(
      EXIT.wrongUse,
      'invalid_status',
      `Cannot use "${options.status}" as --status: expected one of ${STATUSES.join(', ')}`,
    )
  }
  const limit = parseLimit(options.limit)
  const lambda = await lambdaClient(connectionOf(state, directory, environment))
  const found = await listJobs(lambda, { tenantId: options.tenant ?? null, status, limit })
  output.result(
    found.map(({ stages: _, ...job }) => job),
    () => printJobs(found),
  )
  return EXIT.done
}

/** `sluice job ID` */
export async function job({ output, state, directory, environment }: Invocation, jobId: string): Promise<ExitCode> {
  const connection = connectionOf(state, directory, environment)
  const found = await withRules(connection, await getJob(await lambdaClient(connection), { jobId }))
  output.result(found, () => printJob(found))
  return exitCodeOfJob(found)
}
