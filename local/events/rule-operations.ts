/** Rules, targets and buses by calls. */
import { messageOf } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { RuleModel } from '../assembly/model.ts'
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Operation, type Permission } from '../service.ts'
import { checkTemplate } from './input-transform.ts'
import { compilePattern } from './pattern.ts'
import type { RuleRegistry } from './rule-registry.ts'
import { describeRule, describeTarget, targetFromInput } from './shapes.ts'

const PAGING = { limit: 'Limit', size: 100, invalidToken: 'ValidationException' }
const nextToken = (next: string | undefined): { NextToken?: string } => (next === undefined ? {} : { NextToken: next })
const BUS_NAME = /^(?!aws\.)[/.\-_A-Za-z0-9]{1,256}$/

/** A bus by name or ARN. */
export const busNameOf = (request: Input): string =>
  request.textOr('EventBusName', 'default').split('/').at(-1) ?? 'default'
/** ARN of a bus. */
export const busArn = (
  name: string,
  { region, accountId }: { readonly region: string; readonly accountId: string },
): string => `arn:aws:events:${region}:${accountId}:event-bus/${name}`

/** Rules, targets and buses, looked at and changed by calls. */
export function ruleOperations(
  rules: RuleRegistry,
  options: { readonly region: string; readonly accountId: string },
  changed: () => void,
): Record<string, Operation> {
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
  const named = (request: Input): string => busArn(request.textOr('Name', '*'), options)

  return {
    DescribeRule: onRule('DescribeRule', 'Name', (request) => describeRule(ruleOf(request, 'Name'))),
    ListRules: operation(
      'ListRules',
      () => '*',
      (request) => {
        const prefix = request.textOr('NamePrefix', '')
        const bus = busNameOf(request)
        const listed = rules.all().filter((rule) => rule.busName === bus && rule.name.startsWith(prefix))
        const { page, next } = pageOf(listed, request, PAGING)
        return { Rules: page.map(describeRule), ...nextToken(next) }
      },
    ),
    ListTargetsByRule: onRule('ListTargetsByRule', 'Rule', (request) => {
      const { page, next } = pageOf(ruleOf(request, 'Rule').targets, request, PAGING)
      return { Targets: page.map(describeTarget), ...nextToken(next) }
    }),
    ListRuleNamesByTarget: operation(
      'ListRuleNamesByTarget',
      () => '*',
      (request) => {
        const [bus, target] = [busNameOf(request), request.text('TargetArn')]
        const named = rules
          .all()
          .filter((rule) => rule.busName === bus && rule.targets.some(({ arn }) => arn === target))
          .map(({ name }) => name)
        const { page, next } = pageOf(named, request, PAGING)
        return { RuleNames: page, ...nextToken(next) }
      },
    ),
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
      (request) => {
        const listed = rules.buses().filter(({ name }) => name.startsWith(request.textOr('NamePrefix', '')))
        const { page, next } = pageOf(listed, request, PAGING)
        return { EventBuses: page.map(({ name, arn }) => ({ Name: name, Arn: arn })), ...nextToken(next) }
      },
    ),
    CreateEventBus: operation('CreateEventBus', named, async (request) => {
      const name = request.text('Name')
      if (!BUS_NAME.test(name))
        throw new AwsError('ValidationException', `Value '${name}' at 'name' failed to satisfy constraint`)
      if (rules.buses().some((bus) => bus.name === name))
        throw new AwsError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`)
      await rules.putBus({ name, arn: busArn(name, options) })
      return { EventBusArn: busArn(name, options) }
    }),
    DeleteEventBus: operation('DeleteEventBus', named, async (request) => {
      const name = request.text('Name')
      if (name === 'default') throw new AwsError('ValidationException', 'Cannot delete event bus default.')
      if (rules.all().some((rule) => rule.busName === name))
        throw new AwsError('ValidationException', "Event bus can't be deleted since it has rules.")
      await rules.removeBus(name)
    }),
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

/** @throws AwsError `InvalidEventPatternException` */
export function patternOf(text: string): JsonObject {
  try {
    const pattern: unknown = JSON.parse(text)
    compilePattern(pattern)
    return pattern as JsonObject
  } catch (cause) {
    if (cause instanceof AwsError) throw cause
    throw new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${messageOf(cause)}`)
  }
}
