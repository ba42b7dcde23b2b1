/** Brings the state machines, their versions and aliases to what the template declares. */
import { isJsonObject } from '../../core/json.ts'
import type { StateMachineAliasModel, StateMachineModel } from '../assembly/model.ts'
import { AwsError } from '../service.ts'

/** Calls an operation of Step Functions as the operator. */
export type StatesCall = (operation: string, input: unknown) => Promise<unknown>

/** Running executions finish on the version they started with. */
export async function deployStateMachine(model: StateMachineModel, call: StatesCall): Promise<void> {
  await putMachine(model, call)
  const published = new Map<string, string>()
  for (const version of model.versions) {
    const output = await call('PublishStateMachineVersion', {
      stateMachineArn: model.arn,
      ...(version.description === '' ? {} : { description: version.description }),
    })
    published.set(version.arn, text(output, 'stateMachineVersionArn'))
  }
  for (const alias of model.aliases) await putAlias(alias, published, call)
}

async function putMachine(model: StateMachineModel, call: StatesCall): Promise<void> {
  const definition = { definition: model.definition, roleArn: model.roleArn }
  if (await exists('DescribeStateMachine', { stateMachineArn: model.arn }, call)) {
    await call('UpdateStateMachine', { stateMachineArn: model.arn, ...definition })
  } else {
    await call('CreateStateMachine', { name: model.name, type: model.type, ...definition })
  }
}

async function putAlias(
  alias: StateMachineAliasModel,
  published: ReadonlyMap<string, string>,
  call: StatesCall,
): Promise<void> {
  const routingConfiguration = alias.routes.map(({ versionArn, weight }) => ({
    stateMachineVersionArn: published.get(versionArn) ?? versionArn,
    weight,
  }))
  if (await exists('DescribeStateMachineAlias', { stateMachineAliasArn: alias.arn }, call)) {
    await call('UpdateStateMachineAlias', { stateMachineAliasArn: alias.arn, routingConfiguration })
  } else {
    await call('CreateStateMachineAlias', { name: alias.name, routingConfiguration })
  }
}

const ABSENT = new Set(['StateMachineDoesNotExist', 'ResourceNotFound', 'ResourceNotFoundException'])

async function exists(operation: string, input: unknown, call: StatesCall): Promise<boolean> {
  try {
    await call(operation, input)
    return true
  } catch (thrown) {
    if (thrown instanceof AwsError && ABSENT.has(thrown.code)) return false
    throw thrown
  }
}

/** A text member of an output. @throws TypeError when it is not there */
export function text(output: unknown, member: string): string {
  const value = isJsonObject(output) ? output[member] : undefined
  if (typeof value === 'string') return value
  throw new TypeError(`Cannot read "${member}" of an answer of Step Functions`)
}
