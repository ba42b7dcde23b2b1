/** Looking at functions, their versions and aliases. */
import { readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Operation } from '../service.ts'
import { type LambdaContext, nextMarker, onFunction, PAGING } from './context.ts'
import type { FunctionAlias } from './deployed-function.ts'
import { describeFunction, describeVersion } from './describe.ts'

/** An alias in the shape of the API. */
export const describeAlias = (functionArn: string, alias: FunctionAlias): Record<string, unknown> => ({
  AliasArn: `${functionArn}:${alias.name}`,
  Name: alias.name,
  FunctionVersion: alias.version,
  Description: alias.description ?? '',
  ...(alias.routing == null
    ? {}
    : { RoutingConfig: { AdditionalVersionWeights: { [alias.routing.version]: alias.routing.weight } } }),
})

/** @throws AwsError `ResourceNotFoundException` */
export function aliasOf({ registry }: LambdaContext, functionName: string, name: string): FunctionAlias {
  const { arn } = registry.find({ name: functionName, qualifier: null })
  const alias = registry.settings(functionName).aliases.find((one) => one.name === name)
  if (alias !== undefined) return alias
  throw new AwsError('ResourceNotFoundException', `Cannot find alias arn: ${arn}:${name}`, 404, { Type: 'User' })
}

/** GetFunction and its kin. */
export function describeOperations(context: LambdaContext): Record<string, Operation> {
  const { registry } = context
  return {
    GetFunction: onFunction(context, 'GetFunction', (reference) => {
      const deployed = registry.find(reference)
      return describeFunction(deployed, registry.settings(deployed.name).reservedConcurrency)
    }),
    GetFunctionConfiguration: onFunction(context, 'GetFunctionConfiguration', (reference) =>
      describeVersion(registry.find(reference)),
    ),
    GetFunctionConcurrency: onFunction(context, 'GetFunctionConcurrency', ({ name }) => {
      const { reservedConcurrency } = registry.settings(name)
      return reservedConcurrency === null ? {} : { ReservedConcurrentExecutions: reservedConcurrency }
    }),
    ListVersionsByFunction: onFunction(context, 'ListVersionsByFunction', ({ name }, request) => {
      const sorted = [...registry.versions(registry.find({ name, qualifier: null }).name)].sort(
        (a, b) => Number(a.version.replace('$LATEST', '0')) - Number(b.version.replace('$LATEST', '0')),
      )
      const { page, next } = pageOf(sorted, request, PAGING)
      return { Versions: page.map(describeVersion), ...nextMarker(next) }
    }),
    GetAlias: onFunction(context, 'GetAlias', ({ name }, request) =>
      describeAlias(registry.find({ name, qualifier: null }).arn, aliasOf(context, name, request.text('Name'))),
    ),
    ListAliases: onFunction(context, 'ListAliases', ({ name }, request) => {
      const { arn } = registry.find({ name, qualifier: null })
      const version = request.textOr('FunctionVersion', null)
      const wanted = registry.settings(name).aliases.filter((alias) => version === null || alias.version === version)
      const { page, next } = pageOf(wanted, request, PAGING)
      return { Aliases: page.map((alias) => describeAlias(arn, alias)), ...nextMarker(next) }
    }),
    ListFunctions: {
      permissions: () => [{ action: 'lambda:ListFunctions', resource: '*' }],
      run: async (raw) => {
        const request = readInput(raw)
        const all = request.textOr('FunctionVersion', null) === 'ALL'
        const latest = (name: string) => [registry.find({ name, qualifier: null })]
        const listed = registry.names().flatMap((name) => (all ? registry.versions(name) : latest(name)))
        const { page, next } = pageOf(listed, request, PAGING)
        return { Functions: page.map(describeVersion), ...nextMarker(next) }
      },
    },
  }
}
