import {
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createAuthorizer } from '../../../local/iam/authorizer.ts'
import { roleCaller, serviceCaller } from '../../../local/iam/credentials.ts'
import { deployPolicies } from '../../../local/iam/from-assembly.ts'
import { policyRegistry } from '../../../local/iam/policy-registry.ts'
import { createObjectAccess } from '../../../local/s3/object-access.ts'
import { ACCOUNT, KEY_ARN, REGION, startRuntime, type TestRuntime } from '../endpoint/runtime.ts'

const ROLE = `arn:aws:iam::${ACCOUNT}:role/reader`
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/reader/session`
const statement = (
  Action: string | string[],
  Resource: string | string[],
  Condition?: Record<string, Record<string, string>>,
) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
})
const allow = (...Statement: ReturnType<typeof statement>[]) => ({
  name: 'inline',
  document: { Version: '2012-10-17', Statement },
})

describe('calls by a role', () => {
  let runtime: TestRuntime
  let operator: S3Client
  let reader: S3Client

  beforeAll(async () => {
    runtime = await startRuntime()
    operator = runtime.client()
    reader = runtime.client({ credentials: runtime.credentials.credentialsFor(ROLE, 'session') })
    await runtime.s3.provisionBucket({ name: 'raw', versioned: true, kmsKeyArn: KEY_ARN })
    await runtime.s3.provisionBucket({
      name: 'closed',
      policy: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Deny', Principal: { AWS: ROLE }, Action: 's3:GetObject', Resource: 'arn:aws:s3:::closed/*' },
        ],
      },
    })
    await operator.send(new PutObjectCommand({ Bucket: 'raw', Key: 'landing/a', Body: 'a' }))
    await operator.send(new PutObjectCommand({ Bucket: 'raw', Key: 'other/a', Body: 'a' }))
    await operator.send(new PutObjectCommand({ Bucket: 'closed', Key: 'a', Body: 'a' }))
    runtime.policies.putRole(ROLE, [
      allow(
        statement('s3:GetObject*', ['arn:aws:s3:::raw/landing/*', 'arn:aws:s3:::closed/*']),
        statement('kms:Decrypt', KEY_ARN),
      ),
    ])
  })
  afterAll(() => runtime.close())

  test('are allowed where its policies say so, and the operator everything', async () => {
    const got = await reader.send(new GetObjectCommand({ Bucket: 'raw', Key: 'landing/a' }))
    expect(await got.Body?.transformToString()).toBe('a')
    expect((await operator.send(new ListBucketsCommand({}))).Buckets).toHaveLength(2)
  })

  test('are denied elsewhere with principal, action and resource, as AWS words it', async () => {
    await expect(reader.send(new GetObjectCommand({ Bucket: 'raw', Key: 'other/a' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
      message: `User: ${SESSION} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::raw/other/a" because no identity-based policy allows the s3:GetObject action`,
    })
    await expect(
      reader.send(new PutObjectCommand({ Bucket: 'raw', Key: 'landing/b', Body: 'b' })),
    ).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('s3:PutObject'),
    })
  })

  test('are denied by a bucket policy in spite of their own', async () => {
    await expect(reader.send(new GetObjectCommand({ Bucket: 'closed', Key: 'a' }))).rejects.toMatchObject({
      message: expect.stringContaining('with an explicit deny in a resource-based policy'),
    })
  })

  test('need the key as well as the object', async () => {
    const keyless = `arn:aws:iam::${ACCOUNT}:role/keyless`
    runtime.policies.putRole(keyless, [allow(statement('s3:GetObject', 'arn:aws:s3:::raw/*'))])
    const client = runtime.client({ credentials: runtime.credentials.credentialsFor(keyless) })
    await expect(client.send(new GetObjectCommand({ Bucket: 'raw', Key: 'landing/a' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(`kms:Decrypt on resource: ${KEY_ARN}`),
    })
  })

  test('learn that a key is missing only if they may list the bucket', async () => {
    await expect(reader.send(new GetObjectCommand({ Bucket: 'raw', Key: 'landing/none' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('s3:ListBucket'),
    })
    await expect(reader.send(new HeadObjectCommand({ Bucket: 'raw', Key: 'landing/none' }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    })
  })

  test('of engines that open files themselves are decided object by object', async () => {
    const objects = createObjectAccess(runtime.s3, runtime.bus, roleCaller(ROLE, 'session'))
    expect(await objects.readText('s3://raw/landing/a')).toBe('a')
    await expect(objects.localPath('s3://raw/other/a')).rejects.toMatchObject({ code: 'AccessDenied' })
    await expect(objects.putText('s3://raw/landing/new', 'x')).rejects.toMatchObject({ code: 'AccessDenied' })
  })
})

describe('decisions', () => {
  const QUEUE = `arn:aws:sqs:${REGION}:${ACCOUNT}:dead`
  const RULE = `arn:aws:events:${REGION}:${ACCOUNT}:rule/arrived`
  const registry = policyRegistry()
  const authorizer = createAuthorizer(registry, ACCOUNT)
  const rule = { ...serviceCaller('events.amazonaws.com'), sourceArn: RULE }

  beforeAll(() =>
    deployPolicies(registry, {
      roles: [{ arn: ROLE, name: 'reader', trust: { Statement: [] }, policies: [] }],
      keys: [],
      resourcePolicies: [
        {
          resourceArn: QUEUE,
          document: {
            Statement: [
              {
                Effect: 'Allow',
                Principal: { Service: 'events.amazonaws.com' },
                Action: 'sqs:SendMessage',
                Resource: QUEUE,
                Condition: { ArnEquals: { 'aws:SourceArn': RULE } },
              },
            ],
          },
        },
        {
          resourceArn: QUEUE,
          document: {
            Statement: [
              { Effect: 'Allow', Principal: { AWS: ROLE }, Action: 'sqs:ReceiveMessage', Resource: QUEUE },
              {
                Effect: 'Deny',
                Principal: { AWS: '*' },
                Action: 'sqs:*',
                Resource: QUEUE,
                Condition: { Bool: { 'aws:SecureTransport': 'false' } },
              },
            ],
          },
        },
        {
          resourceArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:metadata:3`,
          document: {
            Statement: [
              {
                Effect: 'Allow',
                Principal: { Service: 'events.amazonaws.com' },
                Action: 'lambda:InvokeFunction',
                Resource: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:metadata:3`,
                Condition: { ArnLike: { 'AWS:SourceArn': RULE } },
              },
            ],
          },
        },
      ],
    }),
  )

  test.each([
    { why: 'its own rule', caller: rule, allowed: true },
    { why: 'another rule', caller: { ...rule, sourceArn: `${RULE}2` }, allowed: false },
    { why: 'another service', caller: { ...rule, ...serviceCaller('sns.amazonaws.com') }, allowed: false },
  ])('of a service principal follow the queue policy and its condition: $why', async ({ caller, allowed }) => {
    const denial = await authorizer.denial(caller, { action: 'sqs:SendMessage', resource: QUEUE })
    expect(denial === null).toBe(allowed)
  })

  test('of a function version follow the permission on that version', async () => {
    const resource = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:metadata:3`
    expect(await authorizer.denial(rule, { action: 'lambda:InvokeFunction', resource })).toBeNull()
    const other = { action: 'lambda:InvokeFunction', resource: resource.replace(/3$/, '4') }
    expect(await authorizer.denial(rule, other)).toContain('no resource-based policy allows')
  })

  test('of a resource policy alone suffice within the account', async () => {
    const denial = await authorizer.denial(roleCaller(ROLE, 's'), { action: 'sqs:ReceiveMessage', resource: QUEUE })
    expect(denial).toBeNull()
  })

  test('change with the policies', async () => {
    const permission = { action: 'glue:StartJobRun', resource: `arn:aws:glue:${REGION}:${ACCOUNT}:job/quality` }
    expect(await authorizer.denial(roleCaller(ROLE, 's'), permission)).not.toBeNull()
    registry.putRole(ROLE, [allow(statement('glue:StartJobRun', permission.resource))])
    expect(await authorizer.denial(roleCaller(ROLE, 's'), permission)).toBeNull()
  })

  test('hold for all resources that match the same patterns, and for no other', async () => {
    registry.putRole(ROLE, [allow(statement('s3:PutObject', 'arn:aws:s3:::work/runs/?/*'))])
    const put = (key: string) =>
      authorizer.denial(roleCaller(ROLE, 's'), { action: 's3:PutObject', resource: `arn:aws:s3:::work/${key}` })
    expect(await Promise.all(['runs/1/a', 'runs/2/b/c', 'runs/10/a', 'plans/1/a'].map(put))).toEqual([
      null,
      null,
      expect.stringContaining('"arn:aws:s3:::work/runs/10/a"'),
      expect.stringContaining('"arn:aws:s3:::work/plans/1/a"'),
    ])
  })

  test('on what IAM does not know are an error of ours', async () => {
    await expect(
      authorizer.denial(roleCaller(ROLE, 's'), { action: 'nosuch:Thing', resource: '*' }),
    ).rejects.toMatchObject({ code: 'InternalFailure' })
  })
})
