import type { Json } from '../../core/json.ts'
import {
  compositeOf,
  type ExecutionState,
  type IterationsPhase,
  type MapItem,
  type Phase,
  type Thread,
} from './execution-state.ts'
import type { LogEntry } from './log.ts'
import type { Machine, Scope } from './machine.ts'

/**
 * Advances the state of an execution by one entry of its log. Live and after a restart the same entries lead to the same
 * state, which is why nothing else changes it.
 */
export function applyEntry(machine: Machine, execution: ExecutionState, entry: LogEntry): void {
  if (entry.id > 0) execution.lastEventId = entry.id
  if (entry.type === 'ExecutionStarted') {
    execution.startedAt = entry.at
    execution.input = entry.input
    execution.timeoutAt = entry.timeoutAt
    addThread(execution, null, 0, machine.root, entry.input, null, 0)
    return
  }
  if (applyEnd(execution, entry)) return
  const thread = execution.threads.get(entry.thread)
  if (thread === undefined) throw new Error(`Log entry ${entry.type} names thread ${entry.thread}, which is not there`)
  applyToThread(execution, thread, entry)
}

function applyEnd(execution: ExecutionState, entry: LogEntry): boolean {
  switch (entry.type) {
    case 'ExecutionSucceeded':
      execution.status = 'SUCCEEDED'
      execution.output = entry.output
      return true
    case 'ExecutionFailed':
      return close(execution, 'FAILED', entry)
    case 'ExecutionAborted':
      return close(execution, 'ABORTED', entry)
    case 'ExecutionTimedOut':
      return close(execution, 'TIMED_OUT', {})
    case 'ExecutionRedriven':
      redrive(execution, entry.at, entry.redriveCount, entry.timeoutAt, entry.id)
      return true
    default:
      return false
  }
}

function close(
  execution: ExecutionState,
  status: 'FAILED' | 'ABORTED' | 'TIMED_OUT',
  failure: { readonly error?: string; readonly cause?: string },
): true {
  execution.status = status
  execution.failure = {
    ...(failure.error === undefined ? {} : { error: failure.error }),
    ...(failure.cause === undefined ? {} : { cause: failure.cause }),
  }
  return true
}

/** Where threads go on as they stood; any other state is executed again. */
const KEPT_BY_REDRIVE: readonly Phase['kind'][] = ['enter', 'wait', 'branches', 'iterations', 'mapRun', 'ended']

/** What had not succeeded is tried again, in the state where it stood; retry counters start anew. */
function redrive(execution: ExecutionState, at: number, count: number, timeoutAt: number | null, id: number): void {
  execution.status = 'RUNNING'
  execution.failure = {}
  execution.redriveCount = count
  execution.redrivenAt = at
  execution.timeoutAt = timeoutAt
  for (const thread of execution.threads.values()) {
    if (thread.phase.kind === 'failing' && thread.phase.resume !== null) {
      thread.phase = thread.phase.resume
      continue
    }
    if (KEPT_BY_REDRIVE.includes(thread.phase.kind)) continue
    thread.phase = { kind: 'execute' }
    thread.retryCounts = []
    thread.retryCount = 0
    thread.lastEventId = id
  }
}

function applyToThread(execution: ExecutionState, thread: Thread, entry: LogEntry): void {
  switch (entry.type) {
    case 'StateEntered':
      enter(thread, entry)
      return
    case 'StateExited':
      if (thread.state?.type === 'Parallel' || thread.state?.type === 'Map') dropChildren(execution, thread)
      exit(thread, entry)
      return
    case 'EvaluationFailed':
      thread.lastEventId = entry.id
      thread.phase = failing(entry, entry.final)
      return
    case 'StateFailed':
      thread.phase = failing(entry, entry.final)
      return
    case 'WaitScheduled':
      thread.phase = { kind: 'wait', dueAt: entry.dueAt }
      return
    case 'RetryScheduled':
      dropChildren(execution, thread)
      thread.retryCounts = countRetry(thread.retryCounts, entry.retrier)
      thread.retryCount += 1
      thread.phase = { kind: 'backoff', dueAt: entry.dueAt }
      return
    case 'StateAborted':
      return
    default:
      applyTask(execution, thread, entry)
  }
}

function applyTask(execution: ExecutionState, thread: Thread, entry: LogEntry): void {
  const { phase } = thread
  switch (entry.type) {
    case 'TaskScheduled': {
      thread.lastEventId = entry.id
      const { id, prev: _prev, at: _at, thread: _thread, type: _type, ...attempt } = entry
      thread.phase = { kind: 'task', attempt, scheduledId: id, submitted: undefined }
      return
    }
    case 'TaskStarted':
      thread.lastEventId = entry.id
      return
    case 'TaskSubmitted':
      thread.lastEventId = entry.id
      if (phase.kind === 'task') thread.phase = { ...phase, submitted: entry.output }
      return
    case 'HeartbeatReceived':
      if (phase.kind === 'task')
        thread.phase = { ...phase, attempt: { ...phase.attempt, heartbeatAt: entry.heartbeatAt } }
      return
    case 'TaskSucceeded':
      thread.lastEventId = entry.id
      thread.phase = { kind: 'succeeded', value: entry.output }
      return
    case 'TaskFailed':
      thread.lastEventId = entry.id
      thread.phase = { ...failing(entry, false), heartbeat: entry.heartbeat === true, ofTask: true }
      return
    default:
      applyComposite(execution, thread, entry)
  }
}

function applyComposite(execution: ExecutionState, thread: Thread, entry: LogEntry): void {
  const { phase } = thread
  switch (entry.type) {
    case 'ParallelStateStarted':
      startBranches(execution, thread, entry.id, entry.input)
      return
    case 'MapStateStarted':
      thread.lastEventId = entry.id
      thread.phase =
        entry.items === null ? { kind: 'mapRun', run: null } : iterations(entry.items, entry.maxConcurrency, entry.id)
      return
    case 'MapIterationStarted':
      startIteration(execution, thread, entry.id, entry.index, entry.input)
      return
    case 'MapIterationSucceeded':
      endIteration(execution, thread, entry.id, entry.index)
      return
    case 'ChildFailed':
      failFromChild(thread, entry)
      return
    case 'ParallelStateSucceeded':
    case 'MapStateSucceeded':
      succeedComposite(execution, thread)
      return
    case 'ParallelStateFailed':
    case 'MapStateFailed':
      thread.lastEventId = entry.id
      return
    case 'MapRunStarted':
      thread.lastEventId = entry.id
      thread.phase = { kind: 'mapRun', run: { arn: entry.mapRunArn, plan: entry.plan } }
      return
    case 'MapRunRedriven':
      thread.lastEventId = entry.id
      return
    case 'MapRunSucceeded':
      thread.phase = { kind: 'succeeded', value: entry.output }
      return
    case 'MapRunFailed':
      thread.lastEventId = entry.id
      thread.phase = { ...failing(entry, false), resume: phase.kind === 'mapRun' ? phase : null }
      return
    default:
      return
  }
}

function addThread(
  execution: ExecutionState,
  parent: Thread | null,
  index: number,
  scope: Scope,
  input: Json,
  item: MapItem | null,
  lastEventId: number,
): Thread {
  const thread: Thread = {
    id: execution.nextThread,
    parent,
    index,
    scope,
    variables: {},
    item,
    lastEventId,
    state: null,
    input,
    enteredId: 0,
    enteredPrev: 0,
    enteredAt: 0,
    retryCounts: [],
    retryCount: 0,
    phase: { kind: 'enter', name: scope.startAt, input },
  }
  execution.nextThread += 1
  execution.threads.set(thread.id, thread)
  return thread
}

function enter(thread: Thread, entry: LogEntry & { readonly type: 'StateEntered' }): void {
  const state = thread.scope.states.get(entry.name)
  if (state === undefined) throw new Error(`The log enters the state "${entry.name}", which is not in the definition`)
  thread.state = state
  thread.input = entry.input
  thread.enteredId = entry.id
  thread.enteredPrev = entry.prev
  thread.enteredAt = entry.at
  thread.lastEventId = entry.id
  thread.retryCounts = []
  thread.retryCount = 0
  thread.phase = { kind: 'execute' }
}

function exit(thread: Thread, entry: LogEntry & { readonly type: 'StateExited' }): void {
  thread.lastEventId = entry.id
  if (entry.assigned !== null) thread.variables = { ...thread.variables, ...entry.assigned }
  thread.phase =
    entry.next === null
      ? { kind: 'ended', output: entry.output }
      : { kind: 'enter', name: entry.next, input: entry.output }
  const { parent } = thread
  if (entry.next === null && parent?.phase.kind === 'branches') parent.lastEventId = entry.id
}

const failing = (
  { error, cause }: { readonly error?: string; readonly cause?: string },
  final: boolean,
): Extract<Phase, { kind: 'failing' }> => ({
  kind: 'failing',
  failure: { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) },
  heartbeat: false,
  final,
  ofTask: false,
  resume: null,
})

function countRetry(counts: readonly number[], retrier: number): readonly number[] {
  const next = [...counts]
  while (next.length <= retrier) next.push(0)
  next[retrier] = (next[retrier] ?? 0) + 1
  return next
}

function startBranches(execution: ExecutionState, thread: Thread, id: number, input: Json): void {
  const state = compositeOf(thread)
  const scopes = state.type === 'Parallel' ? state.branches : []
  thread.lastEventId = id
  const children = scopes.map((scope, index) => addThread(execution, thread, index, scope, input, null, id))
  thread.phase = { kind: 'branches', children }
}

const iterations = (items: readonly Json[], maxConcurrency: number, startedId: number): IterationsPhase => ({
  kind: 'iterations',
  items,
  maxConcurrency,
  startedId,
  started: 0,
  ended: 0,
  running: new Map(),
  freedBy: null,
  outputs: [],
})

/** The phase of a Map state whose iterations run. */
export function iterationsOf(thread: Thread): IterationsPhase {
  if (thread.phase.kind === 'iterations') return thread.phase
  throw new Error(`Thread ${thread.id} must have iterations: current phase is ${thread.phase.kind}`)
}

function startIteration(execution: ExecutionState, thread: Thread, id: number, index: number, input: Json): void {
  const phase = iterationsOf(thread)
  const state = compositeOf(thread)
  if (state.type !== 'Map') return
  const item = { index, value: phase.items[index] ?? null }
  phase.running.set(index, addThread(execution, thread, index, state.processor, input, item, id))
  phase.started += 1
}

function endIteration(execution: ExecutionState, thread: Thread, id: number, index: number): void {
  const phase = iterationsOf(thread)
  const child = phase.running.get(index)
  phase.outputs[index] = child?.phase.kind === 'ended' ? child.phase.output : null
  phase.running.delete(index)
  phase.ended += 1
  thread.lastEventId = id
  if (child === undefined) return
  phase.freedBy = child.lastEventId
  execution.threads.delete(child.id)
}

/** The parent fails with its child's failure and goes on behind the child's last event. */
function failFromChild(thread: Thread, entry: LogEntry & { readonly type: 'ChildFailed' }): void {
  const { phase } = thread
  const resume = phase.kind === 'branches' || phase.kind === 'iterations' ? phase : null
  thread.lastEventId = entry.lastEventId
  thread.phase = { ...failing(entry, false), resume }
}

function succeedComposite(execution: ExecutionState, thread: Thread): void {
  const { phase } = thread
  if (phase.kind === 'branches') {
    const value = phase.children.map((child) => (child.phase.kind === 'ended' ? child.phase.output : null))
    dropChildren(execution, thread)
    thread.phase = { kind: 'succeeded', value }
  } else if (phase.kind === 'iterations') {
    thread.phase = { kind: 'succeeded', value: phase.outputs }
  }
}

/** Forgets the branches or iterations of a thread, with all below them. */
export function dropChildren(execution: ExecutionState, thread: Thread): void {
  for (const candidate of execution.threads.values())
    if (isWithin(candidate, thread)) execution.threads.delete(candidate.id)
}

/** True if `thread` runs inside a branch or iteration of `ancestor`. */
export function isWithin(thread: Thread, ancestor: Thread): boolean {
  for (let above = thread.parent; above !== null; above = above.parent) if (above === ancestor) return true
  return false
}
