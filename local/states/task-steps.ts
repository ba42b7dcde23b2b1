import type { Json } from '../../core/json.ts'
import { bindingsOf, fitsPayload, OutputTooLarge, tooLarge } from './evaluation.ts'
import type { Thread } from './execution-state.ts'
import type { Failure, TaskFailurePhase } from './log.ts'
import type { TaskState } from './machine.ts'
import type { Bindings } from './query.ts'
import type { Resource } from './resource.ts'
import { EvaluationFailure, evaluateTemplate, evaluateTyped, type Template } from './template.ts'
import { taskToken } from './token.ts'
import type { Turn } from './turn.ts'

/** Evaluates `Arguments` and times anew and schedules one attempt of the task. */
export async function executeTask(turn: Turn, thread: Thread, state: TaskState): Promise<void> {
  const token = taskToken(turn.facts.arn, thread.id, turn.chance.uuid())
  const bindings = bindingsOf(turn, thread, handsOutToken(state.resource) ? { token } : {})
  const parameters = await evaluateArguments(state, thread.input, bindings)
  if (!fitsPayload(parameters)) throw new OutputTooLarge(state.name)
  const timeoutInSeconds = await evaluateSeconds(state.timeoutSeconds, bindings)
  const heartbeatInSeconds = await evaluateSeconds(state.heartbeatSeconds, bindings)
  const credentials = state.credentialsRoleArn
  const heartbeatMillis =
    heartbeatInSeconds === null || !handsOutToken(state.resource) ? null : heartbeatInSeconds * 1_000
  turn.event(thread.id, thread.lastEventId, {
    type: 'TaskScheduled',
    parameters,
    token,
    timeoutInSeconds,
    heartbeatInSeconds,
    credentialsRoleArn: credentials === null ? null : String(await evaluateTyped(credentials, ['string'], bindings)),
    timeoutAt: timeoutInSeconds === null ? null : turn.now + timeoutInSeconds * 1_000,
    heartbeatAt: heartbeatMillis === null ? null : turn.now + heartbeatMillis,
    heartbeatMillis,
  })
  turn.event(thread.id, thread.lastEventId, { type: 'TaskStarted' })
}

/** A function takes any value, a service an object. */
async function evaluateArguments(state: TaskState, input: Json, bindings: Bindings): Promise<Json> {
  if (state.arguments === null) return input
  if (state.resource.kind === 'function') return evaluateTemplate(state.arguments, bindings)
  return evaluateTyped(state.arguments, ['object'], bindings)
}

/** Tasks that someone else may complete have a token: callbacks and jobs. */
const handsOutToken = (resource: Resource): boolean =>
  resource.kind === 'service' && resource.pattern !== 'requestResponse'

async function evaluateSeconds(template: Template | null, bindings: Bindings): Promise<number | null> {
  if (template === null) return null
  const value = await evaluateTyped(template, ['number'], bindings)
  const { field } = template
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw new EvaluationFailure(`The ${field} field cannot be parsed as an integer: ${JSON.stringify(value)}`, field)
  if (value < 0 || value > 99_999_999)
    throw new EvaluationFailure(`${field} must be between 0 and 99999999 but was: ${value}`, field)
  return value
}

/** The end of a task attempt. */
export type TaskOutcome =
  | { readonly kind: 'succeeded'; readonly output: Json }
  | ({ readonly kind: 'failed'; readonly phase: TaskFailurePhase } & Failure)

/** Appends the end of the attempt; a result that is too large is a failure. */
export function completeTask(turn: Turn, thread: Thread, outcome: TaskOutcome): void {
  const { state } = thread
  if (state?.type !== 'Task') return
  if (outcome.kind === 'failed') {
    const { kind: _, ...failed } = outcome
    turn.event(thread.id, thread.lastEventId, { type: 'TaskFailed', ...failed })
  } else if (fitsPayload(outcome.output)) {
    turn.event(thread.id, thread.lastEventId, { type: 'TaskSucceeded', output: outcome.output })
  } else {
    const { resource } = state
    const cause = tooLarge(resource.kind === 'service' ? resource.resourceType : resource.arn)
    turn.event(thread.id, thread.lastEventId, {
      type: 'TaskFailed',
      phase: 'Failed',
      error: 'States.DataLimitExceeded',
      cause,
    })
  }
  turn.runnable.push(thread)
}
