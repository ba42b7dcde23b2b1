import { AwsError } from '../../service.ts'
import { SDK_SERVICES } from '../resource.ts'
import { TaskFailure } from './integration.ts'

/** How an optimized integration names a service: the prefix of its errors, the name in the cause, its general error. */
interface OptimizedNames {
  readonly prefix: string
  readonly service: string
  readonly general: string
}

const OPTIMIZED: Readonly<Record<string, OptimizedNames>> = {
  lambda: { prefix: 'Lambda', service: 'AWSLambda', general: 'AWSLambdaException' },
  glue: { prefix: 'Glue', service: 'AWSGlue', general: 'AWSGlueException' },
  states: { prefix: 'StepFunctions', service: 'AWSStepFunctions', general: 'AWSStepFunctionsException' },
  events: { prefix: 'EventBridge', service: 'AmazonCloudWatchEvents', general: 'AmazonEventBridgeException' },
  sqs: { prefix: 'SQS', service: 'AmazonSQS', general: 'AmazonSQSException' },
  sns: { prefix: 'SNS', service: 'AmazonSNS', general: 'AmazonSNSException' },
}

/** Error codes that the SDK models as exceptions of their own; any other becomes the service's general one. */
const UNMODELLED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ThrottlingException',
  'Throttling',
  'UnrecognizedClientException',
  'InternalFailure',
  'ServiceUnavailable',
  'ValidationError',
  'NotImplemented',
  'InternalError',
])
/** Services that model some of those codes. */
const MODELLED: Readonly<Record<string, readonly string[]>> = {
  glue: ['AccessDeniedException', 'ThrottlingException'],
  sns: ['AuthorizationError'],
  states: ['ValidationException'],
}

/** S3 models a few of its many codes. */
const S3_MODELLED = new Set([
  'NoSuchKey',
  'NoSuchBucket',
  'NoSuchUpload',
  'BucketAlreadyExists',
  'BucketAlreadyOwnedByYou',
  'InvalidObjectState',
  'ObjectAlreadyInActiveTierError',
  'ObjectNotInActiveTierError',
  'EncryptionTypeMismatch',
  'InvalidRequest',
  'InvalidWriteOffset',
  'TooManyParts',
  'IdempotencyParameterMismatch',
])

const isModelled = (service: string, code: string): boolean => {
  if (service === 's3') return S3_MODELLED.has(code)
  return !UNMODELLED.has(code) || (MODELLED[service]?.includes(code) ?? false)
}

/** The exception's name in the SDK; SQS kept codes of its first protocol. */
function exceptionName(code: string): string {
  if (code === 'AWS.SimpleQueueService.NonExistentQueue') return 'QueueDoesNotExistException'
  return code.endsWith('Exception') ? code : `${code}Exception`
}

/** The failure of a call through an optimized integration; what is not an error of a service is thrown on. */
export function optimizedFailure(service: string, thrown: unknown, requestId: string): TaskFailure {
  const names = OPTIMIZED[service]
  if (!(thrown instanceof AwsError) || names === undefined) throw thrown
  const name = isModelled(service, thrown.code) ? exceptionName(thrown.code) : names.general
  const code = service === 'states' ? thrown.code.replace(/Exception$/, '') : thrown.code
  return new TaskFailure({
    error: `${names.prefix}.${name}`,
    cause: `${thrown.message} (Service: ${names.service}; Status Code: ${thrown.httpStatus}; Error Code: ${code}; Request ID: ${requestId}; Proxy: null)`,
  })
}

/** The failure of a call through `aws-sdk`. `sdkName` as in the resource, e.g. `redshiftdata`. */
export function sdkFailure(sdkName: string, thrown: unknown, requestId: string): TaskFailure {
  const names = SDK_SERVICES[sdkName]
  if (!(thrown instanceof AwsError) || names === undefined) throw thrown
  const { service, prefix } = names
  const name = isModelled(service, thrown.code) ? exceptionName(thrown.code) : `${prefix}Exception`
  const extended = service === 's3' ? `, Extended Request ID: ${requestId}` : ''
  return new TaskFailure({
    error: `${prefix}.${name}`,
    cause: `${thrown.message} (Service: ${prefix}, Status Code: ${thrown.httpStatus}, Request ID: ${requestId}${extended})`,
  })
}
