import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RemovalPolicy } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { CfnStateMachine, CfnStateMachineAlias, CfnStateMachineVersion } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { assertSubstituted, parseDefinition } from '../asl/definition.ts'
import { lintDefinition } from '../asl/lint.ts'
import { SluiceError } from '../core/errors.ts'
import { type Grant, grant } from './grants.ts'
import { DEFINITION_VERSIONS, type MachineName, type Names } from './names.ts'
import type { Settings } from './settings.ts'

export interface SluiceStateMachineProps {
  readonly settings: Settings
  readonly names: Names
  readonly name: MachineName
  readonly type: 'STANDARD' | 'EXPRESS'
  /** Values of the definition's `${Name}` placeholders. */
  readonly substitutions: Readonly<Record<string, string>>
  readonly grants: readonly Grant[]
}

/**
 * A machine from `asl/{name}/v{n}.asl.json`, logged and traced, with a retained version for each definition and the alias
 * `live` on the newest, or on the one that a setting holds it on. The definition is in the template, so that the template's own checks see it.
 */
export class SluiceStateMachine extends Construct {
  readonly arn: string
  readonly liveArn: string

  constructor(scope: Construct, id: string, props: SluiceStateMachineProps) {
    super(scope, id)
    const { names, name } = props
    const role = this.#role(props)
    const machine = new CfnStateMachine(this, 'Machine', {
      stateMachineName: name,
      stateMachineType: props.type,
      roleArn: role.roleArn,
      definitionString: definitionOf(props),
      definitionSubstitutions: { ...props.substitutions },
      loggingConfiguration: {
        level: 'ALL',
        includeExecutionData: true,
        destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: this.#logGroup(name).logGroupArn } }],
      },
      tracingConfiguration: { enabled: true },
    })
    machine.node.addDependency(role)
    this.#publish(machine, props)
    this.arn = names.machineArn(name)
    this.liveArn = `${this.arn}:live`
  }

  #role({ names, name, settings, grants }: SluiceStateMachineProps): Role {
    const role = new Role(this, 'Role', {
      roleName: names.roleName(name),
      description: `State machine ${name}`,
      assumedBy: new ServicePrincipal('states.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': settings.account },
          ArnLike: { 'aws:SourceArn': names.arn('states', 'stateMachine:*') },
        },
      }),
    })
    grant(role, 'Policy', grants)
    return role
  }

  #logGroup(name: MachineName): LogGroup {
    return new LogGroup(this, 'Logs', {
      logGroupName: `/aws/vendedlogs/states/sluice-${name}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    })
  }

  /** Running executions finish on their version, so versions stay when a newer one is published. */
  #publish(machine: CfnStateMachine, { name, names, settings }: SluiceStateMachineProps): void {
    const version = new CfnStateMachineVersion(this, 'Version', {
      stateMachineArn: machine.attrArn,
      stateMachineRevisionId: machine.attrStateMachineRevisionId,
    })
    version.applyRemovalPolicy(RemovalPolicy.RETAIN)
    new CfnStateMachineAlias(this, 'Live', {
      name: 'live',
      ...(name === 'ingest' && settings.liveVersion !== null
        ? {
            routingConfiguration: [
              { stateMachineVersionArn: `${names.machineArn(name)}:${settings.liveVersion}`, weight: 100 },
            ],
          }
        : { deploymentPreference: { stateMachineVersionArn: version.attrArn, type: 'ALL_AT_ONCE' } }),
    })
  }
}

/** @throws SluiceError `invalid_definition` */
function definitionOf({ settings, name, substitutions }: SluiceStateMachineProps): string {
  const file = join('asl', name, `v${DEFINITION_VERSIONS[name]}.asl.json`)
  const text = readFileSync(join(settings.root, file), 'utf8')
  const problems = lintDefinition(parseDefinition(text, file)).map(({ state, message }) => `${state}: ${message}`)
  if (problems.length > 0)
    throw new SluiceError('invalid_definition', `Cannot use ${file}: ${problems.join('; ')}`, { where: { file } })
  assertSubstituted(text, file, Object.keys(substitutions))
  return JSON.stringify(JSON.parse(text))
}
