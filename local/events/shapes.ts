/** Rules and targets in the shape of the API. */
import type { RuleModel, TargetModel } from '../assembly/model.ts'
import type { Input } from '../input.ts'

const given = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== ''))

/** Output of DescribeRule, and one entry of ListRules. */
export const describeRule = (rule: RuleModel): Record<string, unknown> =>
  given({
    Name: rule.name,
    Arn: rule.arn,
    EventPattern: rule.eventPattern === null ? null : JSON.stringify(rule.eventPattern),
    ScheduleExpression: rule.scheduleExpression,
    State: rule.state,
    Description: rule.description,
    EventBusName: rule.busName,
  })

export const describeTarget = (target: TargetModel): Record<string, unknown> =>
  given({
    Id: target.id,
    Arn: target.arn,
    RoleArn: target.roleArn,
    Input: target.input,
    InputPath: target.inputPath,
    InputTransformer:
      target.inputTransformer === null
        ? null
        : { InputPathsMap: target.inputTransformer.paths, InputTemplate: target.inputTransformer.template },
    DeadLetterConfig: target.deadLetterArn === null ? null : { Arn: target.deadLetterArn },
    RetryPolicy: {
      MaximumRetryAttempts: target.maximumRetryAttempts,
      MaximumEventAgeInSeconds: target.maximumEventAgeSeconds,
    },
  })

/** A target as PutTargets takes it. */
export function targetFromInput(request: Input): TargetModel {
  const transformer = request.structure('InputTransformer')
  const retry = request.structure('RetryPolicy')
  return {
    id: request.text('Id'),
    arn: request.text('Arn'),
    roleArn: request.textOr('RoleArn', null),
    input: request.textOr('Input', null),
    inputPath: request.textOr('InputPath', null),
    inputTransformer: request.has('InputTransformer')
      ? { paths: transformer.texts('InputPathsMap'), template: transformer.text('InputTemplate') }
      : null,
    deadLetterArn: request.structure('DeadLetterConfig').textOr('Arn', null),
    maximumRetryAttempts: retry.numberOr('MaximumRetryAttempts', 185),
    maximumEventAgeSeconds: retry.numberOr('MaximumEventAgeInSeconds', 86_400),
  }
}
