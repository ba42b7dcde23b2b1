/** A client of one endpoint that costs little: keep-alive connections, a signature a request, JSON in and out. */
import { hash } from 'node:crypto'
import { Agent, request as send } from 'node:http'
import { isJsonObject } from '../../core/json.ts'
import { type Endpoint, requestSigner } from './sign-request.ts'

export type { Endpoint } from './sign-request.ts'

export interface SignedClient {
  /** Calls an operation of Step Functions. @throws Error with the service's answer when it is no success */
  states(operation: string, input: unknown): Promise<Record<string, unknown>>
  /** An S3 request; resolves when the answer has been read. @throws Error as above */
  object(method: 'PUT' | 'GET', path: string, body?: Buffer): Promise<void>
  /** Gets an object as a stream and drops its bytes; resolves with their number. @throws Error as above */
  drain(path: string): Promise<number>
  close(): void
}

/** Where the caller does not say. */
const CONNECTIONS = 32
const UNSIGNED = 'UNSIGNED-PAYLOAD'

/** @param connections that are open at a time: what is asked for above their number waits for one */
export function signedClient(endpoint: Endpoint, connections = CONNECTIONS): SignedClient {
  const { hostname, port } = new URL(endpoint.url)
  const host = `${hostname}:${port}`
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const [statesSigner, s3Signer] = [requestSigner(endpoint, 'states'), requestSigner(endpoint, 's3')]
  const s3Headers = (method: string, path: string, payloadHash: string): Record<string, string> =>
    s3Signer(method, path, { host, 'x-amz-content-sha256': payloadHash }, payloadHash)
  const call = (method: string, path: string, headers: Record<string, string | number>, body: Buffer) => {
    headers['content-length'] = body.length
    return exchange(agent, { hostname, port, method, path, headers }, body)
  }
  return {
    async states(operation, input) {
      const body = Buffer.from(JSON.stringify(input))
      const target = `AWSStepFunctions.${operation}`
      const given = { host, 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target }
      const answer = await call('POST', '/', statesSigner('POST', '/', given, hash('sha256', body, 'hex')), body)
      const output: unknown = JSON.parse(answer.toString('utf8') || '{}')
      return isJsonObject(output) ? output : {}
    },
    async object(method, path, body = Buffer.alloc(0)) {
      await call(method, path, s3Headers(method, path, hash('sha256', body, 'hex')), body)
    },
    async drain(path) {
      const headers = s3Headers('GET', path, UNSIGNED)
      let length = 0
      await exchange(agent, { hostname, port, method: 'GET', path, headers }, Buffer.alloc(0), (chunk) => {
        length += chunk.length
      })
      return length
    },
    close: () => agent.destroy(),
  }
}

interface Request {
  readonly hostname: string
  readonly port: string
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string | number>
}

/** Sends a request and resolves with the answer's body, or with none where `take` takes it. */
function exchange(agent: Agent, request: Request, body: Buffer, take?: (chunk: Buffer) => void): Promise<Buffer> {
  return new Promise((done, failed) => {
    const sent = send({ ...request, agent }, (response) => {
      const isGood = (response.statusCode ?? 500) < 300
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => (isGood && take !== undefined ? take(chunk) : chunks.push(chunk)))
      response.on('error', failed)
      response.on('end', () => {
        const answer = Buffer.concat(chunks)
        if (isGood) done(answer)
        else
          failed(
            new Error(`${request.method} ${request.path}: ${response.statusCode} ${answer.toString('utf8', 0, 500)}`),
          )
      })
    })
    sent.on('error', failed)
    sent.end(body)
  })
}
