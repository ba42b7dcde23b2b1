import type { Json } from '../../core/json.ts'
import type { Failure, MapRunPlan, TaskAttempt } from './log.ts'
import type { MapState, ParallelState, Scope, State } from './machine.ts'

/** An execution as its log leaves it. Changed by `applyEntry` only. */
export interface ExecutionState {
  /** Id of the newest event of the history. */
  lastEventId: number
  status: ExecutionStatus
  output: Json | undefined
  failure: Failure
  /** Epoch milliseconds at which the machine's `TimeoutSeconds` run out. */
  timeoutAt: number | null
  redriveCount: number
  /** Epoch milliseconds of the last redrive. */
  redrivenAt: number | null
  startedAt: number
  input: Json
  readonly threads: Map<number, Thread>
  nextThread: number
}

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED'

/** One line of control: the machine itself (thread 0), a branch of a Parallel state, an iteration of an inline Map. */
export interface Thread {
  readonly id: number
  readonly parent: Thread | null
  /** Which branch or iteration it is. */
  readonly index: number
  readonly scope: Scope
  /** Variables assigned in this scope. */
  variables: Readonly<Record<string, Json>>
  /** The item of a Map iteration, for `$states.context.Map`. */
  readonly item: MapItem | null
  /** The event that the next one of this thread follows. */
  lastEventId: number
  state: State | null
  input: Json
  enteredId: number
  enteredPrev: number
  enteredAt: number
  /** Retries so far by retrier, and in all, of this visit of the state. */
  retryCounts: readonly number[]
  retryCount: number
  phase: Phase
}

export interface MapItem {
  readonly index: number
  readonly value: Json
  readonly key?: string
}

/** Where a thread stands in its state. */
export type Phase =
  | { readonly kind: 'enter'; readonly name: string; readonly input: Json }
  | { readonly kind: 'execute' }
  | { readonly kind: 'wait'; readonly dueAt: number }
  | { readonly kind: 'backoff'; readonly dueAt: number }
  | TaskPhase
  | BranchesPhase
  | IterationsPhase
  | MapRunPhase
  | { readonly kind: 'succeeded'; readonly value: Json }
  | FailingPhase
  | { readonly kind: 'ended'; readonly output: Json }

export interface TaskPhase {
  readonly kind: 'task'
  readonly attempt: TaskAttempt
  /** Id of the scheduled event: names the attempt. */
  readonly scheduledId: number
  /** The response of the submission, of a job or callback that runs. */
  readonly submitted: Json | undefined
}
export interface BranchesPhase {
  readonly kind: 'branches'
  readonly children: readonly Thread[]
}
export interface IterationsPhase {
  readonly kind: 'iterations'
  readonly items: readonly Json[]
  readonly maxConcurrency: number
  readonly startedId: number
  /** Started or ended iterations. */
  started: number
  ended: number
  readonly running: Map<number, Thread>
  /** Last state event of the iteration that ended last: the next one to start follows it. */
  freedBy: number | null
  readonly outputs: Json[]
}
export interface MapRunPhase {
  readonly kind: 'mapRun'
  /** `null` until the run has its ARN. */
  readonly run: { readonly arn: string; readonly plan: MapRunPlan } | null
}
export interface FailingPhase {
  readonly kind: 'failing'
  readonly failure: Failure
  /** A heartbeat that ran out: matches `States.HeartbeatTimeout` too. */
  readonly heartbeat: boolean
  /** Neither retried nor caught by the state itself. */
  readonly final: boolean
  /** The failure is that of a scheduled task. */
  readonly ofTask: boolean
  /** Branches, iterations or a Map Run that a redrive goes on with. */
  readonly resume: BranchesPhase | IterationsPhase | MapRunPhase | null
}

/** The state of an execution before its first entry. */
export const emptyExecutionState = (): ExecutionState => ({
  lastEventId: 0,
  status: 'RUNNING',
  output: undefined,
  failure: {},
  timeoutAt: null,
  redriveCount: 0,
  redrivenAt: null,
  startedAt: 0,
  input: null,
  threads: new Map(),
  nextThread: 0,
})

/** The variables a thread sees: its own and those of the scopes around it. */
export function visibleVariables(thread: Thread): Readonly<Record<string, Json>> {
  if (thread.parent === null) return thread.variables
  return { ...visibleVariables(thread.parent), ...thread.variables }
}

/** The thread's state, which is known to have children. */
export const compositeOf = (thread: Thread): ParallelState | MapState => {
  const { state } = thread
  if (state?.type === 'Parallel' || state?.type === 'Map') return state
  throw new Error(`Thread ${thread.id} must be in a Parallel or Map state: current state is ${state?.type ?? 'none'}`)
}
