import type { Json } from '../../core/json.ts'
import type { Thread } from './execution-state.ts'
import type { Failure } from './log.ts'
import { completeTask, type TaskOutcome } from './task-steps.ts'
import type { Turn } from './turn.ts'

/** What reaches an execution from outside. */
export type ExecutionInput =
  | { readonly kind: 'start'; readonly input: Json; readonly timeoutAt: number | null }
  | { readonly kind: 'resume' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'submitted'; readonly thread: number; readonly scheduledId: number; readonly output: Json }
  | { readonly kind: 'completed'; readonly thread: number; readonly scheduledId: number; readonly outcome: TaskOutcome }
  | { readonly kind: 'heartbeat'; readonly thread: number; readonly scheduledId: number }
  | {
      readonly kind: 'mapRunEnded'
      readonly thread: number
      readonly mapRunArn: string
      readonly outcome: MapRunOutcome
    }
  | ({ readonly kind: 'stop' } & Failure)
  | { readonly kind: 'redrive'; readonly timeoutAt: number | null }

export type MapRunOutcome =
  | { readonly kind: 'succeeded'; readonly output: Json }
  | ({ readonly kind: 'failed' } & Failure)

/** Appends what an input means and makes the threads runnable that it concerns; an input that comes too late means nothing. */
export function applyInput(turn: Turn, input: ExecutionInput): void {
  const { execution } = turn
  if (input.kind === 'start') {
    turn.event(0, 0, { type: 'ExecutionStarted', input: input.input, timeoutAt: input.timeoutAt })
    turn.runnable.push(...execution.threads.values())
    return
  }
  if (input.kind === 'redrive') {
    redrive(turn, input.timeoutAt)
    return
  }
  if (execution.status !== 'RUNNING') return
  if (input.kind === 'resume') turn.runnable.push(...execution.threads.values())
  else if (input.kind === 'tick') tick(turn)
  else if (input.kind === 'stop') stop(turn, input)
  else applyToTask(turn, input)
}

function redrive(turn: Turn, timeoutAt: number | null): void {
  const { execution } = turn
  const redriveCount = execution.redriveCount + 1
  const id = turn.event(0, execution.lastEventId, { type: 'ExecutionRedriven', redriveCount, timeoutAt })
  for (const thread of execution.threads.values()) {
    const { phase } = thread
    if (phase.kind === 'mapRun' && phase.run !== null)
      turn.event(thread.id, id, { type: 'MapRunRedriven', mapRunArn: phase.run.arn, redriveCount })
  }
  turn.runnable.push(...execution.threads.values())
}

function stop(turn: Turn, { error, cause }: Failure): void {
  turn.event(0, 0, {
    type: 'ExecutionAborted',
    ...(error === undefined ? {} : { error }),
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Times that have come: of the execution, of tasks, of waits and retries. All timeouts are recorded before any is handled. */
function tick(turn: Turn): void {
  const { execution, now } = turn
  if (execution.timeoutAt !== null && execution.timeoutAt <= now) {
    turn.event(0, 0, { type: 'ExecutionTimedOut', error: 'States.Timeout' })
    return
  }
  for (const thread of [...execution.threads.values()]) {
    const { phase } = thread
    if ((phase.kind === 'wait' || phase.kind === 'backoff') && phase.dueAt <= now) turn.runnable.push(thread)
    if (phase.kind === 'task') timeOutTask(turn, thread)
  }
}

function timeOutTask(turn: Turn, thread: Thread): void {
  const { phase } = thread
  if (phase.kind !== 'task') return
  const { timeoutAt, heartbeatAt } = phase.attempt
  const heartbeat = heartbeatAt !== null && heartbeatAt <= turn.now
  if (!heartbeat && (timeoutAt === null || timeoutAt > turn.now)) return
  turn.event(thread.id, thread.lastEventId, {
    type: 'TaskFailed',
    phase: 'TimedOut',
    error: 'States.Timeout',
    ...(heartbeat ? { heartbeat } : {}),
  })
  turn.runnable.push(thread)
}

function applyToTask(
  turn: Turn,
  input: Exclude<ExecutionInput, { kind: 'start' | 'redrive' | 'resume' | 'tick' | 'stop' }>,
): void {
  const thread = turn.execution.threads.get(input.thread)
  if (thread === undefined || !isActive(thread)) return
  const { phase } = thread
  if (input.kind === 'mapRunEnded') {
    if (phase.kind === 'mapRun' && phase.run?.arn === input.mapRunArn) endMapRun(turn, thread, input.outcome)
    return
  }
  if (phase.kind !== 'task' || phase.scheduledId !== input.scheduledId) return
  if (input.kind === 'completed') completeTask(turn, thread, input.outcome)
  else if (input.kind === 'submitted') submit(turn, thread, input.output)
  else if (phase.attempt.heartbeatMillis !== null)
    turn.note(thread.id, { type: 'HeartbeatReceived', heartbeatAt: turn.now + phase.attempt.heartbeatMillis })
}

function submit(turn: Turn, thread: Thread, output: Json): void {
  turn.event(thread.id, thread.lastEventId, { type: 'TaskSubmitted', output })
}

/** False for a thread inside a state that has failed. */
export function isActive(thread: Thread): boolean {
  for (let above = thread.parent; above !== null; above = above.parent)
    if (above.phase.kind !== 'branches' && above.phase.kind !== 'iterations') return false
  return true
}

function endMapRun(turn: Turn, thread: Thread, outcome: MapRunOutcome): void {
  const prev = thread.lastEventId
  if (outcome.kind === 'succeeded') {
    const id = turn.event(thread.id, prev, { type: 'MapRunSucceeded', output: outcome.output })
    turn.event(thread.id, id, { type: 'MapStateSucceeded' })
  } else {
    const { kind: _, ...failure } = outcome
    turn.event(thread.id, prev, { type: 'MapRunFailed', ...failure })
  }
  turn.runnable.push(thread)
}

/** Epoch milliseconds of the next thing that happens by time alone; `null` for none. */
export function nextDue(turn: Pick<Turn, 'execution'>): number | null {
  const { threads, timeoutAt, status } = turn.execution
  if (status !== 'RUNNING') return null
  let due = timeoutAt ?? Number.POSITIVE_INFINITY
  for (const { phase } of threads.values()) {
    if (phase.kind === 'wait' || phase.kind === 'backoff') due = Math.min(due, phase.dueAt)
    if (phase.kind === 'task') due = Math.min(due, phase.attempt.timeoutAt ?? due, phase.attempt.heartbeatAt ?? due)
  }
  return Number.isFinite(due) ? due : null
}
