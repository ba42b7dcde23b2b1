import type { Json } from '../../core/json.ts'
import type { AttemptTimes, LogEntry, TaskAttempt } from './log.ts'
import type { Machine, Scope, State, TaskState } from './machine.ts'

/** An event as GetExecutionHistory returns it, its details not yet under their own member. */
export interface HistoryEvent {
  readonly id: number
  readonly previousEventId: number
  /** Epoch milliseconds. */
  readonly at: number
  readonly type: string
  /** Name of the member that holds the details; `null`: the event has none. */
  readonly detailsMember: string | null
  /** Values of the data members are JSON, not yet text. */
  readonly details: Readonly<Record<string, Json>>
}

/** What a task's events say about its resource; the state is looked up in the definition. */
interface TaskNames {
  readonly lambda: boolean
  readonly resourceType: string
  readonly resource: string
}

/** Projects the log of an execution to its history. Entries come in order, from the first. */
export class HistoryProjection {
  readonly #machine: Machine
  readonly #region: string
  readonly #roleArn: string
  readonly #qualified: Readonly<Record<string, Json>>
  /** The state that each thread is in. */
  readonly #states = new Map<number, State>()
  readonly #byName: ReadonlyMap<string, State>

  constructor(machine: Machine, region: string, roleArn: string, qualified: Readonly<Record<string, Json>>) {
    this.#machine = machine
    this.#region = region
    this.#roleArn = roleArn
    this.#qualified = qualified
    this.#byName = new Map(statesOf(this.#machine.root).map((state) => [state.name, state]))
  }

  /** @returns `null` for an entry that is not in the history */
  project(entry: LogEntry): HistoryEvent | null {
    if (entry.type === 'StateEntered') {
      const state = this.#byName.get(entry.name)
      if (state !== undefined) this.#states.set(entry.thread, state)
    }
    if (entry.id === 0) return null
    const { id, prev, at } = entry
    const { type, detailsMember, details } = this.#named(entry)
    return { id, previousEventId: prev, at, type, detailsMember, details }
  }

  #named(entry: LogEntry): Pick<HistoryEvent, 'type' | 'detailsMember' | 'details'> {
    switch (entry.type) {
      case 'ExecutionStarted':
        return event('ExecutionStarted', { input: entry.input, roleArn: this.#roleArn, ...this.#qualified })
      case 'StateEntered':
        return {
          type: `${entry.stateType}StateEntered`,
          detailsMember: 'stateEnteredEventDetails',
          details: { name: entry.name, input: entry.input },
        }
      case 'StateExited':
        return {
          type: `${entry.stateType}StateExited`,
          detailsMember: 'stateExitedEventDetails',
          details: {
            name: entry.name,
            output: entry.output,
            ...(entry.assigned === null ? {} : { assignedVariables: entry.assigned }),
          },
        }
      case 'StateAborted':
        return { type: `${entry.stateType}StateAborted`, detailsMember: null, details: {} }
      case 'MapStateStarted':
        return event('MapStateStarted', { length: entry.length })
      case 'MapIterationStarted':
      case 'MapIterationSucceeded':
      case 'MapIterationFailed':
      case 'MapIterationAborted':
        return event(entry.type, { index: entry.index, name: entry.name })
      case 'MapRunStarted':
        return event(entry.type, { mapRunArn: entry.mapRunArn })
      case 'MapRunRedriven':
        return event(entry.type, { mapRunArn: entry.mapRunArn, redriveCount: entry.redriveCount })
      case 'EvaluationFailed':
        return event(entry.type, {
          error: entry.error,
          cause: entry.cause,
          ...(entry.location === undefined ? {} : { location: entry.location }),
          state: entry.state,
        })
      case 'ExecutionSucceeded':
        return event(entry.type, { output: entry.output })
      case 'ExecutionRedriven':
        return event(entry.type, { redriveCount: entry.redriveCount })
      case 'ExecutionFailed':
      case 'ExecutionAborted':
      case 'ExecutionTimedOut':
      case 'MapRunFailed':
        return event(entry.type, failureDetails(entry))
      case 'TaskScheduled':
      case 'TaskStarted':
      case 'TaskSubmitted':
      case 'TaskSucceeded':
      case 'TaskFailed':
        return this.#task(entry)
      default:
        return { type: entry.type, detailsMember: null, details: {} }
    }
  }

  #task(entry: Extract<LogEntry, { type: `Task${string}` }>) {
    const names = this.#namesOf(entry.thread)
    return names.lambda ? functionEvent(entry, names.resource) : this.#serviceEvent(entry, names)
  }

  #namesOf(thread: number): TaskNames {
    const state = this.#states.get(thread)
    if (state?.type !== 'Task') return { lambda: false, resourceType: '', resource: '' }
    return taskNames(state)
  }

  #serviceEvent(entry: Extract<LogEntry, { type: `Task${string}` }>, { resourceType, resource }: TaskNames) {
    const named = { resourceType, resource }
    switch (entry.type) {
      case 'TaskScheduled':
        return event('TaskScheduled', {
          ...named,
          region: this.#region,
          parameters: entry.parameters,
          ...timesOf(entry),
          ...credentialsOf(entry),
        })
      case 'TaskStarted':
        return event('TaskStarted', named)
      case 'TaskSubmitted':
      case 'TaskSucceeded':
        return event(entry.type, { ...named, output: entry.output })
      case 'TaskFailed':
        return event(`Task${entry.phase}`, { ...named, ...failureDetails(entry) })
    }
  }
}

function taskNames({ resource }: TaskState): TaskNames {
  if (resource.kind === 'function') return { lambda: true, resourceType: 'lambda', resource: resource.arn }
  return { lambda: false, resourceType: resource.resourceType, resource: resource.resource }
}

function functionEvent(entry: Extract<LogEntry, { type: `Task${string}` }>, resource: string) {
  switch (entry.type) {
    case 'TaskScheduled':
      return event('LambdaFunctionScheduled', {
        resource,
        input: entry.parameters,
        ...timesOf(entry),
        ...credentialsOf(entry),
      })
    case 'TaskStarted':
      return { type: 'LambdaFunctionStarted', detailsMember: null, details: {} }
    case 'TaskSubmitted':
    case 'TaskSucceeded':
      return event('LambdaFunctionSucceeded', { output: entry.output })
    case 'TaskFailed':
      return event(`LambdaFunction${entry.phase}`, failureDetails(entry))
  }
}

const timesOf = ({
  timeoutInSeconds,
  heartbeatInSeconds,
}: Pick<TaskAttempt, 'timeoutInSeconds' | 'heartbeatInSeconds'> & AttemptTimes): Record<string, Json> => ({
  ...(timeoutInSeconds === null ? {} : { timeoutInSeconds }),
  ...(heartbeatInSeconds === null ? {} : { heartbeatInSeconds }),
})

const credentialsOf = ({ credentialsRoleArn }: TaskAttempt): Record<string, Json> =>
  credentialsRoleArn === null ? {} : { taskCredentials: { roleArn: credentialsRoleArn } }

const failureDetails = ({
  error,
  cause,
}: {
  readonly error?: string
  readonly cause?: string
}): Record<string, Json> => ({
  ...(error === undefined ? {} : { error }),
  ...(cause === undefined ? {} : { cause }),
})

const event = (type: string, details: Record<string, Json>) => ({
  type,
  detailsMember: `${type.charAt(0).toLowerCase()}${type.slice(1)}EventDetails`,
  details,
})

function statesOf(scope: Scope): readonly State[] {
  return [...scope.states.values()].flatMap((state) => {
    if (state.type === 'Parallel') return [state, ...state.branches.flatMap(statesOf)]
    if (state.type === 'Map' && state.distributed === null) return [state, ...statesOf(state.processor)]
    return [state]
  })
}

const DATA = ['input', 'output', 'parameters']

/** The event with the members of the SDK: data as JSON text, with the note that nothing is cut off. */
export function sdkEvent({ id, previousEventId, at, type, detailsMember, details }: HistoryEvent, withData: boolean) {
  const head = { timestamp: new Date(at), type, id, previousEventId }
  if (detailsMember === null) return head
  const members: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(details)) {
    if (DATA.includes(name) && (withData || name === 'parameters')) {
      members[name] = JSON.stringify(value)
      if (name !== 'parameters') members[`${name}Details`] = { truncated: false }
    } else if (name === 'assignedVariables' && withData) {
      members[name] = textValues(value)
      members.assignedVariablesDetails = { truncated: false }
    } else if (!DATA.includes(name)) members[name] = value
  }
  return { ...head, [detailsMember]: members }
}

const textValues = (values: Json): Record<string, string> =>
  typeof values === 'object' && values !== null
    ? Object.fromEntries(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)]))
    : {}
