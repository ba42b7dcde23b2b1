/** Buckets, keys, queues, topics and secrets of the template. */
import type {
  BucketModel,
  KeyModel,
  QueueModel,
  ResourcePolicyModel,
  SecretModel,
  SubscriptionModel,
  TopicModel,
} from './model.ts'
import { type Properties, propertiesOf } from './properties.ts'
import type { ResolvedResource } from './resolve-stacks.ts'

export type ByType = (type: string) => readonly ResolvedResource[]

const textAttribute = (resource: ResolvedResource, name: string): string => String(resource.attribute(name))

export function bucketsOf(byType: ByType): BucketModel[] {
  const policies = new Map(
    byType('AWS::S3::BucketPolicy').map((resource) => [resource.ref, propertiesOf(resource).policy('PolicyDocument')]),
  )
  const keyArns = keyArnsOf(byType)
  return byType('AWS::S3::Bucket').map((resource) => {
    const properties = propertiesOf(resource)
    const [encryption] = properties.object('BucketEncryption').objects('ServerSideEncryptionConfiguration')
    const keyId = encryption?.object('ServerSideEncryptionByDefault').optionalText('KMSMasterKeyID') ?? null
    return {
      name: resource.ref,
      arn: textAttribute(resource, 'Arn'),
      logicalId: resource.logicalId,
      stackName: resource.stackName,
      versioned: properties.object('VersioningConfiguration').optionalText('Status') === 'Enabled',
      kmsKeyArn: keyId === null ? null : (keyArns.get(keyId) ?? keyId),
      bucketKeyEnabled: encryption?.flag('BucketKeyEnabled', false) ?? false,
      eventBridge: isEventBridgeOn(properties),
      policy: policies.get(resource.ref) ?? null,
      lifecycle: properties.json('LifecycleConfiguration'),
      publicAccessBlock: properties.json('PublicAccessBlockConfiguration'),
      ownershipControls: properties.json('OwnershipControls'),
    }
  })
}

/** The configuration switches events on by being there, unless it says otherwise. */
function isEventBridgeOn(properties: ReturnType<typeof propertiesOf>): boolean {
  const notification = properties.object('NotificationConfiguration')
  if (!notification.has('EventBridgeConfiguration')) return false
  return notification.object('EventBridgeConfiguration').flag('EventBridgeEnabled', true)
}

/** Keys are named by ARN, id or alias. */
function keyArnsOf(byType: ByType): ReadonlyMap<string, string> {
  return new Map(
    byType('AWS::KMS::Key').flatMap((resource) => {
      const arn = textAttribute(resource, 'Arn')
      return [[resource.ref, arn] as const, [arn, arn] as const]
    }),
  )
}

export function keysOf(byType: ByType): KeyModel[] {
  const keyArns = keyArnsOf(byType)
  const aliases = byType('AWS::KMS::Alias').map((resource) => {
    const target = propertiesOf(resource).text('TargetKeyId')
    return { name: resource.ref, arn: keyArns.get(target) ?? target }
  })
  return byType('AWS::KMS::Key').map((resource) => {
    const arn = textAttribute(resource, 'Arn')
    return {
      arn,
      keyId: resource.ref,
      policy: propertiesOf(resource).policy('KeyPolicy'),
      aliases: aliases.filter((alias) => alias.arn === arn).map((alias) => alias.name),
    }
  })
}

export function queuesOf(byType: ByType): QueueModel[] {
  return byType('AWS::SQS::Queue').map((resource) => {
    const properties = propertiesOf(resource)
    const redrive = properties.object('RedrivePolicy')
    return {
      name: textAttribute(resource, 'QueueName'),
      arn: textAttribute(resource, 'Arn'),
      url: resource.ref,
      fifo: properties.flag('FifoQueue', false),
      kmsKeyArn: properties.optionalText('KmsMasterKeyId'),
      visibilityTimeoutSeconds: properties.count('VisibilityTimeout', 30),
      retentionSeconds: properties.count('MessageRetentionPeriod', 345_600),
      delaySeconds: properties.count('DelaySeconds', 0),
      maximumMessageBytes: properties.count('MaximumMessageSize', 1_048_576),
      receiveWaitSeconds: properties.count('ReceiveMessageWaitTimeSeconds', 0),
      redrive: redrive.has('deadLetterTargetArn')
        ? {
            deadLetterArn: redrive.text('deadLetterTargetArn'),
            maxReceiveCount: redrive.count('maxReceiveCount', 1),
          }
        : null,
    }
  })
}

export function topicsOf(byType: ByType): TopicModel[] {
  const subscriptions = byType('AWS::SNS::Subscription').map(propertiesOf)
  return byType('AWS::SNS::Topic').map((resource) => ({
    name: textAttribute(resource, 'TopicName'),
    arn: resource.ref,
    displayName: propertiesOf(resource).optionalText('DisplayName') ?? '',
    subscriptions: [
      ...propertiesOf(resource).objects('Subscription'),
      ...subscriptions.filter((properties) => properties.text('TopicArn') === resource.ref),
    ].map(subscriptionOf),
  }))
}

const subscriptionOf = (properties: Properties): SubscriptionModel => ({
  protocol: properties.text('Protocol'),
  endpoint: properties.text('Endpoint'),
  rawDelivery: properties.flag('RawMessageDelivery', false),
  filterPolicy: properties.has('FilterPolicy') ? JSON.stringify(properties.jsonObject('FilterPolicy')) : null,
  filterScope: properties.optionalText('FilterPolicyScope') ?? 'MessageAttributes',
})

/** Secrets of the template and those that RDS and Redshift make for an administrator themselves. */
export function secretsOf(byType: ByType): SecretModel[] {
  const attachments = new Map(
    byType('AWS::SecretsManager::SecretTargetAttachment').map((resource) => [resource.ref, resource]),
  )
  const declared = byType('AWS::SecretsManager::Secret').map((resource) => {
    const properties = propertiesOf(resource)
    const attachment = attachments.get(resource.ref)
    return {
      name: resource.ref.replace(/^.*:secret:/, '').replace(/-[0-9A-Za-z]{6}$/, ''),
      arn: resource.ref,
      description: properties.optionalText('Description') ?? '',
      kmsKeyArn: properties.optionalText('KmsKeyId'),
      secretString: properties.optionalText('SecretString'),
      generate: properties.has('GenerateSecretString') ? properties.jsonObject('GenerateSecretString') : null,
      attachment: attachment === undefined ? null : attachmentOf(byType, propertiesOf(attachment).text('TargetId')),
    }
  })
  return [...declared, ...managedSecretsOf(byType)]
}

function managedSecretsOf(byType: ByType): SecretModel[] {
  const databases = [...byType('AWS::RDS::DBCluster'), ...byType('AWS::RDS::DBInstance')]
  return databases
    .filter((resource) => propertiesOf(resource).flag('ManageMasterUserPassword', false))
    .map((resource) => {
      const arn = textAttribute(resource, 'MasterUserSecret.SecretArn')
      return {
        name: arn.replace(/^.*:secret:/, '').replace(/-[0-9A-Za-z]{6}$/, ''),
        arn,
        description: `Administrator of ${resource.ref}`,
        kmsKeyArn: null,
        secretString: null,
        generate: {
          SecretStringTemplate: JSON.stringify({ username: propertiesOf(resource).text('MasterUsername') }),
          GenerateStringKey: 'password',
          PasswordLength: 32,
          ExcludePunctuation: true,
        },
        attachment: null,
      }
    })
}

/** What Secrets Manager merges into the value of an attached secret. */
function attachmentOf(byType: ByType, targetId: string): SecretModel['attachment'] {
  const target = [...byType('AWS::RDS::DBCluster'), ...byType('AWS::RDS::DBInstance')].find(
    (resource) => resource.ref === targetId,
  )
  if (target === undefined) return null
  const properties = propertiesOf(target)
  return {
    engine: 'postgres',
    host: textAttribute(target, 'Endpoint.Address'),
    port: textAttribute(target, 'Endpoint.Port'),
    dbname: properties.optionalText('DatabaseName') ?? properties.optionalText('DBName') ?? 'postgres',
    ...(target.type.endsWith('DBCluster') ? { dbClusterIdentifier: target.ref } : { dbInstanceIdentifier: target.ref }),
  }
}

/** Bucket, key, queue, topic, secret and bus policies. */
export function storagePoliciesOf(byType: ByType): ResourcePolicyModel[] {
  const bucketArns = new Map(byType('AWS::S3::Bucket').map((bucket) => [bucket.ref, textAttribute(bucket, 'Arn')]))
  const queueArns = new Map(byType('AWS::SQS::Queue').map((queue) => [queue.ref, textAttribute(queue, 'Arn')]))
  const listed = (type: string, property: string, arns: ReadonlyMap<string, string>) =>
    byType(type).flatMap((resource) => {
      const properties = propertiesOf(resource)
      const document = properties.policy('PolicyDocument')
      return properties.texts(property).map((ref) => ({ resourceArn: arns.get(ref) ?? ref, document }))
    })
  return [
    ...byType('AWS::S3::BucketPolicy').map((resource) => ({
      resourceArn: bucketArns.get(resource.ref) ?? `arn:aws:s3:::${resource.ref}`,
      document: propertiesOf(resource).policy('PolicyDocument'),
    })),
    ...byType('AWS::KMS::Key').map((resource) => ({
      resourceArn: textAttribute(resource, 'Arn'),
      document: propertiesOf(resource).policy('KeyPolicy'),
    })),
    ...listed('AWS::SQS::QueuePolicy', 'Queues', queueArns),
    ...listed('AWS::SNS::TopicPolicy', 'Topics', new Map()),
    ...byType('AWS::SecretsManager::ResourcePolicy').map((resource) => ({
      resourceArn: propertiesOf(resource).text('SecretId'),
      document: propertiesOf(resource).policy('ResourcePolicy'),
    })),
  ]
}
