import { readFileSync } from 'node:fs'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { DescribeExecutionCommand, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { isJsonObject } from '../../core/json.ts'
import type { SourceVersion } from '../../core/source.ts'
import { invokeMetadata } from '../deployment.ts'
import { executionArnOf, followExecution } from '../follow.ts'
import type { JobDocument } from '../job-document.ts'
import { getJob } from '../jobs-client.ts'
import { SMOKE_TENANT, type SmokeFile } from './files.ts'

/** What a smoke run talks to. */
export interface SmokeClients {
  readonly s3: S3Client
  readonly states: SFNClient
  readonly lambda: LambdaClient
  readonly rawBucket: string
}

/** How one file passed through one version of the ingest machine. */
export interface SmokeOutcome {
  readonly dataset: string
  readonly file: string
  /** Of the machine; `null` is whatever `live` leads to. */
  readonly machineVersion: number | null
  readonly passed: boolean
  /** What was expected and did not happen; `null` where the file passed. */
  readonly why: string | null
  readonly executionArn: string
  readonly job: JobDocument | null
}

/** The tenant and its mappings; repeating it changes nothing. */
export async function prepareTenant(lambda: LambdaClient, files: readonly SmokeFile[]): Promise<void> {
  await invokeMetadata(lambda, { operation: 'createTenant', tenantId: SMOKE_TENANT })
  for (const { mapping } of files) await invokeMetadata(lambda, { operation: 'putMapping', mapping })
}

interface Dropped {
  readonly source: SourceVersion
  readonly etag: string
  readonly sizeBytes: number
}

/** Without a SHA-256: with one, content that was loaded before would be skipped instead of run. */
async function drop({ s3, rawBucket }: SmokeClients, file: SmokeFile): Promise<Dropped> {
  const body = readFileSync(file.path)
  const key = `landing/${SMOKE_TENANT}/${file.dataset}/${file.name}`
  const { VersionId = '', ETag = '' } = await s3.send(new PutObjectCommand({ Bucket: rawBucket, Key: key, Body: body }))
  return {
    source: { bucket: rawBucket, key, versionId: VersionId },
    etag: ETag.replaceAll('"', ''),
    sizeBytes: body.length,
  }
}

/** Why a job is not what a smoke file must become, or `null`. */
export function complaintAbout(job: JobDocument): string | null {
  if (job.status !== 'COMPLETED')
    return `expected COMPLETED, found ${job.status} ${job.reasonCode ?? ''} ${job.message ?? ''}`.trim()
  const rows = (...names: readonly string[]): number => names.reduce((sum, name) => sum + (job.counts?.[name] ?? 0), 0)
  const [input, rejected] = [rows('input'), rows('rejected')]
  if (input === 0) return 'expected rows, found none'
  if (rejected > 0) return `expected no rejects, found ${rejected} of ${input} rows`
  const inTable = rows('inserted', 'updated', 'unchanged', 'stale')
  if (input !== rows('curated', 'rejected', 'duplicates') || rows('curated') !== inTable)
    return `counts do not reconcile: ${JSON.stringify(job.counts)}`
  return null
}

async function outcomeOf(
  clients: SmokeClients,
  file: SmokeFile,
  executionArn: string,
  machineVersion: number | null,
): Promise<SmokeOutcome> {
  await followExecution(clients.states, executionArn, null)
  const { status, output, error, cause } = await clients.states.send(new DescribeExecutionCommand({ executionArn }))
  const found = { dataset: file.dataset, file: file.name, machineVersion, executionArn }
  const ended: unknown = JSON.parse(output ?? 'null')
  const succeeded = status === 'SUCCEEDED' && isJsonObject(ended) && typeof ended.jobId === 'string'
  // Of a failed execution the job may still say how an earlier one ended.
  const job = status === 'SUCCEEDED' && !succeeded ? null : await jobOf(clients.lambda, executionArn)
  const said = succeeded ? (ended.status === 'COMPLETED' ? null : String(ended.status)) : `${error ?? status}: ${cause}`
  const why =
    said === null
      ? job === null
        ? 'the execution has no job'
        : complaintAbout(job)
      : `expected COMPLETED, found ${said}`
  return { ...found, passed: why === null, why: why?.slice(0, 400) ?? null, job }
}

async function jobOf(lambda: LambdaClient, executionArn: string): Promise<JobDocument | null> {
  try {
    return await getJob(lambda, { executionArn })
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('unknown')) return null
    throw thrown
  }
}

/**
 * Drops a file and follows the job that its event starts on `live`; then, where a version is asked for, runs the same source on
 * that version: a forced replay, which goes through every step and finds the rows as they are.
 * @param at ISO 8601 UTC, names the replay
 */
export async function smokeFile(
  clients: SmokeClients,
  file: SmokeFile,
  version: { readonly number: number; readonly arn: string } | null,
  at: string,
): Promise<SmokeOutcome> {
  const { source, etag, sizeBytes } = await drop(clients, file)
  const live = await outcomeOf(clients, file, await executionArnOf(clients.states, source), null)
  if (version === null) return live
  const replayId = `smoke-v${version.number}-${at.replaceAll(/[^0-9]/g, '')}`
  const { executionArn = '' } = await clients.states.send(
    new StartExecutionCommand({
      stateMachineArn: version.arn,
      name: `${replayId}-${file.dataset}`,
      input: JSON.stringify({
        source: { ...source, sizeBytes, etag, sequencer: '0', landedAt: at },
        sourceType: 's3',
        trigger: 'replay',
        replay: { replayId, configuration: 'current', force: true },
      }),
    }),
  )
  return outcomeOf(clients, file, executionArn, version.number)
}
