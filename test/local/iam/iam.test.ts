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
import { reportGrants } from '../../../local/iam/grant-report.ts'
import {
  createGrantObserver,
  GRANT_USES,
  GRANTED_ROLES,
  type GrantUse,
  recordRoles,
} from '../../../local/iam/grant-uses.ts'
import { policyRegistry } from '../../../local/iam/policy-registry.ts'
import { memoryStore } from '../../../local/memory-store.ts'
import { createListedObjectAccess, createObjectAccess, type LocalObjects } from '../../../local/s3/object-access.ts'
import { AwsError } from '../../../local/service.ts'
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

  const ENGINE = `arn:aws:iam::${ACCOUNT}:role/engine`
  const GRANTS = {
    list: statement('s3:ListBucket', 'arn:aws:s3:::raw'),
    get: statement('s3:GetObject', 'arn:aws:s3:::raw/*'),
    put: statement('s3:PutObject', 'arn:aws:s3:::raw/*'),
    decrypt: statement('kms:Decrypt', KEY_ARN),
    encrypt: statement('kms:GenerateDataKey', KEY_ARN),
  }
  const URI = 's3://raw/landing/a'
  const denialWithout = async (grant: keyof typeof GRANTS, use: (objects: LocalObjects) => Promise<unknown>) => {
    const kept = Object.entries(GRANTS).flatMap(([name, granted]) => (name === grant ? [] : [granted]))
    runtime.policies.putRole(ENGINE, [allow(...kept)])
    const objects = createListedObjectAccess(runtime.s3, runtime.bus, roleCaller(ENGINE, 'session'))
    return use(objects).then(
      () => null,
      (thrown: unknown) => (thrown instanceof AwsError ? thrown.message : thrown),
    )
  }
  test.each([
    { grant: 'list', action: 's3:ListBucket', use: (objects: LocalObjects) => objects.localPath(URI) },
    { grant: 'list', action: 's3:ListBucket', use: (objects: LocalObjects) => objects.readText(URI) },
    { grant: 'get', action: 's3:GetObject', use: (objects: LocalObjects) => objects.localPath(URI) },
    { grant: 'get', action: 's3:GetObject', use: (objects: LocalObjects) => objects.readText(URI) },
    { grant: 'decrypt', action: 'kms:Decrypt', use: (objects: LocalObjects) => objects.localPath(URI) },
    { grant: 'decrypt', action: 'kms:Decrypt', use: (objects: LocalObjects) => objects.readText(URI) },
    { grant: 'put', action: 's3:PutObject', use: (objects: LocalObjects) => objects.putText(`${URI}-new`, 'x') },
    {
      grant: 'encrypt',
      action: 'kms:GenerateDataKey',
      use: (objects: LocalObjects) => objects.putText(`${URI}-new`, 'x'),
    },
  ] as const)(
    'of COPY and of job runs need $action before they get a path or write',
    async ({ grant, action, use }) => {
      expect(await denialWithout(grant, use)).toContain(
        `assumed-role/engine/session is not authorized to perform: ${action} on`,
      )
      runtime.policies.putRole(ENGINE, [allow(...Object.values(GRANTS))])
      const objects = createListedObjectAccess(runtime.s3, runtime.bus, roleCaller(ENGINE, 'session'))
      await expect(use(objects)).resolves.not.toBeNull()
    },
  )
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

  test('are made and kept once for executions and sessions without number', async () => {
    const counted = policyRegistry()
    let read = 0
    const authorizerOf = createAuthorizer(
      {
        ...counted,
        rolePolicies: (arn) => {
          read += 1
          return counted.rolePolicies(arn)
        },
      },
      ACCOUNT,
    )
    const executions = `arn:aws:states:${REGION}:${ACCOUNT}:execution:ingest`
    counted.putRole(ROLE, [allow(statement('states:DescribeExecution', `${executions}:*`))])
    for (let index = 0; index < 50; index += 1) {
      const permission = { action: 'states:DescribeExecution', resource: `${executions}:${index}` }
      expect(await authorizerOf.denial(roleCaller(ROLE, `session-${index}`), permission)).toBeNull()
    }
    expect(read).toBe(1)
    const other = { action: 'states:DescribeExecution', resource: `${executions}2:1` }
    expect(await authorizerOf.denial(roleCaller(ROLE, 'session'), other)).toContain('no identity-based policy allows')
  })

  test('on what IAM does not know are an error of ours', async () => {
    await expect(
      authorizer.denial(roleCaller(ROLE, 's'), { action: 'nosuch:Thing', resource: '*' }),
    ).rejects.toMatchObject({ code: 'InternalFailure' })
  })
})

describe('what is granted', () => {
  const WORK = 'arn:aws:s3:::work/runs/*'
  const JOB = `arn:aws:glue:${REGION}:${ACCOUNT}:job/quality`
  const policies = [
    allow(
      statement(['s3:GetObject', 's3:PutObject'], WORK),
      statement('glue:*', JOB),
      statement('events:PutEvents', '*'),
    ),
  ]

  test('is reported by statement and action with its first use, which the state folder keeps', async () => {
    const store = memoryStore()
    const registry = policyRegistry()
    registry.putRole(ROLE, policies)
    await recordRoles(store, [{ arn: ROLE, policies }])
    const at = (hour: number) => ({
      now: () => new Date(Date.UTC(2026, 0, 1, hour)),
      sleepUntil: async () => undefined,
    })
    for (const hour of [1, 2]) {
      const observer = createGrantObserver({ store, clock: at(hour), log: () => undefined })
      const authorizer = createAuthorizer(registry, ACCOUNT, [observer])
      const caller = roleCaller(ROLE, 's')
      await authorizer.denial(caller, { action: 's3:GetObject', resource: `arn:aws:s3:::work/runs/${hour}` })
      await authorizer.denial(caller, { action: 'glue:StartJobRun', resource: JOB })
      await authorizer.denial(caller, { action: 's3:DeleteObject', resource: 'arn:aws:s3:::work/runs/1' })
    }
    const uses = [...store.collection<GrantUse>(GRANT_USES).range([])].map(({ value }) => value)
    const report = reportGrants([{ roleArn: ROLE, policies }], uses)
    expect(report).toMatchObject({ roles: 1, granted: 3, used: 2 })
    expect(report.statements.map(({ role, used, actions }) => ({ role, used, actions }))).toEqual([
      {
        role: 'reader',
        used: true,
        actions: [
          { action: 's3:GetObject', firstUsedAt: '2026-01-01T01:00:00.000Z', resource: 'arn:aws:s3:::work/runs/1' },
          { action: 's3:PutObject', firstUsedAt: null, resource: null },
        ],
      },
      {
        role: 'reader',
        used: true,
        actions: [{ action: 'glue:*', firstUsedAt: '2026-01-01T01:00:00.000Z', resource: JOB }],
      },
      { role: 'reader', used: false, actions: [{ action: 'events:PutEvents', firstUsedAt: null, resource: null }] },
    ])
  })

  test('is forgotten with its role when the template has it no more', async () => {
    const store = memoryStore()
    await recordRoles(store, [
      { arn: ROLE, policies },
      { arn: `${ROLE}-gone`, policies },
    ])
    await recordRoles(store, [{ arn: ROLE, policies: [] }])
    const kept = [...store.collection(GRANTED_ROLES).range([])]
    expect(kept).toEqual([{ key: [ROLE], value: [] }])
  })
})
