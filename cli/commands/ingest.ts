import { basename } from 'node:path'
import { parseDatasetName, parseTenantId } from '../../core/identifiers.ts'
import { bucketOf, clientSettings, lambdaClient } from '../deployment.ts'
import { currentState, executionArnOf, followExecution } from '../follow.ts'
import type { Invocation } from '../invocation.ts'
import { exitCodeOfJob, printJob } from '../job-view.ts'
import { getJob, withRules } from '../jobs-client.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { connectionOf } from '../session.ts'
import { requireFile, uploadFile } from '../upload.ts'

interface IngestOptions {
  readonly tenant?: string
  readonly dataset?: string
  readonly name?: string
  readonly wait: boolean
}

function requireNames({ tenant, dataset }: IngestOptions): { tenant: string; dataset: string } {
  if (tenant === undefined || dataset === undefined) {
    throw new CommandError(
      EXIT.wrongUse,
      'missing_option',
      `Option ${tenant === undefined ? '--tenant' : '--dataset'} is needed`,
      'sluice ingest FILE --tenant T --dataset D',
    )
  }
  try {
    return { tenant: parseTenantId(tenant), dataset: parseDatasetName(dataset) }
  } catch (thrown) {
    throw new CommandError(EXIT.wrongUse, 'invalid_name', thrown instanceof Error ? thrown.message : String(thrown))
  }
}

/** `sluice ingest FILE`: uploads, then follows the job that the upload's event starts. */
export async function ingest(
  { output, state, directory, environment }: Invocation,
  file: string,
  options: IngestOptions,
): Promise<ExitCode> {
  const { tenant, dataset } = requireNames(options)
  const sizeBytes = requireFile(file)
  const connection = connectionOf(state, directory, environment)
  const lambda = await lambdaClient(connection)
  const [{ S3Client }, { SFNClient }] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/client-sfn')])
  const s3 = new S3Client({ ...clientSettings(connection), forcePathStyle: true })
  const states = new SFNClient(clientSettings(connection))
  const key = `landing/${tenant}/${dataset}/${options.name ?? basename(file)}`
  const percent = (sent: number): string => (sizeBytes === 0 ? '100' : ((100 * sent) / sizeBytes).toFixed(0))
  const source = await uploadFile(s3, await bucketOf(lambda, 'RAW'), key, file, (sent) =>
    output.progress(`uploading ${percent(sent)} %`),
  )
  const executionArn = await executionArnOf(states, source)
  if (!options.wait) {
    output.result(
      { source: { ...source, sizeBytes }, executionArn },
      () => `uploaded s3://${source.bucket}/${source.key} (version ${source.versionId})\n${executionArn}`,
    )
    return EXIT.done
  }
  const showState = async (): Promise<void> => output.progress((await currentState(states, executionArn)) ?? '')
  await followExecution(states, executionArn, output.terminal ? showState : null)
  const job = await withRules(connection, await getJob(lambda, { executionArn }))
  output.result(job, () => printJob(job))
  return exitCodeOfJob(job)
}
