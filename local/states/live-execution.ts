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

/** Time until a write that failed is tried again. */
const WRITE_RETRY_MILLIS = 1_000

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
  /** Nothing of it is written. */
  ephemeral = false
  /** Its machine is being deleted: it is stopped at its next transition, or when it is taken up again. */
  condemned = false

  readonly #ports: EnginePorts
  readonly #committed: () => void
  readonly #closing: AbortSignal
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
    closing: AbortSignal,
  ) {
    this.#ports = ports
    this.record = record
    this.machine = machine
    this.#committed = committed
    this.#closing = closing
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
    this.runner.resume(this.execution.threads.values())
  }

  /** Resolves when what follows from the input, up to the next wait, is on disk. */
  deliver(input: ExecutionInput): Promise<void> {
    if (this.#closing.aborted) return Promise.reject(new Error('The executor is shut down'))
    const taken = new Promise<void>((resolve, reject) => this.#inbox.push({ input, resolve, reject }))
    this.#pumping ??= this.#pump()
    return taken
  }

  /** Resolves when no turn is being taken. */
  async idle(): Promise<void> {
    await this.#pumping
  }

  #deliverLater(input: ExecutionInput): void {
    if (this.#closing.aborted) return
    this.deliver(input).catch((thrown: unknown) => this.#ports.log(messageOf(thrown)))
  }

  async #pump(): Promise<void> {
    try {
      while ((this.#inbox.length > 0 || this.#runnable.length > 0) && !this.#closing.aborted) await this.#takeTurn()
    } finally {
      this.#pumping = null
    }
  }

  async #takeTurn(): Promise<void> {
    const deliveries = this.#inbox.splice(0)
    const { chance, clock } = this.#ports
    const turn = new Turn(this.machine, this.execution, this.facts, chance, clock.now().getTime())
    turn.runnable.push(...this.#runnable)
    await this.#runThreads(turn, deliveries)
    this.#runnable = this.execution.status === 'RUNNING' ? turn.runnable : []
    await this.#commit(turn, (thrown) => {
      for (const { reject } of deliveries) reject(thrown)
    })
    for (const { resolve } of deliveries) resolve()
  }

  async #runThreads(turn: Turn, deliveries: readonly Delivery[]): Promise<void> {
    try {
      for (const { input } of deliveries) applyInput(turn, input)
      if (this.condemned && turn.runnable.length > 0) applyInput(turn, { kind: 'stop' })
      else await runThreads(turn)
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

  async #commit(turn: Turn, refused: (thrown: unknown) => void): Promise<void> {
    const next = recordAfter(this.record, this.execution, turn)
    const changed = next !== this.record
    if (turn.entries.length > 0 && !(await this.#writeSurely(turn.entries, next, changed, refused))) return
    this.record = next
    if (changed) this.reopenedFrom = null
    this.#entryCount += turn.entries.length
    this.#committed()
    if (changed) this.#ports.statusCommitted()
    if (this.execution.status !== 'RUNNING') this.#resolveClosed(next)
  }

  /**
   * Writes until it is on disk: the state in memory is ahead of the log until then, so nothing else may happen. Who asked is
   * told of the first failure. False when the process goes down first.
   */
  async #writeSurely(
    entries: readonly LogEntry[],
    next: ExecutionRecord,
    changed: boolean,
    refused: (thrown: unknown) => void,
  ): Promise<boolean> {
    for (;;) {
      try {
        await this.#write(entries, next, changed)
        return true
      } catch (thrown) {
        refused(thrown)
        this.#ports.log(`The execution ${this.facts.arn} stands still: ${messageOf(thrown)}`)
      }
      if (!(await this.#pause())) return false
    }
  }

  /** False when the process goes down meanwhile. */
  async #pause(): Promise<boolean> {
    const { clock } = this.#ports
    try {
      await clock.sleepUntil(new Date(clock.now().getTime() + WRITE_RETRY_MILLIS), this.#closing)
      return true
    } catch {
      return false
    }
  }

  /** Express executions leave no log: what is kept is that one was started, until it has ended. */
  #write(entries: readonly LogEntry[], record: ExecutionRecord, changed: boolean): Promise<void> {
    const { executions, commit, statusRecorded } = this.#ports
    if (this.ephemeral || (record.type === 'EXPRESS' && !changed)) return Promise.resolve()
    const started = entries.some(({ type }) => type === 'ExecutionStarted')
    return commit(() => {
      if (record.type === 'STANDARD') executions.putLog(record.arn, this.#entryCount, entries)
      if (changed && this.reopenedFrom !== null) executions.reopen(record, this.reopenedFrom)
      else if (changed) executions.putRecord(record, started)
      if (changed && started && record.status !== 'RUNNING') statusRecorded(asRunning(record))
      if (changed) statusRecorded(record)
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

/** The record as it was between start and end, for one that did both at once. */
const asRunning = (record: ExecutionRecord): ExecutionRecord => ({
  ...record,
  status: 'RUNNING',
  stoppedAt: null,
  output: null,
  error: null,
  cause: null,
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
