import type { Json } from '../../core/json.ts'
import { bindingsOf, type Departure, evaluateDeparture, fitsPayload, OutputTooLarge, tooLarge } from './evaluation.ts'
import type { Thread } from './execution-state.ts'
import { guarded, handleFailure } from './failing.ts'
import type { ChoiceState, FailState, PassState, State, SucceedState, WaitState } from './machine.ts'
import { executeMap, startIterations } from './map-steps.ts'
import { executeTask } from './task-steps.ts'
import { EvaluationFailure, evaluateTemplate, evaluateTyped } from './template.ts'
import { HistoryFull, type Turn } from './turn.ts'

/** Runs what can run until every thread waits for something, the execution ends, or the turn is full. */
export async function runThreads(turn: Turn): Promise<void> {
  try {
    for (let thread = turn.runnable.shift(); thread !== undefined; thread = turn.runnable.shift()) {
      await runThread(turn, thread)
      if (turn.isFull) return
    }
  } catch (thrown) {
    if (!(thrown instanceof HistoryFull)) throw thrown
    turn.event(0, turn.execution.lastEventId, {
      type: 'ExecutionFailed',
      error: 'States.Runtime',
      cause: thrown.message,
    })
    turn.runnable.length = 0
  }
}

async function runThread(turn: Turn, thread: Thread): Promise<void> {
  while (turn.execution.status === 'RUNNING' && isLive(turn, thread)) {
    if (turn.isFull) {
      turn.runnable.unshift(thread)
      return
    }
    const goesOn = step(turn, thread)
    if (!(typeof goesOn === 'boolean' ? goesOn : await goesOn)) return
  }
}

/** False for a branch or iteration whose parent has failed or gone on. */
function isLive(turn: Turn, thread: Thread): boolean {
  if (turn.execution.threads.get(thread.id) !== thread) return false
  for (let above = thread.parent; above !== null; above = above.parent)
    if (above.phase.kind !== 'branches' && above.phase.kind !== 'iterations') return false
  return true
}

/** One step of a thread; false when it waits or has ended. What needs no expression is done at once. */
function step(turn: Turn, thread: Thread): boolean | Promise<boolean> {
  const { phase } = thread
  switch (phase.kind) {
    case 'enter':
      enterState(turn, thread, phase.name, phase.input)
      return true
    case 'execute':
      return passThrough(turn, thread) || goingOn(guarded(turn, thread, () => execute(turn, thread)))
    case 'backoff':
      if (phase.dueAt > turn.now) return false
      return goingOn(guarded(turn, thread, () => execute(turn, thread)))
    case 'wait':
      if (phase.dueAt > turn.now) return false
      return goingOn(guarded(turn, thread, () => leaveByDefault(turn, thread)))
    case 'succeeded':
      return goingOn(guarded(turn, thread, () => leaveWithResult(turn, thread, phase.value)))
    case 'failing':
      return goingOn(handleFailure(turn, thread, phase))
    case 'branches':
      return joinBranches(turn, thread)
    case 'iterations':
      return startIterations(turn, thread, phase.startedId)
    case 'ended':
      endThread(turn, thread, phase.output)
      return false
    case 'task':
    case 'mapRun':
      return false
  }
}

async function goingOn(work: Promise<void>): Promise<true> {
  await work
  return true
}

/** Leaves a state that neither computes nor assigns; false for any other. */
function passThrough(turn: Turn, thread: Thread): boolean {
  const { state } = thread
  if (state?.type !== 'Pass' || state.output !== null || state.assign.length > 0) return false
  leave(turn, thread, state, { output: thread.input, assigned: null }, state.next)
  return true
}

function enterState(turn: Turn, thread: Thread, name: string, input: Json): void {
  const state = thread.scope.states.get(name)
  if (state === undefined) throw new Error(`State "${name}" is not in the definition`)
  turn.event(thread.id, thread.lastEventId, { type: 'StateEntered', stateType: state.type, name, input })
}

async function execute(turn: Turn, thread: Thread): Promise<void> {
  const { state } = thread
  if (state === null) throw new Error(`Thread ${thread.id} executes outside of a state`)
  switch (state.type) {
    case 'Pass':
      return leaveByDefault(turn, thread)
    case 'Succeed':
      return succeed(turn, thread, state)
    case 'Fail':
      return fail(turn, thread, state)
    case 'Choice':
      return choose(turn, thread, state)
    case 'Wait':
      return wait(turn, thread, state)
    case 'Task':
      return executeTask(turn, thread, state)
    case 'Parallel':
      return startParallel(turn, thread)
    case 'Map':
      return executeMap(turn, thread, state)
  }
}

/** Appends the Exited event. */
function leave(turn: Turn, thread: Thread, state: State, departure: Departure, next: string | null): void {
  turn.event(thread.id, thread.lastEventId, {
    type: 'StateExited',
    stateType: state.type,
    name: state.name,
    output: departure.output,
    assigned: departure.assigned,
    next,
  })
}

async function leaveByDefault(turn: Turn, thread: Thread): Promise<void> {
  const state = thread.state as PassState | WaitState
  leave(turn, thread, state, await evaluateDeparture(turn, thread, state, thread.input), state.next)
}

async function succeed(turn: Turn, thread: Thread, state: SucceedState): Promise<void> {
  const leaving = { output: state.output, assign: [] }
  leave(turn, thread, state, await evaluateDeparture(turn, thread, leaving, thread.input), null)
}

async function fail(turn: Turn, thread: Thread, state: FailState): Promise<void> {
  const bindings = bindingsOf(turn, thread)
  const error = state.error === null ? undefined : await evaluateTyped(state.error, ['string'], bindings)
  const cause = state.cause === null ? undefined : await evaluateTyped(state.cause, ['string'], bindings)
  turn.note(thread.id, {
    type: 'StateFailed',
    ...(error === undefined ? {} : { error: String(error) }),
    ...(cause === undefined ? {} : { cause: String(cause) }),
    final: false,
  })
}

async function choose(turn: Turn, thread: Thread, state: ChoiceState): Promise<void> {
  for (const rule of state.choices) {
    const met = await evaluateTyped(rule.condition, ['boolean'], bindingsOf(turn, thread))
    if (met !== true) continue
    leave(turn, thread, state, await evaluateDeparture(turn, thread, rule, thread.input), rule.next)
    return
  }
  if (state.default !== null) {
    leave(turn, thread, state, await evaluateDeparture(turn, thread, state, thread.input), state.default)
    return
  }
  turn.note(thread.id, {
    type: 'StateFailed',
    error: 'States.NoChoiceMatched',
    cause: `An error occurred while executing the state '${state.name}' (entered at the event id #${thread.enteredId}). Failed to transition out of the state. The state does not point to a next state.`,
    final: true,
  })
}

const MAX_WAIT_DAYS = 24_855

async function wait(turn: Turn, thread: Thread, state: WaitState): Promise<void> {
  const dueAt = await dueTime(turn, thread, state)
  if (dueAt - turn.now > MAX_WAIT_DAYS * 86_400_000) {
    turn.note(thread.id, {
      type: 'StateFailed',
      error: 'States.Runtime',
      cause: 'Wait state delay is too long.',
      final: true,
    })
    return
  }
  if (dueAt <= turn.now) return leaveByDefault(turn, thread)
  turn.note(thread.id, { type: 'WaitScheduled', dueAt })
}

async function dueTime(turn: Turn, thread: Thread, { seconds, timestamp }: WaitState): Promise<number> {
  const bindings = bindingsOf(turn, thread)
  if (seconds !== null) return turn.now + 1_000 * waitSeconds(await evaluateTyped(seconds, ['number'], bindings))
  if (timestamp === null) return turn.now
  return timestampMillis(String(await evaluateTyped(timestamp, ['string'], bindings)))
}

function waitSeconds(value: Json): number {
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw new EvaluationFailure(`The Seconds field cannot be parsed as an integer: ${JSON.stringify(value)}`, 'Seconds')
  if (value < 0 || value > 99_999_999)
    throw new EvaluationFailure(`Seconds must be between 0 and 99999999 but was: ${value}`, 'Seconds')
  return value
}

const TIMESTAMP = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:\d{2})$/

/** Epoch milliseconds of an ISO 8601 date-time with an offset. @throws EvaluationFailure */
function timestampMillis(text: string): number {
  const parts = TIMESTAMP.exec(text)
  const millis = parts === null ? Number.NaN : parseIso(parts)
  if (!Number.isNaN(millis)) return millis
  throw new EvaluationFailure(
    `The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: ${text}`,
    'Timestamp',
  )
}

/** `NaN` for a date or time that does not exist. */
function parseIso(parts: readonly string[]): number {
  const [, year, month, day, hour, minute, second = '00', fraction = '', offset] = parts
  const civil = `${year}-${month}-${day}`
  if (new Date(`${civil}T00:00:00Z`).toJSON()?.slice(0, 10) !== civil) return Number.NaN
  return Date.parse(`${civil}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}${offset}`)
}

async function leaveWithResult(turn: Turn, thread: Thread, result: Json): Promise<void> {
  const { state } = thread
  if (state?.type !== 'Task' && state?.type !== 'Parallel' && state?.type !== 'Map')
    throw new Error(`Thread ${thread.id} has a result outside of a Task, Parallel or Map`)
  leave(turn, thread, state, await evaluateDeparture(turn, thread, state, result, { result }), state.next)
}

async function startParallel(turn: Turn, thread: Thread): Promise<void> {
  const { state } = thread
  if (state?.type !== 'Parallel') return
  const input =
    state.arguments === null ? thread.input : await evaluateTemplate(state.arguments, bindingsOf(turn, thread))
  if (state.arguments !== null && !fitsPayload(input)) throw new OutputTooLarge(state.name)
  turn.event(thread.id, thread.lastEventId, { type: 'ParallelStateStarted', input })
  if (thread.phase.kind === 'branches') turn.runnable.push(...thread.phase.children)
}

/** True when all branches have ended and the state has succeeded. */
function joinBranches(turn: Turn, thread: Thread): boolean {
  const { phase } = thread
  if (phase.kind !== 'branches' || phase.children.some((child) => child.phase.kind !== 'ended')) return false
  const outputs = phase.children.map((child) => (child.phase.kind === 'ended' ? child.phase.output : null))
  if (fitsPayload(outputs)) {
    turn.event(thread.id, thread.lastEventId, { type: 'ParallelStateSucceeded' })
    return true
  }
  const cause = tooLarge(thread.state?.name ?? '')
  turn.note(thread.id, { type: 'StateFailed', error: 'States.DataLimitExceeded', cause, final: true })
  return true
}

function endThread(turn: Turn, thread: Thread, output: Json): void {
  const { parent } = thread
  if (parent === null) {
    turn.event(thread.id, thread.lastEventId, { type: 'ExecutionSucceeded', output })
    return
  }
  if (parent.phase.kind === 'iterations')
    turn.event(parent.id, thread.lastEventId, {
      type: 'MapIterationSucceeded',
      index: thread.index,
      name: parent.state?.name ?? '',
    })
  turn.runnable.unshift(parent)
}
