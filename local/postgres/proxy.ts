/** A PostgreSQL server by URL, behind a loopback port that lets in whom RDS would let in. */
import { createServer, Socket } from 'node:net'
import pg from 'pg'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { type Authenticate, type DatabaseUser, INVALID_PASSWORD, loginSteps } from './login.ts'
import { type DatabaseServer, listenOnLoopback, PARAMETERS } from './server.ts'
import { fatalError, messageReader, welcome } from './wire.ts'

/**
 * Every connection has a connection of its own to the server, made with the URL's user (a superuser, as it becomes the
 * role that logged in).
 * @param port 0 takes a free one
 * @throws SluiceError `database_unreachable`
 */
export async function startDatabaseProxy(
  url: string,
  options: { readonly port: number; readonly authenticate: Authenticate; readonly log: (message: string) => void },
): Promise<DatabaseServer> {
  const version = await serverVersion(url)
  const sockets = new Set<Socket>()
  const track = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  }

  const accept = (socket: Socket): void => {
    track(socket)
    socket.setNoDelay(true)
    const reader = messageReader()
    const login = loginSteps(socket, reader, options.authenticate)
    let turn = Promise.resolve()
    const read = (bytes: Buffer): void => {
      reader.push(bytes)
      turn = turn.then(async () => {
        try {
          for (;;) {
            const step = await login()
            if (step === 'waiting') return
            if (step === 'continue') continue
            socket.off('data', read)
            await join(socket, await openUpstream(url, step), version, track)
            return
          }
        } catch (thrown) {
          options.log(`postgres: ${messageOf(thrown)}`)
          socket.end(fatalError(INVALID_PASSWORD, messageOf(thrown)))
        }
      })
    }
    socket.on('data', read)
    socket.on('error', (error) => options.log(`postgres: ${error.message}`))
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

/** From now on bytes go through as they are. */
async function join(client: Socket, upstream: Socket, version: string, track: (socket: Socket) => void): Promise<void> {
  track(upstream)
  upstream.on('error', () => client.destroy())
  upstream.on('close', () => client.destroy())
  client.on('close', () => upstream.destroy())
  client.write(welcome({ server_version: version, ...PARAMETERS }))
  client.pipe(upstream)
  upstream.pipe(client)
}

const unreachable = (thrown: unknown): SluiceError =>
  new SluiceError('database_unreachable', `Cannot connect to the metadata database: ${messageOf(thrown)}`, {
    cause: thrown,
    hint: 'Check --database postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  })

async function serverVersion(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
    return rows[0]?.server_version ?? ''
  } catch (thrown) {
    throw unreachable(thrown)
  } finally {
    await client.end()
  }
}

/** A logged-in connection of the driver, taken over as a bare socket. */
async function openUpstream(url: string, user: DatabaseUser): Promise<Socket> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  if (user.kind === 'role') await client.query(`SET SESSION AUTHORIZATION ${pg.escapeIdentifier(user.name)}`)
  const stream: unknown = Reflect.get(Object(Reflect.get(client, 'connection')), 'stream')
  if (!(stream instanceof Socket)) throw unreachable(new TypeError('the connection has no socket'))
  stream.removeAllListeners()
  return stream
}
