/** What is deployed of a function: a version's code and configuration. */
import { relative, resolve } from 'node:path'
import { digestOfJson } from '../../core/digest.ts'
import type { AsyncInvocationModel, FunctionModel } from '../assembly/model.ts'
import { AwsError, type Collection, type Store } from '../service.ts'

/** One version of a function, `$LATEST` included. Published versions never change. */
export interface DeployedFunction {
  readonly name: string
  /** Without qualifier. */
  readonly arn: string
  readonly version: string
  readonly roleArn: string
  readonly codeDirectory: string
  readonly codeHash: string
  readonly handler: string
  readonly runtime: string
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutSeconds: number
  readonly memoryMegabytes: number
  readonly description: string
  /** ISO 8601. */
  readonly deployedAt: string
  readonly revisionId: string
}

/** What counts for all versions of a function together. */
export interface FunctionSettings {
  /** `null`: unreserved. */
  readonly reservedConcurrency: number | null
  readonly aliases: readonly FunctionAlias[]
  readonly asyncInvocation: readonly AsyncInvocationModel[]
}

export interface FunctionAlias {
  readonly name: string
  readonly version: string
  readonly description?: string
  /** A second version, and the share of invocations it gets, in [0, 1]. */
  readonly routing?: { readonly version: string; readonly weight: number } | null
}

export interface FunctionRegistry {
  /** Publishes what the template says; a version that was published before keeps what it has. */
  deploy(model: FunctionModel, codeDirectory: string, now: Date): Promise<void>
  names(): readonly string[]
  versions(name: string): readonly DeployedFunction[]
  settings(name: string): FunctionSettings
  /** @throws AwsError `ResourceNotFoundException` */
  find(reference: FunctionReference): DeployedFunction
  /** The version that an invocation gets: by an alias' weights, where it has them. @param random in [0, 1) */
  route(reference: FunctionReference, random: number): DeployedFunction
  putVersion(version: DeployedFunction): Promise<void>
  /** Changes settings as they stand then. @throws AwsError `ResourceNotFoundException` */
  changeSettings(name: string, edit: (settings: FunctionSettings) => Partial<FunctionSettings>): Promise<void>
}

/** A function as a caller names it: `name`, `name:qualifier`, an ARN, with or without a qualifier of its own. */
export interface FunctionReference {
  readonly name: string
  /** `null`: `$LATEST`. */
  readonly qualifier: string | null
}

/** @throws AwsError `InvalidParameterValueException` when name and `qualifier` name different versions */
export function parseFunctionReference(text: string, qualifier: string | null): FunctionReference {
  const parts = text.startsWith('arn:')
    ? text.split(':').slice(6)
    : text.split(':').slice(text.includes('function:') ? 2 : 0)
  const [name = text, own] = parts
  if (own !== undefined && qualifier !== null && own !== qualifier) {
    throw new AwsError(
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    )
  }
  return { name, qualifier: own ?? qualifier }
}

const LATEST = '$LATEST'

/** `stateDirectory` is where code is kept; records name it relative to it, so that a state folder can be moved. */
export function createFunctionRegistry(
  store: Store,
  stateDirectory: string,
  accountId: string,
  region: string,
): FunctionRegistry {
  const located = (found: DeployedFunction): DeployedFunction => ({
    ...found,
    codeDirectory: resolve(stateDirectory, found.codeDirectory),
  })
  const versions: Collection<DeployedFunction> = store.collection('lambda.versions')
  const settings: Collection<FunctionSettings> = store.collection('lambda.functions')
  const missing = (reference: FunctionReference): AwsError => {
    const suffix = reference.qualifier === null ? '' : `:${reference.qualifier}`
    const arn = `arn:aws:lambda:${region}:${accountId}:function:${reference.name}${suffix}`
    return new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404, { Type: 'User' })
  }
  const settingsOf = (name: string): FunctionSettings => {
    const found = settings.get([name])
    if (found === undefined) throw missing({ name, qualifier: null })
    return found
  }
  const find = (reference: FunctionReference): DeployedFunction => {
    const alias = settingsOf(reference.name).aliases.find(({ name }) => name === reference.qualifier)
    const found = versions.get([reference.name, alias?.version ?? reference.qualifier ?? LATEST])
    if (found === undefined) throw missing(reference)
    return located(found)
  }
  return {
    deploy: async (model, codeDirectory, now) => {
      const latest = deployedFunction(model, relative(stateDirectory, codeDirectory), now)
      const unpublished = model.versions.filter((version) => versions.get([model.name, version]) === undefined)
      await Promise.all([
        settings.put([model.name], {
          reservedConcurrency: model.reservedConcurrency,
          aliases: model.aliases,
          asyncInvocation: model.asyncInvocation,
        }),
        versions.put([model.name, LATEST], latest),
        ...unpublished.map((version) => versions.put([model.name, version], { ...latest, version })),
      ])
    },
    names: () => [...settings.range([])].map(({ key }) => String(key[0])),
    versions: (name) => [...versions.range([name])].map(({ value }) => located(value)),
    settings: settingsOf,
    find,
    route: (reference, random) => {
      const routing = settingsOf(reference.name).aliases.find(({ name }) => name === reference.qualifier)?.routing
      return routing == null || random >= routing.weight
        ? find(reference)
        : find({ name: reference.name, qualifier: routing.version })
    },
    putVersion: (version) =>
      versions.put([version.name, version.version], {
        ...version,
        codeDirectory: relative(stateDirectory, version.codeDirectory),
      }),
    changeSettings: (name, edit) =>
      store.transaction(() => {
        const former = settingsOf(name)
        void settings.put([name], { ...former, ...edit(former) })
      }),
  }
}

const deployedFunction = (model: FunctionModel, codeDirectory: string, now: Date): DeployedFunction => ({
  name: model.name,
  arn: model.arn,
  version: LATEST,
  roleArn: model.roleArn,
  codeDirectory,
  codeHash: model.codeHash,
  handler: model.handler,
  runtime: model.runtime,
  environment: model.environment,
  timeoutSeconds: model.timeoutSeconds,
  memoryMegabytes: model.memoryMegabytes,
  description: model.description,
  deployedAt: now.toISOString(),
  revisionId: digestOfJson(model).slice(0, 32),
})
