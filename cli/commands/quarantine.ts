import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { parse } from 'csv-parse/sync'
import { isJsonObject } from '../../core/json.ts'
import { clientSettings, lambdaClient } from '../deployment.ts'
import type { Invocation } from '../invocation.ts'
import { printJobs } from '../job-view.ts'
import { getJob, listJobs } from '../jobs-client.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { connectionOf } from '../session.ts'
import { columns } from '../table.ts'
import { parseLimit } from './jobs.ts'

/** `sluice quarantine list`: waiting files, newest first, with counts by reason. */
export async function quarantineList(
  { output, state, directory, environment }: Invocation,
  options: { tenant?: string; reason?: string; limit: string },
): Promise<ExitCode> {
  const lambda = await lambdaClient(connectionOf(state, directory, environment))
  const limit = parseLimit(options.limit)
  const all = await listJobs(lambda, { tenantId: options.tenant ?? null, status: 'QUARANTINED', limit: 10_000 })
  const found = all.filter((job) => options.reason === undefined || job.reasonCode === options.reason)
  const reasons: Record<string, number> = {}
  for (const job of found) reasons[job.reasonCode ?? 'unknown'] = (reasons[job.reasonCode ?? 'unknown'] ?? 0) + 1
  const shown = found.slice(0, limit)
  output.result({ total: found.length, reasons, jobs: shown }, () =>
    [
      ...Object.entries(reasons).map(([reason, count]) => `${String(count).padStart(6)}  ${reason}`),
      '',
      printJobs(shown),
    ].join('\n'),
  )
  return EXIT.done
}

async function readText(s3: S3Client, bucket: string, key: string): Promise<string | null> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    return (await Body?.transformToString()) ?? ''
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'NoSuchKey') return null
    throw thrown
  }
}

/** `sluice quarantine show JOB`: the manifest and the first errors of its report. */
export async function quarantineShow(
  { output, state, directory, environment }: Invocation,
  jobId: string,
): Promise<ExitCode> {
  const connection = connectionOf(state, directory, environment)
  const job = await getJob(await lambdaClient(connection), { jobId })
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(job.objects.quarantine ?? '') ?? []
  if (bucket === '')
    throw new CommandError(
      EXIT.wrongUse,
      'not_quarantined',
      `Job ${jobId} is ${job.status}, not in quarantine`,
      'List what waits with: sluice quarantine list',
    )
  const s3 = new S3Client({ ...clientSettings(connection), forcePathStyle: true })
  const prefix = key.replace(/manifest\.json$/, '')
  const manifest: unknown = JSON.parse((await readText(s3, bucket, `${prefix}manifest.json`)) ?? '{}')
  const report = await readText(s3, bucket, `${prefix}errors.csv`)
  const rows = report === null ? [] : (parse(report, { to: 21, relax_column_count: true }) as string[][])
  output.result(
    {
      manifest,
      errors: rows
        .slice(1)
        .map((row) => Object.fromEntries(row.map((cell, index) => [rows[0]?.[index] ?? String(index), cell]))),
    },
    () =>
      [
        ...Object.entries(isJsonObject(manifest) ? manifest : {}).map(
          ([name, value]) => `${name.padEnd(14)} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
        ),
        ...(rows.length > 1
          ? [
              '',
              columns(
                rows,
                (rows[0] ?? []).map(() => 'left'),
              ),
            ]
          : []),
      ].join('\n'),
  )
  return EXIT.done
}
