import { isJsonObject } from '../core/json.ts'
import { WILDCARD_REASONS } from './wildcard-reason.ts'

/** A wildcard that a template allows and for which no reason is written. */
export interface UnjustifiedWildcard {
  readonly logicalId: string
  /** The action, resource, principal or managed policy, as JSON where it is no plain text. */
  readonly wildcard: string
}

interface Statement {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly anyPrincipal: boolean
  readonly ofAccount: boolean
}

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]
const textsOf = (value: unknown): readonly string[] =>
  listOf(value).map((item) => (typeof item === 'string' ? item : JSON.stringify(item)))
const memberOf = (value: unknown, name: string): unknown => (isJsonObject(value) ? value[name] : undefined)

const statementsOf = (document: unknown): readonly Statement[] =>
  listOf(memberOf(document, 'Statement'))
    .filter((statement) => memberOf(statement, 'Effect') === 'Allow')
    .map((statement) => {
      const principal = memberOf(statement, 'Principal')
      return {
        actions: textsOf(memberOf(statement, 'Action')),
        resources: textsOf(memberOf(statement, 'Resource')),
        anyPrincipal: principal === '*' || textsOf(memberOf(principal, 'AWS')).includes('*'),
        ofAccount: textsOf(memberOf(principal, 'AWS')).every((arn) => arn.includes(':root')),
      }
    })

/** Where each type of resource keeps its policy documents. */
const DOCUMENTS: Readonly<Record<string, (properties: unknown) => readonly unknown[]>> = {
  'AWS::IAM::Policy': (properties) => [memberOf(properties, 'PolicyDocument')],
  'AWS::IAM::ManagedPolicy': (properties) => [memberOf(properties, 'PolicyDocument')],
  'AWS::IAM::RolePolicy': (properties) => [memberOf(properties, 'PolicyDocument')],
  'AWS::IAM::Role': (properties) =>
    listOf(memberOf(properties, 'Policies')).map((policy) => memberOf(policy, 'PolicyDocument')),
  'AWS::S3::BucketPolicy': (properties) => [memberOf(properties, 'PolicyDocument')],
  'AWS::SQS::QueuePolicy': (properties) => [memberOf(properties, 'PolicyDocument')],
  'AWS::Events::EventBusPolicy': (properties) => [memberOf(properties, 'Statement')],
  'AWS::KMS::Key': (properties) => [memberOf(properties, 'KeyPolicy')],
  'AWS::SecretsManager::ResourcePolicy': (properties) => [memberOf(properties, 'ResourcePolicy')],
}

/** In a key's own policy `*` means that key, and `kms:*` for the account's root leaves the decision to IAM policies. */
const ofKeyPolicy = (statement: Statement): readonly string[] => [
  ...(statement.ofAccount ? [] : statement.actions.filter((action) => action === '*' || action === 'kms:*')),
  ...(statement.anyPrincipal ? ['Principal *'] : []),
]

const wildcardsOf = (statement: Statement): readonly string[] => [
  ...[...statement.actions, ...statement.resources].filter((text) => text.includes('*')),
  ...(statement.anyPrincipal ? ['Principal *'] : []),
]

interface Reason {
  readonly wildcards: readonly string[]
  readonly actions: readonly string[]
}

const reasonsOf = (resource: unknown): readonly Reason[] =>
  listOf(memberOf(memberOf(resource, 'Metadata'), WILDCARD_REASONS))
    .filter((reason) => {
      const text = memberOf(reason, 'reason')
      return typeof text === 'string' && text.trim() !== ''
    })
    .map((reason) => ({
      wildcards: textsOf(memberOf(reason, 'wildcards')),
      actions: textsOf(memberOf(reason, 'actions')),
    }))

/** A reason holds for the very actions it was written for: a wildcard resource is harmless for one and not for another. */
const isJustified = (wildcard: string, statement: Statement, reasons: readonly Reason[]): boolean =>
  reasons.some(
    (reason) =>
      reason.wildcards.includes(wildcard) && statement.actions.every((action) => reason.actions.includes(action)),
  )

function unjustifiedOf(logicalId: string, resource: unknown): readonly UnjustifiedWildcard[] {
  const type = memberOf(resource, 'Type')
  const properties = memberOf(resource, 'Properties')
  if (typeof type !== 'string') return []
  const reasons = reasonsOf(resource)
  const found = (DOCUMENTS[type]?.(properties) ?? [])
    .flatMap(statementsOf)
    .flatMap((statement) =>
      (type === 'AWS::KMS::Key' ? ofKeyPolicy : wildcardsOf)(statement).filter(
        (wildcard) => !isJustified(wildcard, statement, reasons),
      ),
    )
  const managed = type === 'AWS::IAM::Role' ? textsOf(memberOf(properties, 'ManagedPolicyArns')) : []
  return [...found, ...managed].map((wildcard) => ({ logicalId, wildcard }))
}

/** Every wildcard action, resource and principal of a template's policies, and every AWS managed policy, without a reason. */
export const unjustifiedWildcards = (template: unknown): readonly UnjustifiedWildcard[] => {
  const resources = memberOf(template, 'Resources')
  return isJsonObject(resources)
    ? Object.entries(resources).flatMap(([logicalId, resource]) => unjustifiedOf(logicalId, resource))
    : []
}
