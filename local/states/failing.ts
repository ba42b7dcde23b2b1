import type { Json } from '../../core/json.ts'
import { evaluateDeparture, OutputTooLarge } from './evaluation.ts'
import type { FailingPhase, Thread } from './execution-state.ts'
import type { Failure } from './log.ts'
import type { Catcher, MapState, ParallelState, State, TaskState } from './machine.ts'
import { chooseRetrier, matchesError, retryDelayMillis } from './retry.ts'
import { EvaluationFailure } from './template.ts'
import type { Turn } from './turn.ts'

/** Runs `work`; an expression that fails, or an output too large, becomes the thread's failure. */
export async function guarded(turn: Turn, thread: Thread, work: () => Promise<void>, final = false): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    if (thrown instanceof EvaluationFailure) failEvaluation(turn, thread, thrown, final)
    else if (thrown instanceof OutputTooLarge)
      turn.note(thread.id, {
        type: 'StateFailed',
        error: 'States.DataLimitExceeded',
        cause: thrown.message,
        final: true,
      })
    else throw thrown
  }
}

/** `EvaluationFailed` follows what the Entered event followed, unless the state has more events by now. */
function failEvaluation(turn: Turn, thread: Thread, { cause, location }: EvaluationFailure, final: boolean): void {
  const state = thread.state?.name ?? ''
  const untouched = thread.lastEventId === thread.enteredId
  const hangsOnEntered = thread.state?.type === 'Wait' && location === 'Timestamp' && /cannot be parsed/.test(cause)
  turn.event(thread.id, untouched && !hangsOnEntered ? thread.enteredPrev : thread.lastEventId, {
    type: 'EvaluationFailed',
    state,
    ...(location === undefined ? {} : { location }),
    error: 'States.QueryEvaluationError',
    cause: `An error occurred while executing the state '${state}' (entered at the event id #${thread.enteredId}). ${cause}`,
    final,
  })
}

type Guarded = TaskState | ParallelState | MapState

const guardedStateOf = (state: State | null): Guarded | null =>
  state !== null && (state.type === 'Task' || state.type === 'Parallel' || state.type === 'Map') ? state : null

/** Retries, catches or passes on the failure of the thread. */
export async function handleFailure(turn: Turn, thread: Thread, phase: FailingPhase): Promise<void> {
  const state = guardedStateOf(thread.state)
  if (state === null || phase.final) {
    passOn(turn, thread, phase.failure)
    return
  }
  const chosen = chooseRetrier(state.retry, thread.retryCounts, phase)
  if (chosen !== null) {
    const delay = retryDelayMillis(chosen.retrier, chosen.attempt, turn.chance.random)
    turn.note(thread.id, { type: 'RetryScheduled', retrier: chosen.index, dueAt: turn.now + delay })
    return
  }
  if (state.type !== 'Task')
    turn.event(thread.id, thread.lastEventId, {
      type: state.type === 'Map' ? 'MapStateFailed' : 'ParallelStateFailed',
    })
  const catcher = state.catch.find(({ errorEquals }) => matchesError(errorEquals, phase))
  if (catcher === undefined) {
    passOn(turn, thread, phase.failure)
    return
  }
  await guarded(turn, thread, () => leaveByCatcher(turn, thread, state, catcher, phase.failure), true)
}

async function leaveByCatcher(
  turn: Turn,
  thread: Thread,
  state: Guarded,
  catcher: Catcher,
  failure: Failure,
): Promise<void> {
  const errorOutput = errorOutputOf(failure)
  const { output, assigned } = await evaluateDeparture(turn, thread, catcher, errorOutput, { errorOutput })
  turn.event(thread.id, thread.lastEventId, {
    type: 'StateExited',
    stateType: state.type,
    name: state.name,
    output,
    assigned,
    next: catcher.next,
  })
}

/** `$states.errorOutput`; the cause of a timeout is empty text. */
function errorOutputOf({ error, cause }: Failure): Json {
  return { Error: error ?? null, Cause: cause ?? (error === 'States.Timeout' ? '' : null) }
}

/** The failure leaves the thread: the execution fails, or the state around it. */
function passOn(turn: Turn, thread: Thread, failure: Failure): void {
  if (thread.parent === null) {
    turn.event(thread.id, thread.lastEventId, { type: 'ExecutionFailed', ...failure })
    return
  }
  recordChildFailure(turn, thread.parent, thread)
  turn.note(thread.parent.id, { type: 'ChildFailed', ...failure, lastEventId: thread.lastEventId })
  turn.runnable.unshift(thread.parent)
}

/** The events of a failed branch or iteration and of those that are aborted with it: all hang on the failing event. */
function recordChildFailure(turn: Turn, parent: Thread, child: Thread): void {
  const prev = child.lastEventId
  const name = parent.state?.name ?? ''
  const inMap = parent.state?.type === 'Map'
  if (inMap) turn.event(parent.id, prev, { type: 'MapIterationFailed', index: child.index, name })
  if (child.phase.kind === 'failing' && child.phase.ofTask) abortState(turn, child, prev)
  for (const sibling of siblingsOf(parent, child)) {
    if (inMap) turn.event(parent.id, prev, { type: 'MapIterationAborted', index: sibling.index, name })
    if (isInState(sibling)) abortState(turn, sibling, prev)
  }
}

function abortState(turn: Turn, thread: Thread, prev: number): void {
  if (thread.state !== null) turn.event(thread.id, prev, { type: 'StateAborted', stateType: thread.state.type })
}

const isInState = ({ state, phase }: Thread): boolean =>
  state !== null &&
  phase.kind !== 'enter' &&
  phase.kind !== 'ended' &&
  (state.type === 'Task' || state.type === 'Wait' || state.type === 'Parallel' || state.type === 'Map')

function siblingsOf(parent: Thread, child: Thread): readonly Thread[] {
  const { phase } = parent
  if (phase.kind === 'branches')
    return phase.children.filter((other) => other !== child && other.phase.kind !== 'ended')
  if (phase.kind === 'iterations') return [...phase.running.values()].filter((other) => other !== child)
  return []
}
