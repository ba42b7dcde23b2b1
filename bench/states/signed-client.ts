/** A client of one endpoint that costs little: keep-alive connections, a signature a request, JSON in and out. */
import { type BinaryLike, createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { Agent, request as send } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import { isJsonObject } from '../../core/json.ts'

export interface Endpoint {
  readonly url: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export interface SignedClient {
  /** Calls an operation of Step Functions. @throws Error with the service's answer when it is no success */
  states(operation: string, input: unknown): Promise<Record<string, unknown>>
  /** An S3 request; resolves when the answer has been read. @throws Error as above */
  object(method: 'PUT' | 'GET', path: string, body?: Buffer): Promise<void>
  /** Gets an object as a stream and drops its bytes; resolves with their number. @throws Error as above */
  drain(path: string): Promise<number>
  close(): void
}

/** Node's own hashes, in the form that the signer asks for. */
class NodeHash {
  #hash: Hash | Hmac
  readonly #secret: BinaryLike | undefined
  constructor(secret?: unknown) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret)
    this.#hash = this.#fresh()
  }
  #fresh(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
  update(data: unknown): void {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    this.#hash = this.#fresh()
  }
}

function bytesOf(data: unknown): string | Uint8Array {
  if (typeof data === 'string' || data instanceof Uint8Array) return data
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  throw new Error(`Cannot hash ${typeof data}`)
}

const CONNECTIONS = 32

export function signedClient({ url, region, credentials }: Endpoint): SignedClient {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const signer = (service: string) =>
    new SignatureV4({ service, region, credentials, sha256: NodeHash, uriEscapePath: service !== 's3' })
  const signers = { states: signer('states'), s3: signer('s3') }
  const signedHeaders = async (
    service: 'states' | 's3',
    method: string,
    path: string,
    given: Record<string, string>,
    body?: Buffer,
  ) => {
    const { headers } = await signers[service].sign({
      method,
      protocol: 'http:',
      hostname,
      port: Number(port),
      path,
      query: {},
      headers: { host: `${hostname}:${port}`, ...given },
      ...(body === undefined ? {} : { body }),
    })
    return headers
  }
  const call = async (
    service: 'states' | 's3',
    method: string,
    path: string,
    headers: Record<string, string>,
    body: Buffer,
  ): Promise<Buffer> => {
    const signed = await signedHeaders(service, method, path, headers, body)
    return exchange(
      agent,
      { hostname, port, method, path, headers: { ...signed, 'content-length': body.length } },
      body,
    )
  }
  return {
    async states(operation, input) {
      const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AWSStepFunctions.${operation}` }
      const answer = await call('states', 'POST', '/', headers, Buffer.from(JSON.stringify(input)))
      const output: unknown = JSON.parse(answer.toString('utf8') || '{}')
      return isJsonObject(output) ? output : {}
    },
    async object(method, path, body = Buffer.alloc(0)) {
      await call('s3', method, path, {}, body)
    },
    async drain(path) {
      const headers = await signedHeaders('s3', 'GET', path, { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' })
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
