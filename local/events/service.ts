/** EventBridge: buses, rules and their targets, schedules. */
import { messageOf } from '../../core/errors.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { EventBusModel, RuleModel, ScheduleModel } from '../assembly/model.ts'
import { type Input, readInput } from '../input.ts'
import {
  AwsError,
  type Clock,
  type Operation,
  type Permission,
  type Service,
  type ServiceBus,
  type Store,
} from '../service.ts'
import { createDeliveries, type Delivery } from './deliveries.ts'
import { checkTemplate, type EventEnvelope } from './input-transform.ts'
import { compilePattern } from './pattern.ts'
import { createRuleRegistry, type RuleRegistry } from './rule-registry.ts'
import { startSchedules } from './scheduler.ts'
import { describeRule, describeTarget, targetFromInput } from './shapes.ts'

export interface EventsOptions {
  readonly store: Store
  /** Known once all services are made. */
  readonly bus: () => ServiceBus
  readonly clock: Clock
  readonly random: () => number
  readonly ids: () => string
  readonly accountId: string
  readonly region: string
  readonly log: (message: string) => void
}

/** An event of an AWS service, without what the bus adds. */
export interface ServiceEvent {
  readonly source: string
  readonly detailType: string
  readonly detail: unknown
  readonly resources: readonly string[]
  readonly time?: Date
  /** Kept where the sender gives one, so that a repeated event is the same event. */
  readonly id?: string
}

export interface EventsService extends Service {
  /** Resolves once the event is on disk for every target that its rules name. */
  emit(event: ServiceEvent): Promise<void>
  /** The same for an event in its envelope. */
  emitEnvelope(event: EventEnvelope): Promise<void>
  /** Whether anything on the default bus takes the event as its rules stand. */
  wants(event: EventEnvelope): boolean
  /** Puts what the template declares, and removes what an earlier template declared. */
  deploy(
    buses: readonly EventBusModel[],
    rules: readonly RuleModel[],
    schedules: readonly ScheduleModel[],
  ): Promise<void>
  /** Takes up deliveries that an earlier process accepted and starts the schedules. */
  start(): void
  /** Resolves when no delivery runs or is due. */
  idle(): Promise<void>
  close(): Promise<void>
}

const MAX_ENTRIES = 10
const MAX_ENTRY_BYTES = 1_048_576

export function createEventsService(options: EventsOptions): EventsService {
  const { clock, accountId, region, ids } = options
  const rules = createRuleRegistry(options.store, accountId, region)
  const deliveries = createDeliveries({
    ...options,
    forward: (busArn, event) => dispatch(busArn.split('/').at(-1) ?? busArn, event),
  })
  const closing = new AbortController()
  let restartSchedules = new AbortController()

  const dispatch = async (busName: string, event: EventEnvelope): Promise<void> => {
    rules.assertBus(busName)
    const accepted = rules
      .matching(busName, event)
      .flatMap((rule) => rule.targets.map((target): Delivery => deliveryOf(rule, target, event)))
    if (accepted.length > 0) await deliveries.accept(accepted)
  }
  const envelope = (event: ServiceEvent): EventEnvelope => ({
    version: '0',
    id: event.id ?? ids(),
    'detail-type': event.detailType,
    source: event.source,
    account: accountId,
    time: `${(event.time ?? clock.now()).toISOString().slice(0, 19)}Z`,
    region,
    resources: event.resources,
    detail: event.detail,
  })

  const schedule = (): void => {
    restartSchedules.abort()
    restartSchedules = new AbortController()
    startSchedules({
      rules: rules.all().filter((rule) => rule.state === 'ENABLED'),
      schedules: rules.schedules(),
      clock,
      signal: AbortSignal.any([closing.signal, restartSchedules.signal]),
      log: options.log,
      fire: async ({ arn, name, targets, servicePrincipal }) => {
        const event = envelope({
          source: servicePrincipal === 'events.amazonaws.com' ? 'aws.events' : 'aws.scheduler',
          detailType: 'Scheduled Event',
          detail: {},
          resources: [arn],
        })
        await deliveries.accept(
          targets.map((target) => ({ ruleArn: arn, ruleName: name, target, event, servicePrincipal })),
        )
      },
    })
  }

  const putEvents = async (request: Input): Promise<unknown> => {
    const entries = request.structures('Entries')
    if (entries.length === 0 || entries.length > MAX_ENTRIES) {
      throw new AwsError(
        'ValidationException',
        `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and ${MAX_ENTRIES}`,
      )
    }
    const results = await Promise.all(entries.map((entry) => putEntry(entry)))
    return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results }
  }
  const putEntry = async (entry: Input): Promise<Record<string, string>> => {
    try {
      const event = envelope(eventOf(entry))
      await dispatch(busNameOf(entry), event)
      return { EventId: event.id }
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown
      return { ErrorCode: thrown.code, ErrorMessage: thrown.message }
    }
  }

  return {
    id: 'events',
    operations: {
      ...ruleOperations(rules, options, schedule),
      PutEvents: {
        permissions: (input) => {
          const buses = new Set(readInput(input).structures('Entries').map(busNameOf))
          return [...buses].map((name) => ({ action: 'events:PutEvents', resource: busArn(name, options) }))
        },
        run: (input) => putEvents(readInput(input)),
      },
    },
    emit: (event) => dispatch('default', envelope(event)),
    emitEnvelope: (event) => dispatch('default', event),
    wants: (event) => rules.matching('default', event).length > 0,
    deploy: async (buses, declared, schedules) => {
      for (const rule of declared) {
        if (rule.eventPattern !== null) compilePattern(rule.eventPattern)
        for (const target of rule.targets) checkTemplate(target)
      }
      await rules.deploy(buses, declared, schedules)
      schedule()
    },
    start: () => {
      deliveries.resume()
      schedule()
    },
    idle: () => deliveries.idle(),
    close: async () => {
      closing.abort()
      await deliveries.close()
    },
  }
}

const deliveryOf = (rule: RuleModel, target: RuleModel['targets'][number], event: EventEnvelope): Delivery => ({
  ruleArn: rule.arn,
  ruleName: rule.name,
  target,
  event,
  servicePrincipal: 'events.amazonaws.com',
})

/** A bus by name or ARN. */
const busNameOf = (request: Input): string => request.textOr('EventBusName', 'default').split('/').at(-1) ?? 'default'
const busArn = (name: string, { region, accountId }: { readonly region: string; readonly accountId: string }): string =>
  `arn:aws:events:${region}:${accountId}:event-bus/${name}`

/** @throws AwsError with the codes that PutEvents gives for one entry */
function eventOf(entry: Input): ServiceEvent {
  const source = entry.textOr('Source', '')
  const detailType = entry.textOr('DetailType', '')
  const detailText = entry.textOr('Detail', '')
  if (source === '')
    throw new AwsError('InvalidArgument', 'Parameter Source is not valid. Reason: Source is a required argument.')
  if (detailType === '')
    throw new AwsError(
      'InvalidArgument',
      'Parameter DetailType is not valid. Reason: DetailType is a required argument.',
    )
  if (source.startsWith('aws.')) throw new AwsError('NotAuthorizedForSourceException', 'Not authorized for the source.')
  if (Buffer.byteLength(detailText) > MAX_ENTRY_BYTES) throw new AwsError('InvalidArgument', 'Event entry is too large')
  const time = entry.dateOr('Time', null)
  return {
    source,
    detailType,
    detail: detailOf(detailText),
    resources: entry.list('Resources').map(String),
    ...(time === null ? {} : { time }),
  }
}

function detailOf(text: string): JsonObject {
  try {
    const detail: unknown = JSON.parse(text)
    if (isJsonObject(detail)) return detail as JsonObject
  } catch (cause) {
    throw new AwsError('MalformedDetail', `Detail is malformed: ${messageOf(cause)}`)
  }
  throw new AwsError('MalformedDetail', 'Detail is malformed.')
}

/** Rules, targets and buses, looked at and changed by calls. */
function ruleOperations(rules: RuleRegistry, options: EventsOptions, changed: () => void): Record<string, Operation> {
  const ruleArn = (request: Input, member: string): string => {
    const bus = busNameOf(request)
    const path = bus === 'default' ? '' : `${bus}/`
    return `arn:aws:events:${options.region}:${options.accountId}:rule/${path}${request.textOr(member, '*')}`
  }
  const operation = (
    action: string,
    resource: (request: Input) => string,
    run: (request: Input) => unknown,
  ): Operation => ({
    permissions: (input): Permission[] => [{ action: `events:${action}`, resource: resource(readInput(input)) }],
    run: async (input) => (await run(readInput(input))) ?? {},
  })
  const onRule = (action: string, member: string, run: (request: Input) => unknown) =>
    operation(action, (request) => ruleArn(request, member), run)
  const ruleOf = (request: Input, member: string): RuleModel => rules.get(busNameOf(request), request.text(member))
  const change = (rule: RuleModel) => rules.put(rule).then(changed)

  return {
    DescribeRule: onRule('DescribeRule', 'Name', (request) => describeRule(ruleOf(request, 'Name'))),
    ListRules: operation(
      'ListRules',
      () => '*',
      (request) => {
        const prefix = request.textOr('NamePrefix', '')
        const bus = busNameOf(request)
        const listed = rules.all().filter((rule) => rule.busName === bus && rule.name.startsWith(prefix))
        return { Rules: listed.map(describeRule) }
      },
    ),
    ListTargetsByRule: onRule('ListTargetsByRule', 'Rule', (request) => ({
      Targets: ruleOf(request, 'Rule').targets.map(describeTarget),
    })),
    PutRule: onRule('PutRule', 'Name', async (request) => {
      const rule = ruleFromInput(request, rules, ruleArn(request, 'Name'))
      await change(rule)
      return { RuleArn: rule.arn }
    }),
    PutTargets: onRule('PutTargets', 'Rule', async (request) => {
      const rule = ruleOf(request, 'Rule')
      const added = request.structures('Targets').map(targetFromInput)
      for (const target of added) checkTemplate(target)
      const kept = rule.targets.filter((target) => !added.some(({ id }) => id === target.id))
      await change({ ...rule, targets: [...kept, ...added] })
      return { FailedEntryCount: 0, FailedEntries: [] }
    }),
    RemoveTargets: onRule('RemoveTargets', 'Rule', async (request) => {
      const rule = ruleOf(request, 'Rule')
      const removed = request.list('Ids').map(String)
      await change({ ...rule, targets: rule.targets.filter(({ id }) => !removed.includes(id)) })
      return { FailedEntryCount: 0, FailedEntries: [] }
    }),
    DeleteRule: onRule('DeleteRule', 'Name', async (request) => {
      await rules.remove(busNameOf(request), request.text('Name'))
      changed()
    }),
    EnableRule: onRule('EnableRule', 'Name', (request) => change({ ...ruleOf(request, 'Name'), state: 'ENABLED' })),
    DisableRule: onRule('DisableRule', 'Name', (request) => change({ ...ruleOf(request, 'Name'), state: 'DISABLED' })),
    ListEventBuses: operation(
      'ListEventBuses',
      () => '*',
      () => ({
        EventBuses: rules.buses().map(({ name, arn }) => ({ Name: name, Arn: arn })),
      }),
    ),
    DescribeEventBus: operation(
      'DescribeEventBus',
      (request) => busArn(request.textOr('Name', 'default').split('/').at(-1) ?? 'default', options),
      (request) => {
        const name = request.textOr('Name', 'default').split('/').at(-1) ?? 'default'
        rules.assertBus(name)
        return { Name: name, Arn: busArn(name, options) }
      },
    ),
    TestEventPattern: operation(
      'TestEventPattern',
      () => '*',
      (request) => ({
        Result: compilePattern(JSON.parse(request.text('EventPattern')))(JSON.parse(request.text('Event'))),
      }),
    ),
  }
}

function ruleFromInput(request: Input, rules: RuleRegistry, arn: string): RuleModel {
  const busName = busNameOf(request)
  rules.assertBus(busName)
  const patternText = request.textOr('EventPattern', null)
  const scheduleExpression = request.textOr('ScheduleExpression', null)
  if (patternText === null && scheduleExpression === null) {
    throw new AwsError('ValidationException', 'Parameter(s) EventPattern or ScheduleExpression must be specified.')
  }
  const pattern = patternText === null ? null : patternOf(patternText)
  return {
    name: request.text('Name'),
    arn,
    busName,
    state: request.textOr('State', 'ENABLED') === 'DISABLED' ? 'DISABLED' : 'ENABLED',
    description: request.textOr('Description', ''),
    eventPattern: pattern,
    scheduleExpression,
    targets: rules.find(busName, request.text('Name'))?.targets ?? [],
  }
}

function patternOf(text: string): JsonObject {
  try {
    const pattern: unknown = JSON.parse(text)
    compilePattern(pattern)
    return pattern as JsonObject
  } catch (cause) {
    if (cause instanceof AwsError) throw cause
    throw new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${messageOf(cause)}`)
  }
}
