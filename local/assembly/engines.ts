/** What runs on the embedded engines: the Glue jobs and catalog, the warehouse, the metadata database. */
import type { DatabaseModel, GlueJobModel, GlueModel, WarehouseModel } from './model.ts'
import { type Properties, propertiesOf } from './properties.ts'
import type { ResolvedResource } from './resolve-stacks.ts'
import type { ByType } from './storage.ts'

/** Glue's own value where a job sets none. */
const DEFAULT_JOB_TIMEOUT_MINUTES = 480

export function glueOf(byType: ByType, region: string, accountId: string): GlueModel {
  return {
    databases: byType('AWS::Glue::Database').map((resource) => ({
      name: resource.ref,
      input: propertiesOf(resource).jsonObject('DatabaseInput'),
    })),
    tables: byType('AWS::Glue::Table').map((resource) => ({
      databaseName: propertiesOf(resource).text('DatabaseName'),
      name: resource.ref,
      input: propertiesOf(resource).jsonObject('TableInput'),
    })),
    jobs: byType('AWS::Glue::Job').map((resource) => jobOf(resource, region, accountId)),
    rulesets: byType('AWS::Glue::DataQualityRuleset').map((resource) => {
      const properties = propertiesOf(resource)
      const target = properties.object('TargetTable')
      return {
        name: resource.ref,
        dqdl: properties.text('Ruleset'),
        description: properties.optionalText('Description') ?? '',
        targetTable: properties.has('TargetTable')
          ? { databaseName: target.text('DatabaseName'), tableName: target.text('TableName') }
          : null,
      }
    }),
    securityConfigurations: byType('AWS::Glue::SecurityConfiguration').map((resource) => resource.ref),
  }
}

function jobOf(resource: ResolvedResource, region: string, accountId: string): GlueJobModel {
  const properties = propertiesOf(resource)
  const command = properties.object('Command')
  return {
    name: resource.ref,
    arn: `arn:aws:glue:${region}:${accountId}:job/${resource.ref}`,
    roleArn: roleArnOf(properties.text('Role'), accountId),
    command: {
      name: command.text('Name'),
      scriptLocation: command.text('ScriptLocation'),
      pythonVersion: command.optionalText('PythonVersion'),
    },
    defaultArguments: properties.map('DefaultArguments'),
    maxConcurrentRuns: properties.object('ExecutionProperty').count('MaxConcurrentRuns', 1),
    maxRetries: properties.count('MaxRetries', 0),
    timeoutMinutes: properties.count('Timeout', DEFAULT_JOB_TIMEOUT_MINUTES),
    queuing: properties.flag('JobRunQueuingEnabled', false),
    glueVersion: properties.optionalText('GlueVersion'),
    workerType: properties.optionalText('WorkerType'),
    numberOfWorkers: properties.optionalCount('NumberOfWorkers'),
    maxCapacity: properties.optionalCount('MaxCapacity'),
    securityConfiguration: properties.optionalText('SecurityConfiguration'),
    executionClass: properties.optionalText('ExecutionClass'),
  }
}

const roleArnOf = (role: string, accountId: string): string =>
  role.startsWith('arn:') ? role : `arn:aws:iam::${accountId}:role/${role}`

export function warehouseOf(byType: ByType): WarehouseModel | null {
  const [workgroup] = byType('AWS::RedshiftServerless::Workgroup')
  if (workgroup === undefined) return null
  const namespaceName = propertiesOf(workgroup).text('NamespaceName')
  const namespace = byType('AWS::RedshiftServerless::Namespace').find((resource) => resource.ref === namespaceName)
  const properties = namespace === undefined ? null : propertiesOf(namespace)
  return {
    namespaceName,
    workgroupName: workgroup.ref,
    workgroupArn: String(workgroup.attribute('Workgroup.WorkgroupArn')),
    databaseName: properties?.optionalText('DbName') ?? 'dev',
    roleArns: properties === null ? [] : copyRoles(properties),
  }
}

/** `IamRoles` holds ARNs, or objects written by older consoles. */
const copyRoles = (properties: Properties): readonly string[] => {
  const defaultRole = properties.optionalText('DefaultIamRoleArn')
  return [...new Set([...properties.texts('IamRoles'), ...(defaultRole === null ? [] : [defaultRole])])]
}

export function databasesOf(byType: ByType): DatabaseModel[] {
  const clusters = byType('AWS::RDS::DBCluster').map((resource) => ({ resource, id: 'DBClusterResourceId' }))
  const instances = byType('AWS::RDS::DBInstance')
    .filter((resource) => !propertiesOf(resource).has('DBClusterIdentifier'))
    .map((resource) => ({ resource, id: 'DbiResourceId' }))
  return [...clusters, ...instances].map(({ resource, id }) => {
    const properties = propertiesOf(resource)
    return {
      identifier: resource.ref,
      resourceId: String(resource.attribute(id)),
      databaseName: properties.optionalText('DatabaseName') ?? properties.optionalText('DBName') ?? 'postgres',
      engine: properties.optionalText('Engine') ?? 'postgres',
      iamAuthentication: properties.flag('EnableIAMDatabaseAuthentication', false),
    }
  })
}
