import { messageOf } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { CallContext } from '../service.ts'
import type { ChildRunner } from './engine-ports.ts'
import { fitsPayload, OutputTooLarge, tooLarge } from './evaluation.ts'
import type { Thread } from './execution-state.ts'
import type { ExecutionRecord } from './execution-store.ts'
import type { MapRunOutcome } from './inputs.ts'
import { readItems } from './item-reader.ts'
import { ItemReaderFailure } from './item-reader-failure.ts'
import type { MapRunPlan } from './log.ts'
import type { Distribution, MapState } from './machine.ts'
import { breachesTolerance, childInputs, type Tolerance } from './map-run-plan.ts'
import type { ChildInput, MapRunRecord, MapRunStore } from './map-run-store.ts'
import { formedResults, ResultWriterFailure, writeResults } from './result-writer.ts'
import { callerOf } from './task-runner.ts'
import { EvaluationFailure } from './template.ts'
import type { Turn } from './turn.ts'

/** Most children at once where the definition sets no bound. */
const MAX_CHILDREN = 10_000

/** How many children run at once, and how many may fail. */
interface Limits extends Tolerance {
  readonly workers: number
}

/** What the definition says, but for what UpdateMapRun has changed since. */
function limitsOf(record: MapRunRecord | undefined, plan: MapRunPlan): Limits {
  const changed = (given: number | undefined, planned: number | null): number | null =>
    given === undefined || given === (planned ?? 0) ? planned : given
  const maxConcurrency = record?.maxConcurrency ?? plan.maxConcurrency
  return {
    workers: Math.min(maxConcurrency || MAX_CHILDREN, MAX_CHILDREN),
    toleratedFailureCount: changed(record?.toleratedFailureCount, plan.toleratedFailureCount),
    toleratedFailurePercentage: changed(record?.toleratedFailurePercentage, plan.toleratedFailurePercentage),
  }
}

/** Reads the inputs of children in their order, few at a time: a Map Run of any size takes the same memory. */
class InputReader {
  readonly #mapRuns: MapRunStore
  readonly #arn: string
  #first = 0
  #inputs: readonly ChildInput[] = []

  constructor(mapRuns: MapRunStore, arn: string) {
    this.#mapRuns = mapRuns
    this.#arn = arn
  }

  at(index: number): ChildInput {
    if (this.#inputs[index - this.#first] === undefined) {
      const { first, inputs } = this.#mapRuns.inputsAround(this.#arn, index)
      this.#first = first
      this.#inputs = inputs
    }
    const found = this.#inputs[index - this.#first]
    if (found === undefined) throw new Error(`Map Run ${this.#arn} has no child ${index}`)
    return found
  }
}

/** Runs the children of a distributed Map and reports the outcome; taken up again after a restart, it runs what is missing. */
export class MapRun {
  readonly #engine: ChildRunner
  readonly #turn: Pick<Turn, 'execution' | 'facts'>
  readonly #thread: Thread
  readonly #state: MapState
  readonly #distribution: Distribution
  readonly #arn: string
  readonly #plan: MapRunPlan
  readonly #cancel = new AbortController()
  readonly #running = new Set<string>()
  #redriven = false
  #limits: Limits
  #tally = { failedItems: 0, totalItems: 0 }
  #addWorkers: () => void = () => undefined

  constructor(
    engine: ChildRunner,
    turn: Pick<Turn, 'execution' | 'facts'>,
    thread: Thread,
    state: MapState,
    distribution: Distribution,
    run: { readonly arn: string; readonly plan: MapRunPlan },
  ) {
    this.#engine = engine
    this.#turn = turn
    this.#thread = thread
    this.#state = state
    this.#distribution = distribution
    this.#arn = run.arn
    this.#plan = run.plan
    this.#limits = limitsOf(engine.ports.mapRuns.get(run.arn), run.plan)
  }

  /** Resolves with the outcome, or `null` after `abort`. */
  async run(): Promise<MapRunOutcome | null> {
    try {
      const record = await this.#prepare()
      const succeededItems = await this.#runAll(record)
      if (this.#cancel.signal.aborted) return null
      const outcome = await this.#outcome(record, succeededItems)
      await this.#close(outcome.kind === 'succeeded' ? 'SUCCEEDED' : 'FAILED')
      return outcome
    } catch (thrown) {
      if (this.#cancel.signal.aborted) return null
      const outcome = this.#failure(thrown)
      await this.#close('FAILED')
      return outcome
    }
  }

  /** Gives up. `stop`: the children are stopped too, as the parent was. */
  async abort(stop: boolean): Promise<void> {
    this.#cancel.abort()
    if (!stop) return
    await this.#close('ABORTED')
    await Promise.all([...this.#running].map((arn) => this.#engine.stopChild(arn)))
  }

  async #prepare(): Promise<MapRunRecord> {
    const { mapRuns, transaction, saveDefinition } = this.#engine.ports
    const known = mapRuns.get(this.#arn)
    if (known !== undefined) {
      if (known.status !== 'RUNNING') await this.#reopen(known)
      return known
    }
    const { source } = this.#plan
    const read =
      source.kind === 'items'
        ? { items: source.items, source: undefined }
        : await readItems(source, this.#distribution.reader?.config ?? {}, this.#engine.ports.bus, this.#context())
    const inputs = await childInputs(this.#turn, this.#thread, this.#state, this.#plan, read)
    const record = this.#record(inputs)
    await transaction(() => {
      saveDefinition(this.#distribution.definition)
      mapRuns.put(record)
      mapRuns.putInputs(this.#arn, inputs)
    })
    return record
  }

  /** A redrive of the parent takes up the children that did not succeed. */
  async #reopen(record: MapRunRecord): Promise<void> {
    this.#redriven = true
    const { mapRuns, transaction } = this.#engine.ports
    const reopened = { ...record, status: 'RUNNING', stoppedAt: null, redriveCount: record.redriveCount + 1 } as const
    await transaction(() => mapRuns.put(reopened))
  }

  #record(inputs: readonly ChildInput[]): MapRunRecord {
    const { facts } = this.#turn
    return {
      arn: this.#arn,
      executionArn: facts.arn,
      machineArn: facts.machineArn,
      status: 'RUNNING',
      startedAt: this.#engine.ports.clock.now().getTime(),
      stoppedAt: null,
      maxConcurrency: this.#plan.maxConcurrency,
      toleratedFailureCount: this.#plan.toleratedFailureCount ?? 0,
      toleratedFailurePercentage: this.#plan.toleratedFailurePercentage ?? 0,
      childCount: inputs.length,
      itemCount: inputs.reduce((sum, { items }) => sum + items, 0),
      redriveCount: 0,
    }
  }

  #context(): CallContext {
    const { facts } = this.#turn
    return {
      caller: callerOf(facts, facts.roleArn),
      requestId: this.#engine.ports.chance.uuid(),
      signal: this.#cancel.signal,
    }
  }

  /** Takes up limits that were changed while the run goes on. */
  async update(record: MapRunRecord): Promise<void> {
    this.#limits = limitsOf(record, this.#plan)
    this.#addWorkers()
    if (breachesTolerance(this.#limits, this.#tally)) await this.#stopRunning()
  }

  /**
   * Runs the children, as many at once as may be; stops early when more failed than is tolerated. Answers how many items succeeded;
   * what became of each child is in its record.
   */
  async #runAll({ childCount, itemCount }: MapRunRecord): Promise<number> {
    const known = this.#known()
    const reader = new InputReader(this.#engine.ports.mapRuns, this.#arn)
    this.#tally = { failedItems: 0, totalItems: itemCount }
    let [next, working, succeededItems] = [0, 0, 0]
    const mayGoOn = (): boolean =>
      next < childCount && !this.#cancel.signal.aborted && !breachesTolerance(this.#limits, this.#tally)
    const worker = async (): Promise<void> => {
      while (mayGoOn() && working <= this.#limits.workers) {
        const index = next
        next += 1
        const input = reader.at(index)
        const { status } = await this.#runOne(index, input, known.get(index))
        if (status === 'SUCCEEDED') succeededItems += input.items
        else this.#tally.failedItems += input.items
        if (breachesTolerance(this.#limits, this.#tally)) await this.#stopRunning()
      }
      working -= 1
    }
    // Workers may join later: the run ends with the last of them, or with the first that fails.
    await new Promise<void>((ended, failed) => {
      const endWithLast = (): void => {
        if (working === 0) ended()
      }
      this.#addWorkers = () => {
        for (let free = childCount - next; free > 0 && working < this.#limits.workers; free -= 1) {
          working += 1
          worker().then(endWithLast, failed)
        }
      }
      this.#addWorkers()
      endWithLast()
    })
    return succeededItems
  }

  /** The children that ended, newest first; each is read when its turn comes. */
  *#ended(): Iterable<ExecutionRecord> {
    const { executions } = this.#engine.ports
    for (const { value } of executions.list(this.#arn)) {
      const record = executions.get(value.arn)
      if (record !== undefined && record.status !== 'RUNNING') yield record
    }
  }

  /** Children that an earlier process started, by index. */
  #known(): ReadonlyMap<number, string> {
    const { executions } = this.#engine.ports
    const known = new Map<number, string>()
    for (const { value } of executions.list(this.#arn)) {
      const record = executions.get(value.arn)
      if (record?.mapRun !== null && record?.mapRun !== undefined) known.set(record.mapRun.index, value.arn)
    }
    return known
  }

  async #runOne(index: number, { input }: ChildInput, known: string | undefined): Promise<ExecutionRecord> {
    const { facts } = this.#turn
    const { ports } = this.#engine
    const label = labelOf(this.#arn)
    const name = known === undefined ? ports.chance.uuid() : (known.split(':').at(-1) ?? '')
    const machineName = `${facts.machineName}/${label}`
    const arn = known ?? `arn:aws:states:${facts.region}:${facts.accountId}:execution:${machineName}:${name}`
    this.#running.add(arn)
    try {
      const spec = {
        arn,
        name,
        machineArn: `${facts.machineArn}/${label}`,
        machineName,
        versionArn: null,
        aliasArn: null,
        mapRun: { arn: this.#arn, index },
        definition: ports.definitionHash(this.#distribution.definition),
        roleArn: facts.roleArn,
        type: this.#distribution.executionType,
        input: JSON.stringify(input),
        traceHeader: null,
      }
      return await this.#engine.runChild(spec, this.#redriven)
    } finally {
      this.#running.delete(arn)
    }
  }

  async #stopRunning(): Promise<void> {
    await Promise.all([...this.#running].map((arn) => this.#engine.stopChild(arn)))
  }

  async #outcome({ itemCount }: MapRunRecord, succeededItems: number): Promise<MapRunOutcome> {
    const failedItems = itemCount - succeededItems
    const { writer } = this.#distribution
    const children = writer === null ? [] : byIndex(this.#ended())
    const written =
      this.#plan.writer === null ? null : await this.#write(this.#engine.ports.mapRuns.inputs(this.#arn), children)
    if (breachesTolerance(this.#limits, { failedItems, totalItems: itemCount }))
      return {
        kind: 'failed',
        error: 'States.ExceedToleratedFailureThreshold',
        cause: 'The specified tolerated failure threshold was exceeded',
      }
    if (written !== null) return this.#succeeded(written)
    if (writer === null) return this.#succeeded(outputsOf(this.#ended()))
    return this.#succeeded(
      formedResults(
        children.filter((child) => child !== undefined),
        writer,
      ),
    )
  }

  #succeeded(output: Json): MapRunOutcome {
    if (fitsPayload(output)) return { kind: 'succeeded', output }
    return { kind: 'failed', error: 'States.DataLimitExceeded', cause: tooLarge(this.#state.name) }
  }

  /** `null`: there is no place to write to. */
  async #write(
    inputs: readonly ChildInput[],
    children: readonly (ExecutionRecord | undefined)[],
  ): Promise<Json | null> {
    const { writer } = this.#distribution
    const args = this.#plan.writer?.arguments ?? null
    if (writer === null || args === null) return null
    const all = inputs.map(
      ({ input }, index) => children[index] ?? ({ status: 'PENDING', input: JSON.stringify(input) } as const),
    )
    return writeResults(this.#arn, writer, args, all, this.#engine.ports.bus, this.#context())
  }

  #failure(thrown: unknown): MapRunOutcome {
    if (thrown instanceof ItemReaderFailure)
      return { kind: 'failed', error: 'States.ItemReaderFailed', cause: thrown.message }
    if (thrown instanceof ResultWriterFailure)
      return { kind: 'failed', error: 'States.ResultWriterFailed', cause: thrown.message }
    if (thrown instanceof OutputTooLarge)
      return { kind: 'failed', error: 'States.DataLimitExceeded', cause: thrown.message }
    if (thrown instanceof EvaluationFailure) {
      const prefix = `An error occurred while executing the state '${this.#state.name}' (entered at the event id #${this.#thread.enteredId}). `
      return { kind: 'failed', error: 'States.QueryEvaluationError', cause: `${prefix}${thrown.cause}` }
    }
    this.#engine.ports.log(`A Map Run failed for a reason that no service names: ${messageOf(thrown)}`)
    return { kind: 'failed', error: 'States.Runtime', cause: messageOf(thrown) }
  }

  async #close(status: MapRunRecord['status']): Promise<void> {
    const { mapRuns, transaction, clock } = this.#engine.ports
    const record = mapRuns.get(this.#arn) ?? this.#record([])
    await transaction(() => mapRuns.put({ ...record, status, stoppedAt: clock.now().getTime() }))
  }
}

const indexOf = ({ mapRun }: ExecutionRecord): number => mapRun?.index ?? 0

/** Each child where its item is; nothing for those that never started. */
function byIndex(children: Iterable<ExecutionRecord>): readonly (ExecutionRecord | undefined)[] {
  const found: (ExecutionRecord | undefined)[] = []
  for (const child of children) found[indexOf(child)] = child
  return found
}

/** What the children that succeeded gave, in the order of their items. */
function outputsOf(children: Iterable<ExecutionRecord>): readonly Json[] {
  const outputs: { readonly index: number; readonly output: string }[] = []
  for (const child of children)
    if (child.status === 'SUCCEEDED' && child.output !== null)
      outputs.push({ index: indexOf(child), output: child.output })
  return outputs.toSorted((one, other) => one.index - other.index).map(({ output }) => JSON.parse(output) as Json)
}

/** `arn:…:mapRun:<Machine>/<Label>:<UUID>` */
const labelOf = (mapRunArn: string): string => mapRunArn.split(':').at(-2)?.split('/').at(-1) ?? ''
