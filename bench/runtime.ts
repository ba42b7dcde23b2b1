/** The runtime under measurement, in a process of its own, reached as any client reaches it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { RedshiftDataClient } from '@aws-sdk/client-redshift-data'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { runQuery } from '../cli/commands/query.ts'
import { bucketOf, clientSettings } from '../cli/deployment.ts'
import { executionArnOf, followExecution } from '../cli/follow.ts'
import type { JobDocument } from '../cli/job-document.ts'
import { getJob } from '../cli/jobs-client.ts'
import { requireRuntime } from '../cli/session.ts'
import { uploadFile } from '../cli/upload.ts'
import { isJsonObject } from '../core/json.ts'
import { runFolder } from '../core/run-documents.ts'
import { peakMbOf, residentMbOf } from './processes.ts'
import type { Endpoint } from './states/sign-request.ts'

export const SLUICE = resolve('cli/bin/sluice.mjs')

export interface MeasuredRuntime {
  /** From the start of the process to its ready line. */
  readonly readySeconds: number
  readonly endpoint: Endpoint
  peakMb(): number | null
  /** Resident memory now, with its children. */
  residentMb(): number | null
  /** Drops a file, waits for the end of its job and for the answer of a query over its rows. */
  drop(file: string, name: string): Promise<Drop>
  stop(): Promise<void>
}

export interface Drop {
  readonly job: JobDocument
  /** From the first byte read for the upload to the query's answer. */
  readonly seconds: number
  readonly stages: readonly { readonly name: string; readonly millis: number }[]
}

async function readyLine(child: ChildProcess): Promise<void> {
  const said: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString('utf8')))
  if (child.stdout === null) throw new Error('the runtime has no stdout')
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('"ready":true')) return
  throw new Error(`the runtime ended before it was ready: ${said.join('')}`)
}

const TENANT = 'acme'
const DATASET = 'orders'

/** Starts `sluice up` on a state folder. @throws Error when it ends before it is ready */
export async function startRuntime(state: string): Promise<MeasuredRuntime> {
  const began = performance.now()
  const args = [SLUICE, 'up', '--port', '0', '--json', '--state', state]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  await readyLine(child)
  const readySeconds = (performance.now() - began) / 1000
  const { endpoint, region, accessKeyId, secretAccessKey } = requireRuntime(state)
  const settings = clientSettings({ endpoint, region, credentials: { accessKeyId, secretAccessKey } })
  const clients = {
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    lambda: new LambdaClient(settings),
    states: new SFNClient(settings),
    warehouse: new RedshiftDataClient(settings),
  }
  const bucket = await bucketOf(clients.lambda, 'RAW')
  return {
    readySeconds,
    endpoint: { url: endpoint, region, credentials: { accessKeyId, secretAccessKey } },
    peakMb: () => peakMbOf(child.pid ?? 0),
    residentMb: () => residentMbOf(child.pid ?? 0),
    drop: (file, name) => drop(clients, bucket, file, name),
    stop: async () => {
      for (const client of Object.values(clients)) client.destroy()
      const ended = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await ended
    },
  }
}

interface Clients {
  readonly s3: S3Client
  readonly lambda: LambdaClient
  readonly states: SFNClient
  readonly warehouse: RedshiftDataClient
}

async function drop(clients: Clients, bucket: string, file: string, name: string): Promise<Drop> {
  const began = performance.now()
  const key = `landing/${TENANT}/${DATASET}/${name}`
  const source = await uploadFile(clients.s3, bucket, key, file, () => undefined)
  const uploaded = performance.now()
  const executionArn = await executionArnOf(clients.states, source)
  await followExecution(clients.states, executionArn, null)
  const ended = performance.now()
  await runQuery(clients.warehouse, `select count(*) from ${DATASET} where tenant_id = '${TENANT}'`, TENANT)
  const answered = performance.now()
  const job = await getJob(clients.lambda, { executionArn })
  if (job.status !== 'COMPLETED') throw new Error(`the job ended as ${job.status}: ${job.reasonCode ?? ''}`)
  const stages = [
    { name: 'Put', millis: uploaded - began },
    ...(await jobStages(clients.s3, job)),
    { name: 'Query', millis: answered - ended },
  ]
  const spent = stages.filter(({ name: stage }) => !stage.includes('/')).reduce((sum, { millis }) => sum + millis, 0)
  const seconds = (answered - began) / 1000
  return { job, seconds, stages: [...stages, { name: 'between stages', millis: seconds * 1000 - spent }] }
}

type Stages = readonly { readonly name: string; readonly millis: number }[]

/** The job's stages; below `Transform` those that the run noted itself. */
async function jobStages(s3: S3Client, job: JobDocument): Promise<Stages> {
  const inner = await transformStages(s3, job)
  return (job.stages ?? []).flatMap(({ name, millis }) => [
    { name, millis },
    ...(name === 'Transform' ? inner.map((stage) => ({ ...stage, name: `Transform/${stage.name}` })) : []),
  ])
}

async function transformStages(s3: S3Client, job: JobDocument): Promise<Stages> {
  const runId = /\/run=([^/]+)\//.exec(job.objects.curated ?? '')?.[1]
  const bucket = /^s3:\/\/([^/]+)\//.exec(job.objects.plan ?? '')?.[1]
  const { Body } = await s3.send(
    new GetObjectCommand({ Bucket: bucket, Key: `${runFolder(job.tenantId, runId ?? '')}/summary.json` }),
  )
  const summary: unknown = JSON.parse((await Body?.transformToString()) ?? 'null')
  const stages = isJsonObject(summary) && Array.isArray(summary.stages) ? summary.stages : []
  return stages.filter(isJsonObject).map(({ name, millis }) => ({ name: String(name), millis: Number(millis) }))
}
