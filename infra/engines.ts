import { join } from 'node:path'
import { IgnoreMode } from 'aws-cdk-lib'
import { CfnJob, CfnSecurityConfiguration } from 'aws-cdk-lib/aws-glue'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Asset } from 'aws-cdk-lib/aws-s3-assets'
import { Construct } from 'constructs'
import { assetArnOf } from './asset-arn.ts'
import { type Grant, grant } from './grants.ts'
import type { JobName, Names } from './names.ts'
import type { Settings } from './settings.ts'

export interface EnginesProps {
  readonly settings: Settings
  readonly names: Names
  readonly key: IKey
}

const RUN_OBJECTS = 'Objects are named by tenant, job and run; the bucket and the prefix bound them.'

/** `code` is where the archives lie; the bootstrap script is today's, as Glue reads a job's script when a run starts. */
const runGrants = (names: Names, key: IKey, code: Asset, bootstrap: Asset): readonly Grant[] => [
  {
    actions: ['s3:GetObject'],
    resources: [
      names.objects('validated'),
      names.objects('curated'),
      names.objects('work', 'plans/'),
      names.objects('work', 'runs/'),
    ],
    wildcardReason: RUN_OBJECTS,
  },
  {
    actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
    resources: [names.objects('curated'), names.objects('work', 'runs/'), names.objects('dq-results')],
    wildcardReason: RUN_OBJECTS,
  },
  {
    actions: ['s3:GetObject'],
    resources: [assetArnOf(bootstrap), `arn:aws:s3:::${code.s3BucketName}/*.zip`],
    wildcardReason: 'A run of an execution that began before a deployment loads the archive that it was pinned to.',
  },
  { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [key.keyArn] },
  {
    actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents', 'logs:AssociateKmsKey'],
    resources: [names.arn('logs', 'log-group:/aws-glue/*')],
    wildcardReason: 'Glue names its log groups and streams itself.',
  },
  {
    actions: ['cloudwatch:PutMetricData'],
    resources: ['*'],
    conditions: { StringEquals: { 'cloudwatch:namespace': ['Glue', 'Glue Data Quality'] } },
    wildcardReason: 'Metrics have no ARN; the condition leaves Glue’s namespaces.',
  },
  {
    actions: ['glue:PublishDataQuality'],
    resources: [names.arn('glue', 'dataQualityRuleset/*')],
    wildcardReason: 'A ruleset a dataset: one job serves all datasets, also those added later.',
  },
]

/**
 * The Glue jobs. They share one role, as runs own their prefixes in three zones and a prefix has one writer; and one bootstrap
 * script, which loads the code archive that a run's arguments name by its content's hash.
 */
export class Engines extends Construct {
  /** `s3://` URI of the archive of today's code, for `--code_uri`. */
  readonly codeUri: string

  constructor(scope: Construct, id: string, props: EnginesProps) {
    super(scope, id)
    const { settings, names, key } = props
    const code = new Asset(this, 'Code', {
      path: join(settings.root, 'glue'),
      exclude: ['*', '!executors/', '!*.py', '!wheels/', '!wheels/**', '__pycache__'],
      ignoreMode: IgnoreMode.GIT,
    })
    const bootstrap = new Asset(this, 'Bootstrap', { path: join(settings.root, 'glue', 'bootstrap.py') })
    this.codeUri = code.s3ObjectUrl
    const role = new Role(this, 'Role', {
      roleName: names.roleName('runs'),
      description: 'Runs of the engines: transform and quality',
      assumedBy: new ServicePrincipal('glue.amazonaws.com'),
    })
    grant(role, 'Policy', runGrants(names, key, code, bootstrap))
    const shared = { role: role.roleArn, securityConfiguration: this.#security(key), script: bootstrap.s3ObjectUrl }
    this.#pythonShell('transform-small', 'transform_small', shared)
    this.#spark('transform-large', 'transform_large', { ...shared, workers: 10, timeoutMinutes: 240 })
    this.#spark('quality', 'quality', { ...shared, workers: 4, timeoutMinutes: 120 })
  }

  #security(key: IKey): string {
    const kmsKeyArn = key.keyArn
    const configuration = new CfnSecurityConfiguration(this, 'Security', {
      name: 'sluice',
      encryptionConfiguration: {
        cloudWatchEncryption: { cloudWatchEncryptionMode: 'SSE-KMS', kmsKeyArn },
        jobBookmarksEncryption: { jobBookmarksEncryptionMode: 'CSE-KMS', kmsKeyArn },
        s3Encryptions: [{ s3EncryptionMode: 'SSE-KMS', kmsKeyArn }],
      },
    })
    return configuration.ref
  }

  #pythonShell(name: JobName, entry: string, { role, securityConfiguration, script }: SharedJobProps): void {
    new CfnJob(this, name, {
      name,
      description: 'Small files: the plan’s SQL in one DuckDB, without a Spark start',
      role,
      securityConfiguration,
      command: { name: 'pythonshell', pythonVersion: '3.9', scriptLocation: script },
      maxCapacity: 1,
      maxRetries: 0,
      timeout: 60,
      jobRunQueuingEnabled: true,
      executionProperty: { maxConcurrentRuns: 200 },
      defaultArguments: { '--entry': entry, '--job-language': 'python', 'library-set': 'analytics' },
    })
  }

  #spark(name: JobName, entry: string, props: SharedJobProps & { workers: number; timeoutMinutes: number }): void {
    new CfnJob(this, name, {
      name,
      description:
        name === 'quality' ? 'Evaluates a ruleset over the files of a run' : 'Large files: the same SQL on splits',
      role: props.role,
      securityConfiguration: props.securityConfiguration,
      command: { name: 'glueetl', pythonVersion: '3', scriptLocation: props.script },
      glueVersion: '5.1',
      workerType: 'G.1X',
      numberOfWorkers: props.workers,
      maxRetries: 0,
      timeout: props.timeoutMinutes,
      jobRunQueuingEnabled: true,
      executionProperty: { maxConcurrentRuns: 50 },
      defaultArguments: {
        '--entry': entry,
        '--job-language': 'python',
        '--job-bookmark-option': 'job-bookmark-disable',
        '--enable-auto-scaling': 'true',
        '--enable-continuous-cloudwatch-log': 'true',
        '--enable-metrics': 'true',
        '--enable-observability-metrics': 'true',
      },
    })
  }
}

interface SharedJobProps {
  readonly role: string
  readonly securityConfiguration: string
  readonly script: string
}
