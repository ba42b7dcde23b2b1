import { isJsonObject, type Json } from '../../core/json.ts'
import { AwsError, type CallContext, type ServiceBus } from '../service.ts'
import type { ExecutionRecord } from './execution-store.ts'
import { sdkFailure } from './integrations/service-errors.ts'
import type { ResultWriter } from './machine.ts'

/** The results of a distributed Map cannot be written: `States.ResultWriterFailed`. */
export class ResultWriterFailure extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ResultWriterFailure'
  }
}

interface ResultFile {
  readonly Key: string
  readonly Size: number
}

/** A child that never started: the run failed or was stopped before. */
export interface PendingChild {
  readonly status: 'PENDING'
  readonly input: string
}

/** The results in the state's output, where a ResultWriter only says their form. */
export const formedResults = (children: readonly ExecutionRecord[], writer: ResultWriter): readonly Json[] =>
  resultsOf(
    children.filter(({ status }) => status === 'SUCCEEDED'),
    writer,
  )

/** Writes the results of the children and the manifest, and returns the result of the Map state. @throws ResultWriterFailure */
export async function writeResults(
  mapRunArn: string,
  writer: ResultWriter,
  args: Json,
  children: readonly (ExecutionRecord | PendingChild)[],
  bus: ServiceBus,
  context: CallContext,
): Promise<Json> {
  const { Bucket, Prefix } = isJsonObject(args) ? args : {}
  if (typeof Bucket !== 'string') throw new ResultWriterFailure('The ResultWriter needs a Bucket')
  const folder = [...(typeof Prefix === 'string' && Prefix !== '' ? [Prefix] : []), mapRunArn.split(':').at(-1)].join(
    '/',
  )
  const put = async (key: string, text: string): Promise<ResultFile> => {
    await bus.call(
      's3',
      'PutObject',
      { Bucket, Key: key, Body: Buffer.from(text), ContentType: 'application/json' },
      context,
    )
    return { Key: key, Size: Buffer.byteLength(text) }
  }
  try {
    const files: Record<string, readonly ResultFile[]> = { SUCCEEDED: [], FAILED: [], PENDING: [] }
    for (const status of ['SUCCEEDED', 'FAILED', 'PENDING'] as const) {
      const chosen = children.filter((child) => fileOf(child) === status)
      if (chosen.length > 0)
        files[status] = [
          await put(`${folder}/${status}_0.${writer.outputType.toLowerCase()}`, printResults(chosen, writer)),
        ]
    }
    const manifest = { DestinationBucket: Bucket, MapRunArn: mapRunArn, ResultFiles: files }
    const { Key } = await put(`${folder}/manifest.json`, JSON.stringify(manifest))
    return { MapRunArn: mapRunArn, ResultWriterDetails: { Bucket, Key } }
  } catch (thrown) {
    if (thrown instanceof AwsError) throw new ResultWriterFailure(sdkFailure('s3', thrown, context.requestId).message)
    throw thrown
  }
}

function fileOf({ status }: ExecutionRecord | PendingChild): 'SUCCEEDED' | 'FAILED' | 'PENDING' {
  return status === 'SUCCEEDED' || status === 'PENDING' ? status : 'FAILED'
}

const resultsOf = (
  children: readonly (ExecutionRecord | PendingChild)[],
  { transformation }: ResultWriter,
): readonly Json[] =>
  children.flatMap((child): readonly Json[] => {
    if (child.status === 'PENDING') return [{ Input: child.input, InputDetails: { Included: true }, Status: 'PENDING' }]
    if (transformation === 'NONE' || child.output === null) return [describeChild(child)]
    const output = JSON.parse(child.output) as Json
    return transformation === 'FLATTEN' && Array.isArray(output) ? output : [output]
  })

function printResults(children: readonly (ExecutionRecord | PendingChild)[], writer: ResultWriter): string {
  const results = resultsOf(children, writer)
  return writer.outputType === 'JSONL'
    ? results.map((result) => `${JSON.stringify(result)}\n`).join('')
    : JSON.stringify(results)
}

function describeChild(child: ExecutionRecord): Json {
  return {
    ExecutionArn: child.arn,
    Input: child.input,
    InputDetails: { Included: true },
    Name: child.name,
    ...(child.output === null ? {} : { Output: child.output, OutputDetails: { Included: true } }),
    ...(child.error === null ? {} : { Error: child.error }),
    ...(child.cause === null ? {} : { Cause: child.cause }),
    RedriveCount: child.redriveCount,
    RedriveStatus: child.status === 'SUCCEEDED' ? 'NOT_REDRIVABLE' : 'REDRIVABLE',
    StartDate: new Date(child.startedAt).toISOString(),
    StateMachineArn: child.machineArn,
    Status: child.status,
    StopDate: new Date(child.stoppedAt ?? child.startedAt).toISOString(),
  }
}
