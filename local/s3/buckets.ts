/** Buckets and their configuration. */

import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { type Input, readInput } from '../input.ts'
import { AwsError, type Operation, type Permission } from '../service.ts'
import { bucketArn, owner, type S3Context } from './context.ts'
import type { BucketRecord } from './records.ts'

/** A bucket as the template declares it. Left out: versioning off, S3's own key, no events, no policy. */
export interface BucketSettings {
  readonly name: string
  readonly versioned?: boolean
  readonly kmsKeyArn?: string | null
  readonly bucketKeyEnabled?: boolean
  readonly eventBridge?: boolean
  readonly policy?: JsonObject | null
  /** In the shape of GetBucketLifecycleConfiguration's output (`{Rules: […]}`). */
  readonly lifecycle?: JsonObject | null
  /** In the shape of GetPublicAccessBlock's output member. */
  readonly publicAccessBlock?: JsonObject | null
  /** In the shape of GetBucketOwnershipControls' output member. @default ACLs are off */
  readonly ownershipControls?: JsonObject | null
  readonly tags?: Readonly<Record<string, string>>
}

/** What S3 gives every new bucket: its owner owns all objects, and ACLs do not count. */
const OWNER_ENFORCED: JsonObject = { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] }

/** Makes a bucket or brings an existing one to these settings; its objects stay. */
export async function putBucketSettings(context: S3Context, settings: BucketSettings): Promise<void> {
  const record = await context.catalog.changeBuckets(() => {
    const former = context.catalog.buckets.get([settings.name])
    const made: BucketRecord = {
      name: settings.name,
      createdAt: former?.createdAt ?? context.clock.now().toISOString(),
      versioning: versioningOf(settings, former),
      kmsKeyArn: settings.kmsKeyArn ?? null,
      bucketKeyEnabled: settings.bucketKeyEnabled ?? false,
      eventBridge: settings.eventBridge ?? false,
      policy: settings.policy ?? null,
      configurations: configurationsOf(settings),
    }
    context.catalog.buckets.put([made.name], made)
    return made
  })
  context.policyChanged(record)
}

const versioningOf = (settings: BucketSettings, former: BucketRecord | undefined): BucketRecord['versioning'] => {
  if (settings.versioned === true) return 'Enabled'
  return former === undefined || former.versioning === 'Never' ? 'Never' : 'Suspended'
}

function configurationsOf({
  lifecycle,
  publicAccessBlock,
  ownershipControls,
  tags,
}: BucketSettings): Record<string, Json> {
  return {
    OwnershipControls: ownershipControls ?? OWNER_ENFORCED,
    ...(lifecycle == null ? {} : { Lifecycle: lifecycle }),
    ...(publicAccessBlock == null ? {} : { PublicAccessBlock: publicAccessBlock }),
    ...(tags === undefined ? {} : { Tagging: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }),
  }
}

const bucketOperation = (
  context: S3Context,
  action: string,
  run: (bucket: BucketRecord, input: Input) => Promise<unknown>,
): Operation => ({
  permissions: (raw): Permission[] => {
    const bucket = context.catalog.bucket(readInput(raw).text('Bucket'))
    return [{ action, resource: bucketArn(bucket.name) }]
  },
  run: async (raw) => {
    const input = readInput(raw)
    return run(context.catalog.bucket(input.text('Bucket')), input)
  },
})

/** Changes a bucket's record, durably. */
async function change(context: S3Context, name: string, edit: (bucket: BucketRecord) => BucketRecord): Promise<object> {
  const edited = await context.catalog.changeBuckets(() => {
    const made = edit(context.catalog.bucket(name))
    context.catalog.buckets.put([name], made)
    return made
  })
  context.policyChanged(edited)
  return {}
}

const BUCKET_NAME = /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

const createBucket = (context: S3Context): Operation => ({
  permissions: (raw) => [{ action: 's3:CreateBucket', resource: bucketArn(readInput(raw).text('Bucket')) }],
  run: async (raw) => {
    const name = readInput(raw).text('Bucket')
    if (!BUCKET_NAME.test(name)) {
      throw new AwsError('InvalidBucketName', 'The specified bucket is not valid.', 400, { BucketName: name })
    }
    if (context.catalog.buckets.get([name]) !== undefined) {
      const message = 'Your previous request to create the named bucket succeeded and you already own it.'
      throw new AwsError('BucketAlreadyOwnedByYou', message, 409, { BucketName: name })
    }
    await putBucketSettings(context, { name })
    return { Location: `/${name}`, BucketArn: bucketArn(name) }
  },
})

const deleteBucket = (context: S3Context): Operation =>
  bucketOperation(context, 's3:DeleteBucket', async ({ name }) =>
    context.catalog.changeBuckets(() => {
      for (const _ of context.catalog.versions.range([name], { limit: 1 })) {
        const message = 'The bucket you tried to delete is not empty. You must delete all versions in the bucket.'
        throw new AwsError('BucketNotEmpty', message, 409, { BucketName: name })
      }
      context.catalog.buckets.remove([name])
      return {}
    }),
  )

/** A page of ListBuckets. */
const MAX_BUCKETS = 10_000

const listBuckets = (context: S3Context): Operation => ({
  permissions: () => [{ action: 's3:ListAllMyBuckets', resource: '*' }],
  run: async (raw) => {
    const input = readInput(raw)
    const prefix = input.textOr('Prefix', '')
    const after = Buffer.from(input.textOr('ContinuationToken', ''), 'base64url').toString()
    const limit = input.numberOr('MaxBuckets', MAX_BUCKETS)
    const later = [...context.catalog.buckets.range([])]
      .map(({ value }) => value)
      .filter(({ name }) => name.startsWith(prefix) && name > after)
    const page = later.slice(0, limit)
    return {
      Owner: owner(context),
      ...(later.length > page.length
        ? { ContinuationToken: Buffer.from(page.at(-1)?.name ?? '').toString('base64url') }
        : {}),
      Buckets: page.map(({ name, createdAt }) => ({
        Name: name,
        CreationDate: new Date(createdAt),
        BucketRegion: context.region,
        BucketArn: bucketArn(name),
      })),
      ...(prefix === '' ? {} : { Prefix: prefix }),
    }
  },
})

const encryptionRule = ({ kmsKeyArn, bucketKeyEnabled }: BucketRecord) => ({
  ApplyServerSideEncryptionByDefault:
    kmsKeyArn === null ? { SSEAlgorithm: 'AES256' } : { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: kmsKeyArn },
  BucketKeyEnabled: bucketKeyEnabled,
})

function withEncryption(bucket: BucketRecord, input: Input): BucketRecord {
  const [rule] = input.structure('ServerSideEncryptionConfiguration').structures('Rules')
  const byDefault = rule?.structure('ApplyServerSideEncryptionByDefault')
  const isKms = byDefault?.textOr('SSEAlgorithm', '') === 'aws:kms'
  return {
    ...bucket,
    kmsKeyArn: isKms ? (byDefault?.textOr('KMSMasterKeyID', null) ?? null) : null,
    bucketKeyEnabled: rule?.booleanOr('BucketKeyEnabled', false) ?? false,
  }
}

function parsePolicy(text: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text)
    if (isJsonObject(parsed)) return JSON.parse(JSON.stringify(parsed))
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
  }
  throw new AwsError('MalformedPolicy', "Policies must be valid JSON and the first byte must be '{'")
}

function withVersioning(bucket: BucketRecord, input: Input): BucketRecord {
  const status = input.structure('VersioningConfiguration').textOr('Status', '')
  if (status === 'Enabled' || status === 'Suspended') return { ...bucket, versioning: status }
  throw new AwsError('IllegalVersioningConfigurationException', `Cannot set versioning to "${status}"`)
}

function withNotification(bucket: BucketRecord, input: Input): BucketRecord {
  const given = input.structure('NotificationConfiguration')
  const direct = ['TopicConfigurations', 'QueueConfigurations', 'LambdaFunctionConfigurations']
  const unsupported = direct.find((name) => given.list(name).length > 0)
  if (unsupported !== undefined) {
    throw new AwsError(
      'NotImplemented',
      `Cannot notify by ${unsupported}: only EventBridge is implemented locally`,
      501,
    )
  }
  return { ...bucket, eventBridge: given.has('EventBridgeConfiguration') }
}

interface Configuration {
  readonly name: string
  readonly put: {
    readonly operation: string
    readonly action: string
    readonly member: string
    readonly inner?: string
  }
  readonly get: { readonly operation: string; readonly action: string; readonly member: string | null }
  readonly remove?: string
  /** Code and message where none was put. */
  readonly missing: readonly [string, string]
}

/** Configurations that are kept as they are put: nothing here acts on them yet. */
const CONFIGURATIONS: readonly Configuration[] = [
  {
    name: 'Lifecycle',
    put: {
      operation: 'PutBucketLifecycleConfiguration',
      action: 's3:PutLifecycleConfiguration',
      member: 'LifecycleConfiguration',
    },
    get: { operation: 'GetBucketLifecycleConfiguration', action: 's3:GetLifecycleConfiguration', member: null },
    remove: 'DeleteBucketLifecycle',
    missing: ['NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'],
  },
  {
    name: 'PublicAccessBlock',
    put: {
      operation: 'PutPublicAccessBlock',
      action: 's3:PutBucketPublicAccessBlock',
      member: 'PublicAccessBlockConfiguration',
    },
    get: {
      operation: 'GetPublicAccessBlock',
      action: 's3:GetBucketPublicAccessBlock',
      member: 'PublicAccessBlockConfiguration',
    },
    remove: 'DeletePublicAccessBlock',
    missing: ['NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found'],
  },
  {
    name: 'OwnershipControls',
    put: {
      operation: 'PutBucketOwnershipControls',
      action: 's3:PutBucketOwnershipControls',
      member: 'OwnershipControls',
    },
    get: {
      operation: 'GetBucketOwnershipControls',
      action: 's3:GetBucketOwnershipControls',
      member: 'OwnershipControls',
    },
    remove: 'DeleteBucketOwnershipControls',
    missing: ['OwnershipControlsNotFoundError', 'The bucket ownership controls were not found'],
  },
  {
    name: 'Tagging',
    put: { operation: 'PutBucketTagging', action: 's3:PutBucketTagging', member: 'Tagging', inner: 'TagSet' },
    get: { operation: 'GetBucketTagging', action: 's3:GetBucketTagging', member: 'TagSet' },
    remove: 'DeleteBucketTagging',
    missing: ['NoSuchTagSet', 'The TagSet does not exist'],
  },
]

function configurationOperations(context: S3Context, { name, put, get, remove, missing }: Configuration) {
  const without = (bucket: BucketRecord): BucketRecord => {
    const { [name]: _, ...kept } = bucket.configurations
    return { ...bucket, configurations: kept }
  }
  return {
    [put.operation]: bucketOperation(context, put.action, (bucket, input) => {
      const given = input.structure(put.member).members
      const value: Json = JSON.parse(JSON.stringify(put.inner === undefined ? given : (given[put.inner] ?? [])))
      return change(context, bucket.name, (now) => ({
        ...now,
        configurations: { ...now.configurations, [name]: value },
      }))
    }),
    [get.operation]: bucketOperation(context, get.action, async ({ name: bucketName, configurations }) => {
      const value = configurations[name]
      if (value === undefined) throw new AwsError(missing[0], missing[1], 404, { BucketName: bucketName })
      return get.member === null ? value : { [get.member]: value }
    }),
    ...(remove === undefined
      ? {}
      : {
          [remove]: bucketOperation(context, put.action, ({ name: bucketName }) =>
            change(context, bucketName, without),
          ),
        }),
  }
}

/** Everything about buckets. */
export function bucketOperations(context: S3Context): Record<string, Operation> {
  const operation = (action: string, run: (bucket: BucketRecord, input: Input) => Promise<unknown>): Operation =>
    bucketOperation(context, action, run)
  const edit = (action: string, made: (bucket: BucketRecord, input: Input) => BucketRecord): Operation =>
    operation(action, (bucket, input) => change(context, bucket.name, (now) => made(now, input)))
  return {
    CreateBucket: createBucket(context),
    DeleteBucket: deleteBucket(context),
    ListBuckets: listBuckets(context),
    HeadBucket: operation('s3:ListBucket', async () => ({ BucketRegion: context.region })),
    GetBucketLocation: operation('s3:GetBucketLocation', async () => ({ LocationConstraint: context.region })),
    GetBucketVersioning: operation('s3:GetBucketVersioning', async ({ versioning }) =>
      versioning === 'Never' ? {} : { Status: versioning },
    ),
    PutBucketVersioning: edit('s3:PutBucketVersioning', withVersioning),
    GetBucketNotificationConfiguration: operation('s3:GetBucketNotification', async ({ eventBridge }) =>
      eventBridge ? { EventBridgeConfiguration: {} } : {},
    ),
    PutBucketNotificationConfiguration: edit('s3:PutBucketNotification', withNotification),
    GetBucketEncryption: operation('s3:GetEncryptionConfiguration', async (bucket) => ({
      ServerSideEncryptionConfiguration: { Rules: [encryptionRule(bucket)] },
    })),
    PutBucketEncryption: edit('s3:PutEncryptionConfiguration', withEncryption),
    DeleteBucketEncryption: edit('s3:PutEncryptionConfiguration', (bucket) => ({
      ...bucket,
      kmsKeyArn: null,
      bucketKeyEnabled: false,
    })),
    GetBucketPolicy: operation('s3:GetBucketPolicy', async ({ name, policy }) => {
      if (policy !== null) return { Policy: JSON.stringify(policy) }
      throw new AwsError('NoSuchBucketPolicy', 'The bucket policy does not exist', 404, { BucketName: name })
    }),
    PutBucketPolicy: edit('s3:PutBucketPolicy', (bucket, input) => ({
      ...bucket,
      policy: parsePolicy(input.text('Policy')),
    })),
    DeleteBucketPolicy: edit('s3:DeleteBucketPolicy', (bucket) => ({ ...bucket, policy: null })),
    GetBucketAcl: operation('s3:GetBucketAcl', async () => ({ Owner: owner(context), Grants: ownersGrant(context) })),
    ...Object.assign({}, ...CONFIGURATIONS.map((configuration) => configurationOperations(context, configuration))),
  }
}

/** ACLs are off: the owner has full control, and nobody else has any by them. */
const ownersGrant = (context: S3Context) => [
  { Grantee: { ...owner(context), Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' },
]
