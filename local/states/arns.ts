import { AwsError } from '../service.ts'

/** A machine's ARN taken apart. */
export interface MachineArn {
  readonly machineArn: string
  readonly name: string
  /** Version number or alias name. */
  readonly qualifier: string | null
}

const MACHINE = /^(arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:([^\s:]{1,80}))(?::([^\s:]{1,80}))?$/
const EXECUTION = /^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:(?:execution|express):\S+$/

/** @throws AwsError InvalidArn */
export function parseMachineArn(arn: string): MachineArn {
  const parts = MACHINE.exec(arn)
  if (parts === null) throw invalidArn(arn)
  const [, machineArn = '', name = '', qualifier] = parts
  return { machineArn, name, qualifier: qualifier ?? null }
}

/** @throws AwsError InvalidArn */
export function checkExecutionArn(arn: string): string {
  if (!EXECUTION.test(arn)) throw invalidArn(arn)
  return arn
}

const invalidArn = (arn: string): AwsError =>
  new AwsError(
    'InvalidArn',
    arn.startsWith('arn:')
      ? `Invalid Arn: 'Resource type not valid in this context: ${arn.split(':')[5] ?? ''}'`
      : `Invalid Arn: 'Invalid ARN prefix: ${arn}'`,
  )

const FORBIDDEN = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]/u

/** @throws AwsError InvalidName when the name of a machine or execution breaks the rules */
export function checkName(name: string): string {
  if (name.length === 0 || [...name].length > 80 || FORBIDDEN.test(name))
    throw new AwsError('InvalidName', `Invalid Name: '${name}'`)
  return name
}
