/** How a Task waits for what it starts. */
export type Pattern = 'requestResponse' | 'sync' | 'sync2' | 'waitForTaskToken'

/** The parsed `Resource` of a Task. */
export type Resource =
  | { readonly kind: 'function'; readonly arn: string }
  | {
      readonly kind: 'service'
      readonly arn: string
      /** `lambda`, `glue`, …; for `aws-sdk` the SDK's service name, e.g. `redshiftdata`. */
      readonly service: string
      /** camelCase, without the pattern. */
      readonly action: string
      readonly sdk: boolean
      readonly pattern: Pattern
      /** As in the history: `lambda`, `aws-sdk:s3`. */
      readonly resourceType: string
      /** As in the history: `startJobRun.sync`. */
      readonly resource: string
    }

const PATTERNS: Readonly<Record<string, Pattern>> = {
  '': 'requestResponse',
  '.sync': 'sync',
  '.sync:2': 'sync2',
  '.waitForTaskToken': 'waitForTaskToken',
}

/** The optimized integrations that run here, with the patterns each has on AWS. */
const OPTIMIZED: Readonly<Record<string, readonly Pattern[]>> = {
  'lambda:invoke': ['requestResponse', 'waitForTaskToken'],
  'glue:startJobRun': ['requestResponse', 'sync'],
  'states:startExecution': ['requestResponse', 'sync', 'sync2', 'waitForTaskToken'],
  'events:putEvents': ['requestResponse', 'waitForTaskToken'],
  'sqs:sendMessage': ['requestResponse', 'waitForTaskToken'],
  'sns:publish': ['requestResponse', 'waitForTaskToken'],
}

/** SDK service name in a resource → service of the runtime and prefix of its errors. */
export const SDK_SERVICES: Readonly<Record<string, { readonly service: string; readonly prefix: string }>> = {
  s3: { service: 's3', prefix: 'S3' },
  glue: { service: 'glue', prefix: 'Glue' },
  redshiftdata: { service: 'redshift-data', prefix: 'RedshiftData' },
  sfn: { service: 'states', prefix: 'Sfn' },
  lambda: { service: 'lambda', prefix: 'Lambda' },
  eventbridge: { service: 'events', prefix: 'EventBridge' },
  secretsmanager: { service: 'secretsmanager', prefix: 'SecretsManager' },
  sqs: { service: 'sqs', prefix: 'Sqs' },
  sns: { service: 'sns', prefix: 'Sns' },
  ssm: { service: 'ssm', prefix: 'Ssm' },
  sts: { service: 'sts', prefix: 'Sts' },
  cloudwatch: { service: 'monitoring', prefix: 'CloudWatch' },
  cloudwatchlogs: { service: 'logs', prefix: 'CloudWatchLogs' },
}

const FUNCTION = /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?$/
const SERVICE = /^arn:aws[a-z-]*:states:::(aws-sdk:)?([a-z0-9]+):([a-zA-Z0-9]+)(\.sync(?::2)?|\.waitForTaskToken)?$/

/** How a resource is refused that there is not. */
export const unknownResource = (arn: string): string =>
  `The resource provided ${arn} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.`

/** @returns `null` for what AWS (or this runtime) does not know. */
export function parseResource(arn: string): Resource | null {
  if (FUNCTION.test(arn)) return { kind: 'function', arn }
  const parts = SERVICE.exec(arn)
  if (parts === null) return null
  const [, sdkMark, service = '', action = '', suffix = ''] = parts
  const pattern = PATTERNS[suffix] ?? 'requestResponse'
  const sdk = sdkMark !== undefined
  if (!isKnown(sdk, service, action, pattern)) return null
  return {
    kind: 'service',
    arn,
    service,
    action,
    sdk,
    pattern,
    resourceType: sdk ? `aws-sdk:${service}` : service,
    resource: `${action}${suffix}`,
  }
}

function isKnown(sdk: boolean, service: string, action: string, pattern: Pattern): boolean {
  if (!sdk) return OPTIMIZED[`${service}:${action}`]?.includes(pattern) ?? false
  return (
    SDK_SERVICES[service] !== undefined &&
    /^[a-z]/.test(action) &&
    (pattern === 'requestResponse' || pattern === 'waitForTaskToken')
  )
}
