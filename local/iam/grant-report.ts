/** What roles are granted, and what of it was ever used. */

import type { Json } from '../../core/json.ts'
import { type GrantUse, roleStatements } from './grant-uses.ts'
import type { NamedPolicy } from './policy-registry.ts'
import { wildcardExpression } from './resource-class.ts'

/** One action that a statement names. */
export interface ActionReport {
  /** As the policy has it, wildcards and all. */
  readonly action: string
  /** ISO 8601 UTC; `null`: never used. */
  readonly firstUsedAt: string | null
  /** The resource that it was first used for. */
  readonly resource: string | null
}

export interface StatementReport {
  readonly role: string
  readonly roleArn: string
  readonly policy: string
  readonly resources: readonly string[]
  readonly condition: Json
  readonly actions: readonly ActionReport[]
  /** Whether any of its actions was. */
  readonly used: boolean
}

export interface GrantReport {
  readonly roles: number
  /** Statements that allow something. */
  readonly granted: number
  readonly used: number
  readonly statements: readonly StatementReport[]
}

const textsOf = (value: Json | undefined): readonly string[] =>
  value === undefined ? [] : [value].flat().map((item) => (typeof item === 'string' ? item : JSON.stringify(item)))

/** Compares what the roles' policies allow with the uses that were recorded; roles and statements in their order. */
export function reportGrants(
  roles: Iterable<{ readonly roleArn: string; readonly policies: readonly NamedPolicy[] }>,
  uses: Iterable<GrantUse>,
): GrantReport {
  const byStatement = new Map<string, GrantUse[]>()
  for (const use of uses) {
    const key = `${use.roleArn} ${use.statementId}`
    byStatement.set(key, [...(byStatement.get(key) ?? []), use])
  }
  const all = [...roles]
  const statements = all.flatMap(({ roleArn, policies }) =>
    roleStatements(roleArn, policies)
      .filter(({ statement }) => statement.Effect === 'Allow')
      .map(({ id, policyName, statement }): StatementReport => {
        const known = byStatement.get(`${roleArn} ${id}`) ?? []
        return {
          role: roleArn.slice(roleArn.lastIndexOf('/') + 1),
          roleArn,
          policy: policyName,
          resources: textsOf(statement.Resource),
          condition: statement.Condition ?? null,
          actions: textsOf(statement.Action).map((action) => actionReport(action, known)),
          used: known.length > 0,
        }
      }),
  )
  const used = statements.filter((statement) => statement.used).length
  return { roles: all.length, granted: statements.length, used, statements }
}

function actionReport(action: string, uses: readonly GrantUse[]): ActionReport {
  const pattern = wildcardExpression(action.toLowerCase())
  const [first] = uses
    .filter((use) => pattern.test(use.action.toLowerCase()))
    .sort((one, other) => one.firstUsedAt.localeCompare(other.firstUsedAt))
  return { action, firstUsedAt: first?.firstUsedAt ?? null, resource: first?.resource ?? null }
}
