import type { Json } from '../../core/json.ts'
import type { Collection, Store } from '../service.ts'
import { inTransaction } from './in-transaction.ts'

/** What is kept of a Map Run. Times in epoch milliseconds. */
export interface MapRunRecord {
  readonly arn: string
  readonly executionArn: string
  readonly machineArn: string
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED'
  readonly startedAt: number
  readonly stoppedAt: number | null
  readonly maxConcurrency: number
  readonly toleratedFailureCount: number
  readonly toleratedFailurePercentage: number
  readonly childCount: number
  readonly itemCount: number
  readonly redriveCount: number
}

/** The input of one child execution, and how many items it holds. */
export interface ChildInput {
  readonly input: Json
  readonly items: number
}

const CHUNK = 500

export class MapRunStore {
  readonly #runs: Collection<MapRunRecord>
  readonly #inputs: Collection<readonly ChildInput[]>
  readonly #byExecution: Collection<number>

  constructor(store: Store) {
    this.#runs = store.collection('states.mapRuns')
    this.#inputs = store.collection('states.mapRunInputs')
    this.#byExecution = store.collection('states.mapRunsOfExecution')
  }

  get(arn: string): MapRunRecord | undefined {
    return this.#runs.get([arn])
  }

  inputs(arn: string): readonly ChildInput[] {
    return [...this.#inputs.range([arn])].flatMap(({ value }) => value)
  }

  /** The inputs that are kept together with that of a child, and the index of the first of them. */
  inputsAround(arn: string, index: number): { readonly first: number; readonly inputs: readonly ChildInput[] } {
    const first = index - (index % CHUNK)
    return { first, inputs: this.#inputs.get([arn, first]) ?? [] }
  }

  ofExecution(executionArn: string): readonly MapRunRecord[] {
    return [...this.#byExecution.range([executionArn])].flatMap(({ key }) => {
      const record = this.get(String(key[1]))
      return record === undefined ? [] : [record]
    })
  }

  /** Inside `store.transaction`. */
  put(record: MapRunRecord): void {
    inTransaction(this.#runs.put([record.arn], record))
    inTransaction(this.#byExecution.put([record.executionArn, record.arn], record.startedAt))
  }

  /** Inside `store.transaction`. */
  putInputs(arn: string, inputs: readonly ChildInput[]): void {
    for (let start = 0; start < inputs.length; start += CHUNK)
      inTransaction(this.#inputs.put([arn, start], inputs.slice(start, start + CHUNK)))
  }
}
