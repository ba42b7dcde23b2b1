/** How asynchronous invocations of a version are tried again, and where their records go. */
import type { AsyncInvocationModel } from '../assembly/model.ts'
import type { Input } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Operation } from '../service.ts'
import { DEFAULT_ASYNC } from './asynchronous.ts'
import { type LambdaContext, nextMarker, onFunction, PAGING } from './context.ts'
import type { FunctionReference } from './deployed-function.ts'

const LATEST = '$LATEST'

/** Put, update, get, list and delete of a function's event invoke configuration. */
export function asyncConfigOperations(context: LambdaContext): Record<string, Operation> {
  const { registry } = context
  const configsOf = (name: string): readonly AsyncInvocationModel[] => registry.settings(name).asyncInvocation
  const find = ({ name, qualifier }: FunctionReference): AsyncInvocationModel | undefined =>
    configsOf(name).find((config) => config.qualifier === (qualifier ?? LATEST))
  const required = (reference: FunctionReference): AsyncInvocationModel => {
    const { arn } = registry.find(reference)
    const found = find(reference)
    if (found !== undefined) return found
    const message = `The function ${arn}:${reference.qualifier ?? LATEST} doesn't have an EventInvokeConfig`
    throw new AwsError('ResourceNotFoundException', message, 404, { Type: 'User' })
  }
  const put = async (reference: FunctionReference, former: AsyncInvocationModel, request: Input): Promise<unknown> => {
    const deployed = registry.find(reference)
    const config = configFrom(former, request)
    await registry.changeSettings(reference.name, ({ asyncInvocation }) => ({
      asyncInvocation: [...without(asyncInvocation, config), config],
    }))
    return describe(deployed.arn, config, context.clock.now())
  }
  const fresh = ({ qualifier }: FunctionReference): AsyncInvocationModel => ({
    ...DEFAULT_ASYNC,
    qualifier: qualifier ?? LATEST,
  })
  return {
    PutFunctionEventInvokeConfig: onFunction(context, 'PutFunctionEventInvokeConfig', (reference, request) =>
      put(reference, fresh(reference), request),
    ),
    UpdateFunctionEventInvokeConfig: onFunction(context, 'UpdateFunctionEventInvokeConfig', (reference, request) =>
      put(reference, required(reference), request),
    ),
    GetFunctionEventInvokeConfig: onFunction(context, 'GetFunctionEventInvokeConfig', (reference) =>
      describe(registry.find(reference).arn, required(reference), context.clock.now()),
    ),
    ListFunctionEventInvokeConfigs: onFunction(context, 'ListFunctionEventInvokeConfigs', ({ name }, request) => {
      const { arn } = registry.find({ name, qualifier: null })
      const { page, next } = pageOf(configsOf(name), request, PAGING)
      const now = context.clock.now()
      return { FunctionEventInvokeConfigs: page.map((config) => describe(arn, config, now)), ...nextMarker(next) }
    }),
    DeleteFunctionEventInvokeConfig: onFunction(context, 'DeleteFunctionEventInvokeConfig', (reference) => {
      const gone = required(reference)
      return registry.changeSettings(reference.name, ({ asyncInvocation }) => ({
        asyncInvocation: without(asyncInvocation, gone),
      }))
    }),
  }
}

const without = (configs: readonly AsyncInvocationModel[], gone: AsyncInvocationModel): AsyncInvocationModel[] =>
  configs.filter(({ qualifier }) => qualifier !== gone.qualifier)

/** @throws AwsError `InvalidParameterValueException` */
function configFrom(former: AsyncInvocationModel, request: Input): AsyncInvocationModel {
  const attempts = request.numberOr('MaximumRetryAttempts', former.maximumRetryAttempts)
  const age = request.numberOr('MaximumEventAgeInSeconds', former.maximumEventAgeSeconds)
  if (![0, 1, 2].includes(attempts) || age < 60 || age > 21_600)
    throw new AwsError(
      'InvalidParameterValueException',
      'MaximumRetryAttempts must be 0 to 2 and MaximumEventAgeInSeconds 60 to 21600',
    )
  const destinations = request.structure('DestinationConfig')
  const destination = (outcome: 'OnFailure' | 'OnSuccess', kept: string | null): string | null =>
    request.has('DestinationConfig') ? destinations.structure(outcome).textOr('Destination', null) : kept
  return {
    qualifier: former.qualifier,
    maximumRetryAttempts: attempts,
    maximumEventAgeSeconds: age,
    onFailureArn: destination('OnFailure', former.onFailureArn),
    onSuccessArn: destination('OnSuccess', former.onSuccessArn),
  }
}

const describe = (functionArn: string, config: AsyncInvocationModel, now: Date): Record<string, unknown> => ({
  LastModified: now,
  FunctionArn: `${functionArn}:${config.qualifier}`,
  MaximumRetryAttempts: config.maximumRetryAttempts,
  MaximumEventAgeInSeconds: config.maximumEventAgeSeconds,
  DestinationConfig: {
    OnSuccess: config.onSuccessArn === null ? {} : { Destination: config.onSuccessArn },
    OnFailure: config.onFailureArn === null ? {} : { Destination: config.onFailureArn },
  },
})
