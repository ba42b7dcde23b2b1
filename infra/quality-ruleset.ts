import { DataQualityRuleset, DataQualityTargetTable } from '@aws-cdk/aws-glue-alpha'
import type { CfnResource } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { SluiceError } from '../core/errors.ts'

export interface QualityRulesetProps {
  readonly name: string
  /** Text of the ruleset. */
  readonly dqdl: string
  readonly databaseName: string
  readonly tableName: string
}

/**
 * A DQDL file as a Glue ruleset. The only place that uses the alpha package of Glue: its ruleset takes names and text where
 * the stable one asks for the constructs of database and table.
 */
export class QualityRuleset extends Construct {
  readonly resource: CfnResource

  constructor(scope: Construct, id: string, props: QualityRulesetProps) {
    super(scope, id)
    const ruleset = new DataQualityRuleset(this, 'Ruleset', {
      rulesetName: props.name,
      rulesetDqdl: props.dqdl,
      targetTable: new DataQualityTargetTable(props.databaseName, props.tableName),
    })
    const [resource] = ruleset.node.children
    if (resource === undefined || !isCfnResource(resource))
      throw new SluiceError('invalid_ruleset', `Cannot find the resource of ruleset "${props.name}"`)
    this.resource = resource
  }
}

const isCfnResource = (construct: object): construct is CfnResource => 'cfnResourceType' in construct
