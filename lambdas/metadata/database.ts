import { messageOf, SluiceError } from '../../core/errors.ts'
import { errorCodeOf } from '../error-code.ts'
import { Fields } from '../input.ts'

/** What statements are sent to. Values are always parameters. */
export interface Queryable {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** A connection that is given back when done; `broken` ones are thrown away. */
export interface Connection extends Queryable {
  release(broken: boolean): void
}

export interface ConnectionPool {
  connect(): Promise<Connection>
}

/** Transactions as the application role, which row-level security binds. */
export interface Database {
  /** Sees and writes the rows of one tenant. The tenant is set for the transaction only. */
  asTenant<T>(tenantId: string, work: (sql: Queryable) => Promise<T>): Promise<T>
  /** Sees no tenant's rows; for tables without tenants and the `sluice.admin_…` functions. */
  asOperator<T>(work: (sql: Queryable) => Promise<T>): Promise<T>
}

const DISCONNECTED = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNREFUSED',
  '57P01',
  '57P02',
  '08006',
  '08003',
  '08001',
  '53300',
  'ETIMEDOUT',
])

/** Whether the connection, not the statement, failed: a frozen socket, a restarted server. */
const isDisconnection = (thrown: unknown): boolean =>
  DISCONNECTED.has(errorCodeOf(thrown)) ||
  /Connection terminated|not queryable|connection timeout/i.test(messageOf(thrown))

/** Wraps what a second try may mend, under the name that the state machine retries. */
const unavailable = (cause: unknown): unknown =>
  isDisconnection(cause)
    ? new SluiceError('database_unavailable', `Cannot reach the database: ${messageOf(cause)}`, { cause })
    : cause

/** The role is set in the transaction, as an embedded database has one user only, a superuser, whom no policy binds. */
const BEGIN = 'BEGIN; SET LOCAL ROLE sluice_app'

async function begin(connection: Connection): Promise<void> {
  try {
    await connection.query(BEGIN)
  } catch (thrown) {
    if (errorCodeOf(thrown) !== '22023' && errorCodeOf(thrown) !== '42704') throw thrown
    throw new SluiceError('database_not_migrated', 'Cannot use the database as it has no role sluice_app', {
      hint: 'run the deploy workflow, which applies the migrations',
      cause: thrown,
    })
  }
}

async function transact<T>(
  pool: ConnectionPool,
  tenantId: string | null,
  work: (sql: Queryable) => Promise<T>,
): Promise<T> {
  const connection = await pool.connect()
  let broken = false
  try {
    await begin(connection)
    if (tenantId !== null) await connection.query(`SELECT set_config('app.tenant_id', $1, true)`, [tenantId])
    const result = await work(connection)
    await connection.query('COMMIT')
    return result
  } catch (thrown) {
    broken = isDisconnection(thrown) || !(await rolledBack(connection))
    throw thrown
  } finally {
    connection.release(broken)
  }
}

const rolledBack = (connection: Connection): Promise<boolean> =>
  connection.query('ROLLBACK').then(
    () => true,
    () => false,
  )

/**
 * Runs each transaction on one connection. After a lost connection the transaction is run once more: every operation of
 * this function gives the same answer when it is repeated. @throws SluiceError `database_unavailable` when that fails too
 */
export function postgresDatabase(pool: ConnectionPool): Database {
  const run = async <T>(tenantId: string | null, work: (sql: Queryable) => Promise<T>): Promise<T> => {
    try {
      return await transact(pool, tenantId, work)
    } catch (thrown) {
      if (!isDisconnection(thrown)) throw thrown
      return transact(pool, tenantId, work).catch((again: unknown) => {
        throw unavailable(again)
      })
    }
  }
  return {
    asTenant: (tenantId, work) => run(tenantId, work),
    asOperator: (work) => run(null, work),
  }
}

/** The rows as readable fields. */
export async function rowsOf(
  sql: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Fields[]> {
  const { rows } = await sql.query(text, values)
  return rows.map((row, index) => new Fields(row, `row ${index}`))
}

export async function firstRowOf(
  sql: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<Fields | null> {
  return (await rowsOf(sql, text, values))[0] ?? null
}

/** A timestamptz column as ISO 8601 UTC text. */
export const utc = (column: string, name: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ${name}`
