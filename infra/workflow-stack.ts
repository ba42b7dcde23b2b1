import { Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction, SfnStateMachine, SqsQueue } from 'aws-cdk-lib/aws-events-targets'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import { deploymentStatements } from '../warehouse/deploy.ts'
import type { Catalogue } from './catalogue.ts'
import { DatasetCatalog } from './dataset-catalog.ts'
import { Engines } from './engines.ts'
import type { FoundationStack } from './foundation-stack.ts'
import { GeneratedFiles } from './generated-files.ts'
import {
  type DeployedArns,
  deployGrants,
  ingestGrants,
  intakeGrants,
  replayGrants,
  sweepGrants,
} from './machine-policies.ts'
import type { MetadataStack } from './metadata-stack.ts'
import { CATALOG_DATABASE, EVENT_BUS, type Names, WAREHOUSE } from './names.ts'
import type { Settings } from './settings.ts'
import { SluiceStateMachine } from './state-machine.ts'
import { WarehouseBatches } from './warehouse-batches.ts'
import type { WarehouseStack } from './warehouse-stack.ts'
import { WorkflowFunctions } from './workflow-functions.ts'

export interface WorkflowProps extends StackProps {
  readonly settings: Settings
  readonly names: Names
  readonly catalogue: Catalogue
  readonly foundation: FoundationStack
  readonly metadata: MetadataStack
  readonly warehouse: WarehouseStack
}

/** Delivery of an event is tried for this long before it goes to the dead-letter queue. */
const DELIVERY = { retryAttempts: 24, maxEventAge: Duration.hours(4) }

/** The way of a file: functions, engines, catalog, machines, and the events that start them. */
export class WorkflowStack extends Stack {
  readonly #props: WorkflowProps
  readonly #deadLetters: Queue
  readonly #functions: WorkflowFunctions
  readonly #engines: Engines
  readonly #arns: DeployedArns

  constructor(scope: Construct, id: string, props: WorkflowProps) {
    super(scope, id, props)
    const { settings, names, catalogue, foundation, warehouse } = props
    const files = new GeneratedFiles()
    this.#props = props
    this.#deadLetters = this.#queue()
    this.#functions = new WorkflowFunctions(this, 'Functions', { ...props, files, deadLetters: this.#deadLetters })
    this.#engines = new Engines(this, 'Engines', { settings, names, key: foundation.key })
    new DatasetCatalog(this, 'Catalog', { settings, names, catalogue })
    this.#arns = {
      keyArn: foundation.key.keyArn,
      workgroupArn: warehouse.workgroupArn,
      warehouseAdminSecretArn: warehouse.adminSecretArn,
      deadLetterQueueArn: this.#deadLetters.queueArn,
    }
    const ingest = this.#ingest()
    this.#intake(ingest)
    this.#sweep(ingest)
    this.#replay(ingest)
    this.#deploy(files)
    this.#closeEndedExecutions(ingest)
  }

  #queue(): Queue {
    const queue = new Queue(this, 'DeadLetters', {
      queueName: 'sluice-dead-letters',
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.RETAIN,
    })
    Validations.of(queue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is the dead-letter queue of the rules, of the intake machine and of the metadata function.',
    })
    return queue
  }

  #ingest(): SluiceStateMachine {
    const { settings, names } = this.#props
    const { validate, quarantine, metadata } = this.#functions
    return new SluiceStateMachine(this, 'Ingest', {
      settings,
      names,
      name: 'ingest',
      type: 'STANDARD',
      grants: ingestGrants(names, this.#arns),
      substitutions: {
        ValidateFunctionArn: validate.versionArn,
        QuarantineFunctionArn: quarantine.versionArn,
        MetadataFunctionArn: metadata.versionArn,
        TransformSmallJob: 'transform-small',
        TransformLargeJob: 'transform-large',
        QualityJob: 'quality',
        CodeUri: this.#engines.codeUri,
        WorkBucket: names.bucket('work'),
        CuratedBucket: names.bucket('curated'),
        DqResultsBucket: names.bucket('dq-results'),
        CatalogDatabase: CATALOG_DATABASE,
        WarehouseWorkgroup: WAREHOUSE,
        WarehouseDatabase: WAREHOUSE,
        EventBusName: EVENT_BUS,
        SingleCopyMaxBytes: String(settings.singleCopyMaxBytes),
        CopyPartBytes: String(settings.copyPartBytes),
        QuotaWaits: String(settings.quotaWaits),
        QuotaWaitSeconds: String(settings.quotaWaitSeconds),
      },
    })
  }

  /** Every object under `landing/` starts intake, whatever its name: what cannot be read gets an answer, not silence. */
  #intake(ingest: SluiceStateMachine): void {
    const { settings, names } = this.#props
    const intake = new SluiceStateMachine(this, 'Intake', {
      settings,
      names,
      name: 'intake',
      type: 'EXPRESS',
      grants: intakeGrants(names, this.#arns),
      substitutions: { IngestAliasArn: ingest.liveArn, DeadLetterQueueUrl: this.#deadLetters.queueUrl },
    })
    const rule = new Rule(this, 'Landed', {
      ruleName: 'sluice-landed',
      description: 'An object landed in raw',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [names.bucket('raw')] }, object: { key: [{ prefix: 'landing/' }] } },
      },
    })
    rule.addTarget(this.#start('IntakeLive', intake))
    rule.node.addDependency(intake)
  }

  #sweep(ingest: SluiceStateMachine): void {
    const { settings, names } = this.#props
    const sweep = new SluiceStateMachine(this, 'Sweep', {
      settings,
      names,
      name: 'sweep',
      type: 'STANDARD',
      grants: sweepGrants(names),
      substitutions: {
        RawBucket: names.bucket('raw'),
        MetadataFunctionArn: this.#functions.metadata.versionArn,
        IngestAliasArn: ingest.liveArn,
        IngestMachineArn: ingest.arn,
        SweepGraceSeconds: String(settings.sweepGraceSeconds),
      },
    })
    const rule = new Rule(this, 'SweepSchedule', {
      ruleName: 'sluice-sweep',
      description: 'Compares landed versions with jobs, and running jobs with executions',
      schedule: Schedule.rate(Duration.minutes(settings.sweepEveryMinutes)),
    })
    rule.addTarget(this.#start('SweepLive', sweep, RuleTargetInput.fromObject({})))
    rule.node.addDependency(sweep)
  }

  /** A manifest dropped in the replay bucket starts its replay, no other action; results beside manifests have another suffix. */
  #replay(ingest: SluiceStateMachine): void {
    const { settings, names } = this.#props
    const replay = new SluiceStateMachine(this, 'Replay', {
      settings,
      names,
      name: 'replay',
      type: 'STANDARD',
      grants: replayGrants(names, this.#arns),
      substitutions: {
        MetadataFunctionArn: this.#functions.metadata.versionArn,
        IngestAliasArn: ingest.liveArn,
        IngestMachineArn: ingest.arn,
      },
    })
    const rule = new Rule(this, 'ManifestDropped', {
      ruleName: 'sluice-replay',
      description: 'A replay manifest was dropped',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [names.bucket('replay')] }, object: { key: [{ wildcard: 'manifests/*.json' }] } },
      },
    })
    rule.addTarget(this.#start('ReplayLive', replay))
    rule.node.addDependency(replay)
  }

  #deploy(files: GeneratedFiles): void {
    const { settings, names, catalogue } = this.#props
    const tenants = [...new Set(catalogue.mappings.map(({ tenantId }) => tenantId))].sort()
    const loaderUser = `IAMR:${names.roleName('ingest')}`
    const statements = deploymentStatements(catalogue.contracts, { loaderUser, tenants })
    const batches = new WarehouseBatches(this, 'WarehouseBatches', statements, files)
    new SluiceStateMachine(this, 'Deploy', {
      settings,
      names,
      name: 'deploy',
      type: 'STANDARD',
      grants: deployGrants(names, this.#arns, batches.arns),
      substitutions: {
        MetadataFunctionArn: this.#functions.metadata.versionArn,
        AssetBucket: batches.index.s3BucketName,
        WarehouseBatchesKey: batches.index.s3ObjectKey,
        WarehouseWorkgroup: WAREHOUSE,
        WarehouseDatabase: WAREHOUSE,
        WarehouseAdminSecretArn: this.#arns.warehouseAdminSecretArn,
      },
    })
  }

  /**
   * What no Catch sees: an execution that failed, ran out of time or was stopped still ends its job. Its event, with the source
   * that it was started for and the error that retries did not mend, waits for an operator too.
   */
  #closeEndedExecutions(ingest: SluiceStateMachine): void {
    const rule = new Rule(this, 'ExecutionEnded', {
      ruleName: 'sluice-execution-ended',
      description: 'An execution of ingest ended without an end of its job',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [ingest.arn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
    })
    const { currentVersion } = this.#functions.metadata.lambda
    rule.addTarget(new LambdaFunction(currentVersion, { deadLetterQueue: this.#deadLetters, ...DELIVERY }))
    rule.addTarget(new SqsQueue(this.#deadLetters, { deadLetterQueue: this.#deadLetters, ...DELIVERY }))
  }

  #start(id: string, machine: SluiceStateMachine, input?: RuleTargetInput): SfnStateMachine {
    return new SfnStateMachine(StateMachine.fromStateMachineArn(this, id, machine.liveArn), {
      deadLetterQueue: this.#deadLetters,
      ...DELIVERY,
      ...(input === undefined ? {} : { input }),
    })
  }
}
