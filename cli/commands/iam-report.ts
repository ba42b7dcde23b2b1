import { type GrantReport, reportGrants, type StatementReport } from '../../local/iam/grant-report.ts'
import { GRANT_USES, GRANTED_ROLES, type GrantUse } from '../../local/iam/grant-uses.ts'
import type { NamedPolicy } from '../../local/iam/policy-registry.ts'
import { openStoreReader } from '../../local/store.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { stateDirectoryOf } from '../session.ts'
import { columns } from '../table.ts'

/** What the runtime of a state folder recorded, whether it runs or not. */
async function readReport(stateDirectory: string): Promise<GrantReport> {
  const reader = openStoreReader(stateDirectory)
  try {
    const policies = reader.collection<readonly NamedPolicy[]>(GRANTED_ROLES)
    const roles = [...policies.range([])].map(({ key, value }) => ({ roleArn: String(key[0]), policies: value }))
    const uses = [...reader.collection<GrantUse>(GRANT_USES).range([])].map(({ value }) => value)
    return reportGrants(roles, uses)
  } finally {
    await reader.close()
  }
}

/** Of one role. @throws CommandError `unknown_role` */
function only(report: GrantReport, role: string): GrantReport {
  const statements = report.statements.filter((statement) => statement.role === role)
  if (statements.length === 0) {
    const known = [...new Set(report.statements.map((statement) => statement.role))].join(', ')
    throw new CommandError(EXIT.wrongUse, 'unknown_role', `No role "${role}" is deployed`, `Roles: ${known || 'none'}`)
  }
  const used = statements.filter((statement) => statement.used).length
  return { roles: 1, granted: statements.length, used, statements }
}

const neverUsed = ({ role, actions, resources, used }: StatementReport): readonly (readonly string[])[] =>
  actions
    .filter(({ firstUsedAt }) => firstUsedAt === null)
    .map(({ action }) => [role, action, used ? 'other actions of it are' : '', shortened(resources)])

const RESOURCE_CHARACTERS = 90

function shortened(resources: readonly string[]): string {
  const [first = '', ...more] = resources
  const text = more.length === 0 ? first : `${first} and ${more.length} more`
  return text.length <= RESOURCE_CHARACTERS ? text : `${text.slice(0, RESOURCE_CHARACTERS - 1)}…`
}

function print(report: GrantReport): string {
  const { roles, granted, used, statements } = report
  if (granted === 0) return 'Nothing is recorded: no template was deployed on this state folder.'
  const rows = statements.flatMap(neverUsed)
  const actions = statements.flatMap((statement) => statement.actions)
  return [
    `${granted} statements of ${roles} roles allow ${actions.length} actions; ${used} statements and ${actions.length - rows.length} actions were used.`,
    ...(rows.length === 0
      ? []
      : [
          'Granted and never used:',
          columns([['ROLE', 'ACTION', 'STATEMENT USED', 'RESOURCE'], ...rows], ['left', 'left', 'left', 'left']),
        ]),
  ].join('\n')
}

/** `sluice iam report`: what the deployed roles are granted and never used, as far as this state folder's runtime saw. */
export async function iamReport(
  { output, state, directory }: Invocation,
  options: { readonly role?: string },
): Promise<ExitCode> {
  const whole = await readReport(stateDirectoryOf(state, directory))
  const report = options.role === undefined ? whole : only(whole, options.role)
  output.result(report, () => print(report))
  return EXIT.done
}
