import {
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  S3Client,
} from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { clientSettings, lambdaClient } from '../deployment.ts'
import { printMillis } from '../executions/print.ts'
import { findExecution, historyOf } from '../executions/read.ts'
import { callsOf, type TraceEntry } from '../executions/trace.ts'
import { executionTree } from '../executions/tree.ts'
import type { Invocation } from '../invocation.ts'
import type { JobDocument } from '../job-document.ts'
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

/** The source version, with the time of its arrival to the millisecond; nothing where it is gone. */
async function sourceOf(s3: S3Client, { source }: JobDocument): Promise<readonly TraceEntry[]> {
  const { bucket: Bucket, key: Key, versionId, sizeBytes } = source
  // A key stands before all that begin with it, so its versions come first: pages are many only where they are.
  let marker: { KeyMarker?: string; VersionIdMarker?: string } | null = {}
  while (marker !== null) {
    const page: ListObjectVersionsCommandOutput = await s3.send(
      new ListObjectVersionsCommand({ Bucket, Prefix: Key, ...marker }),
    )
    const found = page.Versions?.find((version) => version.Key === Key && version.VersionId === versionId)
    if (found !== undefined)
      return written(found.LastModified, 'ObjectCreated', `s3://${Bucket}/${Key} (${sizeBytes} bytes)`)
    const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page
    marker =
      KeyMarker === Key && VersionIdMarker !== undefined && page.IsTruncated === true
        ? { KeyMarker, VersionIdMarker }
        : null
  }
  return []
}

/** Folders and objects of the job alone, as its calls name them: `s3://B/runs/acme/JOB-1-0/` of a key below it. */
function ownFolders(jobId: string, calls: readonly TraceEntry[]): readonly string[] {
  return calls.flatMap(({ service, subject }) => {
    const end = service === 's3' ? subject.indexOf('/', subject.indexOf(jobId)) : -1
    return subject.includes(jobId) && end > 0 ? [subject.slice(0, end + 1)] : []
  })
}

/** The source version and every object that the job wrote. */
async function objectsOf(s3: S3Client, job: JobDocument, calls: readonly TraceEntry[]): Promise<readonly TraceEntry[]> {
  const named = [...Object.values(job.objects).filter((uri) => uri !== null), ...ownFolders(job.jobId, calls)]
  const places = named.filter((uri) => !named.some((other) => other !== uri && uri.startsWith(other)))
  const lists = await Promise.all([sourceOf(s3, job), ...[...new Set(places)].map((uri) => objectsUnder(s3, uri))])
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

const isSameCall = (one: TraceEntry, other: TraceEntry): boolean =>
  one.service === other.service &&
  one.operation === other.operation &&
  one.subject === other.subject &&
  one.state === other.state &&
  one.error === null &&
  other.error === null

/** Looks at the same thing, one after the other, as one line from the first to the last. */
function withoutRepeats(entries: readonly TraceEntry[]): readonly TraceEntry[] {
  const runs: TraceEntry[][] = []
  for (const entry of entries) {
    const run = runs.at(-1)
    if (run?.[0] !== undefined && isSameCall(run[0], entry)) run.push(entry)
    else runs.push([entry])
  }
  return runs.flatMap((run) => {
    const [first, last] = [run[0], run.at(-1)]
    if (first === undefined || last === undefined || run.length === 1) return run
    const millis = last.millis === null ? null : last.at.getTime() + last.millis - first.at.getTime()
    return [{ ...first, millis, subject: `${first.subject}  ${run.length} times` }]
  })
}

function print(entries: readonly TraceEntry[]): string {
  const began = entries[0]?.at.getTime() ?? 0
  return columns(
    [
      ['AT', 'SERVICE', 'OPERATION', 'TOOK', 'STATE', 'WHAT'],
      ...withoutRepeats(entries).map(({ at, service, operation, subject, millis, state, error }) => [
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
  const entries = [...(await objectsOf(s3, job, calls)), ...calls].sort(
    (left, right) => left.at.getTime() - right.at.getTime(),
  )
  output.result({ jobId: job.jobId, tenantId: job.tenantId, dataset: job.dataset, entries }, () => print(entries))
  return EXIT.done
}
