/**
 * The embedded PostgreSQL behind a loopback port, so that a client for servers works unchanged. PGlite has one session;
 * connections take turns by transaction, so that transactions never mix. `SET` without `LOCAL` holds until another
 * connection has its turn.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { PGlite } from '@electric-sql/pglite'
import { messageOf } from '../../core/errors.ts'
import { type Authenticate, type DatabaseUser, INVALID_PASSWORD, loginSteps, PROTOCOL_VIOLATION } from './login.ts'
import { sessionLock } from './session-lock.ts'
import { errorIn, type FrontendMessage, fatalError, messageReader, query, transactionStatus, welcome } from './wire.ts'

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

/** What a client is told of a session. */
export const PARAMETERS = {
  server_encoding: 'UTF8',
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  TimeZone: 'UTC',
  integer_datetimes: 'on',
  standard_conforming_strings: 'on',
}

/** As a stream: in one piece PGlite would also parse each answer and keep every message of it for ever. */
async function answerOf(database: PGlite, bytes: Buffer): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  // A part is a view of the database's memory, which is used again.
  await database.execProtocolRawStream(bytes, { syncToFs: false, onRawData: (part) => parts.push(part.slice()) })
  return Buffer.concat(parts)
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
  /** Whose turn was last: the one session has its rights. */
  let last: Connection | null = null

  const send = (bytes: Buffer): Promise<Uint8Array> => answerOf(database, bytes)

  /** The owner first: a role may not become another one. (RESET does nothing here, as nobody logged in to this session.) */
  const become = async (connection: Connection, user: DatabaseUser): Promise<void> => {
    if (last === connection) return
    last = null
    const names = user.kind === 'role' ? [owner, user.name] : [owner]
    const [first, ...more] = names.map((name) => `SET SESSION AUTHORIZATION "${name.replaceAll('"', '""')}"`)
    const failed = errorIn(await send(query([first, 'RESET ALL', ...more].join(';'))))
    if (failed !== null) throw new Error(failed)
    last = connection
  }

  const runBatch = async (connection: Connection): Promise<void> => {
    const { user } = connection
    if (user === null) return
    const bytes = Buffer.concat(connection.batch)
    connection.batch = []
    await lock.acquire(connection)
    if (connection.socket.destroyed) return lock.release(connection)
    try {
      await become(connection, user)
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
    const login = loginSteps(socket, reader, options.authenticate)

    const step = async (): Promise<boolean> => {
      if (connection.user === null) {
        const outcome = await login()
        if (outcome === 'waiting') return false
        if (outcome === 'continue') return true
        connection.user = outcome
        socket.write(welcome(parameters))
        return true
      }
      const message = reader.message()
      if (message === null) return false
      await handle(connection, message)
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
          const state = connection.user === null ? INVALID_PASSWORD : PROTOCOL_VIOLATION
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
  const port = await listenOnLoopback(server, options.port)
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** @param port 0 takes a free one @returns the port @throws Error when it cannot be listened on */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, HOST, resolve)
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}
