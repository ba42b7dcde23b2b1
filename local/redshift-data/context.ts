import type { WarehouseModel } from '../assembly/model.ts'
import { ADMINISTRATOR } from '../engines/warehouse/access.ts'
import type { WarehouseEngine } from '../engines/warehouse/engine.ts'
import type { Input } from '../input.ts'
import { AwsError, type Caller, type Clock, type Permission } from '../service.ts'
import type { StatementRecord } from './statement-record.ts'
import type { StatementRunner } from './statement-runner.ts'

/** What the operations share. */
export interface RedshiftDataContext {
  readonly clock: Clock
  readonly ids: () => string
  readonly region: string
  readonly accountId: string
  readonly runner: StatementRunner
  readonly engine: Promise<WarehouseEngine>
  readonly model: () => WarehouseModel | null
  /** What reading a secret takes: the secret, and its key. */
  readonly secretPermissions: (secretArn: string) => Promise<readonly Permission[]>
}

/** Statements belong to a role, whatever its session is called. */
export const ownerOf = (caller: Caller): string => caller.roleArn ?? caller.principalArn

/** `IAMR:{role}` for a role, the administrator for the operator, as for whoever brings the administrator's secret. */
export function databaseUserOf(caller: Caller, secretArn: string | null): string {
  if (secretArn !== null || caller.roleArn === null) return ADMINISTRATOR
  return `IAMR:${caller.roleArn.slice(caller.roleArn.lastIndexOf('/') + 1)}`
}

/** The workgroup and database of a request. @throws AwsError */
export function workgroupOf(context: RedshiftDataContext, input: Input): WarehouseModel {
  const model = context.model()
  const name = input.textOr('WorkgroupName', null)
  if (input.has('ClusterIdentifier'))
    throw new AwsError('ValidationException', 'ClusterIdentifier is not supported here: the warehouse is a workgroup')
  if (input.has('SessionId') || input.has('SessionKeepAliveSeconds'))
    throw new AwsError('NotImplemented', 'redshift-data sessions are not implemented by this runtime', 501)
  if (name === null)
    throw new AwsError('ValidationException', 'Either WorkgroupName or ClusterIdentifier must be specified')
  const short = name.slice(name.lastIndexOf('/') + 1)
  if (model === null || (short !== model.workgroupName && name !== model.workgroupArn))
    throw new AwsError('ValidationException', `Redshift endpoint doesn't exist in this region: ${name}`)
  const database = input.textOr('Database', model.databaseName)
  if (database !== model.databaseName)
    throw new AwsError('ValidationException', `FATAL: database "${database}" does not exist`)
  return model
}

/** Sending SQL: the action on the workgroup, and the credentials it takes: temporary ones, or those of a secret. */
export async function sendPermissions(
  context: RedshiftDataContext,
  action: string,
  input: Input,
): Promise<readonly Permission[]> {
  const { workgroupArn } = workgroupOf(context, input)
  const secretArn = input.textOr('SecretArn', null)
  return [
    { action: `redshift-data:${action}`, resource: workgroupArn },
    ...(secretArn === null
      ? [{ action: 'redshift-serverless:GetCredentials', resource: workgroupArn }]
      : await context.secretPermissions(secretArn)),
  ]
}

/** Asking about a statement: policies commonly allow it to the statement's owner only. */
export function askPermissions(context: RedshiftDataContext, action: string, id: string): readonly Permission[] {
  const owner = context.runner.find(idOf(id).id)?.owner ?? ''
  return [
    {
      action: `redshift-data:${action}`,
      resource: '*',
      context: { 'redshift-data:statement-owner-iam-userid': owner, 'aws:userid': owner },
    },
  ]
}

/** `uuid` or `uuid:n`, counted from 1. */
export function idOf(text: string): { readonly id: string; readonly position: number | null } {
  const [id = '', position] = text.split(':')
  return { id, position: position === undefined ? null : Number(position) }
}

/** @throws AwsError `ResourceNotFoundException`; a statement of another principal is not there either */
export function requireStatement(context: RedshiftDataContext, caller: Caller, text: string): StatementRecord {
  const { id, position } = idOf(text)
  const record = context.runner.find(id)
  const isThere =
    record !== null &&
    record.owner === ownerOf(caller) &&
    (position === null || (record.batch && record.subStatements[position - 1] !== undefined))
  if (record === null || !isThere)
    throw new AwsError('ResourceNotFoundException', 'Query does not exist.', 400, { ResourceId: text })
  return record
}

const MAX_WAIT_SECONDS = 30

/** Long polling: up to 30 seconds. */
export async function waitFor(
  context: RedshiftDataContext,
  id: string,
  input: Input,
  signal: AbortSignal,
): Promise<void> {
  const seconds = input.numberOr('WaitTimeSeconds', 0)
  if (seconds < 0 || seconds > MAX_WAIT_SECONDS)
    throw new AwsError('ValidationException', `WaitTimeSeconds must be between 0 and ${MAX_WAIT_SECONDS}`)
  if (seconds === 0) return
  await context.runner.wait(id, new Date(context.clock.now().getTime() + seconds * 1_000), signal)
}
