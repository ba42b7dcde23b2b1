/** Rules as they stand: those of the template and those put by calls, with their patterns compiled. */
import type { EventBusModel, RuleModel, ScheduleModel } from '../assembly/model.ts'
import { AwsError, type Collection, type Store } from '../service.ts'
import type { EventEnvelope } from './input-transform.ts'
import { compilePattern, type EventMatcher } from './pattern.ts'

interface KeptRule {
  readonly rule: RuleModel
  /** Replaced by the next deployment. */
  readonly fromTemplate: boolean
}

interface HeldRule extends KeptRule {
  readonly matches: EventMatcher
}

export interface RuleRegistry {
  all(): readonly RuleModel[]
  schedules(): readonly ScheduleModel[]
  buses(): readonly EventBusModel[]
  /** Enabled rules of a bus whose pattern describes the event. */
  matching(busName: string, event: EventEnvelope): readonly RuleModel[]
  find(busName: string, name: string): RuleModel | undefined
  /** @throws AwsError `ResourceNotFoundException` */
  get(busName: string, name: string): RuleModel
  /** @throws AwsError `ResourceNotFoundException` */
  assertBus(name: string): void
  putBus(bus: EventBusModel): Promise<void>
  removeBus(name: string): Promise<void>
  put(rule: RuleModel): Promise<void>
  remove(busName: string, name: string): Promise<void>
  deploy(
    buses: readonly EventBusModel[],
    rules: readonly RuleModel[],
    schedules: readonly ScheduleModel[],
  ): Promise<void>
}

export function createRuleRegistry(store: Store, accountId: string, region: string): RuleRegistry {
  const kept: Collection<KeptRule> = store.collection('events.rules')
  const keptSchedules: Collection<ScheduleModel> = store.collection('events.schedules')
  const keptBuses: Collection<EventBusModel> = store.collection('events.buses')
  const rules = new Map<string, HeldRule>()
  const keyOf = (busName: string, name: string): string => `${busName}|${name}`

  const hold = (entry: KeptRule): void => {
    const { rule } = entry
    const matches = rule.eventPattern === null ? () => false : compilePattern(rule.eventPattern)
    rules.set(keyOf(rule.busName, rule.name), { ...entry, matches })
  }
  for (const { value } of kept.range([])) hold(value)

  const put = async (rule: RuleModel, fromTemplate: boolean): Promise<void> => {
    const entry = { rule, fromTemplate }
    await kept.put([rule.busName, rule.name], entry)
    hold(entry)
  }
  const remove = async (busName: string, name: string): Promise<void> => {
    await kept.remove([busName, name])
    rules.delete(keyOf(busName, name))
  }
  const find = (busName: string, name: string): RuleModel | undefined => rules.get(keyOf(busName, name))?.rule
  const defaultBus = { name: 'default', arn: `arn:aws:events:${region}:${accountId}:event-bus/default` }

  return {
    all: () => [...rules.values()].map(({ rule }) => rule),
    schedules: () => [...keptSchedules.range([])].map(({ value }) => value),
    buses: () => [defaultBus, ...[...keptBuses.range([])].map(({ value }) => value)],
    matching: (busName, event) => {
      const found: RuleModel[] = []
      for (const { rule, matches } of rules.values())
        if (rule.busName === busName && rule.state === 'ENABLED' && matches(event)) found.push(rule)
      return found
    },
    find,
    get: (busName, name) => {
      const rule = find(busName, name)
      if (rule !== undefined) return rule
      throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${busName}.`)
    },
    assertBus: (name) => {
      if (name === 'default' || keptBuses.get([name]) !== undefined) return
      throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`)
    },
    putBus: (bus) => keptBuses.put([bus.name], bus),
    removeBus: (name) => keptBuses.remove([name]),
    put: (rule) => put(rule, false),
    remove,
    deploy: async (buses, declared, schedules) => {
      const gone = [...rules.values()].filter(
        ({ rule, fromTemplate }) => fromTemplate && !declared.some((other) => other.arn === rule.arn),
      )
      const goneSchedules = [...keptSchedules.range([])].filter(
        ({ value }) => !schedules.some(({ name }) => name === value.name),
      )
      await Promise.all([
        ...gone.map(({ rule }) => remove(rule.busName, rule.name)),
        ...goneSchedules.map(({ key }) => keptSchedules.remove(key)),
        ...buses.map((bus) => keptBuses.put([bus.name], bus)),
        ...declared.map((rule) => put(rule, true)),
        ...schedules.map((schedule) => keptSchedules.put([schedule.name], schedule)),
      ])
    },
  }
}
