/** The Redshift Data API in front of the laptop's warehouse. */
import { join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import type { WarehouseModel } from '../assembly/model.ts'
import type { WarehouseObjects } from '../engines/warehouse/copy.ts'
import { dialect } from '../engines/warehouse/dialect.ts'
import { openWarehouse } from '../engines/warehouse/engine.ts'
import type { Clock, Service, Store } from '../service.ts'
import { catalogOperations } from './catalog-operations.ts'
import type { RedshiftDataContext } from './context.ts'
import { executeOperations } from './execute-operations.ts'
import { resultOperations } from './result-operations.ts'
import { describe, type StatementRecord } from './statement-record.ts'
import { createStatementRunner } from './statement-runner.ts'

export interface RedshiftDataOptions {
  readonly store: Store
  /** The state folder: the warehouse's file lies in it. */
  readonly statePath: string
  readonly clock: Clock
  /** New ids of statements (UUIDs). */
  readonly ids: () => string
  readonly region: string
  readonly accountId: string
  /** Reads objects with the rights of a role: each read is authorised as that role. */
  readonly objectsAs: (roleArn: string) => WarehouseObjects
  /** What reading a secret takes: the secret, and its key. */
  readonly secretPermissions: RedshiftDataContext['secretPermissions']
  /** Delivers the event of a statement sent `WithEvent`, in PutEvents' shape. */
  readonly emit: (event: StatementEvent) => Promise<void>
  readonly log: (message: string) => void
  /** @default 700 MB */
  readonly memoryLimitBytes?: number
  /** @default 2 */
  readonly threads?: number
}

export interface StatementEvent {
  readonly source: 'aws.redshift-data'
  readonly detailType: 'Redshift Data Statement Status Change'
  readonly resources: readonly string[]
  readonly detail: Readonly<Record<string, string | number>>
}

export interface RedshiftDataService extends Service {
  /** What the template declares; without it every statement is refused. */
  deploy(model: WarehouseModel | null): void
  /** Takes up statements that an earlier process left unfinished, and readies the translator. */
  resume(): Promise<void>
  /** Resolves when running statements are over and the file is closed. */
  close(): Promise<void>
}

const DEFAULT_MEMORY_BYTES = 700_000_000
/** Below that, writing rows into a table is quick, and many small files would make reading it slow. */
const SEGMENT_ROWS = 100_000
/** The views come first: an analyst writes `select … from orders`. */
const SEARCH_PATH = ['analytics', 'public'] as const

const eventOf = (record: StatementRecord, workgroupArn: string, nowMillis: number): StatementEvent => ({
  source: 'aws.redshift-data',
  detailType: 'Redshift Data Statement Status Change',
  resources: [workgroupArn],
  detail: {
    principal: record.owner,
    statementName: record.name ?? '',
    statementId: record.id,
    redshiftQueryId: describe(record).RedshiftQueryId,
    state: record.status,
    rows: record.subStatements.at(-1)?.rows ?? -1,
    expireAt: Math.floor(nowMillis / 1_000) + 86_400,
  },
})

/** Opens `warehouse.duckdb` of the state folder in the background; the first statement waits for it. */
export function createRedshiftDataService(options: RedshiftDataOptions): RedshiftDataService {
  let model: WarehouseModel | null = null
  const engine = openWarehouse({
    path: join(options.statePath, 'warehouse.duckdb'),
    temporaryDirectory: join(options.statePath, 'warehouse.tmp'),
    threads: options.threads ?? 2,
    memoryLimitBytes: options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES,
    segments: { directory: join(options.statePath, 'warehouse.segments'), minRows: SEGMENT_ROWS },
    searchPath: SEARCH_PATH,
    attachedRoles: () => model?.roleArns ?? [],
    objectsAs: options.objectsAs,
  })
  // Whoever needs the engine meets the failure; an unhandled one would end the process first.
  engine.catch((thrown: unknown) => options.log(`redshift-data: the warehouse cannot be opened: ${messageOf(thrown)}`))
  const runner = createStatementRunner({
    ...options,
    engine,
    announce: (record) => options.emit(eventOf(record, model?.workgroupArn ?? '', options.clock.now().getTime())),
  })
  const context = { ...options, runner, engine, model: () => model }
  return {
    id: 'redshift-data',
    operations: { ...executeOperations(context), ...resultOperations(context), ...catalogOperations(context) },
    deploy(declared) {
      model = declared
    },
    async resume() {
      await runner.resume()
      void dialect.parse('SELECT 1').catch((thrown: unknown) => options.log(`redshift-data: ${messageOf(thrown)}`))
    },
    async close() {
      await runner.close()
      ;(await engine).close()
    },
  }
}
