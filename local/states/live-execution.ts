import { messageOf } from '../../core/errors.ts'
import { applyEntry } from './apply.ts'
import type { EnginePorts } from './engine-ports.ts'
import type { Thread } from './execution-state.ts'
import { type ExecutionState, emptyExecutionState } from './execution-state.ts'
import type { ExecutionRecord } from './execution-store.ts'
import { applyInput, type ExecutionInput } from './inputs.ts'
import type { IntegrationPorts } from './integrations/integration.ts'
import type { LogEntry } from './log.ts'
import type { Machine } from './machine.ts'
import { runThreads } from './steps.ts'
import { TaskRunner } from './task-runner.ts'
import { type ExecutionFacts, Turn } from './turn.ts'

interface Delivery {
  readonly input: ExecutionInput
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/**
 * An execution in memory. Inputs are taken up in turns: what a turn appends is on disk before anyone hears of it and before
 * its effects start; inputs that come meanwhile wait for the next turn.
 */
export class LiveExecution {
  record: ExecutionRecord
  readonly machine: Machine
  readonly execution: ExecutionState = emptyExecutionState()
  readonly facts: ExecutionFacts
  readonly runner: TaskRunner
  readonly mapRuns = new Set<string>()
  /** Resolves with the final record. */
  readonly closed: Promise<ExecutionRecord>
  /** Epoch milliseconds at which it had stopped before a redrive. */
  reopenedFrom: number | null = null

  readonly #ports: EnginePorts
  readonly #committed: () => void
  readonly #isShutDown: () => boolean
  readonly #inbox: Delivery[] = []
  #runnable: Thread[] = []
  #entryCount = 0
  #pumping: Promise<void> | null = null
  #resolveClosed: (record: ExecutionRecord) => void = () => undefined

  constructor(
    ports: EnginePorts,
    integrations: IntegrationPorts,
    record: ExecutionRecord,
    machine: Machine,
    committed: () => void,
    isShutDown: () => boolean,
  ) {
    this.#ports = ports
    this.record = record
    this.machine = machine
    this.#committed = committed
    this.#isShutDown = isShutDown
    this.facts = factsOf(record, ports)
    this.runner = new TaskRunner(integrations, this.facts, (input) => this.#deliverLater(input), ports.log)
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  /** Rebuilds the state from the log. */
  replay(entries: Iterable<LogEntry>): void {
    for (const entry of entries) {
      applyEntry(this.machine, this.execution, entry)
      this.#entryCount += 1
    }
  }

  /** Resolves when what follows from the input, up to the next wait, is on disk. */
  deliver(input: ExecutionInput): Promise<void> {
    if (this.#isShutDown()) return Promise.reject(new Error('The executor is shut down'))
    const taken = new Promise<void>((resolve, reject) => this.#inbox.push({ input, resolve, reject }))
    this.#pumping ??= this.#pump()
    return taken
  }

  /** Resolves when no turn is being taken. */
  async idle(): Promise<void> {
    await this.#pumping
  }

  #deliverLater(input: ExecutionInput): void {
    if (this.#isShutDown()) return
    this.deliver(input).catch((thrown: unknown) => this.#ports.log(messageOf(thrown)))
  }

  async #pump(): Promise<void> {
    try {
      while ((this.#inbox.length > 0 || this.#runnable.length > 0) && !this.#isShutDown()) await this.#takeTurn()
    } finally {
      this.#pumping = null
    }
  }

  async #takeTurn(): Promise<void> {
    const deliveries = this.#inbox.splice(0)
    const turn = new Turn(
      this.machine,
      this.execution,
      this.facts,
      this.#ports.chance,
      this.#ports.clock.now().getTime(),
    )
    turn.runnable.push(...this.#runnable)
    try {
      for (const { input } of deliveries) applyInput(turn, input)
      await this.#runThreads(turn)
      this.#runnable = this.execution.status === 'RUNNING' ? turn.runnable : []
      await this.#commit(turn)
    } catch (thrown) {
      this.#runnable = []
      for (const { reject } of deliveries) reject(thrown)
      return
    }
    for (const { resolve } of deliveries) resolve()
  }

  async #runThreads(turn: Turn): Promise<void> {
    try {
      await runThreads(turn)
    } catch (thrown) {
      this.#ports.log(`The execution ${this.facts.arn} failed inside the executor: ${messageOf(thrown)}`)
      turn.runnable.length = 0
      turn.event(0, this.execution.lastEventId, {
        type: 'ExecutionFailed',
        error: 'States.Runtime',
        cause: messageOf(thrown),
      })
    }
  }

  async #commit(turn: Turn): Promise<void> {
    const before = this.record
    this.record = recordAfter(before, this.execution, turn)
    const changed = this.record !== before
    if (turn.entries.length > 0) await this.#write(turn.entries, changed)
    this.#entryCount += turn.entries.length
    this.#committed()
    if (changed) this.#ports.statusCommitted()
    if (this.execution.status !== 'RUNNING') this.#resolveClosed(this.record)
  }

  /** Express executions leave no log: what is kept is that one was started, until it has ended. */
  #write(entries: readonly LogEntry[], changed: boolean): Promise<void> {
    const { executions, transaction } = this.#ports
    const { record } = this
    if (record.type === 'EXPRESS' && !changed) return Promise.resolve()
    return transaction(() => {
      if (record.type === 'STANDARD') executions.putLog(record.arn, this.#entryCount, entries)
      if (changed && this.reopenedFrom !== null) executions.reopen(record, this.reopenedFrom)
      else if (changed) executions.putRecord(record)
      this.reopenedFrom = null
      if (changed) this.#ports.statusRecorded(record)
    })
  }
}

const factsOf = (record: ExecutionRecord, { region, accountId }: EnginePorts): ExecutionFacts => ({
  arn: record.arn,
  name: record.name,
  roleArn: record.roleArn,
  machineArn: record.machineArn,
  machineName: record.machineName,
  region,
  accountId,
  mapRunArn: record.mapRun?.arn ?? null,
})

const CHANGES = new Set([
  'ExecutionStarted',
  'ExecutionRedriven',
  'ExecutionSucceeded',
  'ExecutionFailed',
  'ExecutionAborted',
  'ExecutionTimedOut',
])

/** The record with what the turn changed about it; the same object when nothing did. */
function recordAfter(record: ExecutionRecord, execution: ExecutionState, { entries, now }: Turn): ExecutionRecord {
  if (!entries.some(({ type }) => CHANGES.has(type))) return record
  const { status, output, failure, redriveCount, redrivenAt, lastEventId } = execution
  return {
    ...record,
    status,
    stoppedAt: status === 'RUNNING' ? null : now,
    output: status === 'SUCCEEDED' ? JSON.stringify(output ?? null) : null,
    error: failure.error ?? null,
    cause: failure.cause ?? null,
    redriveCount,
    redrivenAt,
    lastEventId,
  }
}
