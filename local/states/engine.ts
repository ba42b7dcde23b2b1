import { messageOf } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { ChildRunner, EnginePorts, StartSpec } from './engine-ports.ts'
import type { ExecutionRecord } from './execution-store.ts'
import { type ExecutionInput, isActive, nextDue } from './inputs.ts'
import type { IntegrationPorts } from './integrations/integration.ts'
import { LiveExecution } from './live-execution.ts'
import type { Machine } from './machine.ts'
import { MapRun } from './map-run.ts'
import type { MapRunRecord } from './map-run-store.ts'
import { Timers } from './timers.ts'

/** Longest run of an Express execution. */
const EXPRESS_MILLIS = 300_000

/** Runs executions: durable ones from their log, Express ones in memory. */
export class Engine implements ChildRunner {
  readonly ports: EnginePorts
  readonly #live = new Map<string, LiveExecution>()
  readonly #timers: Timers
  readonly #integrations: IntegrationPorts
  readonly #mapRuns = new Map<string, MapRun>()
  readonly #closing = new AbortController()

  constructor(ports: EnginePorts) {
    this.ports = ports
    this.#timers = new Timers(ports.clock, (arn) => this.#inbox(arn, { kind: 'tick' }))
    this.#integrations = {
      bus: ports.bus,
      clock: ports.clock,
      uuid: ports.chance.uuid,
      whenClosed: (arn, signal) => this.whenClosed(arn, signal),
    }
  }

  /** The record of an execution, as far as it is on disk or running. */
  record(arn: string): ExecutionRecord | undefined {
    return this.#live.get(arn)?.record ?? this.ports.executions.get(arn)
  }

  live(arn: string): LiveExecution | undefined {
    return this.#live.get(arn)
  }

  /** Starts an execution whose ARN is new; resolves when its start is on disk. */
  async start(spec: StartSpec): Promise<ExecutionRecord> {
    const live = this.#begin(spec)
    await live.deliver({ kind: 'start', input: JSON.parse(spec.input) as Json, timeoutAt: this.#timeoutAt(live) })
    return live.record
  }

  /**
   * Starts an execution and resolves with its record when it has ended. `ephemeral`: nothing of it is written, for an Express
   * execution whose caller waits for the answer and would be gone after a restart.
   */
  async run(spec: StartSpec, ephemeral = false): Promise<ExecutionRecord> {
    const live = this.#begin(spec)
    live.ephemeral = ephemeral
    const closed = live.closed
    await live.deliver({ kind: 'start', input: JSON.parse(spec.input) as Json, timeoutAt: this.#timeoutAt(live) })
    return closed
  }

  async runChild(spec: StartSpec, redrive: boolean): Promise<ExecutionRecord> {
    const live = this.#live.get(spec.arn)
    if (live !== undefined) return live.closed
    const record = this.ports.executions.get(spec.arn)
    if (record === undefined || record.status === 'RUNNING') return this.run(spec)
    if (record.status === 'SUCCEEDED' || !redrive) return record
    if (record.type === 'EXPRESS') return this.run(spec)
    await this.redrive(record)
    return this.#live.get(spec.arn)?.closed ?? this.ports.executions.get(spec.arn) ?? record
  }

  async stopChild(arn: string): Promise<void> {
    await this.deliver(arn, { kind: 'stop' })
  }

  /** Hands an input to a running execution; resolves when what follows from it is on disk. False if it does not run. */
  async deliver(arn: string, input: ExecutionInput): Promise<boolean> {
    const live = this.#live.get(arn)
    if (live === undefined) return false
    await live.deliver(input)
    return true
  }

  /** Changes the limits of a Map Run: on disk, and at once where it goes on. */
  async updateMapRun(record: MapRunRecord): Promise<void> {
    await this.ports.transaction(() => this.ports.mapRuns.put(record))
    await this.#mapRuns.get(record.arn)?.update(record)
  }

  /** Takes a closed execution up again where it failed. */
  async redrive(record: ExecutionRecord): Promise<ExecutionRecord> {
    const live = this.#restore({
      ...record,
      status: 'RUNNING',
      stoppedAt: null,
      output: null,
      error: null,
      cause: null,
    })
    live.reopenedFrom = record.stoppedAt
    await live.deliver({ kind: 'redrive', timeoutAt: this.#timeoutAt(live) })
    return live.record
  }

  /** Takes up what an earlier process left running. */
  async resume(): Promise<void> {
    const { executions } = this.ports
    for (const arn of [...executions.running()]) {
      const record = executions.get(arn)
      if (record !== undefined && !this.#live.has(arn)) await this.#resumeOne(record)
    }
  }

  async #resumeOne(record: ExecutionRecord): Promise<void> {
    if (record.type === 'EXPRESS') {
      const { status: _, ...spec } = record
      await this.start(spec)
      return
    }
    try {
      this.#restore(record)
        .deliver({ kind: 'resume' })
        .catch((thrown: unknown) => this.ports.log(messageOf(thrown)))
    } catch (thrown) {
      this.ports.log(`Cannot resume the execution ${record.arn}: ${messageOf(thrown)}`)
    }
  }

  /** Stops working; what runs is taken up by the next `resume`. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#timers.close()
    for (const run of this.#mapRuns.values()) await run.abort(false)
    for (const live of this.#live.values()) live.runner.close()
    await Promise.all([...this.#live.values()].map((live) => live.idle()))
    this.#live.clear()
  }

  #begin(spec: StartSpec): LiveExecution {
    // Member by member: a spread of so many makes an object without a shape, and all that reads it slow.
    const record: ExecutionRecord = {
      arn: spec.arn,
      name: spec.name,
      machineArn: spec.machineArn,
      machineName: spec.machineName,
      versionArn: spec.versionArn,
      aliasArn: spec.aliasArn,
      mapRun: spec.mapRun,
      definition: spec.definition,
      roleArn: spec.roleArn,
      type: spec.type,
      input: spec.input,
      traceHeader: spec.traceHeader,
      status: 'RUNNING',
      startedAt: this.ports.clock.now().getTime(),
      stoppedAt: null,
      output: null,
      error: null,
      cause: null,
      redriveCount: 0,
      redrivenAt: null,
      lastEventId: 0,
    }
    return this.#adopt(record, this.ports.machineOf(spec.definition))
  }

  #restore(record: ExecutionRecord): LiveExecution {
    const live = this.#adopt(record, this.ports.machineOf(record.definition))
    live.condemned = this.ports.isDeleting(record.machineArn)
    live.replay(this.ports.executions.log(record.arn))
    return live
  }

  #adopt(record: ExecutionRecord, machine: Machine): LiveExecution {
    const live: LiveExecution = new LiveExecution(
      this.ports,
      this.#integrations,
      record,
      machine,
      () => this.#committed(live),
      this.#closing.signal,
    )
    this.#live.set(record.arn, live)
    return live
  }

  #timeoutAt({ machine, record }: LiveExecution): number | null {
    const now = this.ports.clock.now().getTime()
    const own = machine.timeoutSeconds === null ? null : now + machine.timeoutSeconds * 1_000
    return record.type === 'EXPRESS' ? Math.min(own ?? Number.POSITIVE_INFINITY, now + EXPRESS_MILLIS) : own
  }

  #inbox(arn: string, input: ExecutionInput): void {
    this.deliver(arn, input).catch((thrown: unknown) => this.ports.log(messageOf(thrown)))
  }

  /** The effects of what is now on disk. */
  #committed(live: LiveExecution): void {
    const { record, execution } = live
    const running = execution.status === 'RUNNING'
    if (this.#closing.signal.aborted) return
    live.runner.follow([...execution.threads.values()].filter(isActive), running)
    this.#followMapRuns(live, running)
    this.#timers.set(record.arn, nextDue(live))
    if (running) return
    this.#live.delete(record.arn)
    if (live.condemned) this.ports.condemnedEnded(record.machineArn)
  }

  /** True while executions of the machine run, Express ones not counted. */
  runs(machineArn: string): boolean {
    return this.#standardOf(machineArn).next().done !== true
  }

  /** Stops the executions of a machine that is being deleted, each at its next transition. */
  condemn(machineArn: string): void {
    for (const live of this.#standardOf(machineArn)) live.condemned = true
  }

  *#standardOf(machineArn: string): Generator<LiveExecution> {
    for (const live of this.#live.values())
      if (live.record.machineArn === machineArn && live.record.type === 'STANDARD') yield live
  }

  #followMapRuns(live: LiveExecution, running: boolean): void {
    const wanted = new Set<string>()
    for (const thread of running ? live.execution.threads.values() : []) {
      const { state, phase } = thread
      if (phase.kind !== 'mapRun' || phase.run === null || !isActive(thread)) continue
      if (state?.type !== 'Map' || state.distributed === null) continue
      wanted.add(phase.run.arn)
      if (!this.#mapRuns.has(phase.run.arn)) {
        const mapRun = new MapRun(this, live, thread, state, state.distributed, phase.run)
        this.#mapRuns.set(phase.run.arn, mapRun)
        live.mapRuns.add(phase.run.arn)
        this.#report(live, thread.id, phase.run.arn, mapRun)
      }
    }
    for (const arn of live.mapRuns) if (!wanted.has(arn)) this.#endMapRun(live, arn)
  }

  #report(live: LiveExecution, thread: number, mapRunArn: string, mapRun: MapRun): void {
    mapRun
      .run()
      .then((outcome) => {
        if (outcome === null || this.#closing.signal.aborted) return undefined
        return live.deliver({ kind: 'mapRunEnded', thread, mapRunArn, outcome })
      })
      .catch((thrown: unknown) => this.ports.log(messageOf(thrown)))
  }

  #endMapRun(live: LiveExecution, arn: string): void {
    const mapRun = this.#mapRuns.get(arn)
    live.mapRuns.delete(arn)
    this.#mapRuns.delete(arn)
    const unfinished = this.ports.mapRuns.get(arn)?.status === 'RUNNING'
    if (unfinished) mapRun?.abort(true).catch((thrown: unknown) => this.ports.log(messageOf(thrown)))
  }

  /** Resolves when the execution has ended, at once if it does not run; rejects when the signal aborts. */
  whenClosed(arn: string, signal: AbortSignal): Promise<void> {
    const live = this.#live.get(arn)
    if (live === undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      live.closed.then(() => resolve(), reject)
    })
  }
}
