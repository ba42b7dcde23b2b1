import type { Json } from '../../core/json.ts'
import type { Resource } from './resource.ts'
import type { Template } from './template.ts'

/** A compiled definition. */
export interface Machine {
  readonly timeoutSeconds: number | null
  readonly root: Scope
}

/** One `States` object: the machine, a branch of a Parallel state, the processor of a Map state. */
export interface Scope {
  readonly startAt: string
  readonly states: ReadonlyMap<string, State>
}

export type StateType = State['type']

interface Named {
  readonly name: string
}
interface Leaving {
  readonly output: Template | null
  readonly assign: readonly (readonly [string, Template])[]
}
interface Following extends Leaving {
  /** `null`: the state ends its scope. */
  readonly next: string | null
}
interface Guarded extends Following {
  readonly retry: readonly Retrier[]
  readonly catch: readonly Catcher[]
}

export interface Retrier {
  readonly errorEquals: readonly string[]
  readonly intervalSeconds: number
  readonly maxAttempts: number
  readonly backoffRate: number
  readonly maxDelaySeconds: number | null
  readonly fullJitter: boolean
}

export interface Catcher extends Leaving {
  readonly errorEquals: readonly string[]
  readonly next: string
}

export interface PassState extends Named, Following {
  readonly type: 'Pass'
}
export interface SucceedState extends Named {
  readonly type: 'Succeed'
  readonly output: Template | null
}
export interface FailState extends Named {
  readonly type: 'Fail'
  readonly error: Template | null
  readonly cause: Template | null
}
export interface WaitState extends Named, Following {
  readonly type: 'Wait'
  readonly seconds: Template | null
  readonly timestamp: Template | null
}
export interface ChoiceRule extends Leaving {
  readonly condition: Template
  readonly next: string
}
export interface ChoiceState extends Named, Leaving {
  readonly type: 'Choice'
  readonly choices: readonly ChoiceRule[]
  readonly default: string | null
}
export interface TaskState extends Named, Guarded {
  readonly type: 'Task'
  readonly resource: Resource
  readonly arguments: Template | null
  readonly timeoutSeconds: Template | null
  readonly heartbeatSeconds: Template | null
  readonly credentialsRoleArn: Template | null
}
export interface ParallelState extends Named, Guarded {
  readonly type: 'Parallel'
  readonly arguments: Template | null
  readonly branches: readonly Scope[]
}
export interface MapState extends Named, Guarded {
  readonly type: 'Map'
  readonly items: Template | null
  readonly itemSelector: Template | null
  readonly maxConcurrency: Template | null
  readonly processor: Scope
  /** Set for a distributed Map. */
  readonly distributed: Distribution | null
}

/** What a distributed Map adds. */
export interface Distribution {
  readonly executionType: 'STANDARD' | 'EXPRESS'
  readonly label: string | null
  readonly reader: ItemReader | null
  readonly batcher: ItemBatcher | null
  readonly writer: ResultWriter | null
  readonly toleratedFailureCount: Template | null
  readonly toleratedFailurePercentage: Template | null
  /** The processor as a definition of its own: what a child execution runs. */
  readonly definition: Json
}

export interface ItemReader {
  readonly action: 'getObject' | 'listObjectsV2'
  readonly arguments: Template
  readonly config: Json
  readonly maxItems: Template | null
}
export interface ItemBatcher {
  readonly maxItemsPerBatch: Template | null
  readonly maxInputBytesPerBatch: Template | null
  readonly batchInput: Template | null
}
export interface ResultWriter {
  readonly arguments: Template | null
  readonly transformation: 'NONE' | 'COMPACT' | 'FLATTEN'
  readonly outputType: 'JSON' | 'JSONL'
}

export type State =
  | PassState
  | SucceedState
  | FailState
  | WaitState
  | ChoiceState
  | TaskState
  | ParallelState
  | MapState
