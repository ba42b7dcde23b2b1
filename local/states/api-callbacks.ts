import type { Json } from '../../core/json.ts'
import type { Input } from '../input.ts'
import { AwsError, type Operation, type Permission } from '../service.ts'
import { type Api, boundedText, givenFailure, operation } from './api.ts'
import { MAX_PAYLOAD_BYTES } from './evaluation.ts'
import type { TaskPhase, Thread } from './execution-state.ts'
import type { ExecutionInput } from './inputs.ts'
import type { TaskOutcome } from './task-steps.ts'
import { parseTaskToken } from './token.ts'

/** Operations by which others complete a task whose token they were given. */
export const callbackOperations = (api: Api): Readonly<Record<string, Operation>> => ({
  SendTaskSuccess: operation(tokenPermission(api, 'SendTaskSuccess'), (input) =>
    complete(api, input, { kind: 'succeeded', output: outputOf(input) }),
  ),
  SendTaskFailure: operation(tokenPermission(api, 'SendTaskFailure'), (input) =>
    complete(api, input, failureOf(input)),
  ),
  SendTaskHeartbeat: operation(tokenPermission(api, 'SendTaskHeartbeat'), async (input) => {
    const { arn, thread, phase } = taskOf(api, input.text('taskToken'))
    await send(api, arn, { kind: 'heartbeat', thread: thread.id, scheduledId: phase.scheduledId })
    return {}
  }),
})

/** The permission is on the machine whose execution waits. */
const tokenPermission =
  (api: Api, action: string) =>
  (input: Input): readonly Permission[] => {
    const parts = parseTaskToken(input.textOr('taskToken', ''))
    const machineArn = parts === null ? undefined : api.engine.record(parts.executionArn)?.machineArn
    return [{ action: `states:${action}`, resource: machineArn ?? '*' }]
  }

/** @throws AwsError ValidationException, InvalidOutput */
function outputOf(input: Input): Json {
  const text = boundedText(input, 'output', MAX_PAYLOAD_BYTES) ?? input.text('output')
  try {
    return JSON.parse(text) as Json
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AwsError('InvalidOutput', `Invalid Output: '${reason}'`)
  }
}

const failureOf = (input: Input): TaskOutcome => ({ kind: 'failed', phase: 'Failed', ...givenFailure(input) })

async function complete(api: Api, input: Input, outcome: TaskOutcome): Promise<unknown> {
  const { arn, thread, phase } = taskOf(api, input.text('taskToken'))
  await send(api, arn, { kind: 'completed', thread: thread.id, scheduledId: phase.scheduledId, outcome })
  return {}
}

async function send(api: Api, arn: string, input: ExecutionInput): Promise<void> {
  if (!(await api.engine.deliver(arn, input))) throw timedOut()
}

/** @throws AwsError InvalidToken, TaskTimedOut */
function taskOf(api: Api, token: string): { readonly arn: string; readonly thread: Thread; readonly phase: TaskPhase } {
  const parts = parseTaskToken(token)
  if (parts === null) throw new AwsError('InvalidToken', "Invalid Token: 'Invalid token'")
  const thread = api.engine.live(parts.executionArn)?.execution.threads.get(parts.thread)
  if (thread === undefined || thread.phase.kind !== 'task' || thread.phase.attempt.token !== token) throw timedOut()
  return { arn: parts.executionArn, thread, phase: thread.phase }
}

const timedOut = (): AwsError => new AwsError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'")
