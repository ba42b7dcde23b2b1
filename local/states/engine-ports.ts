import type { Json } from '../../core/json.ts'
import type { Clock, ServiceBus } from '../service.ts'
import type { ExecutionRecord, ExecutionStore } from './execution-store.ts'
import type { Machine } from './machine.ts'
import type { MapRunStore } from './map-run-store.ts'
import type { Chance } from './turn.ts'

/** What the engine works with. */
export interface EnginePorts {
  readonly executions: ExecutionStore
  readonly mapRuns: MapRunStore
  /** One durable transaction. */
  readonly transaction: <T>(work: () => T) => Promise<T>
  /** The same for what one execution appends; shared with what others append meanwhile. */
  readonly commit: (work: () => void) => Promise<void>
  readonly bus: ServiceBus
  readonly clock: Clock
  readonly chance: Chance
  readonly region: string
  readonly accountId: string
  /** The compiled definition of a hash. */
  readonly machineOf: (definition: string) => Machine
  readonly definitionHash: (definition: Json) => string
  /** Inside a transaction. */
  readonly saveDefinition: (definition: Json) => void
  /** Told of each change of status inside the transaction that writes it. */
  readonly statusRecorded: (record: ExecutionRecord) => void
  /** Told after such a transaction is on disk. */
  readonly statusCommitted: () => void
  /** True for a machine that is being deleted. */
  readonly isDeleting: (machineArn: string) => boolean
  /** Told when an execution of a machine that is being deleted has ended. */
  readonly condemnedEnded: (machineArn: string) => void
  readonly log: (message: string) => void
}

/** What an execution is started with. */
export type StartSpec = Pick<
  ExecutionRecord,
  | 'arn'
  | 'name'
  | 'machineArn'
  | 'machineName'
  | 'versionArn'
  | 'aliasArn'
  | 'mapRun'
  | 'definition'
  | 'roleArn'
  | 'type'
  | 'input'
  | 'traceHeader'
>

/** What a Map Run needs of the engine. */
export interface ChildRunner {
  readonly ports: EnginePorts
  /**
   * Starts a child unless it is there already, and resolves with its record when it has ended. `redrive`: one that ended
   * without success is taken up again.
   */
  runChild(spec: StartSpec, redrive: boolean): Promise<ExecutionRecord>
  stopChild(arn: string): Promise<void>
}
