import { applyEntry } from './apply.ts'
import type { ExecutionState, Thread } from './execution-state.ts'
import type { EntryBody, LogEntry } from './log.ts'
import type { Machine } from './machine.ts'

/** What an execution is, beside its log. */
export interface ExecutionFacts {
  readonly arn: string
  readonly name: string
  readonly roleArn: string
  readonly machineArn: string
  readonly machineName: string
  readonly region: string
  readonly accountId: string
  /** The item of a child execution of a distributed Map is its input; nothing else is known of the parent. */
  readonly mapRunArn: string | null
}

/** What is not a function of the log: drawn once, then written to it. */
export interface Chance {
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly uuid: () => string
}

/** The history of an execution is full: event 25,000 is the failure. */
export const MAX_EVENTS = 25_000

/** Events that one turn writes at most before it is committed, so that a loop without end cannot starve others. */
export const MAX_TURN_ENTRIES = 2_500

export class HistoryFull extends Error {
  constructor() {
    super(`The execution reached the maximum number of history events (${MAX_EVENTS}).`)
    this.name = 'HistoryFull'
  }
}

/** One advance of an execution: what it appends to the log, from one commit to the next. */
export class Turn {
  readonly machine: Machine
  readonly execution: ExecutionState
  readonly facts: ExecutionFacts
  readonly chance: Chance
  /** Epoch milliseconds. */
  readonly now: number
  readonly entries: LogEntry[] = []
  /** Threads to look at, in order. */
  readonly runnable: Thread[] = []

  constructor(machine: Machine, execution: ExecutionState, facts: ExecutionFacts, chance: Chance, now: number) {
    this.machine = machine
    this.execution = execution
    this.facts = facts
    this.chance = chance
    this.now = now
  }

  get isFull(): boolean {
    return this.entries.length >= MAX_TURN_ENTRIES
  }

  /** Appends an event of the history, whose body it takes over, and returns its id. @throws HistoryFull when only the last place is left */
  event(thread: number, prev: number, body: EntryBody): number {
    const id = this.execution.lastEventId + 1
    if (id >= MAX_EVENTS && !body.type.startsWith('Execution')) throw new HistoryFull()
    this.#append(body, { id, prev, at: this.now, thread })
    return id
  }

  /** Appends what only the executor knows. */
  note(thread: number, body: EntryBody): void {
    this.#append(body, { id: 0, prev: 0, at: this.now, thread })
  }

  /** Takes the body over: copying bodies of many shapes was a fifth of what a transition costs. */
  #append(body: EntryBody, place: Pick<LogEntry, 'id' | 'prev' | 'at' | 'thread'>): void {
    const entry: LogEntry = Object.assign(body, place)
    applyEntry(this.machine, this.execution, entry)
    this.entries.push(entry)
  }
}
