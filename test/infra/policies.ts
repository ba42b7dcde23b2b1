import { isJsonObject } from '../../core/json.ts'
import type { SynthesizedApp } from './synthesize.ts'

/** A statement of a role's policies, with texts for what is no text. */
export interface RoleStatement {
  readonly role: string
  readonly effect: string
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly condition: unknown
}

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]
const textsOf = (value: unknown): readonly string[] =>
  listOf(value).map((item) => (typeof item === 'string' ? item : JSON.stringify(item)))

/** Every statement of every role of an app; roles by name, or by logical id where they have none. */
export function roleStatements(app: SynthesizedApp): readonly RoleStatement[] {
  const names = new Map(
    app.of('AWS::IAM::Role').map(({ logicalId, properties }) => [logicalId, String(properties.RoleName ?? logicalId)]),
  )
  return app.of('AWS::IAM::Policy').flatMap(({ properties }) => {
    const document = isJsonObject(properties.PolicyDocument) ? properties.PolicyDocument : {}
    const roles = listOf(properties.Roles).map((role) => (isJsonObject(role) ? String(role.Ref) : String(role)))
    return roles.flatMap((role) =>
      listOf(document.Statement)
        .filter(isJsonObject)
        .map((statement) => ({
          role: names.get(role) ?? role,
          effect: String(statement.Effect),
          actions: textsOf(statement.Action),
          resources: textsOf(statement.Resource),
          condition: statement.Condition,
        })),
    )
  })
}
