import { AwsError } from '../service.ts'
import { parseMachineArn } from './arns.ts'
import type { MachineRecord, MachineStore } from './machine-store.ts'

interface Known {
  readonly machines: MachineStore
}

/** The machine of a plain or qualified ARN. @throws AwsError StateMachineDoesNotExist, ValidationException for the ARN of a Map */
export function machineOf({ machines }: Known, arn: string): MachineRecord {
  const { machineArn, name } = parseMachineArn(arn)
  if (name.includes('/'))
    throw new AwsError('ValidationException', `The ARN must not be that of a Distributed Map state: '${arn}'`)
  const record = machines.machines.get([machineArn])
  if (record === undefined) throw noMachine(arn)
  return record
}

/** @throws AwsError StateMachineDoesNotExist, StateMachineDeleting */
export const activeMachineOf = (known: Known, arn: string): MachineRecord => checkActive(machineOf(known, arn))

/** @throws AwsError StateMachineDeleting */
export function checkActive(record: MachineRecord): MachineRecord {
  if (record.deleting !== true) return record
  throw new AwsError('StateMachineDeleting', `State Machine Is Being Deleted: '${record.arn}'`)
}

export const noMachine = (arn: string): AwsError =>
  new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`)
