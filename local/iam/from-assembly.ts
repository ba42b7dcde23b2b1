/** The policies of a cloud assembly, as the registry keeps them. */

import type { Json } from '../../core/json.ts'
import type { Assembly, PolicyDocument } from '../assembly/model.ts'
import type { PolicyRegistry } from './policy-registry.ts'

/** Brings the registry to what the assembly declares. Statements for one resource from several places are one policy. */
export function deployPolicies(
  registry: PolicyRegistry,
  assembly: Pick<Assembly, 'roles' | 'resourcePolicies' | 'keys'>,
): void {
  for (const { arn, policies } of assembly.roles) registry.putRole(arn, policies)
  const documents = new Map<string, readonly PolicyDocument[]>()
  for (const { resourceArn, document } of assembly.resourcePolicies) {
    documents.set(resourceArn, [...(documents.get(resourceArn) ?? []), document])
  }
  for (const { arn, policy } of assembly.keys) if (!documents.has(arn)) documents.set(arn, [policy])
  for (const [resourceArn, parts] of documents) registry.putResourcePolicy(resourceArn, merged(parts))
}

const merged = (documents: readonly PolicyDocument[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: documents.flatMap(({ Statement: statements }) => listOf(statements)),
})

const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : [value])
