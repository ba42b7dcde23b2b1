import type { Json } from '../../core/json.ts'
import type { StateType } from './machine.ts'

/**
 * The log of an execution: what happened, in order. The history of the API is the entries with an id; those with id 0 are
 * known to the executor only (absolute times, choices of retriers). The state of an execution is a fold over its log.
 */
export type LogEntry = EntryBody & {
  /** Event id from 1; 0 for an entry that is not in the history. */
  readonly id: number
  readonly prev: number
  /** Epoch milliseconds. */
  readonly at: number
  /** The thread of the execution it belongs to. */
  readonly thread: number
}

export interface Failure {
  /** Absent where AWS returns no such key. */
  readonly error?: string
  readonly cause?: string
}

/** Times of a task attempt; epoch milliseconds, `null` for none. */
export interface AttemptTimes {
  readonly timeoutAt: number | null
  readonly heartbeatAt: number | null
  readonly heartbeatMillis: number | null
}

export interface TaskAttempt extends AttemptTimes {
  /** Evaluated `Arguments`. */
  readonly parameters: Json
  readonly token: string
  readonly timeoutInSeconds: number | null
  readonly heartbeatInSeconds: number | null
  readonly credentialsRoleArn: string | null
}

export type EntryBody =
  | ({ readonly type: 'ExecutionStarted' } & ExecutionStart)
  | { readonly type: 'StateEntered'; readonly stateType: StateType; readonly name: string; readonly input: Json }
  | {
      readonly type: 'StateExited'
      readonly stateType: StateType
      readonly name: string
      readonly output: Json
      readonly assigned: Readonly<Record<string, Json>> | null
      /** `null`: the thread ends. */
      readonly next: string | null
    }
  | {
      readonly type: 'EvaluationFailed'
      readonly state: string
      readonly location?: string
      readonly error: string
      readonly cause: string
      readonly final: boolean
    }
  | { readonly type: 'StateFailed'; readonly error?: string; readonly cause?: string; readonly final: boolean }
  | ({ readonly type: 'TaskScheduled' } & TaskAttempt)
  | { readonly type: 'TaskStarted' }
  | { readonly type: 'TaskSubmitted'; readonly output: Json }
  | { readonly type: 'TaskSucceeded'; readonly output: Json }
  | ({ readonly type: 'TaskFailed'; readonly phase: TaskFailurePhase; readonly heartbeat?: boolean } & Failure)
  | ({ readonly type: 'ChildFailed' } & Failure & { readonly lastEventId: number })
  | { readonly type: 'HeartbeatReceived'; readonly heartbeatAt: number }
  | { readonly type: 'WaitScheduled'; readonly dueAt: number }
  | { readonly type: 'RetryScheduled'; readonly retrier: number; readonly dueAt: number }
  | { readonly type: 'ParallelStateStarted'; readonly input: Json }
  | { readonly type: 'ParallelStateSucceeded' | 'ParallelStateFailed' | 'MapStateFailed' | 'MapStateSucceeded' }
  | {
      readonly type: 'MapStateStarted'
      readonly length: number
      readonly items: readonly Json[] | null
      readonly maxConcurrency: number
    }
  | { readonly type: 'MapIterationStarted'; readonly index: number; readonly name: string; readonly input: Json }
  | {
      readonly type: 'MapIterationSucceeded' | 'MapIterationFailed' | 'MapIterationAborted'
      readonly index: number
      readonly name: string
    }
  | { readonly type: 'StateAborted'; readonly stateType: StateType }
  | { readonly type: 'MapRunStarted'; readonly mapRunArn: string; readonly plan: MapRunPlan }
  | { readonly type: 'MapRunRedriven'; readonly mapRunArn: string; readonly redriveCount: number }
  | { readonly type: 'MapRunSucceeded'; readonly output: Json }
  | ({ readonly type: 'MapRunFailed' } & Failure)
  | { readonly type: 'MapRunAborted' }
  | { readonly type: 'ExecutionSucceeded'; readonly output: Json }
  | ({ readonly type: 'ExecutionFailed' | 'ExecutionAborted' | 'ExecutionTimedOut' } & Failure)
  | { readonly type: 'ExecutionRedriven'; readonly redriveCount: number; readonly timeoutAt: number | null }

/** What a distributed Map was asked to do, all expressions but the item selector evaluated. */
export interface MapRunPlan {
  readonly source:
    | { readonly kind: 'items'; readonly items: readonly Json[] }
    | {
        readonly kind: 'reader'
        readonly action: 'getObject' | 'listObjectsV2'
        readonly arguments: Json
        readonly maxItems: number | null
      }
  /** 0: no bound. */
  readonly maxConcurrency: number
  readonly toleratedFailureCount: number | null
  readonly toleratedFailurePercentage: number | null
  readonly batch: {
    readonly maxItems: number | null
    readonly maxBytes: number | null
    readonly input: Json | null
  } | null
  /** Evaluated `Arguments` of the ResultWriter. */
  readonly writer: { readonly arguments: Json | null } | null
}

export interface ExecutionStart {
  readonly input: Json
  readonly timeoutAt: number | null
}

/** What of a task failed: its run, its time, its start, the submission of its job. */
export type TaskFailurePhase = 'Failed' | 'TimedOut' | 'StartFailed' | 'SubmitFailed' | 'ScheduleFailed'
