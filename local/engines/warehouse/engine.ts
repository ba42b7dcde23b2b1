import { stat } from 'node:fs/promises'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { messageOf } from '../../../core/errors.ts'
import {
  ACCESS_TABLES,
  type Access,
  changeAccess,
  forgetRelation,
  readAccess,
  readRows,
  requireUser,
  setOwner,
} from './access.ts'
import { runCopy, type WarehouseObjects } from './copy.ts'
import type { PreparedStatement } from './prepare.ts'
import { type StatementPreparer, statementPreparer } from './prepare-cache.ts'
import { allRelations, type RelationCache, type RelationSession, relationCache } from './relation-cache.ts'
import { keyOf, quoteRelation, type Relation, type RelationLookup, requireRelation } from './relations.ts'
import { type ResultSet, readResult } from './result.ts'
import { SqlError } from './sql-error.ts'
import { tableLocks, writeTargets } from './table-locks.ts'
import { MACROS } from './translate.ts'
import { parseUtility, type RelationName, type UtilityStatement } from './utility-statement.ts'
import { type Widening, widenColumn } from './widen.ts'

export interface WarehouseSettings {
  /** The database's file; made where it is missing. */
  readonly path: string
  readonly threads: number
  readonly memoryLimitBytes: number
  readonly temporaryDirectory: string
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

/** DuckDB's words for what Redshift words otherwise; the rest keeps DuckDB's. */
function printError(thrown: unknown): string {
  const message = messageOf(thrown)
  const check =
    /CHECK constraint failed on table (\S+) with expression .*?strlen\("?([^")]+)"?\).*?<= ?(?:CAST\()?'?(\d+)/is.exec(
      message,
    )
  if (check !== null) return `ERROR: Value too long for type character varying(${check[3]}) in column "${check[2]}"`
  const notNull = /NOT NULL constraint failed: (?:\S+\.)?(\w+)/.exec(message)
  if (notNull !== null) return `ERROR: Cannot insert a NULL value into column ${notNull[1]}`
  if (/Divide by zero/.test(message)) return 'ERROR: Divide by zero'
  if (/INTERRUPT/i.test(message)) return 'ERROR: Query cancelled on user request'
  return `ERROR: ${message.replace(/^(?:Binder|Catalog|Parser|Conversion|Constraint|Invalid Input|Out of Range) Error: /, '')}`
}

/** Opens the warehouse's file, with our catalog and macros in it. */
export async function openWarehouse(settings: WarehouseSettings): Promise<WarehouseEngine> {
  const instance = await DuckDBInstance.create(settings.path, {
    threads: String(settings.threads),
    memory_limit: `${Math.floor(settings.memoryLimitBytes / 1_000_000)}MB`,
    temp_directory: settings.temporaryDirectory,
    preserve_insertion_order: 'false',
    storage_compatibility_version: 'v1.5.0',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const setup = await instance.connect()
  for (const sql of [...ACCESS_TABLES, 'CREATE SCHEMA IF NOT EXISTS public', ...MACROS]) await setup.run(sql)
  return warehouseOn(instance, setup, settings)
}

function warehouseOn(
  instance: DuckDBInstance,
  control: DuckDBConnection,
  settings: WarehouseSettings,
): WarehouseEngine {
  const locks = tableLocks()
  const preparer = statementPreparer()
  const cache = relationCache()
  const running = new Map<string, DuckDBConnection>()
  return {
    async execute(request) {
      const release = await locks.acquire(request.sqls.flatMap(writeTargets))
      const connection = await instance.connect()
      running.set(request.id, connection)
      try {
        return await new RequestRun({ connection, settings, preparer, cache }, request).run()
      } finally {
        running.delete(request.id)
        connection.closeSync()
        release()
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
      instance.closeSync()
    },
  }
}

interface RunDependencies {
  readonly connection: DuckDBConnection
  readonly settings: WarehouseSettings
  readonly preparer: StatementPreparer
  readonly cache: RelationCache
}

interface Carried {
  readonly rows: number
  readonly result: ResultSet | null
  /** TRUNCATE commits the transaction that it runs in. */
  readonly commits: boolean
}

/** One request on a connection of its own. */
class RequestRun {
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

  constructor({ connection, settings, preparer, cache }: RunDependencies, request: WarehouseRequest) {
    this.connection = connection
    this.settings = settings
    this.preparer = preparer
    this.relations = cache.session(connection)
    this.request = request
    this.user = request.user
    this.outcomes = [...(request.done ?? [])]
    this.searchPath = settings.searchPath
    this.lookup = this.relations.along(settings.searchPath)
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
    const prepared = await this.preparer.prepare(sql, {
      lookup: this.lookup,
      access: await this.currentAccess(),
      defaultSchema: this.searchPath.at(-1) ?? 'public',
    })
    if (['select', 'union', 'intersect', 'except'].includes(prepared.kind)) {
      const result = await readResult(this.connection, prepared.sql)
      return { rows: result.rows, result, commits: false }
    }
    this.wrote = true
    return { rows: await this.write(prepared), result: null, commits: prepared.kind === 'truncate' }
  }

  private async currentAccess(): Promise<Access> {
    this.access ??= await readAccess(this.connection, this.user)
    return this.access
  }

  private async write(prepared: PreparedStatement): Promise<number> {
    const { kind, target } = prepared
    if (kind === 'merge') return await this.merge(prepared)
    if (prepared.widening !== null) return await this.widen(prepared.widening, target)
    const changesLayout = /^(?:create|drop|alter)_/.test(kind)
    if (changesLayout) this.relations.change(target)
    const result = await this.connection.run(prepared.sql)
    if (target !== null && (kind === 'create_table' || kind === 'create_view')) await this.own(target)
    if (target !== null && (kind === 'drop_table' || kind === 'drop_view')) {
      await forgetRelation(this.connection, keyOf(target))
      this.access = null
    }
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

  /** Bulk: one join finds what matches, the matched rows go, and every source row comes in. */
  private async merge({ sql, target, merge }: PreparedStatement): Promise<number> {
    if (merge === null || target === null) throw new SqlError('MERGE cannot be prepared')
    await this.connection.run(`CREATE OR REPLACE TEMP TABLE sluice_matches AS ${merge.matches}`)
    const [counts] = await readRows(this.connection, 'SELECT count(*), count(DISTINCT target_row) FROM sluice_matches')
    const matches = counts?.[0] ?? '0'
    if (matches !== counts?.[1]) throw new SqlError('Found multiple matches to update the same tuple.')
    if (merge.replacement === null) return (await this.connection.run(sql)).rowsChanged
    if (matches !== '0')
      await this.connection.run(
        `DELETE FROM ${quoteRelation(target)} WHERE rowid IN (SELECT target_row FROM sluice_matches)`,
      )
    const inserted = await this.connection.run(merge.replacement)
    await this.connection.run('DROP TABLE sluice_matches')
    return inserted.rowsChanged
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
    for (const table of tables) {
      const relation = await requireRelation(this.lookup, table)
      if (!['insert', 'update', 'delete'].some((privilege) => access.may(privilege, keyOf(relation))))
        throw new SqlError(`permission denied for relation ${relation.name}`)
    }
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
    })
  }
}
