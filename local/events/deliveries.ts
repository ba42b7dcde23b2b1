/** Calls of rule targets: at least once, retried with backoff, then left to the dead-letter queue. */
import { messageOf } from '../../core/errors.ts'
import type { TargetModel } from '../assembly/model.ts'
import { createDueQueue, type DueQueue, type DueRecord, type Outcome } from '../due-queue.ts'
import { roleCaller, serviceCaller } from '../iam/credentials.ts'
import { AwsError, type CallContext, type Caller, type Clock, type ServiceBus, type Store } from '../service.ts'
import { type EventEnvelope, targetInput } from './input-transform.ts'

/** One event on its way to one target. */
export interface Delivery {
  readonly ruleArn: string
  readonly ruleName: string
  readonly target: TargetModel
  readonly event: EventEnvelope
  /** Who calls where the target names no role. */
  readonly servicePrincipal: 'events.amazonaws.com' | 'scheduler.amazonaws.com'
}

export interface DeliveryDependencies {
  readonly store: Store
  readonly bus: () => ServiceBus
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly ids: () => string
  readonly log: (message: string) => void
  /** Hands an event to another bus of the account. */
  readonly forward: (busArn: string, event: EventEnvelope) => Promise<void>
}

const CONCURRENCY = 32
const FIRST_DELAY_MILLIS = 1_000
const MAX_DELAY_MILLIS = 600_000

export function createDeliveries(dependencies: DeliveryDependencies): DueQueue<Delivery> {
  return createDueQueue<Delivery>({
    store: dependencies.store,
    name: 'events.deliveries',
    clock: dependencies.clock,
    concurrency: CONCURRENCY,
    log: dependencies.log,
    attempt: (record, signal) => attempt(record, signal, dependencies),
  })
}

async function attempt(
  record: DueRecord<Delivery>,
  signal: AbortSignal,
  dependencies: DeliveryDependencies,
): Promise<Outcome<Delivery>> {
  try {
    await callTarget(record, signal, dependencies)
    return { kind: 'done' }
  } catch (thrown) {
    if (signal.aborted) throw thrown
    const now = dependencies.clock.now()
    const exhausted = exhaustion(record, thrown, now)
    if (exhausted === null) return { kind: 'again', dueAt: nextTry(record, now, dependencies.random), counted: true }
    await giveUp(record, thrown, exhausted, signal, dependencies)
    return { kind: 'done' }
  }
}

type Exhausted = 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds' | 'none'

/** Why no further try is made: `none` where a try could not help; `null` while there is hope. */
function exhaustion(
  { value, tries, acceptedAtMillis }: DueRecord<Delivery>,
  thrown: unknown,
  now: Date,
): Exhausted | null {
  const code = errorCode(thrown)
  if (code === 'NO_PERMISSIONS' || code === 'NO_RESOURCE') return 'none'
  if (tries >= value.target.maximumRetryAttempts) return 'MaximumRetryAttempts'
  const ageSeconds = (now.getTime() - acceptedAtMillis) / 1000
  return ageSeconds >= value.target.maximumEventAgeSeconds ? 'MaximumEventAgeInSeconds' : null
}

function nextTry({ tries }: DueRecord<Delivery>, now: Date, random: () => number): Date {
  const ceiling = Math.min(MAX_DELAY_MILLIS, FIRST_DELAY_MILLIS * 2 ** tries)
  return new Date(now.getTime() + Math.ceil(ceiling * (0.5 + random() / 2)))
}

/** EventBridge's name of a failure, as the dead-letter queue is told. */
export function errorCode(thrown: unknown): string {
  const code = thrown instanceof AwsError ? thrown.code : ''
  if (/AccessDenied|NotAuthorized/.test(code)) return 'NO_PERMISSIONS'
  if (/NotFound|DoesNotExist|NonExistent|NoSuch/.test(code)) return 'NO_RESOURCE'
  if (/AlreadyExists/.test(code)) return 'RESOURCE_ALREADY_EXISTS'
  if (/Throttl|TooManyRequests/.test(code)) return 'THROTTLING'
  if (/LimitExceeded/.test(code)) return 'RESOURCE_LIMIT_EXCEEDED'
  return code === '' ? 'UNKNOWN' : 'SDK_CLIENT_ERROR'
}

const callerOf = ({ target, ruleArn, servicePrincipal }: Delivery): Caller =>
  target.roleArn === null
    ? { ...serviceCaller(servicePrincipal), sourceArn: ruleArn }
    : roleCaller(target.roleArn, servicePrincipal.split('.')[0] ?? 'events')

async function callTarget(
  record: DueRecord<Delivery>,
  signal: AbortSignal,
  dependencies: DeliveryDependencies,
): Promise<void> {
  const delivery = record.value
  const { target, event, ruleArn, ruleName } = delivery
  const ingestionTime = new Date(record.acceptedAtMillis).toISOString()
  if (serviceOf(target.arn) === 'events') return dependencies.forward(target.arn, event)
  const call = targetCall(target.arn, targetInput(target, event, { ruleArn, ruleName, ingestionTime }))
  const context: CallContext = { caller: callerOf(delivery), requestId: dependencies.ids(), signal }
  await dependencies.bus().call(call.service, call.operation, call.input, context)
}

const serviceOf = (arn: string): string => arn.split(':')[2] ?? ''

interface TargetCall {
  readonly service: string
  readonly operation: string
  readonly input: unknown
}

/** The API call that a target of this kind means. @throws AwsError `NotImplemented` for a kind that is not there */
export function targetCall(arn: string, input: string): TargetCall {
  const make = TARGET_CALLS[serviceOf(arn)]
  if (make !== undefined) return make(arn, input)
  throw new AwsError(
    'NotImplemented',
    `Cannot deliver to "${arn}": targets of "${serviceOf(arn)}" are not implemented`,
    501,
  )
}

const TARGET_CALLS: Readonly<Record<string, (arn: string, input: string) => TargetCall>> = {
  states: (stateMachineArn, input) => ({
    service: 'states',
    operation: 'StartExecution',
    input: { stateMachineArn, input },
  }),
  lambda: (arn, input) => ({
    service: 'lambda',
    operation: 'Invoke',
    input: { FunctionName: arn, InvocationType: 'Event', Payload: new Uint8Array(Buffer.from(input)) },
  }),
  sqs: (arn, input) => sendMessage(arn, input),
  sns: (arn, input) => ({ service: 'sns', operation: 'Publish', input: { TopicArn: arn, Message: input } }),
}

/** SendMessage to a queue named by its ARN. */
export function sendMessage(
  queueArn: string,
  body: string,
  attributes: Readonly<Record<string, string>> = {},
): TargetCall {
  const [, , , region, accountId, name] = queueArn.split(':')
  const entries = Object.entries(attributes).map(
    ([attribute, value]) => [attribute, { DataType: 'String', StringValue: value }] as const,
  )
  return {
    service: 'sqs',
    operation: 'SendMessage',
    input: {
      QueueUrl: `https://sqs.${region}.amazonaws.com/${accountId}/${name}`,
      MessageBody: body,
      ...(entries.length === 0 ? {} : { MessageAttributes: Object.fromEntries(entries) }),
    },
  }
}

async function giveUp(
  { value, tries }: DueRecord<Delivery>,
  thrown: unknown,
  exhausted: Exhausted,
  signal: AbortSignal,
  dependencies: DeliveryDependencies,
): Promise<void> {
  const { target, event, ruleArn } = value
  const attributes = {
    RULE_ARN: ruleArn,
    TARGET_ARN: target.arn,
    ERROR_CODE: errorCode(thrown),
    ERROR_MESSAGE: messageOf(thrown),
    ...(exhausted === 'none' ? {} : { EXHAUSTED_RETRY_CONDITION: exhausted }),
    RETRY_ATTEMPTS: String(tries),
  }
  dependencies.log(`events ${value.ruleName}: gave up event ${event.id} for ${target.arn}: ${messageOf(thrown)}`)
  if (target.deadLetterArn === null) return
  const call = sendMessage(target.deadLetterArn, JSON.stringify(event), attributes)
  const service = { ...serviceCaller(value.servicePrincipal), sourceArn: ruleArn }
  // The scheduler sends with its role, a rule with its service principal.
  const caller = value.servicePrincipal === 'scheduler.amazonaws.com' ? callerOf(value) : service
  try {
    await dependencies
      .bus()
      .call(call.service, call.operation, call.input, { caller, requestId: dependencies.ids(), signal })
  } catch (failed) {
    dependencies.log(
      `events ${value.ruleName}: the dead-letter queue did not take event ${event.id}: ${messageOf(failed)}`,
    )
  }
}
