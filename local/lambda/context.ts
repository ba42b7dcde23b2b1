/** What the operations of Lambda share. */
import { type Input, readInput } from '../input.ts'
import type { Clock, Operation, Permission } from '../service.ts'
import { type FunctionReference, type FunctionRegistry, parseFunctionReference } from './deployed-function.ts'

export interface LambdaContext {
  readonly registry: FunctionRegistry
  readonly clock: Clock
  readonly accountId: string
  readonly region: string
  readonly versionNumber: (functionArn: string, key: string) => Promise<string>
}

export const referenceOf = (request: Input): FunctionReference =>
  parseFunctionReference(request.text('FunctionName'), request.textOr('Qualifier', null))

export const arnOf = (
  { name, qualifier }: FunctionReference,
  { region, accountId }: Pick<LambdaContext, 'region' | 'accountId'>,
): string => `arn:aws:lambda:${region}:${accountId}:function:${name}${qualifier === null ? '' : `:${qualifier}`}`

/** An operation on one function. */
export const onFunction = (
  context: LambdaContext,
  action: string,
  run: (reference: FunctionReference, request: Input) => unknown,
): Operation => ({
  permissions: (raw): Permission[] => [
    { action: `lambda:${action}`, resource: arnOf(referenceOf(readInput(raw)), context) },
  ],
  run: async (raw) => {
    const request = readInput(raw)
    return (await run(referenceOf(request), request)) ?? {}
  },
})

/** Tokens of Lambda are called Marker. */
export const PAGING = { token: 'Marker', limit: 'MaxItems', size: 50, invalidToken: 'InvalidParameterValueException' }
export const nextMarker = (next: string | undefined): { NextMarker?: string } =>
  next === undefined ? {} : { NextMarker: next }
