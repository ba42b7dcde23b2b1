/** Roles with all policies that reach them. */
import { SluiceError } from '../../core/errors.ts'
import { AWS_MANAGED_POLICIES } from './managed-policies.ts'
import type { PolicyDocument, RoleModel } from './model.ts'
import { propertiesOf } from './properties.ts'
import type { ResolvedResource } from './resolve-stacks.ts'
import type { ByType } from './storage.ts'

interface NamedPolicy {
  readonly name: string
  readonly document: PolicyDocument
}

/** @throws SluiceError `unsupported_resource_type` for a policy managed by AWS whose document is not known here */
export function rolesOf(byType: ByType): RoleModel[] {
  const managed = new Map(byType('AWS::IAM::ManagedPolicy').map((resource) => [resource.ref, namedPolicy(resource)]))
  const attached = attachedPolicies(byType)
  return byType('AWS::IAM::Role').map((resource) => {
    const properties = propertiesOf(resource)
    const inline = properties.objects('Policies').map((policy) => ({
      name: policy.text('PolicyName'),
      document: policy.policy('PolicyDocument'),
    }))
    const named = properties.texts('ManagedPolicyArns').map((arn) => managed.get(arn) ?? awsManaged(arn))
    return {
      arn: String(resource.attribute('Arn')),
      name: resource.ref,
      trust: properties.policy('AssumeRolePolicyDocument'),
      policies: [...inline, ...named, ...(attached.get(resource.ref) ?? [])],
    }
  })
}

const namedPolicy = (resource: ResolvedResource): NamedPolicy => ({
  name: resource.ref,
  document: propertiesOf(resource).policy('PolicyDocument'),
})

/** Policies that name their roles, by role name. */
function attachedPolicies(byType: ByType): ReadonlyMap<string, readonly NamedPolicy[]> {
  const attached = new Map<string, NamedPolicy[]>()
  const attach = (roleName: string, policy: NamedPolicy) => {
    attached.set(roleName, [...(attached.get(roleName) ?? []), policy])
  }
  for (const resource of [...byType('AWS::IAM::Policy'), ...byType('AWS::IAM::ManagedPolicy')]) {
    for (const roleName of propertiesOf(resource).texts('Roles')) attach(roleName, namedPolicy(resource))
  }
  for (const resource of byType('AWS::IAM::RolePolicy')) {
    attach(propertiesOf(resource).text('RoleName'), namedPolicy(resource))
  }
  return attached
}

function awsManaged(arn: string): NamedPolicy {
  const document = AWS_MANAGED_POLICIES[arn]
  if (document !== undefined) return { name: arn, document }
  throw new SluiceError(
    'unsupported_resource_type',
    `Cannot evaluate the managed policy "${arn}": its document is not known`,
    {
      found: arn,
    },
  )
}
