/** What a cloud assembly declares, with every reference resolved to its local value. */
import type { Json, JsonObject } from '../../core/json.ts'

/** An IAM policy document as CloudFormation carries it. */
export interface PolicyDocument extends JsonObject {
  readonly Version?: string
  readonly Statement: Json
}

export interface BucketModel {
  readonly name: string
  readonly arn: string
  readonly logicalId: string
  readonly stackName: string
  readonly versioned: boolean
  /** `null`: SSE-S3. */
  readonly kmsKeyArn: string | null
  readonly bucketKeyEnabled: boolean
  readonly eventBridge: boolean
  readonly policy: PolicyDocument | null
  /** CloudFormation's form of the remaining configuration, kept for the describing calls. */
  readonly lifecycle: Json
  readonly publicAccessBlock: Json
  readonly ownershipControls: Json
}

export interface KeyModel {
  readonly arn: string
  readonly keyId: string
  readonly policy: PolicyDocument
  readonly aliases: readonly string[]
}

export interface RoleModel {
  readonly arn: string
  readonly name: string
  readonly trust: PolicyDocument
  readonly policies: readonly { readonly name: string; readonly document: PolicyDocument }[]
}

/** A resource-based policy: bucket, key, queue, function, secret, topic, event bus. */
export interface ResourcePolicyModel {
  readonly resourceArn: string
  readonly document: PolicyDocument
}

export interface FunctionModel {
  readonly name: string
  readonly arn: string
  readonly logicalId: string
  readonly roleArn: string
  /** Folder of the bundle, absolute. */
  readonly codeDirectory: string
  /** The asset's content hash. */
  readonly codeHash: string
  readonly handler: string
  readonly runtime: string
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutSeconds: number
  readonly memoryMegabytes: number
  /** `null`: unreserved. */
  readonly reservedConcurrency: number | null
  readonly description: string
  /** Versions that the template publishes, by number. */
  readonly versions: readonly string[]
  readonly aliases: readonly { readonly name: string; readonly version: string }[]
  readonly asyncInvocation: readonly AsyncInvocationModel[]
}

export interface AsyncInvocationModel {
  readonly qualifier: string
  /** 0 to 2. */
  readonly maximumRetryAttempts: number
  readonly maximumEventAgeSeconds: number
  readonly onFailureArn: string | null
  readonly onSuccessArn: string | null
}

export interface StateMachineModel {
  readonly name: string
  readonly arn: string
  readonly logicalId: string
  readonly type: 'STANDARD' | 'EXPRESS'
  /** JSON text with the substitutions made. */
  readonly definition: string
  readonly roleArn: string
  readonly loggingConfiguration: Json
  readonly tracingConfiguration: Json
  /** Digest of definition and role, as the template's `StateMachineRevisionId`. */
  readonly revisionId: string
  readonly versions: readonly { readonly arn: string; readonly number: string; readonly description: string }[]
  readonly aliases: readonly StateMachineAliasModel[]
}

export interface StateMachineAliasModel {
  readonly name: string
  readonly arn: string
  readonly routes: readonly { readonly versionArn: string; readonly weight: number }[]
}

export interface EventBusModel {
  readonly name: string
  readonly arn: string
}

export interface TargetModel {
  readonly id: string
  readonly arn: string
  readonly roleArn: string | null
  /** JSON text. */
  readonly input: string | null
  readonly inputPath: string | null
  readonly inputTransformer: {
    readonly paths: Readonly<Record<string, string>>
    readonly template: string
  } | null
  readonly deadLetterArn: string | null
  readonly maximumRetryAttempts: number
  readonly maximumEventAgeSeconds: number
}

export interface RuleModel {
  readonly name: string
  readonly arn: string
  readonly busName: string
  readonly state: 'ENABLED' | 'DISABLED'
  readonly description: string
  readonly eventPattern: JsonObject | null
  readonly scheduleExpression: string | null
  readonly targets: readonly TargetModel[]
}

/** An EventBridge Scheduler schedule. */
export interface ScheduleModel {
  readonly name: string
  readonly arn: string
  readonly state: 'ENABLED' | 'DISABLED'
  readonly scheduleExpression: string
  readonly timezone: string
  readonly target: TargetModel
}

export interface QueueModel {
  readonly name: string
  readonly arn: string
  readonly url: string
  readonly fifo: boolean
  readonly kmsKeyArn: string | null
  readonly visibilityTimeoutSeconds: number
  readonly retentionSeconds: number
  readonly delaySeconds: number
  readonly maximumMessageBytes: number
  readonly receiveWaitSeconds: number
  readonly redrive: { readonly deadLetterArn: string; readonly maxReceiveCount: number } | null
}

export interface TopicModel {
  readonly name: string
  readonly arn: string
  readonly displayName: string
  readonly subscriptions: readonly SubscriptionModel[]
}

export interface SubscriptionModel {
  readonly protocol: string
  readonly endpoint: string
  readonly rawDelivery: boolean
  /** JSON text. */
  readonly filterPolicy: string | null
  readonly filterScope: string
}

export interface SecretModel {
  readonly name: string
  readonly arn: string
  readonly description: string
  readonly kmsKeyArn: string | null
  readonly secretString: string | null
  readonly generate: JsonObject | null
  /** Connection members that an attachment to a database adds to the value. */
  readonly attachment: JsonObject | null
}

export interface GlueModel {
  readonly databases: readonly { readonly name: string; readonly input: JsonObject }[]
  readonly tables: readonly { readonly databaseName: string; readonly name: string; readonly input: JsonObject }[]
  readonly jobs: readonly GlueJobModel[]
  readonly rulesets: readonly GlueRulesetModel[]
  readonly securityConfigurations: readonly string[]
}

export interface GlueJobModel {
  readonly name: string
  readonly arn: string
  readonly roleArn: string
  readonly command: { readonly name: string; readonly scriptLocation: string; readonly pythonVersion: string | null }
  readonly defaultArguments: Readonly<Record<string, string>>
  readonly maxConcurrentRuns: number
  readonly maxRetries: number
  readonly timeoutMinutes: number
  readonly queuing: boolean
  readonly glueVersion: string | null
  readonly workerType: string | null
  readonly numberOfWorkers: number | null
  readonly maxCapacity: number | null
  readonly securityConfiguration: string | null
  readonly executionClass: string | null
}

export interface GlueRulesetModel {
  readonly name: string
  readonly dqdl: string
  readonly description: string
  readonly targetTable: { readonly databaseName: string; readonly tableName: string } | null
}

export interface WarehouseModel {
  readonly namespaceName: string
  readonly workgroupName: string
  readonly workgroupArn: string
  readonly databaseName: string
  /** Roles that COPY may assume. */
  readonly roleArns: readonly string[]
}

export interface DatabaseModel {
  readonly identifier: string
  readonly resourceId: string
  readonly databaseName: string
  readonly engine: string
  readonly iamAuthentication: boolean
}

/** A file that `cdk deploy` would upload. */
export interface FileAsset {
  readonly hash: string
  /** Absolute. */
  readonly path: string
  readonly packaging: 'file' | 'zip'
  readonly bucketName: string
  readonly objectKey: string
}

/** An SSM parameter. */
export interface ParameterModel {
  readonly name: string
  readonly value: string
  readonly type: 'String' | 'StringList'
}

export interface LogGroupModel {
  readonly name: string
  readonly arn: string
  /** `null`: for ever. */
  readonly retentionDays: number | null
}

/** A cloud assembly, resolved. */
export interface Assembly {
  /** Changes with any template or asset. */
  readonly digest: string
  readonly directory: string
  readonly region: string
  readonly accountId: string
  readonly stackNames: readonly string[]
  readonly buckets: readonly BucketModel[]
  readonly keys: readonly KeyModel[]
  readonly roles: readonly RoleModel[]
  readonly resourcePolicies: readonly ResourcePolicyModel[]
  readonly functions: readonly FunctionModel[]
  readonly stateMachines: readonly StateMachineModel[]
  readonly eventBuses: readonly EventBusModel[]
  readonly rules: readonly RuleModel[]
  readonly schedules: readonly ScheduleModel[]
  readonly queues: readonly QueueModel[]
  readonly topics: readonly TopicModel[]
  readonly secrets: readonly SecretModel[]
  readonly parameters: readonly ParameterModel[]
  readonly glue: GlueModel
  readonly warehouse: WarehouseModel | null
  readonly databases: readonly DatabaseModel[]
  readonly logGroups: readonly LogGroupModel[]
  /** Without templates. */
  readonly assets: readonly FileAsset[]
  /** `{stack}.{output}` to value. */
  readonly outputs: Readonly<Record<string, string>>
}
