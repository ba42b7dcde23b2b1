import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { bucketSettingsOf } from '../../../local/s3/from-template.ts'
import { KEY_ARN, REGION, startRuntime, type TestRuntime } from '../endpoint/runtime.ts'

const PUBLIC_ACCESS = {
  BlockPublicAcls: true,
  BlockPublicPolicy: true,
  IgnorePublicAcls: true,
  RestrictPublicBuckets: true,
}
const POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Deny',
      Principal: { AWS: '*' },
      Action: 's3:*',
      Resource: ['arn:aws:s3:::declared', 'arn:aws:s3:::declared/*'],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ],
}
let runtime: TestRuntime
let s3: S3Client

beforeAll(async () => {
  runtime = await startRuntime()
  s3 = runtime.client()
  await runtime.s3.provisionBucket(
    bucketSettingsOf({
      name: 'declared',
      arn: 'arn:aws:s3:::declared',
      logicalId: 'Declared',
      stackName: 'SluiceFoundation',
      versioned: true,
      kmsKeyArn: KEY_ARN,
      bucketKeyEnabled: true,
      eventBridge: true,
      policy: POLICY,
      lifecycle: {
        Rules: [
          { Id: 'expire', Status: 'Enabled', ExpirationInDays: 30, NoncurrentVersionExpiration: { NoncurrentDays: 7 } },
        ],
      },
      publicAccessBlock: PUBLIC_ACCESS,
      ownershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    }),
  )
})
afterAll(() => runtime.close())

const Bucket = 'declared'

test('a declared bucket tells its settings as S3 does', async () => {
  expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Enabled')
  const encryption = await s3.send(new GetBucketEncryptionCommand({ Bucket }))
  expect(encryption.ServerSideEncryptionConfiguration?.Rules).toEqual([
    {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: KEY_ARN },
      BucketKeyEnabled: true,
    },
  ])
  const notification = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
  expect(notification.EventBridgeConfiguration).toEqual({})
  const access = await s3.send(new GetPublicAccessBlockCommand({ Bucket }))
  expect(access.PublicAccessBlockConfiguration).toEqual(PUBLIC_ACCESS)
  const ownership = await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))
  expect(ownership.OwnershipControls?.Rules).toEqual([{ ObjectOwnership: 'BucketOwnerEnforced' }])
  const lifecycle = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
  expect(lifecycle.Rules).toEqual([
    {
      ID: 'expire',
      Status: 'Enabled',
      Filter: { Prefix: '' },
      Expiration: { Days: 30 },
      NoncurrentVersionExpiration: { NoncurrentDays: 7 },
    },
  ])
  expect(JSON.parse((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy ?? '')).toEqual(POLICY)
  expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBe(REGION)
  expect((await s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe(REGION)
})

test('loopback counts as secure transport for a policy that wants TLS only', async () => {
  const role = 'arn:aws:iam::000000000000:role/writer'
  const statements = [
    { Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::declared/*' },
    { Effect: 'Allow', Action: 'kms:GenerateDataKey', Resource: KEY_ARN },
  ]
  runtime.policies.putRole(role, [{ name: 'write', document: { Version: '2012-10-17', Statement: statements } }])
  const writer = runtime.client({ credentials: runtime.credentials.credentialsFor(role) })
  const put = await writer.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' }))
  expect(put.BucketKeyEnabled).toBe(true)
})

test('buckets are made, configured, listed and, once empty, deleted', async () => {
  const made = { Bucket: 'made-here' }
  await s3.send(new CreateBucketCommand(made))
  await expect(s3.send(new CreateBucketCommand(made))).rejects.toMatchObject({ name: 'BucketAlreadyOwnedByYou' })
  await s3.send(new PutBucketVersioningCommand({ ...made, VersioningConfiguration: { Status: 'Suspended' } }))
  expect((await s3.send(new GetBucketVersioningCommand(made))).Status).toBe('Suspended')
  const TagSet = [{ Key: 'a', Value: '<b&>' }]
  await s3.send(new PutBucketTaggingCommand({ ...made, Tagging: { TagSet } }))
  expect((await s3.send(new GetBucketTaggingCommand(made))).TagSet).toEqual(TagSet)
  await s3.send(new PutBucketPolicyCommand({ ...made, Policy: JSON.stringify(POLICY) }))
  await s3.send(new DeleteBucketPolicyCommand(made))
  await expect(s3.send(new GetBucketPolicyCommand(made))).rejects.toMatchObject({ name: 'NoSuchBucketPolicy' })
  expect((await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)).toEqual([
    'declared',
    'made-here',
  ])
  await s3.send(new DeleteBucketCommand(made))
  await expect(s3.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({ name: 'BucketNotEmpty' })
  await expect(s3.send(new CreateBucketCommand({ Bucket: 'No_Good' }))).rejects.toMatchObject({
    name: 'InvalidBucketName',
  })
})
