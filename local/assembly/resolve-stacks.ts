/** Resolves the resources of all stacks together: references, attributes, conditions, exports. */
import { SluiceError } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json.ts'
import type { CloudAssembly, Stack } from './cloud-assembly.ts'
import {
  assertKnownType,
  attributeOf,
  type LocalAttributes,
  refOf,
  type Subject,
  type VersionNumbers,
} from './identity.ts'
import { NO_VALUE, resolveValue, type Scope } from './intrinsics.ts'

/** A resource with all its properties resolved. */
export interface ResolvedResource {
  readonly stackName: string
  readonly logicalId: string
  readonly type: string
  readonly properties: Readonly<Record<string, unknown>>
  /** Value of `Ref`. */
  readonly ref: string
  /** @throws SluiceError `assembly_invalid` */
  attribute(name: string): unknown
}

export interface ResolvedStacks {
  readonly resources: readonly ResolvedResource[]
  /** `{stack}.{output}` to value. */
  readonly outputs: Readonly<Record<string, string>>
}

/** @throws SluiceError `unsupported_resource_type`, `assembly_invalid` */
export function resolveStacks(
  assembly: CloudAssembly,
  numbers: VersionNumbers,
  local: LocalAttributes,
): ResolvedStacks {
  const environment = { accountId: assembly.accountId, region: assembly.region, numbers, local }
  const scopes = new Map<string, StackScope>()
  const imported = (name: string): unknown => exportedValue(assembly.stacks, scopes, name)
  for (const stack of assembly.stacks) scopes.set(stack.name, stackScope(stack, environment, imported))
  const resources = assembly.stacks.flatMap((stack) => {
    const scope = scopeOf(scopes, stack.name)
    return [...stack.resources]
      .filter(([, resource]) => scope.exists(resource.condition))
      .map(([logicalId, { type }]) => {
        assertKnownType(stack.name, logicalId, type)
        const subject = scope.subject(logicalId)
        return {
          stackName: stack.name,
          logicalId,
          type,
          properties: scope.properties(logicalId),
          ref: refOf(subject),
          attribute: (name: string) => attributeOf(subject, name),
        }
      })
  })
  return { resources, outputs: outputsOf(assembly.stacks, scopes) }
}

interface StackScope extends Scope {
  subject(logicalId: string): Subject
  properties(logicalId: string): Readonly<Record<string, unknown>>
  exists(condition: string | null): boolean
}

interface Environment {
  readonly accountId: string
  readonly region: string
  readonly numbers: VersionNumbers
  readonly local: LocalAttributes
}

function stackScope(stack: Stack, environment: Environment, imported: (name: string) => unknown): StackScope {
  const resolvedProperties = new Map<string, unknown>()
  const pending = new Set<string>()
  const fail = (message: string): never => {
    throw new SluiceError('assembly_invalid', `Cannot resolve stack "${stack.name}": ${message}`)
  }
  const pseudo = pseudoParameters(stack, environment)

  const property = (logicalId: string, name: string): unknown => {
    const key = `${logicalId}.Properties.${name}`
    if (resolvedProperties.has(key)) return resolvedProperties.get(key)
    const declared = stack.resources.get(logicalId)?.properties[name]
    if (declared === undefined) return undefined
    if (pending.has(key)) fail(`${key} refers to itself`)
    pending.add(key)
    const resolved = resolveValue(declared, scope, key)
    pending.delete(key)
    resolvedProperties.set(key, resolved === NO_VALUE ? undefined : resolved)
    return resolvedProperties.get(key)
  }

  const scope: StackScope = {
    region: environment.region,
    imported,
    ref: (name) => {
      if (Object.hasOwn(pseudo, name)) return pseudo[name]
      if (Object.hasOwn(stack.parameters, name)) return stack.parameters[name]
      return refOf(scope.subject(name))
    },
    attribute: (logicalId, name) => attributeOf(scope.subject(logicalId), name),
    condition: (name) =>
      Object.hasOwn(stack.conditions, name)
        ? resolveValue(stack.conditions[name], scope, `Conditions.${name}`) === true
        : fail(`there is no condition "${name}"`),
    mapping: (map, top, second) => {
      const level = stack.mappings[map]
      const inner = isJsonObject(level) ? level[top] : undefined
      return isJsonObject(inner) && second in inner
        ? inner[second]
        : fail(`there is no mapping ${map}.${top}.${second}`)
    },
    exists: (condition) => condition === null || scope.condition(condition),
    subject: (logicalId) => {
      const resource = stack.resources.get(logicalId)
      if (resource === undefined) return fail(`there is no resource or parameter "${logicalId}"`)
      assertKnownType(stack.name, logicalId, resource.type)
      return {
        ...environment,
        stackName: stack.name,
        logicalId,
        type: resource.type,
        property: (name) => property(logicalId, name),
      }
    },
    properties: (logicalId) => {
      const names = Object.keys(stack.resources.get(logicalId)?.properties ?? {})
      const members = names.map((name) => [name, property(logicalId, name)] as const)
      return Object.fromEntries(members.filter(([, value]) => value !== undefined))
    },
  }
  return scope
}

const pseudoParameters = (stack: Stack, environment: Environment): Readonly<Record<string, unknown>> => ({
  'AWS::AccountId': environment.accountId,
  'AWS::Region': environment.region,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': stack.name,
  'AWS::StackId': `arn:aws:cloudformation:${environment.region}:${environment.accountId}:stack/${stack.name}/00000000-0000-0000-0000-000000000000`,
  'AWS::NotificationARNs': [],
  'AWS::NoValue': NO_VALUE,
})

function scopeOf(scopes: ReadonlyMap<string, StackScope>, name: string): StackScope {
  const scope = scopes.get(name)
  if (scope === undefined) throw new SluiceError('assembly_invalid', `Cannot resolve: there is no stack "${name}"`)
  return scope
}

function exportedValue(stacks: readonly Stack[], scopes: ReadonlyMap<string, StackScope>, name: string): unknown {
  for (const stack of stacks) {
    const scope = scopeOf(scopes, stack.name)
    for (const [outputName, output] of Object.entries(stack.outputs)) {
      if (!isJsonObject(output) || !isJsonObject(output.Export)) continue
      const path = `Outputs.${outputName}`
      if (resolveValue(output.Export.Name, scope, path) === name) return resolveValue(output.Value, scope, path)
    }
  }
  throw new SluiceError('assembly_invalid', `Cannot resolve Fn::ImportValue: no stack exports "${name}"`)
}

function outputsOf(stacks: readonly Stack[], scopes: ReadonlyMap<string, StackScope>): Record<string, string> {
  const outputs: Record<string, string> = {}
  for (const stack of stacks) {
    const scope = scopeOf(scopes, stack.name)
    for (const [name, output] of Object.entries(stack.outputs)) {
      if (!isJsonObject(output)) continue
      if (typeof output.Condition === 'string' && !scope.condition(output.Condition)) continue
      const value = resolveValue(output.Value, scope, `Outputs.${name}`)
      outputs[`${stack.name}.${name}`] = typeof value === 'string' ? value : JSON.stringify(value)
    }
  }
  return outputs
}
