/** Functions and state machines with their versions and aliases. */
import { readFileSync } from 'node:fs'
import { messageOf, SluiceError } from '../../core/errors.ts'
import type {
  AsyncInvocationModel,
  FileAsset,
  FunctionModel,
  ResourcePolicyModel,
  StateMachineAliasModel,
  StateMachineModel,
} from './model.ts'
import { type Properties, propertiesOf } from './properties.ts'
import type { ResolvedResource } from './resolve-stacks.ts'
import type { ByType } from './storage.ts'

/** A function's ARN without qualifier; `FunctionName` may be a name, an ARN or a qualified ARN. */
const unqualified = (name: string, functions: readonly ResolvedResource[]): string => {
  if (name.startsWith('arn:')) return name.split(':').slice(0, 7).join(':')
  const declared = functions.find((resource) => resource.ref === name)
  return declared === undefined ? name : String(declared.attribute('Arn'))
}

export function functionsOf(byType: ByType, assets: readonly FileAsset[]): FunctionModel[] {
  const functions = byType('AWS::Lambda::Function')
  const of = (arn: string, type: string) =>
    byType(type).filter((resource) => unqualified(propertiesOf(resource).text('FunctionName'), functions) === arn)
  return functions.map((resource) => {
    const properties = propertiesOf(resource)
    const arn = String(resource.attribute('Arn'))
    const asset = codeAsset(resource, properties, assets)
    return {
      name: resource.ref,
      arn,
      logicalId: resource.logicalId,
      roleArn: properties.text('Role'),
      codeDirectory: asset.path,
      codeHash: asset.hash,
      handler: properties.text('Handler'),
      runtime: properties.text('Runtime'),
      environment: properties.object('Environment').map('Variables'),
      timeoutSeconds: properties.count('Timeout', 3),
      memoryMegabytes: properties.count('MemorySize', 128),
      reservedConcurrency: properties.optionalCount('ReservedConcurrentExecutions'),
      description: properties.optionalText('Description') ?? '',
      versions: of(arn, 'AWS::Lambda::Version').map((version) => String(version.attribute('Version'))),
      aliases: of(arn, 'AWS::Lambda::Alias').map((alias) => ({
        name: propertiesOf(alias).text('Name'),
        version: propertiesOf(alias).text('FunctionVersion'),
      })),
      asyncInvocation: of(arn, 'AWS::Lambda::EventInvokeConfig').map(asyncInvocationOf),
    }
  })
}

function codeAsset(resource: ResolvedResource, properties: Properties, assets: readonly FileAsset[]): FileAsset {
  const runtime = properties.text('Runtime')
  const name = `${resource.stackName}/${resource.logicalId}`
  if (!runtime.startsWith('nodejs')) {
    throw new SluiceError('unsupported_runtime', `Cannot run ${name}: its runtime must be Node.js, found "${runtime}"`)
  }
  const objectKey = properties.object('Code').optionalText('S3Key')
  const asset = assets.find((candidate) => candidate.objectKey === objectKey)
  if (asset !== undefined) return asset
  throw new SluiceError(
    'assembly_invalid',
    `Cannot run ${name}: the assembly holds no asset for its code "${objectKey}"`,
  )
}

function asyncInvocationOf(resource: ResolvedResource): AsyncInvocationModel {
  const properties = propertiesOf(resource)
  const destinations = properties.object('DestinationConfig')
  return {
    qualifier: properties.text('Qualifier'),
    maximumRetryAttempts: properties.count('MaximumRetryAttempts', 2),
    maximumEventAgeSeconds: properties.count('MaximumEventAgeInSeconds', 21_600),
    onFailureArn: destinations.object('OnFailure').optionalText('Destination'),
    onSuccessArn: destinations.object('OnSuccess').optionalText('Destination'),
  }
}

/** `AWS::Lambda::Permission` as the statement that it adds to the function's policy. */
export function functionPoliciesOf(byType: ByType): ResourcePolicyModel[] {
  const functions = byType('AWS::Lambda::Function')
  return byType('AWS::Lambda::Permission').map((resource) => {
    const properties = propertiesOf(resource)
    const name = properties.text('FunctionName')
    const resourceArn = name.startsWith('arn:') ? name : unqualified(name, functions)
    return {
      resourceArn,
      document: {
        Version: '2012-10-17',
        Statement: [
          {
            Sid: resource.logicalId,
            Effect: 'Allow',
            Principal: principalOf(properties.text('Principal')),
            Action: properties.text('Action'),
            Resource: resourceArn,
            ...conditionsOf(properties),
          },
        ],
      },
    }
  })
}

const principalOf = (principal: string) =>
  principal.endsWith('.amazonaws.com') ? { Service: principal } : { AWS: principal }

function conditionsOf(properties: Properties) {
  const sourceArn = properties.optionalText('SourceArn')
  const sourceAccount = properties.optionalText('SourceAccount')
  if (sourceArn === null && sourceAccount === null) return {}
  return {
    Condition: {
      ...(sourceArn === null ? {} : { ArnLike: { 'AWS:SourceArn': sourceArn } }),
      ...(sourceAccount === null ? {} : { StringEquals: { 'AWS:SourceAccount': sourceAccount } }),
    },
  }
}

export function stateMachinesOf(byType: ByType, assets: readonly FileAsset[]): StateMachineModel[] {
  const versions = byType('AWS::StepFunctions::StateMachineVersion')
  const aliases = byType('AWS::StepFunctions::StateMachineAlias').map(aliasOf)
  return byType('AWS::StepFunctions::StateMachine').map((resource) => {
    const properties = propertiesOf(resource)
    const arn = String(resource.attribute('Arn'))
    return {
      name: String(resource.attribute('Name')),
      arn,
      logicalId: resource.logicalId,
      type: properties.optionalText('StateMachineType') === 'EXPRESS' ? 'EXPRESS' : 'STANDARD',
      definition: substitute(definitionText(resource, properties, assets), properties.map('DefinitionSubstitutions')),
      roleArn: properties.text('RoleArn'),
      loggingConfiguration: properties.json('LoggingConfiguration'),
      tracingConfiguration: properties.json('TracingConfiguration'),
      revisionId: String(resource.attribute('StateMachineRevisionId')),
      versions: versions
        .filter((version) => propertiesOf(version).text('StateMachineArn') === arn)
        .map((version) => ({
          arn: version.ref,
          number: version.ref.split(':').at(-1) ?? '',
          description: propertiesOf(version).optionalText('Description') ?? '',
        })),
      aliases: aliases.filter((alias) => alias.arn.startsWith(`${arn}:`)),
    }
  })
}

function aliasOf(resource: ResolvedResource): StateMachineAliasModel {
  const properties = propertiesOf(resource)
  const preference = properties.object('DeploymentPreference')
  const gradual = preference.optionalText('StateMachineVersionArn')
  return {
    name: properties.optionalText('Name') ?? resource.ref.split(':').at(-1) ?? '',
    arn: resource.ref,
    // A deployment of the laptop is not gradual: all traffic goes to the new version at once.
    routes:
      gradual === null
        ? properties.objects('RoutingConfiguration').map((route) => ({
            versionArn: route.text('StateMachineVersionArn'),
            weight: route.count('Weight', 100),
          }))
        : [{ versionArn: gradual, weight: 100 }],
  }
}

function definitionText(resource: ResolvedResource, properties: Properties, assets: readonly FileAsset[]): string {
  if (properties.has('DefinitionString')) return properties.text('DefinitionString')
  if (properties.has('Definition')) return JSON.stringify(properties.json('Definition'))
  const key = properties.object('DefinitionS3Location').text('Key')
  const asset = assets.find((candidate) => candidate.objectKey === key)
  try {
    return readFileSync(asset?.path ?? '', 'utf8')
  } catch (cause) {
    const name = `${resource.stackName}/${resource.logicalId}`
    throw new SluiceError('assembly_invalid', `Cannot read the definition of ${name}: ${messageOf(cause)}`, { cause })
  }
}

/** Only the names given are replaced; JSONata's own `${…}` does not occur. */
const substitute = (definition: string, values: Readonly<Record<string, string>>): string =>
  definition.replace(/\$\{([A-Za-z0-9_]+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? escapeForJson(values[name] ?? '') : whole,
  )

/** The substituted text stands inside a JSON string. */
const escapeForJson = (value: string): string => JSON.stringify(value).slice(1, -1)
