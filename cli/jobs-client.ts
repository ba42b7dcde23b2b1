import type { LambdaClient } from '@aws-sdk/client-lambda'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { isJsonObject } from '../core/json.ts'
import { clientSettings, invokeMetadata } from './deployment.ts'
import { type JobDocument, parseJob, type RuleView } from './job-document.ts'
import type { Connection } from './session.ts'

/** @throws CommandError `unknown_job` */
export const getJob = async (
  lambda: LambdaClient,
  by: { readonly jobId: string } | { readonly executionArn: string },
): Promise<JobDocument> => parseJob(await invokeMetadata(lambda, { operation: 'getJob', ...by }))

/** Newest first; pages through the function's answers until `limit` jobs are there. */
export async function listJobs(
  lambda: LambdaClient,
  filter: {
    readonly tenantId: string | null
    readonly status: string | null
    readonly limit: number
  },
): Promise<JobDocument[]> {
  const jobs: JobDocument[] = []
  let token: unknown = null
  do {
    const answer = await invokeMetadata(lambda, {
      operation: 'listJobs',
      ...filter,
      limit: Math.min(filter.limit - jobs.length, 1000),
      token,
    })
    if (!isJsonObject(answer) || !Array.isArray(answer.jobs))
      throw new Error('the metadata function answered no list of jobs')
    jobs.push(...answer.jobs.map(parseJob))
    token = answer.nextToken ?? null
  } while (token !== null && jobs.length < filter.limit)
  return jobs
}

const splitUri = (uri: string): { Bucket: string; Key: string } => {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri) ?? []
  return { Bucket: bucket, Key: key.endsWith('/') ? `${key}result.json` : key }
}

const ruleOf = (value: unknown): RuleView => {
  const rule = isJsonObject(value) ? value : {}
  const labels = isJsonObject(rule.Labels) ? rule.Labels : {}
  return {
    name: String(rule.Name),
    rule: String(rule.Description),
    result: String(rule.Result),
    severity: String(labels.severity ?? 'gate'),
  }
}

/** The job with the rules of its quality result, which lie in the dq-results zone. */
export async function withRules(connection: Connection, job: JobDocument): Promise<JobDocument> {
  const uri = job.objects.quality
  if (uri === null || uri === undefined) return job
  const { S3Client } = await import('@aws-sdk/client-s3')
  const s3 = new S3Client({ ...clientSettings(connection), forcePathStyle: true })
  const { Body } = await s3.send(new GetObjectCommand(splitUri(uri)))
  const result: unknown = JSON.parse((await Body?.transformToString()) ?? '{}')
  const rules = isJsonObject(result) && Array.isArray(result.RuleResults) ? result.RuleResults.map(ruleOf) : []
  return { ...job, quality: { score: job.quality?.score ?? null, rules } }
}
