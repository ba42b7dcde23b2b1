/** Decides each call by the deployed policies, offline. */

import { type EvaluationResult, type RequestAnalysis, runSimulation } from '@cloud-copilot/iam-simulate'
import { AwsError, type Caller, type Permission } from '../service.ts'
import { type GrantObserver, type RoleStatement, roleStatements } from './grant-uses.ts'
import { type NamedPolicy, type PolicyDocument, type PolicyRegistry, policyOwnerArn } from './policy-registry.ts'
import { type ResourceClassifier, resourceClassifier } from './resource-class.ts'

export interface Authorizer {
  /** What stands against a call, worded as AWS words it, or `null` when it is allowed. */
  denial(caller: Caller, permission: Permission): Promise<string | null>
}

/** Decisions kept before the oldest half is forgotten. */
const MAX_DECISIONS = 20_000

interface Subject {
  readonly identityPolicies: readonly NamedPolicy[]
  /** Of the identity policies, in their order. */
  readonly statements: readonly RoleStatement[]
  readonly resourcePolicy: PolicyDocument | undefined
  readonly classOf: ResourceClassifier
}

interface Decision {
  readonly reason: string | null
  /** The statements of the role that allow it. */
  readonly statementIds: readonly string[]
}

/**
 * An authorizer over a registry. The operator may do everything; a service principal only what a resource policy gives
 * it; a role what its policies and the resource's policy give it. Loopback counts as secure transport.
 */
export function createAuthorizer(
  registry: PolicyRegistry,
  accountId: string,
  observers: readonly GrantObserver[] = [],
): Authorizer {
  const subjects = new Map<string, Subject>()
  const decisions = new Map<string, Decision>()
  let version = registry.version()

  const forgetOutdated = (): void => {
    if (version === registry.version()) return
    version = registry.version()
    subjects.clear()
    decisions.clear()
  }
  const subjectOf = (caller: Caller, ownerArn: string): Subject => {
    const resourcePolicy = registry.resourcePolicy(ownerArn)
    const name = `${caller.roleArn ?? caller.servicePrincipal}\n${resourcePolicy === undefined ? '' : ownerArn}`
    const known = subjects.get(name)
    if (known !== undefined) return known
    const made = makeSubject(registry, caller, resourcePolicy)
    subjects.set(name, made)
    return made
  }
  return {
    denial: async (caller, permission) => {
      if (caller.roleArn === null && caller.servicePrincipal === null) return null
      forgetOutdated()
      const ownerArn = policyOwnerArn(permission.resource)
      const subject = subjectOf(caller, ownerArn)
      const name = [
        caller.roleArn ?? caller.servicePrincipal,
        permission.action,
        // Which resource it is of its class, and in which session the role, matters to policies of resources alone: executions
        // and runs without number share one decision.
        ...(subject.resourcePolicy === undefined ? [] : [ownerArn, caller.principalArn]),
        subject.classOf(permission.resource),
        caller.sourceArn ?? '',
        permission.context === undefined ? '' : JSON.stringify(permission.context),
      ].join('\n')
      const known = decisions.get(name)
      const decision = known ?? (await decide(subject, caller, permission, accountId))
      if (known === undefined) remember(decisions, name, decision)
      if (decision.reason === null) {
        const { roleArn } = caller
        if (roleArn !== null)
          for (const observer of observers) observer.allowed(roleArn, decision.statementIds, permission)
        return null
      }
      for (const observer of observers) observer.denied(caller.principalArn, permission)
      return wording(caller, permission, decision.reason)
    },
  }
}

function makeSubject(registry: PolicyRegistry, caller: Caller, resourcePolicy: PolicyDocument | undefined): Subject {
  const identityPolicies = caller.roleArn === null ? [] : (registry.rolePolicies(caller.roleArn) ?? [])
  const documents = identityPolicies.map(({ document }) => document)
  return {
    identityPolicies,
    statements: caller.roleArn === null ? [] : roleStatements(caller.roleArn, identityPolicies),
    resourcePolicy,
    classOf: resourceClassifier(resourcePolicy === undefined ? documents : [...documents, resourcePolicy]),
  }
}

function remember(decisions: Map<string, Decision>, name: string, decision: Decision): void {
  if (decisions.size >= MAX_DECISIONS) {
    for (const oldest of [...decisions.keys()].slice(0, MAX_DECISIONS / 2)) decisions.delete(oldest)
  }
  decisions.set(name, decision)
}

/** @throws AwsError `InternalFailure` for an action, resource or policy that IAM does not know: an error of ours */
async function decide(subject: Subject, caller: Caller, permission: Permission, accountId: string): Promise<Decision> {
  const simulated = await runSimulation(
    {
      request: {
        principal: caller.servicePrincipal ?? caller.principalArn,
        action: permission.action,
        resource: { resource: permission.resource, accountId },
        contextVariables: contextOf(caller, permission, accountId),
      },
      identityPolicies: subject.identityPolicies.map(({ name, document }) => ({ name, policy: document })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(subject.resourcePolicy === undefined ? {} : { resourcePolicy: subject.resourcePolicy }),
    },
    {},
  )
  if (simulated.resultType === 'error') {
    throw new AwsError(
      'InternalFailure',
      `Cannot evaluate ${permission.action} on "${permission.resource}": ${JSON.stringify(simulated.errors)}`,
      500,
    )
  }
  const analysis = simulated.resultType === 'single' ? simulated.result.analysis : simulated.results[0]?.analysis
  return {
    reason: reasonOf(simulated.overallResult, permission.action, caller, analysis),
    statementIds: idsOf(subject, analysis),
  }
}

/** The role's statements that the analysis says allow the call. */
function idsOf({ identityPolicies, statements }: Subject, analysis: RequestAnalysis | undefined): readonly string[] {
  const allowing = analysis?.identityAnalysis?.allowStatements ?? []
  return allowing.flatMap(({ policyId, statement }) => {
    if (!identityPolicies.some(({ name }) => name === policyId)) return []
    const found = statements.filter(({ policyName }) => policyName === policyId)[statement.index() - 1]
    return found === undefined ? [] : [found.id]
  })
}

function contextOf(caller: Caller, permission: Permission, accountId: string): Record<string, string | string[]> {
  const given = Object.entries(permission.context ?? {}).map(([key, value]): [string, string | string[]] => [
    key,
    typeof value === 'string' ? value : [...value],
  ])
  return {
    'aws:SecureTransport': 'true',
    'aws:ResourceAccount': accountId,
    ...(caller.servicePrincipal === null
      ? { 'aws:PrincipalAccount': accountId, 'aws:PrincipalArn': caller.roleArn ?? caller.principalArn }
      : { 'aws:PrincipalServiceName': caller.servicePrincipal, 'aws:SourceAccount': accountId }),
    ...(caller.sourceArn === undefined ? {} : { 'aws:SourceArn': caller.sourceArn }),
    ...Object.fromEntries(given),
  }
}

function reasonOf(
  result: EvaluationResult,
  action: string,
  caller: Caller,
  analysis: RequestAnalysis | undefined,
): string | null {
  if (result === 'Allowed') return null
  if (result === 'ExplicitlyDenied') {
    const byIdentity = analysis?.identityAnalysis?.result === 'ExplicitlyDenied'
    return `with an explicit deny in ${byIdentity ? 'an identity-based' : 'a resource-based'} policy`
  }
  const kind = caller.roleArn === null ? 'resource-based' : 'identity-based'
  return `because no ${kind} policy allows the ${action} action`
}

const wording = (caller: Caller, { action, resource }: Permission, reason: string): string => {
  const target = resource === '*' ? '' : ` on resource: ${action.startsWith('s3:') ? `"${resource}"` : resource}`
  return `User: ${caller.servicePrincipal ?? caller.principalArn} is not authorized to perform: ${action}${target} ${reason}`
}

/** The error code with which each service denies; the rest say `AccessDeniedException` with 400. */
const DENIALS: Readonly<Record<string, { code: string; httpStatus: number }>> = {
  s3: { code: 'AccessDenied', httpStatus: 403 },
  sqs: { code: 'AccessDenied', httpStatus: 403 },
  sts: { code: 'AccessDenied', httpStatus: 403 },
  sns: { code: 'AuthorizationError', httpStatus: 403 },
  lambda: { code: 'AccessDeniedException', httpStatus: 403 },
}

/** The error of a denied call, as that service answers it. */
export function accessDenied(service: string, message: string): AwsError {
  const { code, httpStatus } = DENIALS[service] ?? { code: 'AccessDeniedException', httpStatus: 400 }
  return new AwsError(code, message, httpStatus)
}
