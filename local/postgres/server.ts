/**
 * The embedded PostgreSQL behind a loopback port, so that a client for servers works unchanged. PGlite has one session;
 * connections take turns by transaction, so that transactions never mix. `SET` without `LOCAL` is seen by all of them.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { PGlite } from '@electric-sql/pglite'
import { messageOf } from '../../core/errors.ts'
import { sessionLock } from './session-lock.ts'
import {
  cleartextPasswordRequest,
  errorIn,
  type FrontendMessage,
  fatalError,
  messageReader,
  passwordOf,
  query,
  transactionStatus,
  welcome,
} from './wire.ts'

/** Who logged in: a role of the database, or its administrator. */
export type DatabaseUser = { readonly kind: 'role'; readonly name: string } | { readonly kind: 'administrator' }

/** Decides on a user and password. @throws Error with what the client is told */
export type Authenticate = (user: string, password: string) => Promise<DatabaseUser>

export interface DatabaseServer {
  readonly port: number
  close(): Promise<void>
}

interface Connection {
  readonly socket: Socket
  user: DatabaseUser | null
  /** Messages since the last Sync. */
  batch: Buffer[]
}

interface Facts {
  readonly owner: string
  readonly version: string
}

const HOST = '127.0.0.1'
const INVALID_PASSWORD = '28P01'
const PROTOCOL_VIOLATION = '08P01'

const PARAMETERS = {
  server_encoding: 'UTF8',
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  TimeZone: 'UTC',
  integer_datetimes: 'on',
  standard_conforming_strings: 'on',
}

/**
 * @param port 0 takes a free one
 * @throws Error when the port cannot be listened on
 */
export async function startDatabaseServer(
  database: PGlite,
  options: { readonly port: number; readonly authenticate: Authenticate; readonly log: (message: string) => void },
): Promise<DatabaseServer> {
  const { rows } = await database.query<Facts>(
    "SELECT session_user AS owner, current_setting('server_version') AS version",
  )
  const { owner, version } = rows[0] ?? { owner: 'postgres', version: '' }
  const parameters = { server_version: version, ...PARAMETERS }
  const lock = sessionLock<Connection>()
  const sockets = new Set<Socket>()
  /** Whose rights the one session has now. */
  let sessionUser = owner

  const send = (bytes: Buffer): Promise<Uint8Array> => database.execProtocolRaw(bytes, { syncToFs: false })

  const become = async (user: DatabaseUser): Promise<void> => {
    const wanted = user.kind === 'role' ? user.name : owner
    if (wanted === sessionUser) return
    // The owner first: a role may not become another one. RESET does nothing here, as nobody logged in to this session.
    const sql = [owner, wanted].map((name) => `SET SESSION AUTHORIZATION "${name.replaceAll('"', '""')}"`).join(';')
    const failed = errorIn(await send(query(sql)))
    sessionUser = failed === null ? wanted : owner
    if (failed !== null) throw new Error(failed)
  }

  const runBatch = async (connection: Connection): Promise<void> => {
    const { user } = connection
    if (user === null) return
    const bytes = Buffer.concat(connection.batch)
    connection.batch = []
    await lock.acquire(connection)
    if (connection.socket.destroyed) return lock.release(connection)
    try {
      await become(user)
    } catch (thrown) {
      lock.release(connection)
      connection.socket.end(fatalError('28000', messageOf(thrown)))
      return
    }
    const answer = await send(bytes)
    connection.socket.write(answer)
    if (transactionStatus(answer) === 'I') lock.release(connection)
  }

  const handle = async (connection: Connection, message: FrontendMessage): Promise<void> => {
    if (message.type === 'X') {
      connection.socket.end()
      return
    }
    connection.batch.push(message.bytes)
    // A query, the end of a round of the extended protocol, or a flush inside of it.
    if (message.type === 'Q' || message.type === 'S' || message.type === 'H') await runBatch(connection)
  }

  /** A client that went away inside a transaction leaves nothing behind. */
  const leave = async (connection: Connection): Promise<void> => {
    sockets.delete(connection.socket)
    if (lock.holder() === connection) await send(query('ROLLBACK'))
    lock.release(connection)
  }

  const accept = (socket: Socket): void => {
    socket.setNoDelay(true)
    sockets.add(socket)
    const connection: Connection = { socket, user: null, batch: [] }
    const reader = messageReader()
    let phase: 'startup' | 'password' | 'open' = 'startup'
    let userName = ''

    const step = async (): Promise<boolean> => {
      if (phase === 'startup') {
        const startup = reader.startup()
        if (startup === null) return false
        if (startup.kind === 'encryption') socket.write('N')
        if (startup.kind === 'cancel') socket.end()
        if (startup.kind === 'startup') {
          userName = startup.parameters.user ?? ''
          phase = 'password'
          socket.write(cleartextPasswordRequest())
        }
        return true
      }
      const message = reader.message()
      if (message === null) return false
      if (phase === 'open') await handle(connection, message)
      else {
        connection.user = await options.authenticate(userName, passwordOf(message))
        phase = 'open'
        socket.write(welcome(parameters))
      }
      return true
    }
    /** Messages of one connection are handled one after another. */
    let turn = Promise.resolve()
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes)
      turn = turn.then(async () => {
        try {
          while (!socket.destroyed && (await step()));
        } catch (thrown) {
          const state = phase === 'password' ? INVALID_PASSWORD : PROTOCOL_VIOLATION
          options.log(`postgres: ${messageOf(thrown)}`)
          socket.end(fatalError(state, messageOf(thrown)))
        }
      })
    })
    socket.on('error', (error) => options.log(`postgres: ${error.message}`))
    socket.on('close', () => {
      turn = turn.then(() => leave(connection))
    })
  }

  const server = createServer(accept)
  await listen(server, options.port)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, HOST, resolve)
  })
