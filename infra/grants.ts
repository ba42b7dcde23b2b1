import { Validations } from 'aws-cdk-lib'
import { type CfnPolicy, type IRole, Policy, PolicyStatement, type PolicyStatementProps } from 'aws-cdk-lib/aws-iam'
import { SluiceError } from '../core/errors.ts'
import { WILDCARD_REASONS, type WildcardReason } from './wildcard-reason.ts'

/** A statement of a role's policy; a wildcard in it needs its reason. */
export interface Grant {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly conditions?: PolicyStatementProps['conditions']
  /** Why a `*` in actions or resources is meant; written into the template. */
  readonly wildcardReason?: string
}

const findingsOf = ({ actions, resources }: Grant): readonly string[] => [
  ...actions.filter((action) => action.includes('*')).map((action) => `Action::${action}`),
  ...resources.filter((resource) => resource.includes('*')).map((resource) => `Resource::${resource}`),
]

function reasonOf(one: Grant): WildcardReason | null {
  const wildcards = [...one.actions, ...one.resources].filter((text) => text.includes('*'))
  if (wildcards.length === 0) return null
  if (one.wildcardReason === undefined || one.wildcardReason === '')
    throw new SluiceError('wildcard_without_reason', `Cannot grant ${wildcards.join(', ')} as no reason is given`)
  return { wildcards, actions: one.actions, reason: one.wildcardReason }
}

/** cdk-nag takes one acknowledgement a finding: where statements share one, it holds all their reasons. */
function acknowledge(policy: Policy, grants: readonly Grant[]): void {
  for (const finding of new Set(grants.flatMap(findingsOf))) {
    const reasons = grants.filter((one) => findingsOf(one).includes(finding)).map((one) => one.wildcardReason ?? '')
    Validations.of(policy).acknowledge({ id: `AwsSolutions-IAM5[${finding}]`, reason: [...new Set(reasons)].join(' ') })
  }
}

const statementOf = ({ actions, resources, conditions }: Grant): PolicyStatement =>
  new PolicyStatement({
    actions: [...actions],
    resources: [...resources],
    ...(conditions === undefined ? {} : { conditions }),
  })

/**
 * Gives a role one policy of these statements.
 * @throws SluiceError `wildcard_without_reason`
 */
export function grant(role: IRole, id: string, grants: readonly Grant[]): Policy {
  const reasons = grants.map(reasonOf).filter((reason) => reason !== null)
  const policy = new Policy(role, id, { roles: [role], statements: grants.map(statementOf) })
  acknowledge(policy, grants)
  const resource = policy.node.defaultChild as CfnPolicy
  if (reasons.length > 0) resource.addMetadata(WILDCARD_REASONS, reasons)
  return policy
}
