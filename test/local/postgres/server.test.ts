import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Signer } from '@aws-sdk/rds-signer'
import type { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { roleCaller } from '../../../local/iam/credentials.ts'
import { databaseAuthenticate } from '../../../local/postgres/authenticate.ts'
import { openEmbeddedDatabase } from '../../../local/postgres/embedded-database.ts'
import { startDatabaseProxy } from '../../../local/postgres/proxy.ts'
import { type DatabaseServer, startDatabaseServer } from '../../../local/postgres/server.ts'
import { AwsError, type Permission } from '../../../local/service.ts'
import { systemClock } from '../../../local/system-clock.ts'

const ROLE = 'arn:aws:iam::000000000000:role/sluice-metadata'
const KEY = { accessKeyId: 'ASIAMETADATA', secretAccessKey: 'secret of the role', sessionToken: 'token' }

let directory: string
let database: PGlite
let server: DatabaseServer
let asked: Permission[]
let mayConnect: boolean

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-postgres-'))
  database = await openEmbeddedDatabase(join(directory, 'postgres'))
  await database.exec('CREATE ROLE sluice_app LOGIN; CREATE TABLE counter (n int); INSERT INTO counter VALUES (0)')
  await database.exec('GRANT SELECT, UPDATE ON counter TO sluice_app; CREATE TABLE secrets (n int)')
  server = await startDatabaseServer(database, {
    port: 0,
    log: () => undefined,
    authenticate: databaseAuthenticate({
      clock: systemClock,
      region: 'us-east-2',
      accountId: '000000000000',
      databaseResourceId: 'cluster-ABC',
      address: () => ({ host: '127.0.0.1', port: server.port }),
      findKey: (id) =>
        id === KEY.accessKeyId ? { credentials: KEY, caller: roleCaller(ROLE, 'metadata') } : undefined,
      authorize: async (_caller, permission) => {
        asked.push(permission)
        if (!mayConnect) throw new AwsError('AccessDenied', 'not authorized to perform: rds-db:connect', 403)
      },
      administrator: async () => ({ username: 'sluice_admin', password: 'admin password' }),
    }),
  })
}, 60_000)
afterAll(async () => {
  await server.close()
  await database.close()
  rmSync(directory, { recursive: true, force: true })
})
beforeEach(() => {
  asked = []
  mayConnect = true
})

const token = (overrides: { port?: number; username?: string; secretAccessKey?: string } = {}): Promise<string> =>
  new Signer({
    hostname: '127.0.0.1',
    port: overrides.port ?? server.port,
    username: overrides.username ?? 'sluice_app',
    region: 'us-east-2',
    credentials: { ...KEY, secretAccessKey: overrides.secretAccessKey ?? KEY.secretAccessKey },
  }).getAuthToken()

async function connect(user: string, password: string): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, database: 'sluice', user, password })
  await client.connect()
  return client
}
const connectApp = async (): Promise<pg.Client> => connect('sluice_app', await token())

describe('the embedded PostgreSQL', () => {
  test('lets a role in by an IAM token that may connect, with the rights of its database user', async () => {
    const client = await connectApp()
    expect((await client.query('SELECT current_user, n FROM counter WHERE n >= $1', [0])).rows).toEqual([
      { current_user: 'sluice_app', n: 0 },
    ])
    await expect(client.query('SELECT * FROM secrets')).rejects.toMatchObject({ code: '42501' })
    expect(asked).toEqual([
      {
        action: 'rds-db:connect',
        resource: 'arn:aws:rds-db:us-east-2:000000000000:dbuser:cluster-ABC/sluice_app',
      },
    ])
    await client.end()
  })

  test('lets the administrator in by the password of the secret', async () => {
    const client = await connect('sluice_admin', 'admin password')
    expect((await client.query('SELECT * FROM secrets')).rows).toEqual([])
    await client.end()
  })

  test('refuses a password, a token of another key, user or port, and a role that may not connect', async () => {
    const refused = { code: '28P01' }
    await expect(connect('sluice_app', 'guess')).rejects.toMatchObject(refused)
    await expect(connect('sluice_admin', 'guess')).rejects.toMatchObject(refused)
    await expect(connect('sluice_app', await token({ secretAccessKey: 'other' }))).rejects.toMatchObject(refused)
    await expect(connect('sluice_app', await token({ username: 'postgres' }))).rejects.toMatchObject(refused)
    await expect(connect('sluice_app', await token({ port: 1 }))).rejects.toMatchObject(refused)
    mayConnect = false
    await expect(connectApp()).rejects.toThrow('rds-db:connect')
  })

  test('keeps the transactions of several connections apart', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, connectApp))
    const increment = async (client: pg.Client): Promise<void> => {
      for (let round = 0; round < 5; round += 1) {
        await client.query('BEGIN')
        const { rows } = await client.query('SELECT n FROM counter WHERE n >= $1', [0])
        await new Promise((resolve) => setImmediate(resolve))
        await client.query('UPDATE counter SET n = $1', [rows[0].n + 1])
        await client.query('COMMIT')
      }
    }
    await Promise.all(clients.map(increment))
    expect((await clients[0]?.query('SELECT n FROM counter'))?.rows).toEqual([{ n: 30 }])
    await Promise.all(clients.map((client) => client.end()))
  })

  test('keeps nothing of what it answered', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    const heapBytes = (): number => {
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const client = await connectApp()
    const ask = () => client.query(`SELECT repeat('x', 100000) AS text`)
    await ask()
    const before = heapBytes()
    for (let round = 0; round < 200; round += 1) await ask()
    expect(heapBytes() - before).toBeLessThan(5_000_000)
    await client.end()
  })

  test('rolls back what a lost connection left open, and lets the next one in', async () => {
    const lost = await connectApp()
    lost.on('error', () => undefined)
    await lost.query('BEGIN')
    await lost.query('UPDATE counter SET n = -1')
    const next = await connectApp()
    const waiting = next.query('SELECT n FROM counter')
    Reflect.get(lost, 'connection').stream.destroy()
    expect((await waiting).rows[0].n).not.toBe(-1)
    await next.end()
  })

  test('leaves neither rights nor settings of one connection to the next', async () => {
    const admin = await connect('sluice_admin', 'admin password')
    await admin.query("SET SESSION AUTHORIZATION sluice_app; SET application_name = 'mine'")
    const app = await connectApp()
    expect((await app.query("SELECT session_user, current_setting('application_name') AS name")).rows).toEqual([
      { session_user: 'sluice_app', name: '' },
    ])
    await app.end()
    expect((await admin.query('SELECT session_user')).rows).toEqual([{ session_user: 'postgres' }])
    await admin.end()
  })

  test('goes on after an error inside a transaction and after one outside of it', async () => {
    const client = await connectApp()
    await expect(client.query('SELECT nothing')).rejects.toMatchObject({ code: '42703' })
    await client.query('BEGIN')
    await expect(client.query('SELECT 1 / $1::int', [0])).rejects.toMatchObject({ code: '22012' })
    await client.query('ROLLBACK')
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await client.end()
  })
})

describe('a PostgreSQL by URL', () => {
  test('lets in the same users, each on a connection of its own with its own rights', async () => {
    const url = `postgres://sluice_admin:admin%20password@127.0.0.1:${server.port}/sluice`
    const proxy = await startDatabaseProxy(url, {
      port: 0,
      log: () => undefined,
      authenticate: async (user, password) => {
        if (password !== 'let me in') throw new Error(`PAM authentication failed for user "${user}"`)
        return { kind: 'role', name: user }
      },
    })
    const settings = { host: '127.0.0.1', port: proxy.port, user: 'sluice_app', database: 'sluice' }
    const client = new pg.Client({ ...settings, password: 'let me in' })
    await client.connect()
    expect((await client.query('SELECT session_user, $1::int AS one', [1])).rows).toEqual([
      { session_user: 'sluice_app', one: 1 },
    ])
    await client.end()
    await expect(new pg.Client({ ...settings, password: 'guess' }).connect()).rejects.toMatchObject({ code: '28P01' })
    await proxy.close()
  })

  test('says that a server cannot be reached', async () => {
    const options = { port: 0, log: () => undefined, authenticate: async () => ({ kind: 'administrator' }) as const }
    await expect(startDatabaseProxy('postgres://127.0.0.1:1/none', options)).rejects.toMatchObject({
      code: 'database_unreachable',
    })
  })
})
