import { stat } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import {
  ACCESS_TABLES,
  type Access,
  changeAccess,
  forgetRelation,
  readAccess,
  readRows,
  requireUser,
  requireWriter,
  setOwner,
} from './access.ts'
import { runCopy, type WarehouseObjects } from './copy.ts'
import { type DatabaseSettings, openDatabase, type WarehouseDatabase } from './database.ts'
import { mergeRows } from './merge.ts'
import type { PreparedStatement } from './prepare.ts'
import { type StatementPreparer, statementPreparer } from './prepare-cache.ts'
import { printError } from './print-error.ts'
import {
  allRelations,
  type RelationCache,
  type RelationSession,
  relationCache,
  segmentedRelations,
} from './relation-cache.ts'
import { keyOf, type Relation, type RelationLookup, requireRelation } from './relations.ts'
import { RequestSegments } from './request-segments.ts'
import { type ResultSet, readResult } from './result.ts'
import { handledFiles, openSegmentFiles, type SegmentFiles } from './segment-files.ts'
import { refreshViews, SEGMENTS_TABLE, segmentFiles } from './segments.ts'
import { SqlError } from './sql-error.ts'
import { tableLocks, writeTargets } from './table-locks.ts'
import { MACROS } from './translate.ts'
import { parseUtility, type RelationName, type UtilityStatement } from './utility-statement.ts'
import { type Widening, widenColumn } from './widen.ts'

export interface WarehouseSettings extends DatabaseSettings {
  /** Files whose rows are a table's without having been written into it. */
  readonly segments: {
    readonly directory: string
    /** COPY of fewer rows writes them into the table. */
    readonly minRows: number
  }
  /** Schemas in which unqualified names are looked for, and the first in which they are made. */
  readonly searchPath: readonly string[]
  /** Reads objects with the rights of a role. */
  readonly objectsAs: (roleArn: string) => WarehouseObjects
  /** Roles that the namespace may assume for COPY. */
  readonly attachedRoles: () => readonly string[]
}

export interface WarehouseRequest {
  readonly id: string
  readonly sqls: readonly string[]
  readonly user: string
  /** `transaction`: one for all statements; `separate`: one for each. A single statement runs outside a transaction block. */
  readonly mode: 'transaction' | 'separate' | 'single'
  /** Outcomes of the first statements, where an earlier process committed them (`committed`). */
  readonly done?: readonly StatementOutcome[]
}

export interface StatementOutcome {
  readonly status: 'FINISHED' | 'FAILED' | 'ABORTED'
  readonly error: string | null
  readonly result: ResultSet | null
  /** Rows that DML wrote, or of the result set. */
  readonly rows: number
  readonly durationNanos: number
}

/** The laptop's warehouse: Redshift's SQL on a DuckDB file, refused where Redshift refuses it. */
export interface WarehouseEngine {
  /** Runs statements in order; answers one outcome each, and never throws for an error of SQL. */
  execute(request: WarehouseRequest): Promise<readonly StatementOutcome[]>
  /** The outcomes that a request committed before the process ended, perhaps not of all its statements; `null`: it left nothing behind. */
  committed(id: string): Promise<readonly StatementOutcome[] | null>
  /** Forgets the records of commits: the caller has them on its own disk. */
  forgetCommitted(ids: readonly string[]): Promise<void>
  /** Stops the request's running statement; its transaction is rolled back. */
  cancel(id: string): boolean
  /** Relations and their columns, for ListTables and DescribeTable. */
  relations(): Promise<readonly Relation[]>
  close(): void
}

const ABORTED: StatementOutcome = { status: 'ABORTED', error: null, result: null, rows: 0, durationNanos: 0 }

const NOT_IN_TRANSACTION = new Set(['vacuum'])

/** Opens the warehouse's file, with our catalog and macros in it. */
export async function openWarehouse(settings: WarehouseSettings): Promise<WarehouseEngine> {
  const database = await openDatabase(settings)
  const setup = await database.connect()
  for (const sql of [...ACCESS_TABLES, SEGMENTS_TABLE, 'CREATE SCHEMA IF NOT EXISTS public', ...MACROS])
    await setup.run(sql)
  const files = await openSegmentFiles(settings.segments.directory)
  await files.removeOthers(await segmentFiles(setup))
  await refreshViews(setup, await segmentedRelations(setup), files.folder)
  return warehouseOn(database, setup, settings, files)
}

function warehouseOn(
  database: WarehouseDatabase,
  control: DuckDBConnection,
  settings: WarehouseSettings,
  files: SegmentFiles,
): WarehouseEngine {
  const locks = tableLocks()
  const preparer = statementPreparer()
  const cache = relationCache()
  const running = new Map<string, DuckDBConnection>()
  const handled = handledFiles(files, () => segmentFiles(control))
  return {
    async execute(request) {
      const release = await locks.acquire(request.sqls.flatMap(writeTargets))
      const connection = await database.connect()
      running.set(request.id, connection)
      const run = new RequestRun({ connection, settings, preparer, cache, files }, request)
      try {
        return await run.run()
      } finally {
        running.delete(request.id)
        connection.closeSync()
        handled.add(run.segments.handled)
        // A request that began before may still open what a commit has dropped.
        if (running.size === 0) await handled.remove().finally(release)
        else release()
      }
    },
    async committed(id) {
      const rows = await readRows(control, 'SELECT outcome FROM sluice_catalog.committed WHERE id = ?', [id])
      const outcome = rows[0]?.[0]
      return typeof outcome === 'string' ? (JSON.parse(outcome) as StatementOutcome[]) : null
    },
    async forgetCommitted(ids) {
      if (ids.length === 0) return
      const list = ids.map(() => '?').join(', ')
      await control.run(`DELETE FROM sluice_catalog.committed WHERE id IN (${list})`, [...ids])
    },
    cancel(id) {
      const connection = running.get(id)
      connection?.interrupt()
      return connection !== undefined
    },
    async relations() {
      return await allRelations(control)
    },
    close() {
      control.closeSync()
      database.close()
    },
  }
}

interface RunDependencies {
  readonly connection: DuckDBConnection
  readonly settings: WarehouseSettings
  readonly preparer: StatementPreparer
  readonly cache: RelationCache
  readonly files: SegmentFiles
}

interface Carried {
  readonly rows: number
  readonly result: ResultSet | null
  /** TRUNCATE commits the transaction that it runs in. */
  readonly commits: boolean
}

/** One request on a connection of its own. */
class RequestRun {
  readonly segments: RequestSegments
  private readonly connection: DuckDBConnection
  private readonly settings: WarehouseSettings
  private readonly preparer: StatementPreparer
  private readonly relations: RelationSession
  private readonly request: WarehouseRequest
  private lookup: RelationLookup
  private searchPath: readonly string[]
  private readonly outcomes: StatementOutcome[]
  private user: string
  private access: Access | null = null
  private wrote = false

  constructor({ connection, settings, preparer, cache, files }: RunDependencies, request: WarehouseRequest) {
    this.connection = connection
    this.settings = settings
    this.preparer = preparer
    this.relations = cache.session(connection)
    this.request = request
    this.user = request.user
    this.outcomes = [...(request.done ?? [])]
    this.searchPath = settings.searchPath
    this.lookup = this.relations.along(settings.searchPath)
    const { minRows } = settings.segments
    this.segments = new RequestSegments({
      connection,
      relations: this.relations,
      files,
      minRows,
    })
  }

  async run(): Promise<readonly StatementOutcome[]> {
    try {
      return await this.runAll()
    } finally {
      this.relations.end()
    }
  }

  private async runAll(): Promise<readonly StatementOutcome[]> {
    await this.begin()
    for (const sql of this.request.sqls.slice(this.outcomes.length)) {
      const outcome = await this.runOne(sql)
      if (this.outcomes.at(-1) !== outcome) this.outcomes.push(outcome)
      if (outcome.status === 'FINISHED') continue
      await this.connection.run('ROLLBACK')
      const rest = this.request.sqls.slice(this.outcomes.length)
      return [...this.outcomes, ...rest.map(() => ABORTED)]
    }
    return await this.finish()
  }

  private async begin(): Promise<void> {
    await this.connection.run('BEGIN TRANSACTION')
  }

  /** The commit carries the outcomes: a restart after it must not run the request again. */
  private async commit(): Promise<void> {
    if (this.wrote) {
      await this.connection.run('DELETE FROM sluice_catalog.committed WHERE id = ?', [this.request.id])
      await this.connection.run('INSERT INTO sluice_catalog.committed VALUES (?, ?)', [
        this.request.id,
        JSON.stringify(this.outcomes),
      ])
    }
    await this.connection.run('COMMIT')
  }

  private async finish(): Promise<readonly StatementOutcome[]> {
    try {
      await this.commit()
      return this.outcomes
    } catch (thrown) {
      const failed: StatementOutcome = { ...ABORTED, status: 'FAILED', error: printError(thrown) }
      return [...this.outcomes.slice(0, -1), failed]
    }
  }

  private async runOne(sql: string): Promise<StatementOutcome> {
    const started = process.hrtime.bigint()
    const durationNanos = (): number => Number(process.hrtime.bigint() - started)
    try {
      const { rows, result, commits } = await this.carryOut(sql)
      const outcome: StatementOutcome = {
        status: 'FINISHED',
        error: null,
        result,
        rows,
        durationNanos: durationNanos(),
      }
      if (commits || this.request.mode === 'separate') await this.commitAfter(outcome)
      return outcome
    } catch (thrown) {
      return { ...ABORTED, status: 'FAILED', error: printError(thrown), durationNanos: durationNanos() }
    }
  }

  private async commitAfter(outcome: StatementOutcome): Promise<void> {
    this.outcomes.push(outcome)
    await this.commit()
    await this.begin()
  }

  private async carryOut(sql: string): Promise<Carried> {
    const utility = parseUtility(sql)
    if (utility !== null) return { rows: await this.carryOutUtility(utility), result: null, commits: false }
    const prepared = await this.prepare(sql)
    if (['select', 'union', 'intersect', 'except'].includes(prepared.kind)) {
      const result = await readResult(this.connection, prepared.sql)
      return { rows: result.rows, result, commits: false }
    }
    this.wrote = true
    return { rows: await this.writeAny(sql, prepared), result: null, commits: prepared.kind === 'truncate' }
  }

  private async prepare(sql: string): Promise<PreparedStatement> {
    const access = await this.currentAccess()
    const defaultSchema = this.searchPath.at(-1) ?? 'public'
    return await this.preparer.prepare(sql, { lookup: this.lookup, access, defaultSchema })
  }

  /** A statement that would change rows in segments, or the table's layout, works on a plain table. */
  private async writeAny(sql: string, prepared: PreparedStatement): Promise<number> {
    const { onSegments, target } = prepared
    const table = onSegments === null || target === null ? null : await this.lookup.find(target)
    if (onSegments === null || table === null) return await this.write(prepared)
    const verdict = await this.segments.judge(table, prepared, onSegments)
    if (verdict === 'nothing to do') return 0
    if (verdict === 'as it is') return await this.write(prepared)
    if (verdict === 'detach') await this.segments.detach(table)
    else await this.segments.absorb(table)
    return await this.write(await this.prepare(sql))
  }

  private async currentAccess(): Promise<Access> {
    this.access ??= await readAccess(this.connection, this.user)
    return this.access
  }

  private async write(prepared: PreparedStatement): Promise<number> {
    const { kind, target } = prepared
    if (kind === 'merge')
      return await mergeRows(prepared, { connection: this.connection, lookup: this.lookup, segments: this.segments })
    if (prepared.widening !== null) return await this.widen(prepared.widening, target)
    const changesLayout = /^(?:create|drop|alter)_/.test(kind)
    if (changesLayout) this.relations.change(target)
    const result = await this.connection.run(prepared.sql)
    if (target !== null && (kind === 'create_table' || kind === 'create_view')) await this.own(target)
    if (target !== null && (kind === 'drop_table' || kind === 'drop_view')) {
      await forgetRelation(this.connection, keyOf(target))
      this.access = null
    }
    if (target !== null && (result.rowsChanged > 0 || kind === 'alter_table')) this.segments.wrote(target)
    return result.rowsChanged
  }

  private async widen(widening: Widening, target: PreparedStatement['target']): Promise<number> {
    this.refuseInTransaction('ALTER TABLE ALTER COLUMN')
    const table = target === null ? null : await this.lookup.find(target)
    if (table === null) throw new SqlError('relation does not exist')
    this.relations.change(table)
    await widenColumn(this.connection, table, widening)
    return 0
  }

  private async own(target: { readonly schema: string; readonly name: string }): Promise<void> {
    const rows = await readRows(this.connection, 'SELECT 1 FROM sluice_catalog.owners WHERE relation = ?', [
      keyOf(target),
    ])
    if (rows.length === 0) await setOwner(this.connection, keyOf(target), this.user)
    this.access = null
  }

  private refuseInTransaction(what: string): void {
    if (this.request.mode === 'transaction') throw new SqlError(`${what} cannot run inside a transaction block`)
  }

  private async carryOutUtility(statement: UtilityStatement): Promise<number> {
    const access = await this.currentAccess()
    if (statement.kind === 'copy') return await this.copy(statement, access)
    if (statement.kind === 'lock') return await this.lock(statement.tables, access)
    if (NOT_IN_TRANSACTION.has(statement.kind)) this.refuseInTransaction(statement.kind.toUpperCase())
    if (statement.kind === 'vacuum' || statement.kind === 'analyze') return 0
    if (statement.kind === 'search path') {
      this.searchPath = statement.schemas
      this.lookup = this.relations.along(statement.schemas)
      return 0
    }
    if (!access.superuser && !(statement.kind === 'session authorization' && statement.user === null))
      throw new SqlError('permission denied: must be superuser')
    if (statement.kind === 'session authorization') {
      if (statement.user !== null) await requireUser(this.connection, statement.user)
      this.user = statement.user ?? this.request.user
      this.access = null
      return 0
    }
    this.wrote = true
    await changeAccess(this.connection, statement)
    this.access = null
    return 0
  }

  private async lock(tables: readonly RelationName[], access: Access): Promise<number> {
    if (this.request.mode !== 'transaction') throw new SqlError('LOCK TABLE can only be used in transaction blocks')
    for (const table of tables) requireWriter(access, await requireRelation(this.lookup, table))
    return 0
  }

  private async copy(statement: Extract<UtilityStatement, { kind: 'copy' }>, access: Access): Promise<number> {
    const table = await requireRelation(this.lookup, statement.table)
    if (!access.may('insert', keyOf(table))) throw new SqlError(`permission denied for relation ${table.name}`)
    const role = statement.iamRole ?? ''
    if (!this.settings.attachedRoles().includes(role))
      throw new SqlError(`Not authorized to get credentials of role ${role}: it is not associated with the namespace`)
    this.wrote = true
    return await runCopy(statement, table, {
      connection: this.connection,
      objects: this.settings.objectsAs(role),
      sizeOf: async (path) => (await stat(path)).size,
      takeOver: (copied) => this.segments.copy(table, copied),
    })
  }
}
