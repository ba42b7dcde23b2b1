import { join } from 'node:path'
import { Duration, Token } from 'aws-cdk-lib'
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { type Catalogue, seedDocumentOf } from './catalogue.ts'
import type { FoundationStack } from './foundation-stack.ts'
import { SluiceFunction } from './functions.ts'
import type { GeneratedFiles } from './generated-files.ts'
import type { Grant } from './grants.ts'
import type { MetadataStack } from './metadata-stack.ts'
import { DATABASE_NAME, DATABASE_USER, type Names } from './names.ts'
import type { Settings } from './settings.ts'
import type { WarehouseStack } from './warehouse-stack.ts'

export interface WorkflowFunctionsProps {
  readonly settings: Settings
  readonly names: Names
  readonly catalogue: Catalogue
  readonly files: GeneratedFiles
  readonly foundation: FoundationStack
  readonly metadata: MetadataStack
  readonly warehouse: WarehouseStack
  readonly deadLetters: IQueue
}

const BY_TENANT = 'Objects are named by tenant, job and run; the bucket and the prefix bound them.'

const bucketsOf = (names: Names): Readonly<Record<string, string>> => ({
  RAW_BUCKET: names.bucket('raw'),
  VALIDATED_BUCKET: names.bucket('validated'),
  CURATED_BUCKET: names.bucket('curated'),
  QUARANTINE_BUCKET: names.bucket('quarantine'),
  DQ_RESULTS_BUCKET: names.bucket('dq-results'),
  WORK_BUCKET: names.bucket('work'),
  REPLAY_BUCKET: names.bucket('replay'),
})

const objects = (actions: readonly string[], resources: readonly string[]): Grant => ({
  actions,
  resources,
  wildcardReason: BY_TENANT,
})

/** ListBucket makes a missing object a 404 instead of a 403. */
const listing = (bucketArn: string, prefixes: readonly string[]): Grant => ({
  actions: ['s3:ListBucket'],
  resources: [bucketArn],
  conditions: { StringLikeIfExists: { 's3:prefix': prefixes } },
})

/** The three functions of the design; there is no fourth. */
export class WorkflowFunctions extends Construct {
  readonly validate: SluiceFunction
  readonly quarantine: SluiceFunction
  readonly metadata: SluiceFunction

  constructor(scope: Construct, id: string, props: WorkflowFunctionsProps) {
    super(scope, id)
    this.validate = this.#validate(props)
    this.quarantine = this.#quarantine(props)
    this.metadata = this.#metadata(props)
    this.metadata.lambda.currentVersion.configureAsyncInvoke({
      onFailure: new SqsDestination(props.deadLetters),
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
    })
  }

  #validate({ settings, names, foundation, warehouse }: WorkflowFunctionsProps): SluiceFunction {
    return new SluiceFunction(this, 'Validate', {
      settings,
      names,
      name: 'validate',
      description: 'Looks at head, beginning and end of a version; compiles and stores the plan',
      environment: { ...bucketsOf(names), COPY_ROLE_ARN: warehouse.copyRoleArn },
      timeoutSeconds: 60,
      memoryMb: 1024,
      reservedConcurrency: 50,
      grants: [
        objects(['s3:GetObjectVersion'], [names.objects('raw', 'landing/')]),
        listing(names.bucketArn('raw'), ['landing/*']),
        objects(['s3:GetObject'], [names.objects('work', 'config/')]),
        // Earlier results of the tenant's dataset, for rules that compare with them.
        objects(['s3:GetObject'], [names.objects('dq-results', '*/history/')]),
        listing(names.bucketArn('dq-results'), ['*/tenant=*/history/*']),
        objects(['s3:PutObject'], [names.objects('work', 'plans/')]),
        { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [foundation.key.keyArn] },
      ],
    })
  }

  #quarantine({ settings, names, foundation }: WorkflowFunctionsProps): SluiceFunction {
    return new SluiceFunction(this, 'Quarantine', {
      settings,
      names,
      name: 'quarantine',
      description: 'Writes the manifest and the error report of a source that must not proceed',
      environment: bucketsOf(names),
      timeoutSeconds: 60,
      memoryMb: 1024,
      reservedConcurrency: 20,
      grants: [
        objects(['s3:GetObject'], [names.objects('work', 'runs/'), names.objects('dq-results')]),
        listing(names.bucketArn('work'), ['runs/*']),
        listing(names.bucketArn('dq-results'), ['*/tenant=*']),
        objects(['s3:PutObject'], [names.objects('quarantine')]),
        { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [foundation.key.keyArn] },
      ],
    })
  }

  #metadata(props: WorkflowFunctionsProps): SluiceFunction {
    const { settings, names, foundation, metadata, catalogue, files, deadLetters } = props
    return new SluiceFunction(this, 'Metadata', {
      settings,
      names,
      name: 'metadata',
      description: 'Jobs, tenants, mappings and errors in Postgres',
      environment: {
        WORK_BUCKET: names.bucket('work'),
        RAW_BUCKET: names.bucket('raw'),
        DATABASE_HOST: metadata.cluster.clusterEndpoint.hostname,
        DATABASE_PORT: Token.asString(metadata.cluster.clusterEndpoint.port),
        DATABASE_NAME,
        DATABASE_USER,
        DATABASE_ADMIN_SECRET_ARN: metadata.adminSecretArn,
      },
      // Planning a replay looks at each of its sources, 20,000 at most, and holds their lines.
      timeoutSeconds: 600,
      memoryMb: 1024,
      reservedConcurrency: 20,
      files: {
        migrations: join(settings.root, 'lambdas', 'metadata', 'migrations'),
        'seed.json': files.json('seed.json', seedDocumentOf(catalogue)),
      },
      network: { vpc: foundation.vpc, securityGroup: metadata.clientSecurityGroup },
      grants: [
        objects(['s3:GetObject'], [names.objects('work', 'runs/')]),
        // A run whose summary could not be read may have no sample of its rejects.
        listing(names.bucketArn('work'), ['runs/*']),
        objects(['s3:PutObject'], [names.objects('work', 'config/')]),
        objects(['s3:GetObjectVersion'], [names.objects('raw', 'landing/'), names.objects('replay', 'manifests/')]),
        listing(names.bucketArn('raw'), ['landing/*']),
        objects(['s3:GetObject', 's3:PutObject'], [names.objects('replay', 'audit/')]),
        {
          actions: ['s3:PutObject'],
          resources: [`${names.bucketArn('replay')}/manifests/*.result`],
          wildcardReason: 'The result of a replay lies beside its manifest, whatever its name.',
        },
        listing(names.bucketArn('replay'), ['manifests/*', 'audit/*']),
        { actions: ['rds-db:connect'], resources: [metadata.connectArn(settings.account, settings.region)] },
        { actions: ['secretsmanager:GetSecretValue'], resources: [metadata.adminSecretArn] },
        { actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] },
        { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [foundation.key.keyArn] },
      ],
    })
  }
}
