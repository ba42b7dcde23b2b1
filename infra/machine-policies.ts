import type { Grant } from './grants.ts'
import { CATALOG_DATABASE, EVENT_BUS, FUNCTIONS, type FunctionName, JOBS, type Names } from './names.ts'

/** ARNs that only the other stacks know. */
export interface DeployedArns {
  readonly keyArn: string
  readonly workgroupArn: string
  readonly warehouseAdminSecretArn: string
  readonly deadLetterQueueArn: string
}

const OBJECTS_OF_A_PREFIX = 'Objects are named by tenant, job and run; the bucket and the prefix bound them.'

/** Logs and traces that Step Functions writes for a machine; AWS names no resource for either. */
const OBSERVABILITY: readonly Grant[] = [
  {
    actions: [
      'logs:CreateLogDelivery',
      'logs:GetLogDelivery',
      'logs:UpdateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:DescribeResourcePolicies',
      'logs:DescribeLogGroups',
    ],
    resources: ['*'],
    wildcardReason: 'The log delivery API has no resource-level permissions.',
  },
  {
    actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets'],
    resources: ['*'],
    wildcardReason: 'X-Ray has no resource-level permissions.',
  },
]

const invoke = (names: Names, functions: readonly FunctionName[]): Grant => ({
  actions: ['lambda:InvokeFunction'],
  resources: functions.flatMap((name) => [names.functionArn(name), `${names.functionArn(name)}:*`]),
  wildcardReason: 'Executions finish on the function versions they started with, whichever is newest now.',
})

const statements = (workgroupArn: string, asking: readonly string[]): readonly Grant[] => [
  { actions: ['redshift-data:BatchExecuteStatement'], resources: [workgroupArn] },
  {
    actions: asking,
    resources: ['*'],
    conditions: { StringEquals: { 'redshift-data:statement-owner-iam-userid': `\${aws:userid}` } },
    wildcardReason: 'Statements have no ARN; the condition leaves those that the same role sent.',
  },
]

/** ListBucket makes a missing manifest a 404, which is an answer about the run, instead of a 403; nothing is listed. */
const notFoundInsteadOfDenied = (names: Names): Grant => ({
  actions: ['s3:ListBucket'],
  resources: [names.bucketArn('work')],
  conditions: { StringLikeIfExists: { 's3:prefix': ['runs/*', 'plans/*'] } },
})

const copying = (names: Names): readonly Grant[] => [
  {
    actions: ['s3:GetObjectVersion'],
    resources: [names.objects('raw', 'landing/')],
    wildcardReason: OBJECTS_OF_A_PREFIX,
  },
  {
    actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
    resources: [names.objects('validated')],
    wildcardReason: OBJECTS_OF_A_PREFIX,
  },
]

export const ingestGrants = (names: Names, { keyArn, workgroupArn }: DeployedArns): readonly Grant[] => [
  invoke(names, FUNCTIONS),
  ...copying(names),
  {
    actions: ['s3:GetObject'],
    resources: [names.objects('work', 'plans/'), names.objects('work', 'runs/'), names.objects('dq-results')],
    wildcardReason: OBJECTS_OF_A_PREFIX,
  },
  notFoundInsteadOfDenied(names),
  {
    actions: ['s3:ListBucket'],
    resources: [names.bucketArn('curated')],
    conditions: { StringLike: { 's3:prefix': ['*/tenant=*/ingest_date=*/run=*/'] } },
  },
  { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [keyArn] },
  {
    actions: ['glue:StartJobRun', 'glue:GetJobRun', 'glue:GetJobRuns', 'glue:BatchStopJobRun'],
    resources: JOBS.map(names.jobArn),
  },
  {
    actions: ['glue:CreatePartition'],
    resources: [
      names.arn('glue', 'catalog'),
      names.arn('glue', `database/${CATALOG_DATABASE}`),
      names.arn('glue', `table/${CATALOG_DATABASE}/*`),
    ],
    wildcardReason: 'A table a dataset: one machine serves all datasets, also those added later.',
  },
  ...statements(workgroupArn, ['redshift-data:DescribeStatement', 'redshift-data:GetStatementResult']),
  { actions: ['redshift-serverless:GetCredentials'], resources: [workgroupArn] },
  { actions: ['events:PutEvents'], resources: [names.arn('events', `event-bus/${EVENT_BUS}`)] },
  ...OBSERVABILITY,
]

export const intakeGrants = (names: Names, { deadLetterQueueArn }: DeployedArns): readonly Grant[] => [
  { actions: ['states:StartExecution'], resources: [`${names.machineArn('ingest')}:live`] },
  { actions: ['sqs:SendMessage'], resources: [deadLetterQueueArn] },
  ...OBSERVABILITY,
]

export const deployGrants = (
  names: Names,
  { keyArn, workgroupArn, warehouseAdminSecretArn }: DeployedArns,
  assetArns: readonly string[],
): readonly Grant[] => [
  invoke(names, ['metadata']),
  { actions: ['s3:GetObject'], resources: assetArns },
  ...statements(workgroupArn, ['redshift-data:DescribeStatement']),
  { actions: ['secretsmanager:GetSecretValue'], resources: [warehouseAdminSecretArn] },
  { actions: ['kms:Decrypt'], resources: [keyArn] },
  ...OBSERVABILITY,
]

/** The replay machine starts ingest and asks after it; a distributed Map starts its children as executions of the machine itself. */
export const replayGrants = (names: Names, { keyArn }: DeployedArns): readonly Grant[] => [
  invoke(names, ['metadata']),
  {
    actions: ['s3:GetObject'],
    resources: [names.objects('replay', 'audit/')],
    wildcardReason: 'Plans are named by their replay; the bucket and the prefix bound them.',
  },
  { actions: ['kms:Decrypt'], resources: [keyArn] },
  {
    actions: ['states:StartExecution'],
    resources: [`${names.machineArn('ingest')}:live`, names.machineArn('replay')],
  },
  {
    actions: ['states:DescribeExecution'],
    resources: [names.arn('states', 'execution:ingest:*'), names.arn('states', 'execution:replay:*')],
    wildcardReason: 'Executions of the two machines, whatever their names.',
  },
  {
    actions: ['states:StopExecution'],
    resources: [names.arn('states', 'execution:replay:*')],
    wildcardReason: 'Step Functions stops the children of a Map that is stopped.',
  },
  ...OBSERVABILITY,
]

export const sweepGrants = (names: Names): readonly Grant[] => [
  invoke(names, ['metadata']),
  {
    actions: ['s3:ListBucketVersions'],
    resources: [names.bucketArn('raw')],
    conditions: { StringLike: { 's3:prefix': ['landing/*'] } },
  },
  {
    actions: ['states:StartExecution'],
    resources: [`${names.machineArn('ingest')}:live`, names.machineArn('sweep'), `${names.machineArn('sweep')}:live`],
  },
  {
    actions: ['states:DescribeExecution'],
    resources: [names.arn('states', 'execution:ingest:*')],
    wildcardReason: 'Executions of the ingest machine, whatever their names.',
  },
  ...OBSERVABILITY,
]
