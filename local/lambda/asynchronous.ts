/** Event invocations: accepted on disk, tried again after a minute and after two, then sent to a destination. */
import { messageOf } from '../../core/errors.ts'
import type { AsyncInvocationModel } from '../assembly/model.ts'
import { createDueQueue, type DueQueue, type DueRecord, type Outcome } from '../due-queue.ts'
import { AwsError, type Clock, type Store } from '../service.ts'
import type { DeployedFunction } from './deployed-function.ts'
import type { InvocationResult } from './sandbox.ts'

export interface AsyncInvocation {
  readonly requestId: string
  readonly functionName: string
  readonly qualifier: string | null
  /** JSON text. */
  readonly event: string
}

export interface AsyncDependencies {
  readonly store: Store
  readonly clock: Clock
  readonly log: (message: string) => void
  /** @throws AwsError `TooManyRequestsException` */
  readonly invoke: (invocation: AsyncInvocation) => Promise<{ deployed: DeployedFunction; result: InvocationResult }>
  readonly settings: (functionName: string, qualifier: string | null) => AsyncInvocationModel
  /** Sends a record to a queue, topic, function or bus as the function's role. */
  readonly send: (destinationArn: string, deployed: DeployedFunction, record: string) => Promise<void>
}

const CONCURRENCY = 16
/** Before the first and the second retry. */
const RETRY_DELAYS_MILLIS = [60_000, 120_000]
/** A throttled event goes back to the queue: 1 s at first, up to 5 minutes. */
const MAX_THROTTLE_DELAY_MILLIS = 300_000

/** What Lambda does where a function says nothing. */
export const DEFAULT_ASYNC: Omit<AsyncInvocationModel, 'qualifier'> = {
  maximumRetryAttempts: 2,
  maximumEventAgeSeconds: 21_600,
  onFailureArn: null,
  onSuccessArn: null,
}

export function createAsyncInvocations(dependencies: AsyncDependencies): DueQueue<AsyncInvocation> {
  const { clock } = dependencies
  return createDueQueue<AsyncInvocation>({
    store: dependencies.store,
    name: 'lambda.async',
    clock,
    concurrency: CONCURRENCY,
    log: dependencies.log,
    attempt: (record) => attempt(record, dependencies, clock.now()),
  })
}

async function attempt(
  record: DueRecord<AsyncInvocation>,
  dependencies: AsyncDependencies,
  now: Date,
): Promise<Outcome<AsyncInvocation>> {
  const settings = dependencies.settings(record.value.functionName, record.value.qualifier)
  const ageMillis = now.getTime() - record.acceptedAtMillis
  const expired = ageMillis > settings.maximumEventAgeSeconds * 1000
  try {
    const { deployed, result } = await dependencies.invoke(record.value)
    if (result.ok) {
      await destined(settings.onSuccessArn, 'Success', record, deployed, result, dependencies)
      return { kind: 'done' }
    }
    if (record.tries < settings.maximumRetryAttempts && !expired) {
      return {
        kind: 'again',
        dueAt: after(dependencies.clock, RETRY_DELAYS_MILLIS[record.tries] ?? 120_000),
        counted: true,
      }
    }
    const condition = expired ? 'EventAgeExceeded' : 'RetriesExhausted'
    await destined(settings.onFailureArn, condition, record, deployed, result, dependencies)
    dependencies.log(
      `lambda ${record.value.functionName}: gave up an event (${condition}): ${result.error.errorMessage}`,
    )
    return { kind: 'done' }
  } catch (thrown) {
    const throttled = thrown instanceof AwsError && thrown.code === 'TooManyRequestsException' && !expired
    if (!throttled) {
      dependencies.log(`lambda ${record.value.functionName}: gave up an event: ${messageOf(thrown)}`)
      return { kind: 'done' }
    }
    return {
      kind: 'again',
      dueAt: after(dependencies.clock, Math.min(MAX_THROTTLE_DELAY_MILLIS, Math.max(1_000, ageMillis))),
      counted: false,
    }
  }
}

const after = (clock: Clock, millis: number): Date => new Date(clock.now().getTime() + millis)

async function destined(
  destinationArn: string | null,
  condition: string,
  record: DueRecord<AsyncInvocation>,
  deployed: DeployedFunction,
  result: InvocationResult,
  dependencies: AsyncDependencies,
): Promise<void> {
  if (destinationArn === null) return
  const body = {
    version: '1.0',
    timestamp: dependencies.clock.now().toISOString(),
    requestContext: {
      requestId: record.value.requestId,
      functionArn: `${deployed.arn}:${record.value.qualifier ?? '$LATEST'}`,
      condition,
      approximateInvokeCount: record.tries + 1,
    },
    requestPayload: JSON.parse(record.value.event) as unknown,
    responseContext: {
      statusCode: 200,
      executedVersion: deployed.version,
      ...(result.ok ? {} : { functionError: 'Unhandled' }),
    },
    responsePayload: result.ok ? (JSON.parse(result.payload) as unknown) : result.error,
  }
  await dependencies.send(destinationArn, deployed, JSON.stringify(body))
}
