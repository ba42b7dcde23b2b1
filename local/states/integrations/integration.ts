import type { Json } from '../../../core/json.ts'
import type { CallContext, Caller, Clock, ServiceBus } from '../../service.ts'
import type { Failure, TaskFailurePhase } from '../log.ts'

/** What an integration works with. */
export interface IntegrationPorts {
  readonly bus: ServiceBus
  readonly clock: Clock
  readonly uuid: () => string
  /** Resolves when the execution, which was started here, has ended; the signal gives up. */
  readonly whenClosed: (executionArn: string, signal: AbortSignal) => Promise<void>
}

/** One attempt of a task, as its service gets it. */
export interface TaskRequest {
  readonly parameters: Json
  readonly caller: Caller
  readonly executionArn: string
  readonly machineArn: string
  /** Names the attempt within the execution. */
  readonly attempt: number
  /** The attempt was under way when an earlier process ended: what it asked for may have been done. */
  readonly resumed: boolean
  readonly signal: AbortSignal
}

/** What a Task state starts: a call, and for the `.sync` patterns a job that is waited for. */
export interface Integration {
  /** @throws TaskFailure */
  call(request: TaskRequest): Promise<Json>
  /** Waits for the end of the job that `call` submitted. @throws TaskFailure */
  wait?(submitted: Json, request: TaskRequest): Promise<Json>
  /** Stops the job, for a task that timed out or was aborted. */
  stop?(submitted: Json, request: TaskRequest): Promise<void>
}

/** A failed attempt, with the names a retrier or catcher matches. */
export class TaskFailure extends Error {
  readonly failure: Failure
  readonly phase: TaskFailurePhase
  constructor(failure: Failure, phase: TaskFailurePhase = 'Failed') {
    super(failure.cause ?? failure.error ?? 'Task failed')
    this.name = 'TaskFailure'
    this.failure = failure
    this.phase = phase
  }
}

export const contextOf = ({ uuid }: IntegrationPorts, { caller, signal }: TaskRequest): CallContext => ({
  caller,
  requestId: uuid(),
  signal,
})
