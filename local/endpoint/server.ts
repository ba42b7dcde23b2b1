/** The one loopback port of the runtime. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SluiceError } from '../../core/errors.ts'
import type { CredentialStore } from '../iam/credentials.ts'
import type { Clock, ServiceBus } from '../service.ts'
import type { Answer } from './answer.ts'
import { createAuthenticator } from './authenticate.ts'
import { type DispatchOptions, dispatch } from './dispatch.ts'

export interface EndpointOptions {
  readonly bus: ServiceBus
  readonly credentials: CredentialStore
  readonly region: string
  readonly clock: Clock
  /** 0 takes a free one. */
  readonly port: number
}

export interface Endpoint {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  /** Takes no new requests and ends those in progress. */
  close(): Promise<void>
}

const LOOPBACK = '127.0.0.1'
/** Longer than clients keep idle connections, so that none writes into a closing one. */
const KEEP_ALIVE_MILLIS = 120_000

/**
 * Listens on 127.0.0.1 and answers signed requests of every service on the bus.
 * @throws SluiceError `port_in_use`
 */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const dispatching: DispatchOptions = {
    bus: options.bus,
    authenticate: createAuthenticator({
      credentials: options.credentials,
      region: options.region,
      now: () => options.clock.now(),
    }),
  }
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MILLIS, requestTimeout: 0 }, (message, response) => {
    void respond(dispatching, message, response)
  })
  server.listen(options.port, LOOPBACK)
  await once(server, 'listening').catch((error: unknown) => refuse(options.port, error))
  const { port } = addressOf(server.address())
  return {
    url: `http://${LOOPBACK}:${port}`,
    port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function refuse(port: number, error: unknown): never {
  throw new SluiceError('port_in_use', `Cannot listen on ${LOOPBACK}:${port}`, {
    cause: error,
    hint: 'Give another port with --port, or 0 for a free one.',
  })
}

function addressOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('Cannot tell the port of the endpoint')
  return address
}

async function respond(options: DispatchOptions, message: IncomingMessage, response: ServerResponse): Promise<void> {
  let gone: AbortSignal | null = null
  const answer = await dispatch(options, message, () => {
    gone ??= goneSignal(response)
    return gone
  })
  if (!message.complete) message.resume()
  response.writeHead(answer.status, { ...answer.headers, ...lengthOf(answer) })
  await send(answer, message, response)
}

/** Aborts when the client leaves before it has its answer. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  if (response.destroyed && !response.writableFinished) gone.abort()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  return gone.signal
}

/** Bodies that are not streams have their length announced. */
const lengthOf = ({ body, headers, status }: Answer): Record<string, number> =>
  (typeof body === 'string' || body instanceof Uint8Array) &&
  headers['content-length'] === undefined &&
  status !== 204 &&
  status !== 304
    ? { 'content-length': Buffer.byteLength(body) }
    : {}

/** A stream that breaks, or a client that leaves, ends the connection: the client sees fewer bytes than announced. */
async function send({ body, status }: Answer, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const isBodiless = message.method === 'HEAD' || status === 204 || status === 304
  if (body instanceof Readable) {
    if (isBodiless) body.destroy()
    else return pipeline(body, response).catch(() => void response.destroy())
  }
  if (isBodiless) response.end()
  else response.end(typeof body === 'string' || body instanceof Uint8Array ? body : '')
}
