/** What the assembly says about who may do what: policies of roles, and of buckets, keys, queues and functions. */

import type { JsonObject } from '../../core/json.ts'

/** An IAM policy document with all ARNs resolved. */
export type PolicyDocument = JsonObject

export interface NamedPolicy {
  readonly name: string
  readonly document: PolicyDocument
}

/** Policies as deployed. Changing one takes effect on the next call. */
export interface PolicyRegistry {
  /** Replaces all inline and attached policies of a role. */
  putRole(roleArn: string, policies: readonly NamedPolicy[]): void
  /** Replaces the policy of a resource: a bucket's, key's, queue's, topic's, secret's or function's ARN. */
  putResourcePolicy(resourceArn: string, document: PolicyDocument): void
  /** `undefined` for a role the assembly does not have. */
  rolePolicies(roleArn: string): readonly NamedPolicy[] | undefined
  resourcePolicy(resourceArn: string): PolicyDocument | undefined
  roleArns(): readonly string[]
  /** Grows with every change. */
  version(): number
}

/** An empty registry: every role is unknown, no resource has a policy. */
export function policyRegistry(): PolicyRegistry {
  const roles = new Map<string, readonly NamedPolicy[]>()
  const resources = new Map<string, PolicyDocument>()
  let version = 0
  return {
    putRole: (roleArn, policies) => {
      roles.set(roleArn, policies)
      version += 1
    },
    putResourcePolicy: (resourceArn, document) => {
      resources.set(resourceArn, document)
      version += 1
    },
    rolePolicies: (roleArn) => roles.get(roleArn),
    resourcePolicy: (ownerArn) => resources.get(ownerArn) ?? resources.get(unqualified(ownerArn)),
    roleArns: () => [...roles.keys()],
    version: () => version,
  }
}

/** The ARN under which a resource's policy is kept: an object's bucket, else the resource itself. */
export const policyOwnerArn = (resourceArn: string): string =>
  resourceArn.startsWith('arn:aws:s3:::') ? (resourceArn.split('/', 1)[0] ?? resourceArn) : resourceArn

/** A version or alias of a function without a policy of its own has the function's. */
const unqualified = (arn: string): string =>
  arn.startsWith('arn:aws:lambda:') ? arn.split(':').slice(0, 7).join(':') : arn
