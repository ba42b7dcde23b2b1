import type { HistoryEvent } from '@aws-sdk/client-sfn'

export type VisitStatus = 'running' | 'succeeded' | 'caught' | 'failed' | 'aborted'

/** One try at what a Task does. */
export interface Attempt {
  /** `lambda:invoke`, `aws-sdk:s3:getObject`, `glue:startJobRun.sync`, … */
  readonly resource: string
  readonly scheduledAt: Date
  readonly parameters: string | null
  endedAt: Date | null
  /** What the service answered at once, for integrations that wait: ids of runs. */
  submitted: string | null
  output: string | null
  error: string | null
  cause: string | null
}

/** One visit of one state. */
export interface StateVisit {
  readonly name: string
  /** `Task`, `Choice`, `Map`, … */
  readonly type: string
  readonly enteredAt: Date
  readonly input: string | null
  exitedAt: Date | null
  output: string | null
  status: VisitStatus
  readonly attempts: Attempt[]
  readonly branches: Branch[]
  mapRunArn: string | null
  error: string | null
  cause: string | null
}

/** The states of one iteration of a Map or one branch of a Parallel. */
export interface Branch {
  readonly label: string
  readonly states: StateVisit[]
}

interface Place {
  readonly states: StateVisit[]
  readonly parent: Place | null
  open: StateVisit | null
}

const newVisit = (event: HistoryEvent, enteredAt: Date): StateVisit => ({
  name: event.stateEnteredEventDetails?.name ?? '',
  type: (event.type ?? '').replace(/StateEntered$/, ''),
  enteredAt,
  input: event.stateEnteredEventDetails?.input ?? null,
  exitedAt: null,
  output: null,
  status: 'running',
  attempts: [],
  branches: [],
  mapRunArn: null,
  error: null,
  cause: null,
})

function scheduled(event: HistoryEvent, at: Date): Attempt | null {
  const task = event.taskScheduledEventDetails
  const lambda = event.lambdaFunctionScheduledEventDetails
  if (task === undefined && lambda === undefined) return null
  return {
    resource: task === undefined ? (lambda?.resource ?? 'lambda') : `${task.resourceType}:${task.resource}`,
    scheduledAt: at,
    parameters: task?.parameters ?? lambda?.input ?? null,
    endedAt: null,
    submitted: null,
    output: null,
    error: null,
    cause: null,
  }
}

/** What an event of a Task says of how its attempt went. */
function outcomeOf(event: HistoryEvent): Partial<Pick<Attempt, 'output' | 'error' | 'cause'>> | null {
  const failed =
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails ??
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails
  if (failed !== undefined) return { error: failed.error ?? 'Unknown', cause: failed.cause ?? null }
  const succeeded = event.taskSucceededEventDetails ?? event.lambdaFunctionSucceededEventDetails
  return succeeded === undefined ? null : { output: succeeded.output ?? null }
}

const holds = (place: Place, type: 'Map' | 'Parallel'): boolean => place.open?.type === type

/** The nearest place, from this one outwards, whose open state is a Map or a Parallel. */
function placeOf(place: Place, type: 'Map' | 'Parallel'): Place {
  for (let at: Place | null = place; at !== null; at = at.parent) if (holds(at, type)) return at
  return place
}

function enterBranch(place: Place, label: string): Place {
  const branch: Branch = { label, states: [] }
  place.open?.branches.push(branch)
  return { states: branch.states, parent: place, open: null }
}

const ENDS: readonly [RegExp, VisitStatus][] = [
  [/^(?:Map|Parallel)StateFailed$|^MapRunFailed$/, 'failed'],
  [/^(?:Map|Parallel)StateAborted$|^MapRunAborted$/, 'aborted'],
]

/** Grows a tree event by event: each hangs where the event before it, by its id, left off. */
class TreeBuilder {
  readonly #root: Place = { states: [], parent: null, open: null }
  readonly #places = new Map<number, Place>()

  get states(): StateVisit[] {
    return this.#root.states
  }

  add(event: HistoryEvent): void {
    const before = this.#places.get(event.previousEventId ?? 0) ?? this.#root
    this.#places.set(event.id ?? 0, this.#next(event, before))
  }

  #next(event: HistoryEvent, place: Place): Place {
    const type = event.type ?? ''
    const at = event.timestamp ?? new Date(0)
    if (type.endsWith('StateEntered')) return this.#enter(event, at, place)
    if (type.endsWith('StateExited')) return this.#exit(event, at, place)
    if (type === 'MapIterationStarted')
      return enterBranch(placeOf(place, 'Map'), `iteration ${event.mapIterationStartedEventDetails?.index ?? 0}`)
    if (/^MapIteration(?:Succeeded|Failed|Aborted)$/.test(type)) return place.parent ?? place
    if (/^(?:Map|Parallel)State(?:Succeeded|Failed|Aborted)$/.test(type)) {
      const outer = placeOf(place, type.startsWith('Map') ? 'Map' : 'Parallel')
      this.#mark(outer, type)
      return outer
    }
    this.#note(event, at, place)
    return place
  }

  #enter(event: HistoryEvent, at: Date, place: Place): Place {
    const inside = holds(place, 'Parallel')
      ? enterBranch(place, `branch ${(place.open?.branches.length ?? 0) + 1}`)
      : place
    const visit = newVisit(event, at)
    inside.states.push(visit)
    inside.open = visit
    return inside
  }

  #exit(event: HistoryEvent, at: Date, place: Place): Place {
    const visit = place.open
    if (visit === null) return place
    visit.exitedAt = at
    visit.output = event.stateExitedEventDetails?.output ?? null
    visit.status = visit.status === 'failed' || visit.attempts.at(-1)?.error != null ? 'caught' : 'succeeded'
    place.open = null
    return place
  }

  #mark({ open }: Place, type: string): void {
    const status = ENDS.find(([pattern]) => pattern.test(type))?.[1]
    if (open !== null && status !== undefined) open.status = status
  }

  /** What happens to the state that is open. */
  #note(event: HistoryEvent, at: Date, place: Place): void {
    const { open } = place
    if (open === null) return
    const attempt = scheduled(event, at)
    if (attempt !== null) open.attempts.push(attempt)
    const last = open.attempts.at(-1)
    const outcome = outcomeOf(event)
    if (last !== undefined && outcome !== null) Object.assign(last, outcome, { endedAt: at })
    if (last !== undefined && event.taskSubmittedEventDetails !== undefined)
      last.submitted = event.taskSubmittedEventDetails.output ?? null
    if (event.mapRunStartedEventDetails !== undefined)
      open.mapRunArn = event.mapRunStartedEventDetails.mapRunArn ?? null
    const failed = event.evaluationFailedEventDetails ?? event.mapRunFailedEventDetails
    if (failed !== undefined) Object.assign(open, { status: 'failed', error: failed.error, cause: failed.cause })
    const ended = event.executionFailedEventDetails ?? event.executionTimedOutEventDetails
    if (ended !== undefined)
      Object.assign(open, { status: 'failed', exitedAt: at, error: ended.error ?? null, cause: ended.cause ?? null })
    if (event.executionAbortedEventDetails !== undefined) Object.assign(open, { status: 'aborted', exitedAt: at })
  }
}

/** The states that an execution visited, in order, from its whole history (oldest event first). */
export function executionTree(events: readonly HistoryEvent[]): readonly StateVisit[] {
  const builder = new TreeBuilder()
  for (const event of events) builder.add(event)
  return builder.states
}
