import pg from 'pg'
import type { Connection, ConnectionPool, Queryable } from './database.ts'

export interface PostgresSettings {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Asked at every new connection: IAM tokens end after 15 minutes. */
  readonly password: () => Promise<string>
  /** PEM texts of the authorities to trust; `null` for those that Node brings. */
  readonly certificateAuthorities: string | null
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1'])
const CONNECT_TIMEOUT_MILLIS = 5000

/** TLS everywhere but on the loopback, where the runtime on a laptop listens. */
const tlsOf = ({ host, certificateAuthorities }: PostgresSettings): pg.ClientConfig['ssl'] => {
  if (LOOPBACK.has(host)) return false
  return certificateAuthorities === null
    ? { rejectUnauthorized: true }
    : { rejectUnauthorized: true, ca: certificateAuthorities }
}

const configOf = (settings: PostgresSettings): pg.ClientConfig => ({
  host: settings.host,
  port: settings.port,
  database: settings.database,
  user: settings.user,
  password: settings.password,
  ssl: tlsOf(settings),
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
