/** EventBridge: buses, rules and their targets, schedules. */
import { messageOf } from '../../core/errors.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { EventBusModel, RuleModel, ScheduleModel } from '../assembly/model.ts'
import { type Input, readInput } from '../input.ts'
import { AwsError, type Clock, type Service, type ServiceBus, type Store } from '../service.ts'
import { archiveOperations } from './archive-operations.ts'
import { createArchives } from './archives.ts'
import { createDeliveries, type Delivery } from './deliveries.ts'
import { checkTemplate, type EventEnvelope } from './input-transform.ts'
import { compilePattern } from './pattern.ts'
import { busArn, busNameOf, patternOf, ruleOperations } from './rule-operations.ts'
import { createRuleRegistry } from './rule-registry.ts'
import { startSchedules } from './scheduler.ts'

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
  /** Whether anything on the default bus takes the event as its rules and archives stand. */
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
    await archives.keep(busName, event)
    await deliver(busName, event, [])
  }
  const deliver = async (busName: string, event: EventEnvelope, ruleArns: readonly string[]): Promise<void> => {
    const accepted = rules
      .matching(busName, event)
      .filter(({ arn }) => ruleArns.length === 0 || ruleArns.includes(arn))
      .flatMap((rule) => rule.targets.map((target): Delivery => deliveryOf(rule, target, event)))
    if (accepted.length > 0) await deliveries.accept(accepted)
  }
  const archives = createArchives({ ...options, send: deliver })
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
      ...archiveOperations({ ...options, archives, assertBus: rules.assertBus, patternOf }),
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
    wants: (event) => rules.matching('default', event).length > 0 || archives.wants('default', event),
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
      archives.resume()
      schedule()
    },
    idle: () => deliveries.idle(),
    close: async () => {
      closing.abort()
      await archives.close()
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
