import { S3Client } from '@aws-sdk/client-s3'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { isReasonCode, reasonOf } from '../../core/reason-codes.ts'
import { environmentOf } from '../environment.ts'
import { Fields } from '../input.ts'
import { scopeOf, startLog } from '../log.ts'
import type { QuarantineRequest, QuarantineResult } from '../messages.ts'
import { parseLandedSource, parseRegisteredJob } from '../parse-job.ts'
import { s3ObjectStore } from '../s3-object-store.ts'
import { type QuarantineDeps, quarantine } from './quarantine.ts'

const environment = environmentOf(process.env)
const writeLine = (line: string) => process.stdout.write(`${line}\n`)
const nowMs = () => performance.now()

const STAGES = ['REGISTER', 'INGEST_VALIDATION', 'TRANSFORM', 'DATA_QUALITY', 'LOAD', 'INFRASTRUCTURE'] as const

const OBJECTS = ['validated', 'plan', 'curated', 'rejects', 'quality'] as const

function parseRequest(event: unknown): QuarantineRequest {
  const request = new Fields(event)
  const reasonCode = request.text('reasonCode')
  if (!isReasonCode(reasonCode))
    throw new SluiceError('invalid_input', `Cannot read the input as $.reasonCode is no reason code: "${reasonCode}"`)
  const details = request.unknown('details')
  const objects = request.objectOrNull('objects')
  return {
    status: request.has('status') ? request.oneOf('status', ['QUARANTINED', 'FAILED']) : 'QUARANTINED',
    job: parseRegisteredJob(request.object('job')),
    source: parseLandedSource(request.object('source')),
    stage: request.has('stage') ? request.oneOf('stage', STAGES) : reasonOf(reasonCode).stage,
    reasonCode,
    message: request.textOrNull('message') ?? reasonCode,
    details: typeof details === 'object' && details !== null ? { ...details } : {},
    objects: Object.fromEntries(OBJECTS.map((name) => [name, objects?.textOrNull(name) ?? null])),
    runId: request.textOrNull('runId'),
    executionArn: request.text('executionArn'),
  }
}

let deps: QuarantineDeps | undefined

/** Made at the first event and kept while the container lives. */
function connectedDeps(): QuarantineDeps {
  if (deps !== undefined) return deps
  deps = {
    objects: s3ObjectStore(new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined })),
    quarantineBucket: environment('QUARANTINE_BUCKET'),
    workBucket: environment('WORK_BUCKET'),
    dqResultsBucket: environment('DQ_RESULTS_BUCKET'),
  }
  return deps
}

/** The quarantine function. @throws SluiceError `invalid_input` for an event that does not parse */
export async function handler(event: unknown): Promise<QuarantineResult> {
  const log = startLog('quarantine', writeLine, nowMs)
  try {
    const request = parseRequest(event)
    const result = await quarantine(request, connectedDeps())
    const { tenantId, jobId } = request.job
    const { executionArn, status, reasonCode, stage, runId } = request
    log(
      'WARN',
      status === 'FAILED' ? 'Failure is kept' : 'Source is quarantined',
      { tenantId, jobId, executionArn },
      { reasonCode, stage, runId },
    )
    return result
  } catch (thrown) {
    log('ERROR', messageOf(thrown), scopeOf(event), {
      code: thrown instanceof SluiceError ? thrown.code : 'unexpected',
    })
    throw thrown
  }
}
