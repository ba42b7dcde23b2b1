import { HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { isAbsent } from '../absent-object.ts'
import { clientSettings, lambdaClient } from '../deployment.ts'
import { printMillis } from '../executions/print.ts'
import { findExecution, historyOf } from '../executions/read.ts'
import { callsOf, type TraceEntry } from '../executions/trace.ts'
import { executionTree } from '../executions/tree.ts'
import type { Invocation } from '../invocation.ts'
import type { JobDocument } from '../job-view.ts'
import { getJob } from '../jobs-client.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { type Connection, connectionOf } from '../session.ts'
import { columns } from '../table.ts'

const written = (at: Date | undefined, operation: string, subject: string): readonly TraceEntry[] =>
  at === undefined ? [] : [{ at, service: 's3', operation, subject, millis: null, state: null, error: null }]

async function objectsUnder(s3: S3Client, uri: string): Promise<readonly TraceEntry[]> {
  const [, Bucket = '', Prefix = ''] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri) ?? []
  const found: TraceEntry[] = []
  let ContinuationToken: string | undefined
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix, ...(ContinuationToken === undefined ? {} : { ContinuationToken }) }),
    )
    for (const { Key = '', LastModified, Size = 0 } of page.Contents ?? [])
      found.push(...written(LastModified, 'ObjectCreated', `s3://${Bucket}/${Key} (${Size} bytes)`))
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken !== undefined)
  return found
}

/** The source version; nothing where it is gone. */
async function sourceOf(s3: S3Client, { source }: JobDocument): Promise<readonly TraceEntry[]> {
  const { bucket: Bucket, key: Key, versionId: VersionId, sizeBytes } = source
  try {
    const { LastModified } = await s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }))
    return written(LastModified, 'ObjectCreated', `s3://${Bucket}/${Key} (${sizeBytes} bytes)`)
  } catch (thrown) {
    if (isAbsent(thrown)) return []
    throw thrown
  }
}

/** The source version and every object that the job wrote. */
async function objectsOf(s3: S3Client, job: JobDocument): Promise<readonly TraceEntry[]> {
  const uris = [...new Set(Object.values(job.objects).filter((uri) => uri !== null))]
  const lists = await Promise.all([sourceOf(s3, job), ...uris.map((uri) => objectsUnder(s3, uri))])
  return lists.flat()
}

/** What the job's execution did; nothing where its history is not kept any more. */
async function executionEntries(connection: Connection, executionArn: string): Promise<readonly TraceEntry[]> {
  const states = new SFNClient(clientSettings(connection))
  const found = await findExecution(states, executionArn).catch((thrown: unknown) => {
    if (thrown instanceof CommandError && thrown.code === 'unknown_execution') return null
    throw thrown
  })
  if (found === null) return []
  const { startDate, stopDate, status } = found
  const start: TraceEntry = {
    at: startDate ?? new Date(0),
    service: 'states',
    operation: 'startExecution',
    subject: `${executionArn} ${status ?? ''}`,
    millis: startDate === undefined || stopDate === undefined ? null : stopDate.getTime() - startDate.getTime(),
    state: null,
    error: null,
  }
  return [start, ...callsOf(executionTree(await historyOf(states, executionArn)))]
}

function print(entries: readonly TraceEntry[]): string {
  const began = entries[0]?.at.getTime() ?? 0
  return columns(
    [
      ['AT', 'SERVICE', 'OPERATION', 'TOOK', 'STATE', 'WHAT'],
      ...entries.map(({ at, service, operation, subject, millis, state, error }) => [
        `+${at.getTime() - began} ms`,
        service,
        operation,
        millis === null ? '' : printMillis(millis),
        state ?? '',
        error === null ? subject : `${subject}  ${error}`,
      ]),
    ],
    ['right', 'left', 'left', 'right', 'left', 'left'],
  )
}

/** `sluice trace JOB`: all that one job caused, over services, in order. */
export async function trace({ output, state, directory, environment }: Invocation, jobId: string): Promise<ExitCode> {
  const connection = connectionOf(state, directory, environment)
  const job = await getJob(await lambdaClient(connection), { jobId })
  const s3 = new S3Client({ ...clientSettings(connection), forcePathStyle: true })
  const calls = job.executionArn === null ? [] : await executionEntries(connection, job.executionArn)
  const entries = [...(await objectsOf(s3, job)), ...calls].sort(
    (left, right) => left.at.getTime() - right.at.getTime(),
  )
  output.result({ jobId: job.jobId, tenantId: job.tenantId, dataset: job.dataset, entries }, () => print(entries))
  return EXIT.done
}
