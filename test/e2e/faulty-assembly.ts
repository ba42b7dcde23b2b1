import { join } from 'node:path'
import {
  addQueue,
  addRole,
  editedAssembly,
  fixturesAssembly,
  type Statement,
  type WorkflowTemplate,
} from './assembly.ts'
import { EARLY_FAULTS, FAULTS, LATE_FAULTS } from './faults.ts'
import { isJsonObject, type JsonObject, objectOf } from './json.ts'

export const PAUSES = 'test-pauses'
export const EVENTS = 'test-events'
const WAIT: Statement = { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: `arn:aws:sqs:*:*:${PAUSES}` }
/** Copies of a machine have names of their own, which the deployed policy does not know. */
const DESCRIBE: Statement = {
  Effect: 'Allow',
  Action: 'states:DescribeExecution',
  Resource: 'arn:aws:states:*:*:execution:fault-*:*',
}

/** What sets one copy of a machine apart for IAM. */
interface Rights {
  readonly name: string
  readonly machine: string
  readonly pauseBefore?: string
  readonly deny?: readonly Statement[]
  readonly allow?: readonly Statement[]
  readonly revoke?: readonly Statement[]
}

const RIGHTS: readonly Rights[] = [
  ...FAULTS.map((fault) => ({ ...fault, machine: 'ingest' })),
  ...EARLY_FAULTS,
  ...LATE_FAULTS,
]

export const cloneName = (fault: { readonly name: string }): string => `fault-${fault.name}`

/** Copies that nothing is refused for share a role. */
export const roleName = ({ name, machine, deny, allow, revoke }: Rights): string =>
  deny === undefined && allow === undefined && revoke === undefined ? `fault-any-${machine}` : `fault-${name}`

const isRestricted = (rights: Rights): boolean => roleName(rights) === cloneName(rights)

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

function addRoles(template: WorkflowTemplate, revoked: boolean): void {
  for (const machine of ['ingest', 'intake', 'deploy', 'sweep'])
    addRole(template, capital(machine), `fault-any-${machine}`, [WAIT, DESCRIBE])
  for (const rights of RIGHTS.filter(isRestricted)) {
    const { machine, deny = [], allow = [], revoke = [] } = rights
    const statements = [WAIT, DESCRIBE, ...allow, ...deny, ...(revoked ? revoke : [])]
    addRole(template, capital(machine), roleName(rights), statements)
  }
}

function patternOf(template: WorkflowTemplate, rule: string): JsonObject {
  return objectOf(template.find(rule, 'AWS::Events::Rule').properties.EventPattern)
}

/** The rule on ended executions hears of some copies; landing files of acme and the waiting ones start nothing by themselves. */
function editRules(template: WorkflowTemplate): void {
  const ended = objectOf(patternOf(template, 'ExecutionEnded').detail)
  const machines = Array.isArray(ended.stateMachineArn) ? ended.stateMachineArn.map(String) : []
  const heard = FAULTS.filter((fault) => fault.heard === true).map(cloneName)
  ended.stateMachineArn = machines.flatMap((arn) => [arn, ...heard.map((name) => arn.replace(/[^:]+$/, name))])
  const detail = patternOf(template, 'Landed').detail
  const object = isJsonObject(detail) ? objectOf(detail.object) : {}
  object.key = [{ 'anything-but': { prefix: ['landing/acme/', 'landing/narrow/events/started/'] } }]
}

/** The assembly that the faults run on, and the one after the operator revoked what the faults say. */
export async function faultyAssemblies(folder: string): Promise<{ readonly before: string; readonly after: string }> {
  const assembly = await fixturesAssembly({ quotaWaits: 1, quotaWaitSeconds: 1, sweepGraceSeconds: 0 })
  const edited = (name: string, revoked: boolean): Promise<string> =>
    editedAssembly(assembly, join(folder, name), (template) => {
      addQueue(template, PAUSES, null)
      addQueue(template, EVENTS, 'events')
      addRoles(template, revoked)
      editRules(template)
    })
  return { before: await edited('before', false), after: await edited('after', true) }
}
