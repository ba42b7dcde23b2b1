import { clientSettings, lambdaClient } from '../deployment.ts'
import type { Invocation } from '../invocation.ts'
import type { JobDocument } from '../job-document.ts'
import { exitCodeOfJob, printJob, printJobs } from '../job-view.ts'
import { getJob, listJobs, withRules } from '../jobs-client.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { type Connection, connectionOf } from '../session.ts'

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

/** Writes the job's rejects as CSV where a file is named, and says how many errors that were. */
async function reportErrors({ output }: Invocation, connection: Connection, found: JobDocument, file: string) {
  const { writeErrorReport } = await import('../error-report.ts')
  const { S3Client } = await import('@aws-sdk/client-s3')
  const s3 = new S3Client({ ...clientSettings(connection), forcePathStyle: true })
  const errors = await writeErrorReport(s3, found, file)
  if (errors === null)
    throw new CommandError(
      EXIT.no,
      'no_rejects',
      `Job ${found.jobId} has no rejected rows`,
      'Why a whole file waits: sluice quarantine show JOB',
    )
  output.note(`${errors} errors of rejected rows are in ${file}`)
}

/** `sluice job ID` */
export async function job(
  invocation: Invocation,
  jobId: string,
  { errors }: { errors?: string } = {},
): Promise<ExitCode> {
  const { output, state, directory, environment } = invocation
  const connection = connectionOf(state, directory, environment)
  const found = await withRules(connection, await getJob(await lambdaClient(connection), { jobId }))
  if (errors !== undefined) await reportErrors(invocation, connection, found, errors)
  output.result(found, () => printJob(found))
  return exitCodeOfJob(found)
}
