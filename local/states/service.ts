import { messageOf } from '../../core/errors.ts'
import type { Clock, Service, ServiceBus, Store } from '../service.ts'
import type { Api } from './api.ts'
import { callbackOperations } from './api-callbacks.ts'
import { executionOperations } from './api-executions.ts'
import { machineOperations } from './api-machines.ts'
import { mapRunOperations } from './api-map-runs.ts'
import { versionOperations } from './api-versions.ts'
import { Definitions } from './definitions.ts'
import { Engine } from './engine.ts'
import { ExecutionStore } from './execution-store.ts'
import { groupCommit } from './group-commit.ts'
import { hashOfDefinition, MachineStore } from './machine-store.ts'
import { MapRunStore } from './map-run-store.ts'
import { createQueryParser } from './query.ts'
import { type StatusEvent, statusEvent } from './status-event.ts'
import { StatusOutbox } from './status-outbox.ts'

/** What Step Functions is made of; everything that is not a function of its inputs comes in here. */
export interface StatesOptions {
  readonly store: Store
  /** The services that tasks call, and this one among them. */
  readonly bus: ServiceBus
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly ids: { readonly uuid: () => string }
  readonly region: string
  readonly accountId: string
  /** Takes a status change event of a Standard execution; resolves when it is accepted durably. */
  readonly emit: (event: StatusEvent) => Promise<void>
  /** False for an event that nobody would take: it is not kept. @default all are taken */
  readonly wants?: (event: StatusEvent) => boolean
  /** @default writes to stderr */
  readonly log?: (message: string) => void
}

export interface StatesService extends Service {
  /** Takes up what an earlier process left running; resolves when all of it is loaded. */
  resume(): Promise<void>
  /** Resolves when the execution, which was started in this process, has ended; at once if it does not run. */
  whenClosed(executionArn: string): Promise<void>
  /** Stops working. What runs stays on disk and is taken up by the next `resume`. */
  close(): Promise<void>
}

const EXPIRED_AT_ONCE = 1_000

/** Step Functions over a store: Standard executions are durable, Express ones start again after a restart. */
export function createStatesService(options: StatesOptions): StatesService {
  const { store, bus, clock, region, accountId, random, ids } = options
  const log = options.log ?? ((message: string) => process.stderr.write(`states: ${message}\n`))
  const chance = { random, uuid: ids.uuid }
  const machines = new MachineStore(store)
  const executions = new ExecutionStore(store)
  const mapRuns = new MapRunStore(store)
  const parse = createQueryParser({ now: () => clock.now(), random, uuid: ids.uuid })
  const definitions = new Definitions(machines, parse)
  const outbox = new StatusOutbox(store, options.emit, log)
  const transaction = <T>(work: () => T): Promise<T> => store.transaction(work)
  const engine = new Engine({
    executions,
    mapRuns,
    transaction,
    commit: groupCommit(transaction),
    bus,
    clock,
    chance,
    region,
    accountId,
    machineOf: (hash) => definitions.machineOf(hash),
    definitionHash: hashOfDefinition,
    saveDefinition: (definition) => machines.saveDefinition(definition),
    statusRecorded: (record) => {
      if (record.type !== 'STANDARD' || record.mapRun !== null) return
      const event = statusEvent(record, { id: ids.uuid(), region, accountId, now: clock.now().getTime() })
      if (options.wants?.(event) ?? true) outbox.put(event)
    },
    statusCommitted: () => outbox.flush(),
    isDeleting: (machineArn) => machines.machines.get([machineArn])?.deleting === true,
    condemnedEnded: (machineArn) => removeDeleted(machineArn),
    log,
  })
  const removeDeleted = (machineArn: string): void => {
    if (engine.runs(machineArn)) return
    machines.machines
      .remove([machineArn])
      .catch((thrown: unknown) => log(`Cannot remove the deleted machine ${machineArn}: ${messageOf(thrown)}`))
  }
  const api: Api = { engine, machines, executions, mapRuns, definitions, clock, chance, region, accountId }
  return {
    id: 'states',
    operations: {
      ...machineOperations(api),
      ...versionOperations(api),
      ...executionOperations(api),
      ...callbackOperations(api),
      ...mapRunOperations(api),
    },
    async resume() {
      outbox.resume()
      await engine.resume()
      for (const { value } of machines.machines.range([])) if (value.deleting === true) removeDeleted(value.arn)
      transaction(() => executions.expire(clock.now().getTime(), EXPIRED_AT_ONCE)).catch((thrown: unknown) =>
        log(`Cannot remove expired executions: ${messageOf(thrown)}`),
      )
    },
    whenClosed: (executionArn) => engine.whenClosed(executionArn, new AbortController().signal),
    async close() {
      await engine.close()
      await outbox.close()
    },
  }
}
