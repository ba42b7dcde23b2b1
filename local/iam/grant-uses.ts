/** Which grants of roles were ever used: what the report of permissions and the tests of the template read. */

import { digestOfJson } from '../../core/digest.ts'
import { messageOf } from '../../core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import type { Clock, Collection, Permission, Store } from '../service.ts'
import type { NamedPolicy, PolicyDocument } from './policy-registry.ts'

/** One statement of a role's policies. */
export interface RoleStatement {
  readonly roleArn: string
  readonly policyName: string
  readonly statement: JsonObject
  /** Digest of the statement, by which it is told from others of the role. */
  readonly id: string
}

/** A statement that allowed an action at least once. */
export interface GrantUse {
  readonly roleArn: string
  readonly statementId: string
  readonly action: string
  /** The first resource that it was used for. */
  readonly resource: string
  /** ISO 8601 UTC. */
  readonly firstUsedAt: string
}

/** Told of each statement that allowed a call, and of each call that was denied. */
export interface GrantObserver {
  allowed(roleArn: string, statementIds: readonly string[], permission: Permission): void
  denied(principalArn: string, permission: Permission): void
}

/** Collections of a state folder: what of the grants was used, and what is granted to roles. */
export const GRANT_USES = 'iam.uses'
export const GRANTED_ROLES = 'iam.roles'

/**
 * Keeps the first use of each action of each statement in the store. What could not be written is logged and written at
 * the next start's first use: a report may then say "never used" of a grant that was.
 */
export function createGrantObserver(options: {
  readonly store: Store
  readonly clock: Clock
  readonly log: (message: string) => void
}): GrantObserver {
  const uses: Collection<GrantUse> = options.store.collection(GRANT_USES)
  const known = new Set<string>()
  return {
    allowed: (roleArn, statementIds, { action, resource }) => {
      for (const statementId of statementIds) {
        const key = [roleArn, statementId, action]
        const name = key.join('\n')
        if (known.has(name)) continue
        known.add(name)
        if (uses.get(key) !== undefined) continue
        const firstUsedAt = options.clock.now().toISOString()
        uses
          .put(key, { roleArn, statementId, action, resource, firstUsedAt })
          .catch((thrown: unknown) => options.log(`iam: a use of ${action} was not recorded: ${messageOf(thrown)}`))
      }
    },
    denied: () => undefined,
  }
}

/** Writes what the roles of an assembly are granted, where it is not what is there. */
export async function recordRoles(
  store: Store,
  roles: readonly { readonly arn: string; readonly policies: readonly NamedPolicy[] }[],
): Promise<void> {
  const kept: Collection<readonly NamedPolicy[]> = store.collection(GRANTED_ROLES)
  const gone = [...kept.range([])].filter(({ key }) => !roles.some(({ arn }) => arn === key[0]))
  const changed = roles.filter(({ arn, policies }) => digestOfJson(kept.get([arn]) ?? null) !== digestOfJson(policies))
  await Promise.all([
    ...gone.map(({ key }) => kept.remove(key)),
    ...changed.map(({ arn, policies }) => kept.put([arn], policies)),
  ])
}

/** The statements of a policy document, one or many. */
export const statementsOf = ({ Statement: statements }: PolicyDocument): readonly JsonObject[] =>
  (Array.isArray(statements) ? statements : [statements]).filter((one: Json | undefined) => isJsonObject(one))

/** Every statement of a role's policies, in order. */
export const roleStatements = (roleArn: string, policies: readonly NamedPolicy[]): readonly RoleStatement[] =>
  policies.flatMap(({ name, document }) =>
    statementsOf(document).map((statement) => ({
      roleArn,
      policyName: name,
      statement,
      id: digestOfJson(statement).slice(0, 32),
    })),
  )
