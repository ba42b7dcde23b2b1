import { messageOf } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { AwsError, type Caller, type ServiceBus } from '../service.ts'
import type { TaskPhase, Thread } from './execution-state.ts'
import type { ExecutionInput } from './inputs.ts'
import { integrationOf } from './integrations/index.ts'
import { type Integration, type IntegrationPorts, TaskFailure, type TaskRequest } from './integrations/integration.ts'
import type { Resource } from './resource.ts'
import type { TaskOutcome } from './task-steps.ts'
import type { ExecutionFacts } from './turn.ts'

/** The calls that an execution has in flight, by the id of the scheduled event. */
export class TaskRunner {
  readonly #ports: IntegrationPorts
  readonly #facts: ExecutionFacts
  readonly #deliver: (input: ExecutionInput) => void
  readonly #calls = new Map<number, { readonly cancel: AbortController; stop: (() => Promise<void>) | null }>()
  readonly #log: (message: string) => void
  /** Attempts that an earlier process had under way. */
  #resumed: ReadonlySet<number> = new Set()

  constructor(
    ports: IntegrationPorts,
    facts: ExecutionFacts,
    deliver: (input: ExecutionInput) => void,
    log: (message: string) => void,
  ) {
    this.#ports = ports
    this.#facts = facts
    this.#deliver = deliver
    this.#log = log
  }

  /** Notes the attempts that the log leaves under way. */
  resume(threads: Iterable<Thread>): void {
    this.#resumed = new Set([...threads].flatMap(({ phase }) => (phase.kind === 'task' ? [phase.scheduledId] : [])))
  }

  /** Starts what the threads wait for, and gives up the calls that nothing waits for any more. */
  follow(threads: Iterable<Thread>, running: boolean): void {
    const wanted = new Set<number>()
    for (const thread of running ? threads : []) {
      const { state, phase } = thread
      if (phase.kind !== 'task' || state?.type !== 'Task') continue
      wanted.add(phase.scheduledId)
      if (!this.#calls.has(phase.scheduledId)) this.#start(thread.id, state.resource, phase)
    }
    for (const [scheduledId, call] of this.#calls) if (!wanted.has(scheduledId)) this.#giveUp(scheduledId, call.stop)
  }

  /** Ends the calls without stopping their jobs: the process goes down, the execution goes on later. */
  close(): void {
    for (const { cancel } of this.#calls.values()) cancel.abort()
    this.#calls.clear()
  }

  #giveUp(scheduledId: number, stop: (() => Promise<void>) | null): void {
    this.#calls.get(scheduledId)?.cancel.abort()
    this.#calls.delete(scheduledId)
    stop?.().catch((thrown: unknown) => this.#log(`Cannot stop the job of a task: ${messageOf(thrown)}`))
  }

  #start(thread: number, resource: Resource, phase: TaskPhase): void {
    const cancel = new AbortController()
    const call = { cancel, stop: null as (() => Promise<void>) | null }
    this.#calls.set(phase.scheduledId, call)
    const integration = integrationOf(this.#ports, resource)
    const request = this.#request(phase, cancel.signal)
    const attempt = { thread, scheduledId: phase.scheduledId }
    const setStop = (submitted: Json) => {
      if (integration.stop === undefined) return
      // The stop outlives the task's own signal.
      const lasting = { ...request, signal: new AbortController().signal }
      call.stop = () => integration.stop?.(submitted, lasting) ?? Promise.resolve()
    }
    this.#run(integration, resource, request, phase, attempt, setStop)
      .catch((thrown: unknown): TaskOutcome | null => this.#failure(thrown, cancel.signal))
      .then((outcome) => {
        call.stop = null
        if (outcome !== null && !cancel.signal.aborted) this.#deliver({ kind: 'completed', ...attempt, outcome })
      })
  }

  #request({ attempt, scheduledId }: TaskPhase, signal: AbortSignal): TaskRequest {
    return {
      parameters: attempt.parameters,
      caller: callerOf(this.#facts, attempt.credentialsRoleArn ?? this.#facts.roleArn),
      executionArn: this.#facts.arn,
      machineArn: this.#facts.machineArn,
      attempt: scheduledId,
      resumed: this.#resumed.has(scheduledId),
      signal,
    }
  }

  /** @returns `null` when someone else completes the task */
  async #run(
    integration: Integration,
    resource: Resource,
    request: TaskRequest,
    phase: TaskPhase,
    attempt: { readonly thread: number; readonly scheduledId: number },
    setStop: (submitted: Json) => void,
  ): Promise<TaskOutcome | null> {
    await assumeRole(this.#ports.bus, this.#facts, phase.attempt.credentialsRoleArn)
    const pattern = resource.kind === 'service' ? resource.pattern : 'requestResponse'
    if (pattern === 'requestResponse') return { kind: 'succeeded', output: await integration.call(request) }
    const submitted = phase.submitted ?? (await submit(integration, request))
    if (phase.submitted === undefined) this.#deliver({ kind: 'submitted', ...attempt, output: submitted })
    if (pattern === 'waitForTaskToken' || integration.wait === undefined) return null
    setStop(submitted)
    return { kind: 'succeeded', output: await integration.wait(submitted, request) }
  }

  #failure(thrown: unknown, signal: AbortSignal): TaskOutcome | null {
    if (signal.aborted) return null
    if (thrown instanceof TaskFailure) return { kind: 'failed', phase: thrown.phase, ...thrown.failure }
    this.#log(`A task failed for a reason that no service names: ${messageOf(thrown)}`)
    return { kind: 'failed', phase: 'Failed', error: 'States.TaskFailed', cause: messageOf(thrown) }
  }
}

async function submit(integration: Integration, request: TaskRequest): Promise<Json> {
  try {
    return await integration.call(request)
  } catch (thrown) {
    throw thrown instanceof TaskFailure ? new TaskFailure(thrown.failure, 'SubmitFailed') : thrown
  }
}

/** The session that calls services for an execution. */
export function callerOf({ accountId, name }: ExecutionFacts, roleArn: string): Caller {
  const role = roleArn.slice(roleArn.lastIndexOf('/') + 1)
  const principalArn = `arn:aws:sts::${accountId}:assumed-role/${role}/${name.slice(0, 64)}`
  return { principalArn, roleArn, servicePrincipal: null }
}

async function assumeRole(bus: ServiceBus, facts: ExecutionFacts, roleArn: string | null): Promise<void> {
  if (roleArn === null) return
  try {
    await bus.authorize(callerOf(facts, facts.roleArn), { action: 'sts:AssumeRole', resource: roleArn })
  } catch (thrown) {
    if (!(thrown instanceof AwsError)) throw thrown
    const cause = `The role ${facts.roleArn} is not authorized to assume the task state's role, ${roleArn}.`
    throw new TaskFailure({ error: 'States.TaskFailed', cause })
  }
}
