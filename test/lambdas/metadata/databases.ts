import { readdirSync, readFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import {
  type ConnectionPool,
  type Database,
  postgresDatabase,
  type Queryable,
} from '../../../lambdas/metadata/database.ts'
import { type Migration, migrate, migrationsOf } from '../../../lambdas/metadata/migrate.ts'

const FOLDER = new URL('../../../lambdas/metadata/migrations/', import.meta.url)

export const MIGRATIONS: readonly Migration[] = migrationsOf(
  readdirSync(FOLDER).map((name) => ({ name, sql: readFileSync(new URL(name, FOLDER), 'utf8') })),
)

/** A migrated, empty database. `admin` is a session of its superuser, whom no policy binds. */
export interface TestDatabase {
  readonly database: Database
  readonly admin: Queryable
  /** Empties every table. */
  reset(): Promise<void>
  close(): Promise<void>
}

const EMPTY = `DO $$ BEGIN EXECUTE (
  SELECT 'TRUNCATE ' || string_agg(format('sluice.%I', tablename), ', ') FROM pg_tables
  WHERE schemaname = 'sluice' AND tablename <> 'schema_migrations'); END $$`

export interface Engine {
  readonly name: string
  open(): Promise<TestDatabase>
}

/** Statements of one session; several in one text go through the simple protocol. */
const pgliteSession = (db: PGlite): Queryable => ({
  query: async (text, values) => {
    if (values !== undefined) return db.query(text, [...values])
    return { rows: (await db.exec(text)).at(-1)?.rows ?? [] }
  },
})

/** PGlite has one session, so one transaction has it at a time. */
function pglitePool(session: Queryable): ConnectionPool {
  let last: Promise<void> = Promise.resolve()
  return {
    connect: async () => {
      let free = (): void => undefined
      const before = last
      last = new Promise((resolve) => {
        free = resolve
      })
      await before
      return { query: session.query, release: () => free() }
    },
  }
}

const empty = async (admin: Queryable): Promise<void> => {
  await admin.query(EMPTY)
}

const AT = '2026-03-01T09:00:00.000Z'

async function openPglite(): Promise<TestDatabase> {
  const db = await PGlite.create()
  const session = pgliteSession(db)
  await migrate(session, MIGRATIONS, AT)
  return {
    database: postgresDatabase(pglitePool(session)),
    admin: session,
    reset: () => empty(session),
    close: () => db.close(),
  }
}

let databases = 0

/** Like the administrator of Amazon RDS: owns the database and makes roles, but is no superuser. */
const ADMINISTRATOR = 'sluice_test_administrator'

async function migrateAs(user: string, database: URL): Promise<void> {
  const place = new URL(database)
  place.username = user
  const client = new pg.Client({ connectionString: place.href })
  await client.connect()
  try {
    const sql: Queryable = {
      query: (text, values) => (values === undefined ? client.query(text) : client.query(text, [...values])),
    }
    await migrate(sql, MIGRATIONS, AT)
  } finally {
    await client.end()
  }
}

/** A database of its own on a server that `scripts/test-postgres.mjs` started. */
async function openPostgres(url: string): Promise<TestDatabase> {
  databases += 1
  const name = `sluice_test_${process.pid}_${databases}`
  const server = new pg.Client({ connectionString: url })
  await server.connect()
  await server.query(`DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${ADMINISTRATOR}') THEN
    CREATE ROLE ${ADMINISTRATOR} LOGIN CREATEROLE CREATEDB; END IF; END $$`)
  await server.query(`CREATE DATABASE ${name} OWNER ${ADMINISTRATOR}`)
  const place = new URL(url)
  place.pathname = `/${name}`
  await migrateAs(ADMINISTRATOR, place)
  const admin = new pg.Client({ connectionString: place.href })
  await admin.connect()
  const adminSession: Queryable = {
    query: (text, values) => admin.query(text, values === undefined ? [] : [...values]),
  }
  const simple: Queryable = {
    query: (text, values) => (values === undefined ? admin.query(text) : adminSession.query(text, values)),
  }
  place.username = 'sluice_app'
  const pool = new pg.Pool({ connectionString: place.href, max: 4 })
  const connections: ConnectionPool = {
    connect: async () => {
      const client = await pool.connect()
      return {
        query: (text, values) => client.query(text, values === undefined ? undefined : [...values]),
        release: (broken) => client.release(broken),
      }
    },
  }
  return {
    database: postgresDatabase(connections),
    admin: simple,
    reset: () => empty(simple),
    close: async () => {
      await pool.end()
      await admin.end()
      await server.query(`DROP DATABASE ${name}`)
      await server.end()
    },
  }
}

const url = process.env.DATABASE_URL

/** PGlite always; a PostgreSQL server too where `DATABASE_URL` names one. */
export const ENGINES: readonly Engine[] = [
  { name: 'PGlite', open: openPglite },
  ...(url === undefined ? [] : [{ name: 'PostgreSQL', open: () => openPostgres(url) }]),
]
