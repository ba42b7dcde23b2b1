/** Buckets and their configuration. */
import type { Wire } from '../client.ts'
import type { Expected, Stage } from '../stage.ts'

const POLICY = (bucket: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: `arn:aws:s3:::${bucket}/*`,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  })

const includes =
  (name: string): ((value: unknown) => boolean) =>
  (value) =>
    Array.isArray(value) && value.some((item) => JSON.stringify(item).includes(`"${name}"`))

export async function playS3Buckets(stage: Stage): Promise<void> {
  const { region } = stage
  const s3 = (operation: string, input: Parameters<Stage['ok']>[2], expected?: Expected) =>
    stage.ok('s3', operation, input, expected)
  const Bucket = stage.name('buckets')
  await s3('CreateBucket', { Bucket, CreateBucketConfiguration: { LocationConstraint: region } })
  await stage.part('s3', 'create: errors', async () => {
    await stage.fails(
      's3',
      'CreateBucket',
      { Bucket, CreateBucketConfiguration: { LocationConstraint: region } },
      { code: 'BucketAlreadyOwnedByYou', status: 409 },
    )
    await stage.fails('s3', 'ListObjectsV2', { Bucket: `no-${Bucket}` }, { code: 'NoSuchBucket', status: 404 })
    await stage.fails('s3', 'HeadBucket', { Bucket: `no-${Bucket}` }, { code: ['404', 'NotFound'], status: 404 })
  })
  await stage.part('s3', 'list: pages', async () => {
    await s3('ListBuckets', {}, { Buckets: includes(Bucket), Owner: { ID: /^[0-9a-f]{64}$/ } })
    await s3('ListBuckets', { Prefix: Bucket }, { Buckets: [{ Name: Bucket }], Prefix: Bucket })
    const listed = await stage.pages('s3', 'ListBuckets', { MaxBuckets: 2 }, 'Buckets', {
      output: 'ContinuationToken',
      input: 'ContinuationToken',
    })
    await stage.check('s3', 'ListBuckets: pages', () => {
      if (listed.pages < 2 || !includes(Bucket)(listed.items)) throw new Error(`${listed.pages} pages`)
    })
  })
  await stage.part('s3', 'configuration', async () => {
    await s3('HeadBucket', { Bucket })
    await s3('GetBucketLocation', { Bucket }, { LocationConstraint: region })
    await s3('GetBucketVersioning', { Bucket }, (output: unknown) => !JSON.stringify(output).includes('Enabled'))
    await s3('PutBucketVersioning', { Bucket, VersioningConfiguration: { Status: 'Enabled' } })
    await s3('GetBucketVersioning', { Bucket }, { Status: 'Enabled' })
    await s3('PutBucketNotificationConfiguration', {
      Bucket,
      NotificationConfiguration: { EventBridgeConfiguration: {} },
    })
    await s3('GetBucketNotificationConfiguration', { Bucket }, { EventBridgeConfiguration: {} })
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false }
    await s3('GetBucketEncryption', { Bucket }, { ServerSideEncryptionConfiguration: { Rules: [rule] } })
    await s3('PutBucketEncryption', {
      Bucket,
      ServerSideEncryptionConfiguration: { Rules: [{ ...rule, BucketKeyEnabled: true }] },
    })
    await s3('DeleteBucketEncryption', { Bucket })
    await s3('GetBucketEncryption', { Bucket }, { ServerSideEncryptionConfiguration: { Rules: [rule] } })
    await s3('GetBucketAcl', { Bucket }, { Grants: [{ Permission: 'FULL_CONTROL' }] })
  })
  await stage.part('s3', 'public access, ownership', async () => {
    const block = {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    }
    await s3('PutPublicAccessBlock', { Bucket, PublicAccessBlockConfiguration: block })
    await s3('GetPublicAccessBlock', { Bucket }, { PublicAccessBlockConfiguration: block })
    await s3('DeletePublicAccessBlock', { Bucket })
    await stage.fails(
      's3',
      'GetPublicAccessBlock',
      { Bucket },
      { code: 'NoSuchPublicAccessBlockConfiguration', status: 404 },
    )
    const controls = { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] }
    await s3('PutBucketOwnershipControls', { Bucket, OwnershipControls: controls })
    await s3('GetBucketOwnershipControls', { Bucket }, { OwnershipControls: controls })
    await s3('DeleteBucketOwnershipControls', { Bucket })
  })
  await stage.part('s3', 'policy, lifecycle, tags', async () => {
    await stage.fails('s3', 'GetBucketPolicy', { Bucket }, { code: 'NoSuchBucketPolicy', status: 404 })
    await stage.fails('s3', 'PutBucketPolicy', { Bucket, Policy: 'no' }, { code: 'MalformedPolicy', status: 400 })
    await s3('PutBucketPolicy', { Bucket, Policy: POLICY(Bucket) })
    await s3('GetBucketPolicy', { Bucket }, { Policy: /SecureTransport/ })
    await s3('DeleteBucketPolicy', { Bucket })
    await stage.fails(
      's3',
      'GetBucketLifecycleConfiguration',
      { Bucket },
      { code: 'NoSuchLifecycleConfiguration', status: 404 },
    )
    const Rules: readonly Readonly<Record<string, Wire>>[] = [
      { ID: 'old', Status: 'Enabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 3 } },
      {
        ID: 'parts',
        Status: 'Enabled',
        Filter: { Prefix: '' },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
    ]
    await s3('PutBucketLifecycleConfiguration', { Bucket, LifecycleConfiguration: { Rules } })
    await s3('GetBucketLifecycleConfiguration', { Bucket }, { Rules: Rules as Expected })
    await s3('DeleteBucketLifecycle', { Bucket })
    await stage.fails('s3', 'GetBucketTagging', { Bucket }, { code: 'NoSuchTagSet', status: 404 })
    await s3('PutBucketTagging', { Bucket, Tagging: { TagSet: [{ Key: 'team', Value: 'data & more' }] } })
    await s3('GetBucketTagging', { Bucket }, { TagSet: [{ Key: 'team', Value: 'data & more' }] })
    await s3('DeleteBucketTagging', { Bucket })
  })
  await s3('DeleteBucket', { Bucket })
  await stage.fails('s3', 'GetBucketLocation', { Bucket }, { code: 'NoSuchBucket', status: 404 })
}
