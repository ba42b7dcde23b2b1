/** What `Ref` and `Fn::GetAtt` mean for each resource type: deterministic names, ids and ARNs. */
import { digestOf, digestOfJson } from '../../core/digest.ts'
import { SluiceError } from '../../core/errors.ts'
import { IGNORED_TYPES } from './ignored-types.ts'

/** A resource whose properties are resolved when asked for. */
export interface Subject {
  readonly stackName: string
  readonly logicalId: string
  readonly type: string
  readonly accountId: string
  readonly region: string
  /** A resolved property, `undefined` where it is not set. */
  property(name: string): unknown
  readonly numbers: VersionNumbers
  readonly local: LocalAttributes
}

/** Numbers of published versions: a version keeps its number for as long as the state folder lives. */
export interface VersionNumbers {
  /** @param key tells one published version of the function or machine `arn` from another */
  numberOf(arn: string, key: string): string
}

/** Attributes that only the running machine knows. */
export interface LocalAttributes {
  readonly databaseHost: string
  readonly databasePort: string
}

interface Identity {
  readonly ref: (subject: Subject) => string
  readonly attributes: Readonly<Record<string, (subject: Subject) => unknown>>
}

const hex = (subject: Subject, length: number): string =>
  digestOf(`${subject.stackName}/${subject.logicalId}`).slice(0, length)

/** A property's text, or a name made of stack and logical id. */
const named =
  (property: string, limit = 64) =>
  (subject: Subject): string => {
    const given = subject.property(property)
    if (typeof given === 'string') return given
    const full = `${subject.stackName}-${subject.logicalId}`
    return full.length <= limit ? full : `${full.slice(0, limit - 9)}-${hex(subject, 8)}`
  }

const uuid = (subject: Subject): string => {
  const digits = hex(subject, 32)
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  )
}

const arn =
  (service: string, resource: (subject: Subject) => string) =>
  (subject: Subject): string =>
    `arn:aws:${service}:${subject.region}:${subject.accountId}:${resource(subject)}`

const globalArn =
  (service: string, resource: (subject: Subject) => string) =>
  (subject: Subject): string =>
    `arn:aws:${service}::${subject.accountId}:${resource(subject)}`

const textOf = (subject: Subject, property: string): string => {
  const value = subject.property(property)
  if (typeof value === 'string') return value
  throw new SluiceError(
    'assembly_invalid',
    `Cannot use ${subject.stackName}/${subject.logicalId}: ${property} must be a text`,
  )
}

const bucketName = (subject: Subject) => named('BucketName', 63)(subject).toLowerCase()
const roleName = named('RoleName')
const functionName = named('FunctionName')
const functionArn = arn('lambda', (subject) => `function:${functionName(subject)}`)
const machineName = named('StateMachineName', 80)
const machineArn = arn('states', (subject) => `stateMachine:${machineName(subject)}`)
const queueName = named('QueueName', 80)
const busName = named('Name')
const ruleName = named('Name')
const secretName = named('Name')
const clusterName = (subject: Subject) => named('DBClusterIdentifier', 63)(subject).toLowerCase()
const instanceName = (subject: Subject) => named('DBInstanceIdentifier', 63)(subject).toLowerCase()
const databasePort = (subject: Subject) => subject.local.databasePort
const databaseHost = (subject: Subject) => subject.local.databaseHost

/** The function's ARN where `FunctionName` may be a name or an ARN. */
const namedFunctionArn = (subject: Subject): string => {
  const given = textOf(subject, 'FunctionName')
  return given.startsWith('arn:') ? given : `arn:aws:lambda:${subject.region}:${subject.accountId}:function:${given}`
}

const functionVersion = (subject: Subject): string =>
  subject.numbers.numberOf(namedFunctionArn(subject), subject.logicalId)

/** A rule on another bus than `default` has the bus in its ARN. */
export const ruleArn = (subject: Subject): string => {
  const bus = subject.property('EventBusName')
  const busPath = typeof bus === 'string' ? (bus.split('/').at(-1) ?? bus) : 'default'
  const path = busPath === 'default' ? ruleName(subject) : `${busPath}/${ruleName(subject)}`
  return `arn:aws:events:${subject.region}:${subject.accountId}:rule/${path}`
}

/** Secrets have six random characters at the end of their ARN. */
const secretArn = arn('secretsmanager', (subject) => `secret:${secretName(subject)}-${hex(subject, 6)}`)

/** Text that changes with what a state machine is: its definition, substitutions and role. */
export const machineRevision = (subject: Subject): string =>
  uuidOf(
    digestOfJson([
      subject.property('DefinitionString') ??
        subject.property('Definition') ??
        subject.property('DefinitionS3Location'),
      subject.property('DefinitionSubstitutions') ?? null,
      subject.property('RoleArn') ?? null,
    ]),
  )

const uuidOf = (digest: string): string =>
  [digest.slice(0, 8), digest.slice(8, 12), digest.slice(12, 16), digest.slice(16, 20), digest.slice(20, 32)].join('-')

const machineVersionArn = (subject: Subject): string => {
  const machine = textOf(subject, 'StateMachineArn')
  const revision = subject.property('StateMachineRevisionId')
  const key = `${subject.logicalId}/${typeof revision === 'string' ? revision : ''}`
  return `${machine}:${subject.numbers.numberOf(machine, key)}`
}

/** An alias belongs to the machine of the versions it routes to. */
const machineAliasArn = (subject: Subject): string => {
  const preference = subject.property('DeploymentPreference')
  const routes = subject.property('RoutingConfiguration')
  const first: unknown = Array.isArray(routes) ? routes[0] : preference
  const versionArn =
    typeof first === 'object' && first !== null && 'StateMachineVersionArn' in first
      ? first.StateMachineVersionArn
      : null
  if (typeof versionArn !== 'string') {
    throw new SluiceError(
      'assembly_invalid',
      `Cannot use ${subject.stackName}/${subject.logicalId}: it routes to no version`,
    )
  }
  return `${versionArn.replace(/:\d+$/, '')}:${named('Name')(subject)}`
}

const plain = (ref: (subject: Subject) => string, attributes: Identity['attributes'] = {}): Identity => ({
  ref,
  attributes,
})
const byArn = (ref: (subject: Subject) => string, attributes: Identity['attributes'] = {}): Identity => ({
  ref,
  attributes: { Arn: ref, ...attributes },
})

/** Types that the runtime acts on. */
export const IDENTITIES: Readonly<Record<string, Identity>> = {
  'AWS::S3::Bucket': plain(bucketName, {
    Arn: (subject) => `arn:aws:s3:::${bucketName(subject)}`,
    DomainName: (subject) => `${bucketName(subject)}.s3.amazonaws.com`,
    RegionalDomainName: (subject) => `${bucketName(subject)}.s3.${subject.region}.amazonaws.com`,
  }),
  'AWS::S3::BucketPolicy': plain((subject) => textOf(subject, 'Bucket')),
  'AWS::KMS::Key': plain(uuid, { Arn: arn('kms', (subject) => `key/${uuid(subject)}`), KeyId: uuid }),
  'AWS::KMS::Alias': plain(named('AliasName')),
  'AWS::IAM::Role': plain(roleName, {
    Arn: globalArn('iam', (subject) => `role/${roleName(subject)}`),
    RoleId: (subject) => `AROA${hex(subject, 17).toUpperCase()}`,
  }),
  'AWS::IAM::Policy': plain(named('PolicyName', 128), { Id: uuid }),
  'AWS::IAM::RolePolicy': plain(named('PolicyName', 128)),
  'AWS::IAM::ManagedPolicy': plain(
    globalArn('iam', (subject) => `policy/${named('ManagedPolicyName', 128)(subject)}`),
    {
      PolicyArn: globalArn('iam', (subject) => `policy/${named('ManagedPolicyName', 128)(subject)}`),
    },
  ),
  'AWS::Lambda::Function': plain(functionName, { Arn: functionArn }),
  'AWS::Lambda::Version': plain((subject) => `${namedFunctionArn(subject)}:${functionVersion(subject)}`, {
    Version: functionVersion,
    FunctionArn: (subject) => `${namedFunctionArn(subject)}:${functionVersion(subject)}`,
  }),
  'AWS::Lambda::Alias': plain((subject) => `${namedFunctionArn(subject)}:${named('Name')(subject)}`, {
    AliasArn: (subject) => `${namedFunctionArn(subject)}:${named('Name')(subject)}`,
  }),
  'AWS::Lambda::Permission': plain(uuid, { Id: uuid }),
  'AWS::Lambda::EventInvokeConfig': plain(uuid),
  'AWS::StepFunctions::StateMachine': byArn(machineArn, {
    Name: machineName,
    StateMachineRevisionId: machineRevision,
  }),
  'AWS::StepFunctions::StateMachineVersion': byArn(machineVersionArn),
  'AWS::StepFunctions::StateMachineAlias': byArn(machineAliasArn),
  'AWS::Events::EventBus': plain(busName, {
    Arn: arn('events', (subject) => `event-bus/${busName(subject)}`),
    Name: busName,
  }),
  'AWS::Events::EventBusPolicy': plain(uuid),
  'AWS::Events::Archive': plain(named('ArchiveName', 48), {
    Arn: arn('events', (subject) => `archive/${named('ArchiveName', 48)(subject)}`),
    ArchiveName: named('ArchiveName', 48),
  }),
  'AWS::Events::Rule': plain((subject) => ruleArn(subject).split(':rule/')[1]?.replace('/', '|') ?? ruleName(subject), {
    Arn: ruleArn,
  }),
  'AWS::Scheduler::Schedule': plain(named('Name'), {
    Arn: arn('scheduler', (subject) => `schedule/default/${named('Name')(subject)}`),
  }),
  'AWS::Scheduler::ScheduleGroup': plain(named('Name'), {
    Arn: arn('scheduler', (subject) => `schedule-group/${named('Name')(subject)}`),
  }),
  'AWS::SQS::Queue': plain(
    (subject) => `https://sqs.${subject.region}.amazonaws.com/${subject.accountId}/${queueName(subject)}`,
    {
      Arn: arn('sqs', queueName),
      QueueName: queueName,
      QueueUrl: (subject) => `https://sqs.${subject.region}.amazonaws.com/${subject.accountId}/${queueName(subject)}`,
    },
  ),
  'AWS::SQS::QueuePolicy': plain(uuid, { Id: uuid }),
  'AWS::SNS::Topic': plain(arn('sns', named('TopicName')), {
    TopicArn: arn('sns', named('TopicName')),
    TopicName: named('TopicName'),
  }),
  'AWS::SNS::TopicPolicy': plain(uuid, { Id: uuid }),
  'AWS::SNS::Subscription': plain(uuid, {}),
  'AWS::SecretsManager::Secret': plain(secretArn, { Id: secretArn }),
  'AWS::SecretsManager::SecretTargetAttachment': plain((subject) => textOf(subject, 'SecretId')),
  'AWS::SecretsManager::ResourcePolicy': plain(uuid, { Id: uuid }),
  'AWS::SSM::Parameter': plain(named('Name'), { Value: (subject) => textOf(subject, 'Value'), Type: () => 'String' }),
  'AWS::Logs::LogGroup': plain(named('LogGroupName', 512), {
    // CloudFormation's attribute ends in `:*`.
    Arn: arn('logs', (subject) => `log-group:${named('LogGroupName', 512)(subject)}:*`),
  }),
  'AWS::Glue::Database': plain((subject) => {
    const input = subject.property('DatabaseInput')
    const name = typeof input === 'object' && input !== null && 'Name' in input ? input.Name : undefined
    return typeof name === 'string' ? name : named('DatabaseName', 255)(subject).toLowerCase()
  }),
  'AWS::Glue::Table': plain((subject) => {
    const input = subject.property('TableInput')
    const name = typeof input === 'object' && input !== null && 'Name' in input ? input.Name : undefined
    return typeof name === 'string' ? name : named('Name', 255)(subject).toLowerCase()
  }),
  'AWS::Glue::Job': plain(named('Name', 255)),
  'AWS::Glue::DataQualityRuleset': plain(named('Name', 255)),
  'AWS::Glue::SecurityConfiguration': plain(named('Name', 255)),
  'AWS::RedshiftServerless::Namespace': plain(named('NamespaceName'), {
    'Namespace.NamespaceArn': arn('redshift-serverless', (subject) => `namespace/${uuid(subject)}`),
    'Namespace.NamespaceId': uuid,
    'Namespace.NamespaceName': named('NamespaceName'),
    'Namespace.DbName': (subject) => subject.property('DbName') ?? 'dev',
    'Namespace.AdminPasswordSecretArn': arn(
      'secretsmanager',
      (subject) => `secret:redshift!${named('NamespaceName')(subject)}-admin-${hex(subject, 6)}`,
    ),
  }),
  'AWS::RedshiftServerless::Workgroup': plain(named('WorkgroupName'), {
    'Workgroup.WorkgroupArn': arn('redshift-serverless', (subject) => `workgroup/${uuid(subject)}`),
    'Workgroup.WorkgroupId': uuid,
    'Workgroup.WorkgroupName': named('WorkgroupName'),
    'Workgroup.Endpoint.Address': () => '127.0.0.1',
    'Workgroup.Endpoint.Port': () => '5439',
  }),
  'AWS::RDS::DBCluster': plain(clusterName, {
    DBClusterArn: arn('rds', (subject) => `cluster:${clusterName(subject)}`),
    DBClusterResourceId: (subject) => `cluster-${hex(subject, 24).toUpperCase()}`,
    'Endpoint.Address': databaseHost,
    'Endpoint.Port': databasePort,
    'ReadEndpoint.Address': databaseHost,
    'MasterUserSecret.SecretArn': arn(
      'secretsmanager',
      (subject) => `secret:rds!${clusterName(subject)}-${hex(subject, 6)}`,
    ),
  }),
  'AWS::RDS::DBInstance': plain(instanceName, {
    DBInstanceArn: arn('rds', (subject) => `db:${instanceName(subject)}`),
    DbiResourceId: (subject) => `db-${hex(subject, 24).toUpperCase()}`,
    'Endpoint.Address': databaseHost,
    'Endpoint.Port': databasePort,
    'MasterUserSecret.SecretArn': arn(
      'secretsmanager',
      (subject) => `secret:rds!${instanceName(subject)}-${hex(subject, 6)}`,
    ),
  }),
}

/** @throws SluiceError `unsupported_resource_type` */
export function assertKnownType(stackName: string, logicalId: string, type: string): void {
  if (type in IDENTITIES || type in IGNORED_TYPES) return
  throw new SluiceError(
    'unsupported_resource_type',
    `Cannot run ${stackName}/${logicalId} as its type "${type}" is not one that the local runtime knows`,
    { where: { path: `${stackName}/${logicalId}` }, found: type },
  )
}

/** The value of `{"Ref": …}`. Ignored types have ids that look like AWS's. */
export function refOf(subject: Subject): string {
  const identity = IDENTITIES[subject.type]
  return identity === undefined ? ignoredId(subject) : identity.ref(subject)
}

/** @throws SluiceError `assembly_invalid` for an attribute that a modelled type does not have */
export function attributeOf(subject: Subject, name: string): unknown {
  const identity = IDENTITIES[subject.type]
  if (identity === undefined) return ignoredAttribute(subject, name)
  const attribute = identity.attributes[name]
  if (attribute !== undefined) return attribute(subject)
  throw new SluiceError(
    'assembly_invalid',
    `Cannot resolve ${subject.stackName}/${subject.logicalId}.${name}: "${subject.type}" has no such attribute here`,
  )
}

const ignoredId = (subject: Subject): string =>
  `${(subject.type.split('::').at(-1) ?? 'resource').toLowerCase()}-${hex(subject, 17)}`

function ignoredAttribute(subject: Subject, name: string): string {
  if (!name.endsWith('Arn')) return ignoredId(subject)
  const service = (subject.type.split('::')[1] ?? 'aws').toLowerCase()
  return `arn:aws:${service}:${subject.region}:${subject.accountId}:${ignoredId(subject)}`
}
