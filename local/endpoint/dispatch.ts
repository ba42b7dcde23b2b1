/** From a request to an answer: whom it is for, who sent it, what it asks, what the service says. */

import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TrailingBody } from '../s3/body.ts'
import { AwsError, type Caller, type ServiceBus } from '../service.ts'
import { type Answer, asAwsError, distrustError, encodeError, hostId } from './answer.ts'
import type { Authenticated, createAuthenticator } from './authenticate.ts'
import { chunkedFormOf, decodeChunked } from './aws-chunked.ts'
import { decodeJson, encodeJson, printJson } from './json-shape.ts'
import { modelOf, type OperationModel, type Protocol, protocolOf, type ServiceModel, serviceOfTarget } from './model.ts'
import { decodeQuery } from './query-shape.ts'
import { type RawRequest, rawRequest, withHoistedHeaders } from './request.ts'
import { decodeRest, encodeRest, parseJson, payloadMember, type RestAnswer, takesStream } from './rest-binding.ts'
import { type RestTarget, routeRest, routeS3 } from './rest-route.ts'
import { s3Place } from './s3-place.ts'
import { type PresentedSignature, presentedSignature, sha256Hex } from './sigv4.ts'
import { encodeXml } from './xml-shape.ts'

export interface DispatchOptions {
  readonly bus: ServiceBus
  readonly authenticate: ReturnType<typeof createAuthenticator>
}

/** Longest body that is read whole: Lambda's synchronous limit, and some. */
const MAX_BODY_BYTES = 16 * 1024 ** 2

interface Exchange {
  readonly request: RawRequest
  readonly presented: PresentedSignature | null | 'malformed'
  readonly message: IncomingMessage
  readonly serviceId: string
  readonly protocol: Protocol
  readonly requestId: string
  readonly gone: () => AbortSignal
}

/** Answers one request; never throws. `gone`: a signal of the client having left, made when one asks for it. */
export async function dispatch(
  options: DispatchOptions,
  message: IncomingMessage,
  gone: () => AbortSignal,
): Promise<Answer> {
  const request = rawRequest(message.method ?? 'GET', message.url ?? '/', message.headers)
  const presented = presentedSignature(request)
  const serviceId = serviceOf(request, presented)
  const protocol = protocolOf(serviceId) ?? protocolLike(request)
  const requestId = serviceId === 's3' ? s3RequestId() : randomUUID()
  const exchange: Exchange = { request, presented, message, serviceId, protocol, requestId, gone }
  try {
    return await answer(options, exchange)
  } catch (thrown) {
    return encodeError(protocol, serviceId, asAwsError(thrown), requestId)
  }
}

/** By credential scope; unsigned requests by target, else S3, whose clients expect its errors. */
function serviceOf(request: RawRequest, presented: Exchange['presented']): string {
  if (presented !== null && presented !== 'malformed') return presented.scope.service
  const target = request.headers.get('x-amz-target')?.split('.', 1)[0] ?? ''
  return serviceOfTarget(target) ?? 's3'
}

/** What a client of a service that is not here speaks, so that it can read that it is not. */
function protocolLike({ headers }: RawRequest): Protocol {
  if (headers.has('x-amz-target')) return 'json-1.1'
  return headers.get('content-type')?.startsWith('application/x-www-form-urlencoded') ? 'query' : 'rest-json'
}

const s3RequestId = (): string => randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase()

async function answer(options: DispatchOptions, exchange: Exchange): Promise<Answer> {
  const model = await modelOf(exchange.serviceId)
  if (model === undefined) {
    throw new AwsError(
      'NotImplemented',
      `Cannot answer: the service "${exchange.serviceId}" is not part of the local runtime`,
      501,
    )
  }
  return exchange.serviceId === 's3' ? answerS3(options, exchange, model) : answerWhole(options, exchange, model)
}

/** Services whose requests are read whole, so that the body's own hash is what must have been signed. */
async function answerWhole(options: DispatchOptions, exchange: Exchange, model: ServiceModel): Promise<Answer> {
  const body = await readBody(exchange.message)
  const { caller } = believe(options, exchange, sha256Hex(body))
  if (model.protocol === 'rest-json') {
    const target = routeRest(model, exchange.request, exchange.request.rawPath)
    if (target === null) throw unknownPath(exchange)
    const input = decodeRest(target.operation, target.labels, exchange.request, body, 'json')
    const output = await call(options, exchange, caller, target.operation, input)
    return restAnswer(exchange, encodeRest(target.operation, output, 'json', null))
  }
  return model.protocol === 'query'
    ? answerQuery(options, exchange, model, caller, body)
    : answerJson(options, exchange, model, caller, body)
}

async function answerJson(
  options: DispatchOptions,
  exchange: Exchange,
  model: ServiceModel,
  caller: Caller,
  body: Buffer,
): Promise<Answer> {
  const target = exchange.request.headers.get('x-amz-target') ?? ''
  const operation = operationNamed(model, target.slice(target.indexOf('.') + 1))
  const input = decodeJson(operation.input, parseJson(body.toString('utf8'))) ?? {}
  const output = await call(options, exchange, caller, operation, input)
  return {
    status: 200,
    headers: {
      'content-type': `application/x-amz-json-${model.protocol === 'json-1.0' ? '1.0' : '1.1'}`,
      'x-amzn-requestid': exchange.requestId,
    },
    body: operation.output.isUnitSchema() ? '' : printJson(encodeJson(operation.output, output) ?? {}),
  }
}

async function answerQuery(
  options: DispatchOptions,
  exchange: Exchange,
  model: ServiceModel,
  caller: Caller,
  body: Buffer,
): Promise<Answer> {
  const form = new URLSearchParams(body.toString('utf8'))
  const operation = operationNamed(model, form.get('Action') ?? '')
  const output = await call(options, exchange, caller, operation, decodeQuery(operation.input, form))
  const result = encodeXml(operation.output, output, `${operation.name}Result`, null)
  const metadata = `<ResponseMetadata><RequestId>${exchange.requestId}</RequestId></ResponseMetadata>`
  const name = `${operation.name}Response`
  return {
    status: 200,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': exchange.requestId },
    body: `<${name} xmlns="${model.xmlNamespace ?? ''}">${result}${metadata}</${name}>`,
  }
}

/** S3 declares the hash of its body in a header, so that it can be streamed: believed first, verified as it passes. */
async function answerS3(options: DispatchOptions, exchange: Exchange, model: ServiceModel): Promise<Answer> {
  const declared = declaredHash(exchange.request)
  const authenticated = believe(options, exchange, declared)
  const isPresigned = authenticated.presented.expiresSeconds !== null
  const request = isPresigned ? withHoistedHeaders(exchange.request) : exchange.request
  const { bucket, path } = s3Place(request)
  const target = routeS3(model, request, bucket, path)
  if (target === null) throw unknownPath(exchange)
  const content = await contentOf(exchange.message, request, declared, authenticated)
  const input = await s3Input(target, request, content)
  const output = await call(options, exchange, authenticated.caller, target.operation, input)
  const encoded = encodeRest(target.operation, output, 'xml', model.xmlNamespace)
  return restAnswer(exchange, encoded.headers.has('content-range') ? { ...encoded, status: 206 } : encoded)
}

const UNSIGNED = 'UNSIGNED-PAYLOAD'

/** Pre-signed URLs sign no payload unless they say so. */
const declaredHash = (request: RawRequest): string =>
  request.headers.get('x-amz-content-sha256') ??
  request.rawQuery.find(([name]) => name === 'X-Amz-Content-Sha256')?.[1] ??
  UNSIGNED

async function s3Input(target: RestTarget, request: RawRequest, content: AsyncIterable<Uint8Array> | TrailingBody) {
  const { operation, labels } = target
  const payload = payloadMember(operation.input)
  if (payload !== null && takesStream(operation)) {
    const input = decodeRest(operation, labels, request, new Uint8Array(0), 'xml')
    const length = request.headers.get('x-amz-decoded-content-length')
    return {
      ...withoutChunking(input),
      ...(length === undefined ? {} : { ContentLength: Number(length) }),
      [payload[0]]: streamed(content),
    }
  }
  const body = await gather('bytes' in content ? content.bytes : content)
  return decodeRest(operation, labels, request, body, 'xml')
}

/** `aws-chunked` is how the body travelled, not how the object is encoded. */
function withoutChunking({ ContentEncoding: encoding, ...input }: Record<string, unknown>): Record<string, unknown> {
  const kept = String(encoding ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'aws-chunked')
  return kept.length === 0 ? input : { ...input, ContentEncoding: kept.join(',') }
}

const streamed = (content: AsyncIterable<Uint8Array> | TrailingBody): TrailingBody =>
  'bytes' in content ? content : { bytes: content, trailerNames: [], trailers: new Map() }

async function contentOf(
  message: IncomingMessage,
  request: RawRequest,
  declared: string,
  authenticated: Authenticated,
): Promise<AsyncIterable<Uint8Array> | TrailingBody> {
  const form = chunkedFormOf(declared)
  if (form !== undefined) {
    const length = request.headers.get('x-amz-decoded-content-length')
    const trailerNames = (request.headers.get('x-amz-trailer') ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase())
    const decodedLength = length === undefined ? null : Number(length)
    return decodeChunked(message, { form, authenticated, trailerNames, decodedLength })
  }
  if (declared === UNSIGNED) return message
  if (announcedBytes(request) > SMALL_BODY_BYTES) return verified(message, declared)
  const body = await readBody(message)
  checkHash(sha256Hex(body), declared)
  return once(body)
}

/** Bodies up to this size are read whole: passing them on as a stream costs more than their hash. */
const SMALL_BODY_BYTES = 64 * 1024

const announcedBytes = ({ headers }: RawRequest): number =>
  headers.has('transfer-encoding') ? Number.POSITIVE_INFINITY : Number(headers.get('content-length') ?? 0)

async function* once(body: Uint8Array): AsyncGenerator<Uint8Array> {
  if (body.length > 0) yield body
}

/** @throws AwsError `XAmzContentSHA256Mismatch` after the last byte */
async function* verified(body: AsyncIterable<Uint8Array>, declared: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of body) {
    hash.update(chunk)
    yield chunk
  }
  checkHash(hash.digest('hex'), declared)
}

/** @throws AwsError `XAmzContentSHA256Mismatch` */
function checkHash(actual: string, declared: string): void {
  if (actual === declared) return
  const message = "The provided 'x-amz-content-sha256' header does not match what was computed."
  throw new AwsError('XAmzContentSHA256Mismatch', message, 400, {
    ClientComputedContentSHA256: declared,
    S3ComputedContentSHA256: actual,
  })
}

/** @throws AwsError as the protocol words it */
function believe(options: DispatchOptions, exchange: Exchange, payloadHash: string): Authenticated {
  const judged = options.authenticate(exchange.request, exchange.presented, payloadHash)
  if ('kind' in judged) throw distrustError(exchange.protocol, judged)
  return judged
}

const call = (
  options: DispatchOptions,
  { serviceId, requestId, gone }: Exchange,
  caller: Caller,
  operation: OperationModel,
  input: unknown,
): Promise<unknown> =>
  options.bus.call(serviceId, operation.name, input, {
    caller,
    requestId,
    get signal() {
      return gone()
    },
  })

/** @throws AwsError `UnknownOperationException` */
function operationNamed(model: ServiceModel, name: string): OperationModel {
  const operation = model.operations.get(name)
  if (operation !== undefined) return operation
  throw new AwsError('UnknownOperationException', `Cannot answer: ${model.id} has no operation "${name}"`)
}

const unknownPath = ({ request, serviceId }: Exchange): AwsError =>
  new AwsError(
    'UnknownOperationException',
    `Cannot answer: ${serviceId} has no operation ${request.method} ${request.rawPath}`,
    404,
  )

function restAnswer({ requestId, serviceId }: Exchange, { status, headers, body, contentType }: RestAnswer): Answer {
  const all = new Map(headers)
  if (contentType !== null) all.set('content-type', contentType)
  all.set(serviceId === 's3' ? 'x-amz-request-id' : 'x-amzn-requestid', requestId)
  if (serviceId === 's3') all.set('x-amz-id-2', hostId(requestId))
  return { status, headers: Object.fromEntries(all), body }
}

const tooLong = (): AwsError =>
  new AwsError('RequestEntityTooLargeException', `The request body is longer than ${MAX_BODY_BYTES} bytes`, 413)

async function gather(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_BODY_BYTES) throw tooLong()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** As `gather`, without an iterator over the stream: most requests are one chunk. */
function readBody(message: IncomingMessage): Promise<Buffer> {
  return new Promise((done, failed) => {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    message.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes > MAX_BODY_BYTES) failed(tooLong())
      else chunks.push(chunk)
    })
    message.once('end', () => done(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)))
    message.once('error', failed)
  })
}
