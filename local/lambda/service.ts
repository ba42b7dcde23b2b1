/** Lambda: deployed bundles, unchanged, in worker threads with their deployed environment. */

import { existsSync } from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../core/digest.ts'
import type { FunctionModel } from '../assembly/model.ts'
import { type Input, readInput } from '../input.ts'
import { AwsError, type CallContext, type Clock, type Permission, type Service, type Store } from '../service.ts'
import { asyncConfigOperations } from './async-config.ts'
import { createAsyncInvocations, DEFAULT_ASYNC } from './asynchronous.ts'
import { arnOf, type LambdaContext, referenceOf } from './context.ts'
import { createFunctionRegistry, type DeployedFunction, type FunctionReference } from './deployed-function.ts'
import { describeOperations } from './describe-operations.ts'
import { manageOperations } from './manage-operations.ts'
import { type InvocationResult, startSandbox } from './sandbox.ts'
import { createSandboxPool } from './sandbox-pool.ts'

/** The keys of a role's session, as a function finds them in its environment. */
export interface SessionCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Where CloudWatch keeps what a function prints: its group, and a stream for each sandbox. */
export interface LogPlace {
  readonly group: string
  readonly stream: string
}

export interface LambdaOptions {
  readonly store: Store
  /** Code is kept in `lambda/` of it, so that published versions outlive the assembly they came from. */
  readonly stateDirectory: string
  readonly clock: Clock
  readonly ids: () => string
  readonly accountId: string
  readonly region: string
  /** Known once the endpoint listens. */
  readonly endpointUrl: () => string
  readonly credentialsFor: (roleArn: string, sessionName: string) => SessionCredentials
  /** Makes a deployed value local, e.g. fills in the port of the database. */
  readonly localValue: (value: string) => string
  /** Sends the record of a finished asynchronous invocation. */
  readonly sendToDestination: (destinationArn: string, roleArn: string, record: string) => Promise<void>
  readonly logLine: (functionName: string, line: string, place: LogPlace) => void
  /** A line of Lambda's own: that an invocation starts, ends, and how long it took. */
  readonly platformLine: (line: string, place: LogPlace) => void
  /** The number of a version that a client publishes: the next one, and the same again for the same key. */
  readonly versionNumber: (functionArn: string, key: string) => Promise<string>
  /** In [0, 1). */
  readonly random: () => number
  readonly log: (message: string) => void
  /** @default 4 */
  readonly sandboxesPerVersion?: number
}

export interface LambdaService extends Service {
  /** Publishes a function of the template; old versions stay. */
  deploy(model: FunctionModel): Promise<void>
  /** Loads one sandbox of each of these published versions, or of `$LATEST` where a function has none. */
  warm(models: readonly FunctionModel[]): Promise<void>
  /** Takes up asynchronous invocations that an earlier process accepted. */
  resume(): void
  close(): Promise<void>
}

const MAX_SYNC_PAYLOAD_BYTES = 6_291_556
const MAX_ASYNC_PAYLOAD_BYTES = 1_048_576

export function createLambdaService(options: LambdaOptions): LambdaService {
  const { clock, accountId, region } = options
  const registry = createFunctionRegistry(options.store, options.stateDirectory, accountId, region)
  const inFlight = new Map<string, number>()
  const pool = createSandboxPool((deployed) => {
    const place = logPlaceOf(deployed, options)
    return startSandbox({
      deployed,
      environment: environmentOf(deployed, options, place),
      clock,
      log: (line) => options.logLine(deployed.name, line, place),
      platformLog: (line) => options.platformLine(line, place),
    })
  }, options.sandboxesPerVersion ?? 4)

  const invoke = async (reference: FunctionReference, event: string, requestId: string) => {
    const deployed = registry.route(reference, options.random())
    const { reservedConcurrency } = registry.settings(deployed.name)
    const running = inFlight.get(deployed.name) ?? 0
    if (reservedConcurrency !== null && running >= reservedConcurrency) throw tooManyRequests()
    inFlight.set(deployed.name, running + 1)
    try {
      const functionArn = reference.qualifier === null ? deployed.arn : `${deployed.arn}:${reference.qualifier}`
      const result = await pool.invoke(deployed, { requestId, event, functionArn })
      return { deployed, result }
    } finally {
      inFlight.set(deployed.name, (inFlight.get(deployed.name) ?? 1) - 1)
    }
  }

  const events = createAsyncInvocations({
    store: options.store,
    clock,
    log: options.log,
    invoke: (invocation) =>
      invoke(
        { name: invocation.functionName, qualifier: invocation.qualifier },
        invocation.event,
        invocation.requestId,
      ),
    settings: (name, qualifier) => {
      const configured = registry.settings(name).asyncInvocation
      const wanted = qualifier ?? '$LATEST'
      return configured.find((setting) => setting.qualifier === wanted) ?? { ...DEFAULT_ASYNC, qualifier: wanted }
    },
    send: (destinationArn, deployed, record) => options.sendToDestination(destinationArn, deployed.roleArn, record),
  })

  const runInvoke = async (request: Input, context: CallContext): Promise<unknown> => {
    const reference = referenceOf(request)
    const event = payloadText(request)
    const type = request.textOr('InvocationType', 'RequestResponse')
    if (type === 'DryRun') {
      registry.find(reference)
      return { StatusCode: 204 }
    }
    if (type === 'Event') {
      registry.find(reference)
      limitPayload(event, MAX_ASYNC_PAYLOAD_BYTES)
      const { name: functionName, qualifier } = reference
      await events.accept([{ requestId: context.requestId, functionName, qualifier, event }])
      return { StatusCode: 202, Payload: new Uint8Array() }
    }
    limitPayload(event, MAX_SYNC_PAYLOAD_BYTES)
    const { deployed, result } = await invoke(reference, event, context.requestId)
    return invokeOutput(deployed, result, request.textOr('LogType', 'None') === 'Tail')
  }

  const permitted =
    (action: string) =>
    (input: unknown): readonly Permission[] => [{ action, resource: arnOf(referenceOf(readInput(input)), options) }]
  const context: LambdaContext = { registry, clock, accountId, region, versionNumber: options.versionNumber }

  return {
    id: 'lambda',
    operations: {
      Invoke: {
        permissions: permitted('lambda:InvokeFunction'),
        run: (input, context) => runInvoke(readInput(input), context),
      },
      ...describeOperations(context),
      ...manageOperations(context),
      ...asyncConfigOperations(context),
    },
    deploy: async (model) => {
      const codeDirectory = await keepCode(options.stateDirectory, model)
      await registry.deploy(model, codeDirectory, clock.now())
    },
    warm: async (models) => {
      await Promise.all(
        models.map(({ name, versions }) => pool.warm(registry.find({ name, qualifier: versions.at(-1) ?? null }))),
      )
    },
    resume: () => events.resume(),
    close: async () => {
      const closed = events.close()
      await pool.close()
      await closed
    },
  }
}

/** @throws AwsError `InvalidRequestContentException` when the payload is not JSON */
function payloadText(request: Input): string {
  const payload = request.members.Payload
  const text = payload instanceof Uint8Array ? Buffer.from(payload).toString('utf8') : request.textOr('Payload', '')
  if (text === '') return '{}'
  try {
    JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new AwsError('InvalidRequestContentException', `Could not parse request body into json: ${why}`, 400, {
      Type: 'User',
    })
  }
  return text
}

function limitPayload(text: string, limitBytes: number): void {
  const bytes = Buffer.byteLength(text)
  if (bytes <= limitBytes) return
  throw new AwsError(
    'RequestTooLargeException',
    `Request must be smaller than ${limitBytes} bytes for the InvokeFunction operation`,
    413,
  )
}

const tooManyRequests = (): AwsError =>
  new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429, {
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    Type: 'User',
    retryAfterSeconds: '1',
  })

/** Bytes of the log's end that LogType=Tail asks for. */
const TAIL_BYTES = 4096

function invokeOutput(deployed: DeployedFunction, result: InvocationResult, withTail: boolean): unknown {
  const payload = result.ok ? result.payload : JSON.stringify(result.error)
  return {
    StatusCode: 200,
    ...(result.ok ? {} : { FunctionError: 'Unhandled' }),
    Payload: new Uint8Array(Buffer.from(payload)),
    ExecutedVersion: deployed.version,
    ...(withTail ? { LogResult: tailOf(result.logged ?? []) } : {}),
  }
}

const tailOf = (lines: readonly string[]): string =>
  Buffer.from(lines.map((line) => `${line}\n`).join(''))
    .subarray(-TAIL_BYTES)
    .toString('base64')

/** The stream's name holds the day, the version and an id. */
const logPlaceOf = ({ name, version }: DeployedFunction, { clock, ids }: LambdaOptions): LogPlace => ({
  group: `/aws/lambda/${name}`,
  stream: `${clock.now().toISOString().slice(0, 10).replaceAll('-', '/')}/[${version}]${ids().replaceAll('-', '')}`,
})

/** The deployed variables and those that Lambda adds. */
function environmentOf(deployed: DeployedFunction, options: LambdaOptions, place: LogPlace): Record<string, string> {
  const session = options.credentialsFor(deployed.roleArn, deployed.name)
  const declared = Object.entries(deployed.environment).map(
    ([name, value]) => [name, options.localValue(value)] as const,
  )
  return {
    ...Object.fromEntries(declared),
    TZ: 'UTC',
    LANG: 'en_US.UTF-8',
    PATH: '/usr/bin:/bin',
    AWS_REGION: options.region,
    AWS_DEFAULT_REGION: options.region,
    AWS_ACCESS_KEY_ID: session.accessKeyId,
    AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
    ...(session.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: session.sessionToken }),
    AWS_ENDPOINT_URL: options.endpointUrl(),
    AWS_EXECUTION_ENV: `AWS_Lambda_${deployed.runtime}`,
    // The laptop's Node.js is not the one that the function is deployed on.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_LAMBDA_FUNCTION_NAME: deployed.name,
    AWS_LAMBDA_FUNCTION_VERSION: deployed.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(deployed.memoryMegabytes),
    AWS_LAMBDA_LOG_GROUP_NAME: place.group,
    AWS_LAMBDA_LOG_STREAM_NAME: place.stream,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    LAMBDA_TASK_ROOT: deployed.codeDirectory,
    _HANDLER: deployed.handler,
  }
}

/** Copies a bundle into the state folder, once per content: it is there whole or not at all. */
async function keepCode(stateDirectory: string, model: FunctionModel): Promise<string> {
  const directory = join(stateDirectory, 'lambda')
  const kept = join(directory, digestOf(`${model.name}/${model.codeHash}`).slice(0, 32))
  if (existsSync(kept)) return kept
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const partial = `${kept}.${process.pid}.partial`
  await cp(model.codeDirectory, partial, { recursive: true })
  await rename(partial, kept).catch(async (cause: unknown) => {
    await rm(partial, { recursive: true, force: true })
    if (!existsSync(kept)) throw cause
  })
  return kept
}
