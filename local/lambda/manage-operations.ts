/** Changing functions by calls: configuration, versions, aliases, concurrency. A deployment puts the template's again. */
import { digestOfJson } from '../../core/digest.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Input } from '../input.ts'
import { AwsError, type Operation } from '../service.ts'
import { type LambdaContext, onFunction } from './context.ts'
import type { DeployedFunction, FunctionAlias, FunctionReference } from './deployed-function.ts'
import { describeVersion } from './describe.ts'
import { aliasOf, describeAlias } from './describe-operations.ts'

const invalid = (message: string): AwsError =>
  new AwsError('InvalidParameterValueException', message, 400, { Type: 'User' })

/** UpdateFunctionConfiguration, PublishVersion, aliases and reserved concurrency. */
export function manageOperations(context: LambdaContext): Record<string, Operation> {
  return { ...versionOperations(context), ...aliasOperations(context), ...concurrencyOperations(context) }
}

function versionOperations(context: LambdaContext): Record<string, Operation> {
  const { registry } = context
  return {
    UpdateFunctionConfiguration: onFunction(context, 'UpdateFunctionConfiguration', async ({ name }, request) => {
      const changed = configured(registry.find({ name, qualifier: null }), request, context)
      await registry.putVersion(changed)
      return describeVersion(changed)
    }),
    PublishVersion: onFunction(context, 'PublishVersion', async ({ name }, request) => {
      const latest = registry.find({ name, qualifier: null })
      const wanted = request.textOr('CodeSha256', null)
      if (wanted !== null && wanted !== describeVersion(latest).CodeSha256)
        throw invalid(
          `CodeSHA256 (${wanted}) is different from current CodeSHA256 in $LATEST. Please try again with the CodeSHA256 in $LATEST.`,
        )
      const published = registry.versions(name).find((one) => one.version !== latest.version && isSame(one, latest))
      if (published !== undefined) return describeVersion(published)
      const version = await context.versionNumber(latest.arn, `published ${latest.revisionId}`)
      const made = { ...latest, version, description: request.textOr('Description', latest.description) }
      await registry.putVersion(made)
      return describeVersion(made)
    }),
  }
}

/** The same code and configuration: publishing it again gives the version there is. */
const isSame = (one: DeployedFunction, other: DeployedFunction): boolean => one.revisionId === other.revisionId

/** @throws AwsError `InvalidParameterValueException` for what is out of range or not there */
function configured(latest: DeployedFunction, request: Input, { clock }: LambdaContext): DeployedFunction {
  const unsupported = ['VpcConfig', 'DeadLetterConfig', 'Layers', 'FileSystemConfigs', 'ImageConfig', 'KMSKeyArn'].find(
    (member) => request.has(member),
  )
  if (unsupported !== undefined) throw invalid(`${unsupported} is not implemented by this runtime`)
  const environment = request.structure('Environment')
  const changed = {
    ...latest,
    description: request.textOr('Description', latest.description),
    handler: request.textOr('Handler', latest.handler),
    roleArn: request.textOr('Role', latest.roleArn),
    timeoutSeconds: ranged('Timeout', request.numberOr('Timeout', latest.timeoutSeconds), 1, 900),
    memoryMegabytes: ranged('MemorySize', request.numberOr('MemorySize', latest.memoryMegabytes), 128, 10_240),
    environment: environment.has('Variables') ? environment.texts('Variables') : latest.environment,
    deployedAt: clock.now().toISOString(),
  }
  const { revisionId: _, deployedAt: __, codeDirectory: ___, ...identity } = changed
  return { ...changed, revisionId: digestOfJson(identity).slice(0, 32) }
}

function ranged(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw invalid(`'${name}' value failed to satisfy constraint: Member must have value between ${least} and ${most}`)
}

const aliasNamed = (request: Input): string => {
  const name = request.text('Name')
  if (/^(?!^\d+$)[a-zA-Z0-9-_]{1,128}$/.test(name)) return name
  throw invalid(`Alias name ${name} is invalid`)
}

function aliasOperations(context: LambdaContext): Record<string, Operation> {
  const { registry } = context
  const put = async (name: string, alias: FunctionAlias): Promise<unknown> => {
    const { arn } = registry.find({ name, qualifier: alias.version })
    if (alias.routing != null) registry.find({ name, qualifier: alias.routing.version })
    await registry.changeSettings(name, ({ aliases }) => ({
      aliases: [...aliases.filter((one) => one.name !== alias.name), alias].sort((a, b) => (a.name < b.name ? -1 : 1)),
    }))
    return describeAlias(arn, alias)
  }
  return {
    CreateAlias: onFunction(context, 'CreateAlias', ({ name }, request) => {
      const alias = aliasNamed(request)
      const { arn } = registry.find({ name, qualifier: null })
      if (registry.settings(name).aliases.some((one) => one.name === alias))
        throw new AwsError('ResourceConflictException', `Alias already exists: ${arn}:${alias}`, 409, { Type: 'User' })
      const made = { name: alias, version: request.text('FunctionVersion'), routing: routingOf(request) ?? null }
      return put(name, { ...made, description: request.textOr('Description', '') })
    }),
    UpdateAlias: onFunction(context, 'UpdateAlias', ({ name }, request) => {
      const former = aliasOf(context, name, request.text('Name'))
      const routing = routingOf(request)
      return put(name, {
        ...former,
        version: request.textOr('FunctionVersion', former.version),
        description: request.textOr('Description', former.description ?? ''),
        routing: routing === undefined ? (former.routing ?? null) : routing,
      })
    }),
    DeleteAlias: onFunction(context, 'DeleteAlias', ({ name }, request) =>
      registry.changeSettings(name, ({ aliases }) => ({
        aliases: aliases.filter((one) => one.name !== request.text('Name')),
      })),
    ),
  }
}

/** `undefined` where the request says nothing, `null` where it takes the second version away. */
function routingOf(request: Input): FunctionAlias['routing'] | undefined {
  if (!request.has('RoutingConfig')) return undefined
  const { AdditionalVersionWeights: weights = {} } = request.structure('RoutingConfig').members
  const [entry, ...more] = Object.entries(isJsonObject(weights) ? weights : {})
  if (entry === undefined) return null
  const [version, weight] = [entry[0], Number(entry[1])]
  if (more.length > 0 || !(weight >= 0 && weight <= 1))
    throw invalid('An alias routes to one further version, with a weight from 0 to 1.')
  return { version, weight }
}

function concurrencyOperations(context: LambdaContext): Record<string, Operation> {
  const reserve = (name: string, reservedConcurrency: number | null): Promise<void> =>
    context.registry.changeSettings(name, () => ({ reservedConcurrency }))
  return {
    PutFunctionConcurrency: onFunction(context, 'PutFunctionConcurrency', async ({ name }, request) => {
      const reserved = request.numberOr('ReservedConcurrentExecutions', -1)
      if (!Number.isInteger(reserved) || reserved < 0) throw invalid('ReservedConcurrentExecutions must be at least 0')
      await reserve(name, reserved)
      return { ReservedConcurrentExecutions: reserved }
    }),
    DeleteFunctionConcurrency: onFunction(context, 'DeleteFunctionConcurrency', ({ name }: FunctionReference) =>
      reserve(name, null),
    ),
  }
}
