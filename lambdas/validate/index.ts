import { S3Client } from '@aws-sdk/client-s3'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { firstRunIdOf } from '../../core/run-documents.ts'
import { environmentOf } from '../environment.ts'
import { Fields } from '../input.ts'
import { scopeOf, startLog } from '../log.ts'
import type { ValidateRequest, ValidateResult } from '../messages.ts'
import { parseConfiguration, parseLandedSource, parseRegisteredJob } from '../parse-job.ts'
import { s3ObjectStore } from '../s3-object-store.ts'
import { pinnedDocumentReader } from './pinned-documents.ts'
import { qualityHistoryReader } from './quality-history.ts'
import { s3SourceReader } from './s3-source-reader.ts'
import { type ValidateDeps, validate } from './validate.ts'

const environment = environmentOf(process.env)
const writeLine = (line: string) => process.stdout.write(`${line}\n`)
const nowMs = () => performance.now()

function parseRequest(event: unknown): ValidateRequest {
  const request = new Fields(event)
  const executionArn = request.textOrNull('executionArn')
  return {
    job: parseRegisteredJob(request.object('job')),
    source: parseLandedSource(request.object('source')),
    configuration: parseConfiguration(request.object('configuration')),
    ...(executionArn === null ? {} : { executionArn }),
  }
}

let deps: ValidateDeps | undefined

/** Made at the first event and kept while the container lives. */
function connectedDeps(): ValidateDeps {
  if (deps !== undefined) return deps
  const client = new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined })
  const objects = s3ObjectStore(client)
  const work = environment('WORK_BUCKET')
  const dqResults = environment('DQ_RESULTS_BUCKET')
  deps = {
    history: qualityHistoryReader(client, dqResults),
    reader: s3SourceReader(client),
    objects,
    documents: pinnedDocumentReader(objects, work),
    buckets: {
      validated: environment('VALIDATED_BUCKET'),
      curated: environment('CURATED_BUCKET'),
      work,
      dqResults,
    },
    copyRoleArn: environment('COPY_ROLE_ARN'),
  }
  return deps
}

/** The validate function. @throws SluiceError `invalid_input` for an event that does not parse; never for bad data */
export async function handler(event: unknown): Promise<ValidateResult> {
  const log = startLog('validate', writeLine, nowMs)
  try {
    const request = parseRequest(event)
    const result = await validate(request, connectedDeps())
    const { tenantId, jobId } = request.job
    const scope = { tenantId, jobId, executionArn: request.executionArn ?? null }
    log('INFO', result.valid ? 'Source is valid' : 'Source is refused', scope, {
      reasonCode: result.valid ? null : result.reasonCode,
      dataset: request.job.dataset,
      runId: firstRunIdOf(request.job),
      replayId: request.job.replayId,
    })
    return result
  } catch (thrown) {
    log('ERROR', messageOf(thrown), scopeOf(event), {
      code: thrown instanceof SluiceError ? thrown.code : 'unexpected',
    })
    throw thrown
  }
}
