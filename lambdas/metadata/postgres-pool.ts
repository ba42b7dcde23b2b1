import pg from 'pg'
import type { Connection, ConnectionPool, Queryable } from './database.ts'

export interface PostgresSettings {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Asked at every new connection: IAM tokens end after 15 minutes. */
  readonly password: () => Promise<string>
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1'])
const CONNECT_TIMEOUT_MILLIS = 5000

const configOf = ({ host, port, database, user, password }: PostgresSettings): pg.ClientConfig => ({
  host,
  port,
  database,
  user,
  password,
  ssl: LOOPBACK.has(host) ? false : { rejectUnauthorized: true },
  connectionTimeoutMillis: CONNECT_TIMEOUT_MILLIS,
})

const connectionOf = (client: pg.PoolClient): Connection => ({
  query: (text, values) => client.query(text, values === undefined ? undefined : [...values]),
  release: (broken) => client.release(broken),
})

/**
 * One connection, kept over invocations. A socket that dies while the function is frozen is dropped, not thrown: the next
 * transaction takes a new one.
 */
export function postgresPool(
  settings: PostgresSettings,
  onIdleError: (error: Error) => void,
): ConnectionPool & {
  end(): Promise<void>
} {
  const pool = new pg.Pool({ ...configOf(settings), max: 1, idleTimeoutMillis: 0 })
  pool.on('error', onIdleError)
  return {
    connect: async () => connectionOf(await pool.connect()),
    end: () => pool.end(),
  }
}

/** Runs work on a connection of its own that is closed afterwards. */
export async function onOneConnection<T>(settings: PostgresSettings, work: (sql: Queryable) => Promise<T>): Promise<T> {
  const client = new pg.Client(configOf(settings))
  await client.connect()
  try {
    return await work({ query: (text, values) => client.query(text, values === undefined ? undefined : [...values]) })
  } finally {
    await client.end()
  }
}
