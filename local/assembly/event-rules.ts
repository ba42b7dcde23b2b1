/** Buses, rules and schedules. */
import { isJsonObject } from '../../core/json.ts'
import type { EventBusModel, ResourcePolicyModel, RuleModel, ScheduleModel, TargetModel } from './model.ts'
import { type Properties, propertiesOf } from './properties.ts'
import type { ByType } from './storage.ts'

/** EventBridge's own limits where a target declares none. */
const DEFAULT_RETRY_ATTEMPTS = 185
const DEFAULT_EVENT_AGE_SECONDS = 86_400

export function eventBusesOf(byType: ByType): EventBusModel[] {
  return byType('AWS::Events::EventBus').map((resource) => ({
    name: resource.ref,
    arn: String(resource.attribute('Arn')),
  }))
}

export function busPoliciesOf(byType: ByType): ResourcePolicyModel[] {
  const arns = new Map(eventBusesOf(byType).map((bus) => [bus.name, bus.arn]))
  return byType('AWS::Events::EventBusPolicy').flatMap((resource) => {
    const properties = propertiesOf(resource)
    const statement = properties.json('Statement')
    const bus = properties.optionalText('EventBusName') ?? 'default'
    return isJsonObject(statement)
      ? [
          {
            resourceArn: arns.get(bus) ?? bus,
            document: { Version: '2012-10-17', Statement: [properties.jsonObject('Statement')] },
          },
        ]
      : []
  })
}

export function rulesOf(byType: ByType): RuleModel[] {
  return byType('AWS::Events::Rule').map((resource) => {
    const properties = propertiesOf(resource)
    const arn = String(resource.attribute('Arn'))
    return {
      name: arn.split('/').at(-1) ?? resource.ref,
      arn,
      busName: (properties.optionalText('EventBusName') ?? 'default').split('/').at(-1) ?? 'default',
      state: properties.optionalText('State') === 'DISABLED' ? 'DISABLED' : 'ENABLED',
      description: properties.optionalText('Description') ?? '',
      eventPattern: properties.has('EventPattern') ? properties.jsonObject('EventPattern') : null,
      scheduleExpression: properties.optionalText('ScheduleExpression'),
      targets: properties.objects('Targets').map(targetOf),
    }
  })
}

export function schedulesOf(byType: ByType): ScheduleModel[] {
  return byType('AWS::Scheduler::Schedule').map((resource) => {
    const properties = propertiesOf(resource)
    return {
      name: resource.ref,
      arn: String(resource.attribute('Arn')),
      state: properties.optionalText('State') === 'DISABLED' ? 'DISABLED' : 'ENABLED',
      scheduleExpression: properties.text('ScheduleExpression'),
      timezone: properties.optionalText('ScheduleExpressionTimezone') ?? 'UTC',
      target: targetOf(properties.object('Target')),
    }
  })
}

function targetOf(target: Properties): TargetModel {
  const transformer = target.object('InputTransformer')
  const retry = target.object('RetryPolicy')
  return {
    id: target.optionalText('Id') ?? 'schedule',
    arn: target.text('Arn'),
    roleArn: target.optionalText('RoleArn'),
    input: target.optionalText('Input'),
    inputPath: target.optionalText('InputPath'),
    inputTransformer: target.has('InputTransformer')
      ? { paths: transformer.map('InputPathsMap'), template: transformer.text('InputTemplate') }
      : null,
    deadLetterArn: target.object('DeadLetterConfig').optionalText('Arn'),
    maximumRetryAttempts: retry.count('MaximumRetryAttempts', DEFAULT_RETRY_ATTEMPTS),
    maximumEventAgeSeconds: retry.count('MaximumEventAgeInSeconds', DEFAULT_EVENT_AGE_SECONDS),
  }
}
