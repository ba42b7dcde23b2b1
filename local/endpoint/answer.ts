/** Errors as each protocol words them. */

import { AwsError } from '../service.ts'
import type { Distrust } from './authenticate.ts'
import type { Protocol } from './model.ts'
import { XML_DECLARATION } from './rest-binding.ts'
import { escapeXml } from './xml-shape.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Text, bytes or a Readable. */
  readonly body: unknown
}

/** Everything thrown becomes an error of AWS: what is not one is our fault and says so. */
export function asAwsError(thrown: unknown): AwsError {
  if (thrown instanceof AwsError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new AwsError('InternalFailure', `The local runtime failed: ${message === '' ? 'no message' : message}`, 500)
}

/** @param serviceId picks details that differ within a protocol */
export function encodeError(protocol: Protocol, serviceId: string, error: AwsError, requestId: string): Answer {
  if (protocol === 'rest-xml') return s3Error(error, requestId)
  if (protocol === 'query') return queryError(error, requestId)
  return jsonError(protocol, serviceId, error, requestId)
}

function s3Error(error: AwsError, requestId: string): Answer {
  const { DeleteMarker: marker, VersionId: versionId, ETag: etag, ...members } = error.members
  const headers = {
    'x-amz-request-id': requestId,
    'x-amz-id-2': hostId(requestId),
    ...(marker === true ? { 'x-amz-delete-marker': 'true' } : {}),
    ...(marker === true && typeof versionId === 'string' ? { 'x-amz-version-id': versionId } : {}),
    ...(typeof etag === 'string' ? { etag } : {}),
  }
  if (error.httpStatus === 304) return { status: 304, headers, body: '' }
  const facts = { ...members, ...(marker === true ? {} : { VersionId: versionId }) }
  const elements = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
  const body = `${XML_DECLARATION}<Error><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message>${elements.join('')}<RequestId>${requestId}</RequestId><HostId>${hostId(requestId)}</HostId></Error>`
  return { status: error.httpStatus, headers: { ...headers, 'content-type': 'application/xml' }, body }
}

/** S3's second request id. */
export const hostId = (requestId: string): string => Buffer.from(`sluice-local-${requestId}`).toString('base64')

function queryError(error: AwsError, requestId: string): Answer {
  const type = error.httpStatus >= 500 ? 'Receiver' : 'Sender'
  return {
    status: error.httpStatus,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body: `<ErrorResponse><Error><Type>${type}</Type><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
  }
}

/** Services whose error bodies have `Message` where the others have `message`. */
const CAPITAL_MESSAGE = ['glue', 'secretsmanager', 'redshift-data', 'lambda']

/** SQS still tells clients of its former protocol which code that one had. */
const QUERY_CODES: Readonly<Record<string, string>> = {
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  PurgeQueueInProgress: 'AWS.SimpleQueueService.PurgeQueueInProgress',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
}

function jsonError(protocol: Protocol, serviceId: string, error: AwsError, requestId: string): Answer {
  const messageName = CAPITAL_MESSAGE.includes(serviceId) ? 'Message' : 'message'
  const isRest = protocol === 'rest-json'
  const fault = error.httpStatus >= 500 ? 'Receiver' : 'Sender'
  const type = serviceId === 'sqs' ? `com.amazonaws.sqs#${error.code}` : error.code
  return {
    status: error.httpStatus,
    headers: {
      'content-type': isRest ? 'application/json' : `application/x-amz-json-${protocol === 'json-1.0' ? '1.0' : '1.1'}`,
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': error.code,
      ...(serviceId === 'sqs' ? { 'x-amzn-query-error': `${QUERY_CODES[error.code] ?? error.code};${fault}` } : {}),
    },
    body: JSON.stringify({
      ...(isRest ? { Type: fault === 'Sender' ? 'User' : 'Service' } : { __type: type }),
      ...error.members,
      [messageName]: error.message,
    }),
  }
}

/** The error with which a service refuses a request it does not believe. */
export function distrustError(protocol: Protocol, distrust: Distrust): AwsError {
  return protocol === 'rest-xml' ? s3Distrust(distrust) : otherDistrust(protocol, distrust)
}

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.'

function s3Distrust(distrust: Distrust): AwsError {
  switch (distrust.kind) {
    case 'unsigned':
      return new AwsError('AccessDenied', 'Access Denied', 403)
    case 'malformed':
      return new AwsError(
        'AuthorizationHeaderMalformed',
        'The authorization header is malformed; a signature of version 4 must have Credential, SignedHeaders, Signature and a time of the same day.',
      )
    case 'unknown-key':
      return new AwsError(
        'InvalidAccessKeyId',
        'The AWS Access Key Id you provided does not exist in our records.',
        403,
        {
          AWSAccessKeyId: distrust.accessKeyId,
        },
      )
    case 'wrong-token':
      return new AwsError('InvalidToken', 'The provided token is malformed or otherwise invalid.')
    case 'wrong-region':
      return new AwsError(
        'AuthorizationHeaderMalformed',
        `The authorization header is malformed; the region '${distrust.region}' is wrong; expecting '${distrust.expected}'`,
        400,
        { Region: distrust.expected },
      )
    case 'skewed':
      return new AwsError(
        'RequestTimeTooSkewed',
        'The difference between the request time and the current time is too large.',
        403,
        {
          RequestTime: distrust.timestamp,
          ServerTime: distrust.serverTime.toISOString(),
          MaxAllowedSkewMilliseconds: 900000,
        },
      )
    case 'expired':
      return new AwsError('AccessDenied', 'Request has expired', 403, {
        'X-Amz-Expires': distrust.expiresSeconds,
        Expires: distrust.expiredAt.toISOString(),
        ServerTime: distrust.serverTime.toISOString(),
      })
    case 'wrong-signature':
      return new AwsError('SignatureDoesNotMatch', MISMATCH.replace('AWS Secret Access Key', 'key'), 403, {
        StringToSign: distrust.stringToSign,
        CanonicalRequest: distrust.canonicalRequest,
      })
  }
}

/** Query and REST services answer 403; JSON ones 400, two of the codes with names of their own. */
function otherDistrust(protocol: Protocol, distrust: Distrust): AwsError {
  const status = protocol === 'json-1.0' || protocol === 'json-1.1' ? 400 : 403
  const isQuery = protocol === 'query'
  const invalidSignature = isQuery ? 'SignatureDoesNotMatch' : 'InvalidSignatureException'
  const invalidToken = isQuery ? 'InvalidClientTokenId' : 'UnrecognizedClientException'
  switch (distrust.kind) {
    case 'unsigned':
      return new AwsError(
        isQuery ? 'MissingAuthenticationToken' : 'MissingAuthenticationTokenException',
        'Missing Authentication Token',
        status,
      )
    case 'malformed':
      return new AwsError(
        isQuery ? 'IncompleteSignature' : 'IncompleteSignatureException',
        "Authorization header requires 'Credential' parameter, 'Signature' parameter, 'SignedHeaders' parameter and a date of the same day.",
        status,
      )
    case 'unknown-key':
    case 'wrong-token':
      return new AwsError(invalidToken, 'The security token included in the request is invalid.', status)
    case 'wrong-region':
      return new AwsError(
        invalidSignature,
        `Credential should be scoped to a valid region: '${distrust.expected}', not '${distrust.region}'.`,
        status,
      )
    case 'skewed':
      return new AwsError(
        invalidSignature,
        `Signature expired or not yet current: ${distrust.timestamp} is more than 15 min. from ${distrust.serverTime.toISOString()}.`,
        status,
      )
    case 'expired':
      return new AwsError(invalidSignature, `Signature expired at ${distrust.expiredAt.toISOString()}.`, status)
    case 'wrong-signature':
      return new AwsError(invalidSignature, MISMATCH, status)
  }
}
