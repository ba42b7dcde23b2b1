import { isJsonObject, type Json } from '../../../core/json.ts'
import { contextOf, type Integration, type IntegrationPorts, TaskFailure, type TaskRequest } from './integration.ts'
import { sdkMetadata, stateOutput } from './sdk-shape.ts'
import { optimizedFailure } from './service-errors.ts'

/** Shortest and longest time between two looks at a job; the wait grows with the job's age. */
const MIN_POLL_MILLIS = 5
const MAX_POLL_MILLIS = 250
/** A look is due after this part of the time the job has run. */
const POLL_FRACTION = 0.05

const FAILED_STATES = ['FAILED', 'TIMEOUT', 'STOPPED', 'ERROR', 'EXPIRED']

/** `glue:startJobRun` and `.sync` */
export const glueStartJobRun = (ports: IntegrationPorts): Integration => ({
  async call(request) {
    const requestId = ports.uuid()
    const output = await glueCall(ports, request, 'StartJobRun', request.parameters)
    const { JobName } = isJsonObject(request.parameters) ? request.parameters : {}
    return { ...output, ...(typeof JobName === 'string' ? { JobName } : {}), ...sdkMetadata(requestId) }
  },
  wait: (submitted, request) => waitForRun(ports, submitted, request),
  async stop(submitted, request) {
    const { JobName, RunId } = runOf(submitted)
    await glueCall(ports, request, 'BatchStopJobRun', { JobName, JobRunIds: [RunId] })
  },
})

async function waitForRun(ports: IntegrationPorts, submitted: Json, request: TaskRequest): Promise<Json> {
  const { clock } = ports
  const startedAt = clock.now().getTime()
  for (;;) {
    const { JobRun: run } = await glueCall(ports, request, 'GetJobRun', runOf(submitted), 'millis')
    const state = isJsonObject(run) ? run.JobRunState : undefined
    if (state === 'SUCCEEDED') return (run ?? null) as Json
    if (typeof state === 'string' && FAILED_STATES.includes(state))
      throw new TaskFailure({ error: 'States.TaskFailed', cause: JSON.stringify(run) })
    const age = clock.now().getTime() - startedAt
    const pause = Math.min(Math.max(age * POLL_FRACTION, MIN_POLL_MILLIS), MAX_POLL_MILLIS)
    await clock.sleepUntil(new Date(clock.now().getTime() + pause), request.signal)
  }
}

function runOf(submitted: Json): { readonly JobName: string; readonly RunId: string } {
  const { JobName, JobRunId } = isJsonObject(submitted) ? submitted : {}
  return { JobName: String(JobName), RunId: String(JobRunId) }
}

async function glueCall(
  ports: IntegrationPorts,
  request: TaskRequest,
  operation: string,
  input: unknown,
  times: 'iso' | 'millis' = 'iso',
): Promise<Record<string, Json>> {
  const context = contextOf(ports, request)
  try {
    const output = await stateOutput(await ports.bus.call('glue', operation, input, context), times)
    return isJsonObject(output) ? (output as Record<string, Json>) : {}
  } catch (thrown) {
    throw optimizedFailure('glue', thrown, context.requestId)
  }
}
