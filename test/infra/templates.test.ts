import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { isJsonObject } from '../../core/json.ts'
import { unjustifiedWildcards } from '../../infra/iam-wildcards.ts'
import { type RoleStatement, roleStatements } from './policies.ts'
import { SYNTHESIS_TIMEOUT_MILLIS, type SynthesizedApp, synthesizedApp } from './synthesize.ts'

const ZONES = ['raw', 'validated', 'curated', 'quarantine', 'dq-results', 'work', 'replay']
const bucketName = (zone: string): string => `sluice-${zone}-000000000000-us-east-2`

let app: SynthesizedApp
let statements: readonly RoleStatement[]

beforeAll(async () => {
  app = await synthesizedApp()
  statements = roleStatements(app)
}, SYNTHESIS_TIMEOUT_MILLIS)
afterAll(() => app?.remove())

const buckets = () =>
  app.of('AWS::S3::Bucket').map((bucket) => ({ ...bucket, name: String(bucket.properties.BucketName) }))
const zoneBuckets = () => buckets().filter(({ name }) => ZONES.map(bucketName).includes(name))

/** Roles that may do one of these to objects of a zone below a prefix. */
const rolesThat = (actions: readonly string[], zone: string, prefix = ''): readonly string[] => [
  ...new Set(
    statements
      .filter(({ effect }) => effect === 'Allow')
      .filter((statement) => statement.actions.some((action) => actions.includes(action)))
      .filter(({ resources }) =>
        resources.some((resource) => {
          const pattern = resource.replace(/\*$/, '')
          const wanted = `arn:aws:s3:::${bucketName(zone)}/${prefix}`
          return resource === '*' || wanted.startsWith(pattern) || pattern.startsWith(wanted)
        }),
      )
      .map(({ role }) => role),
  ),
]

describe('buckets', () => {
  test('DEP-18, DEP-19: there is one bucket a zone, and one for access logs that is no zone', () =>
    expect(
      buckets()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...ZONES.map(bucketName), 'sluice-access-logs-000000000000-us-east-2'].sort()))

  test('SEC-01: every zone is encrypted with the key of Sluice', () => {
    for (const { properties } of zoneBuckets())
      expect(properties.BucketEncryption).toEqual({
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: expect.anything() },
          },
        ],
      })
  })

  test('SEC-05, DEP-10: public access is blocked in all four ways', () => {
    for (const { properties } of buckets())
      expect(properties.PublicAccessBlockConfiguration).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      })
  })

  test('SEC-29: the owner of the bucket owns its objects', () => {
    for (const { properties } of buckets())
      expect(properties.OwnershipControls).toEqual({ Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] })
  })

  test('IN-33: every bucket is versioned', () => {
    for (const { properties } of buckets()) expect(properties.VersioningConfiguration).toEqual({ Status: 'Enabled' })
  })

  test('SEC-04: every bucket refuses requests without TLS, and TLS before 1.2', () => {
    const policies = app.of('AWS::S3::BucketPolicy').map(({ properties }) => JSON.stringify(properties))
    expect(policies).toHaveLength(buckets().length)
    for (const policy of policies) {
      expect(policy).toContain('"Condition":{"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny"')
      expect(policy).toContain('"NumericLessThan":{"s3:TlsVersion":1.2}')
    }
  })

  test('DEP-17 JOB-17: intermediate zones and logs expire, raw and the audit of replays do not', () => {
    const expiring = zoneBuckets()
      .filter(({ properties }) => JSON.stringify(properties.LifecycleConfiguration).includes('ExpirationInDays'))
      .map(({ name }) => name)
    expect(expiring.sort()).toEqual(['curated', 'dq-results', 'quarantine', 'validated', 'work'].map(bucketName))
    const [raw] = buckets().filter(({ name }) => name === bucketName('raw'))
    expect(JSON.stringify(raw?.properties.LifecycleConfiguration)).not.toContain('Expiration')
    const kept = app.of('AWS::Logs::LogGroup').map(({ properties }) => properties.RetentionInDays)
    expect(kept.filter((days) => !(Number(days) <= 90))).toEqual([])
  })

  test('IN-34: raw tells EventBridge by the property of the bucket itself', () => {
    const [raw] = buckets().filter(({ name }) => name === bucketName('raw'))
    expect(raw?.properties.NotificationConfiguration).toEqual({
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    })
    expect(app.resources.filter(({ type }) => type.startsWith('Custom::'))).toEqual([])
  })
})

describe('roles', () => {
  const WRITING = ['s3:PutObject', 's3:*', '*']

  test('SEC-28, DEP-18: every prefix of the zones has exactly one writer', () => {
    const writers = {
      'validated/': rolesThat(WRITING, 'validated'),
      'curated/': rolesThat(WRITING, 'curated'),
      'curated/rejects/': rolesThat(WRITING, 'curated', 'rejects/'),
      'quarantine/': rolesThat(WRITING, 'quarantine'),
      'dq-results/': rolesThat(WRITING, 'dq-results'),
      'work/config/': rolesThat(WRITING, 'work', 'config/'),
      'work/plans/': rolesThat(WRITING, 'work', 'plans/'),
      'work/runs/': rolesThat(WRITING, 'work', 'runs/'),
    }
    expect(writers).toEqual({
      'validated/': ['sluice-ingest'],
      'curated/': ['sluice-runs'],
      'curated/rejects/': ['sluice-runs'],
      'quarantine/': ['sluice-quarantine'],
      'dq-results/': ['sluice-runs'],
      'work/config/': ['sluice-metadata'],
      'work/plans/': ['sluice-validate'],
      'work/runs/': ['sluice-runs'],
    })
  })

  test('SEC-08 QUA-22: no role of the pipeline writes raw, and validation does not write curated', () => {
    expect(rolesThat(WRITING, 'raw')).toEqual([])
    expect(rolesThat(WRITING, 'curated')).not.toContain('sluice-validate')
  })

  test('DEP-19 QUA-22: nobody deletes from raw, whatever his policy says', () => {
    const policies = app.of('AWS::S3::BucketPolicy').map(({ properties }) => JSON.stringify(properties))
    expect(policies.filter((policy) => policy.includes('"Sid":"NobodyDeletesEvidence"'))).toHaveLength(1)
    const deleting = statements.filter(({ actions }) => actions.some((action) => action.startsWith('s3:Delete')))
    expect(deleting).toEqual([])
  })

  test('SEC-07: only declared roles list buckets, each below a prefix', () => {
    const listing = statements.filter(({ actions }) => actions.some((action) => action.startsWith('s3:ListBucket')))
    expect([...new Set(listing.map(({ role }) => role))].sort()).toEqual([
      'sluice-copy',
      'sluice-ingest',
      'sluice-metadata',
      'sluice-quarantine',
      'sluice-sweep',
      'sluice-validate',
    ])
    for (const { condition } of listing) expect(JSON.stringify(condition)).toContain('s3:prefix')
  })

  test('SEC-06, DEP-08: no policy of any stack has a wildcard without a written reason', () => {
    for (const template of Object.values(app.templates)) expect(unjustifiedWildcards(template)).toEqual([])
  })

  test('SEC-30: only the function that talks to the database is in the network', () => {
    const inNetwork = app.of('AWS::Lambda::Function').filter(({ properties }) => properties.VpcConfig !== undefined)
    expect(inNetwork.map(({ properties }) => properties.FunctionName)).toEqual(['metadata'])
    expect(app.of('AWS::Glue::Job').filter(({ properties }) => properties.Connections !== undefined)).toEqual([])
  })
})

describe('functions', () => {
  test('there are exactly the three functions of the design', () =>
    expect(
      app
        .of('AWS::Lambda::Function')
        .map(({ properties }) => properties.FunctionName)
        .sort(),
    ).toEqual(['metadata', 'quarantine', 'validate']))

  test('DEP-02: published versions stay when a newer one is published, and machines call versions', () => {
    for (const { raw } of app.of('AWS::Lambda::Version'))
      expect(raw).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
    const [ingest] = app
      .of('AWS::StepFunctions::StateMachine')
      .filter(({ properties }) => properties.StateMachineName === 'ingest')
    const substitutions = JSON.stringify(ingest?.properties.DefinitionSubstitutions)
    for (const name of ['Validate', 'Quarantine', 'Metadata'])
      expect(substitutions).toMatch(new RegExp(`"${name}FunctionArn":\\{"Ref":"Functions${name}FunctionCurrentVersion`))
  })

  test('bound the connections and requests that they can cause at once', () => {
    for (const { properties } of app.of('AWS::Lambda::Function'))
      expect(properties.ReservedConcurrentExecutions).toEqual(expect.any(Number))
  })
})

describe('machines', () => {
  test('ORC-15: ingest is Standard, intake is Express', () => {
    const types = app
      .of('AWS::StepFunctions::StateMachine')
      .map(({ properties }) => [properties.StateMachineName, properties.StateMachineType])
    expect(Object.fromEntries(types)).toEqual({
      ingest: 'STANDARD',
      intake: 'EXPRESS',
      deploy: 'STANDARD',
      sweep: 'STANDARD',
      replay: 'STANDARD',
    })
  })

  test('DEP-02: every machine has a retained version and the alias live on it', () => {
    const versions = app.of('AWS::StepFunctions::StateMachineVersion')
    expect(versions).toHaveLength(5)
    for (const { raw } of versions)
      expect(raw).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
    expect(app.of('AWS::StepFunctions::StateMachineAlias').map(({ properties }) => properties.Name)).toEqual(
      Array(5).fill('live'),
    )
  })

  test('ORC-18: every machine logs everything and is traced', () => {
    for (const { properties } of app.of('AWS::StepFunctions::StateMachine')) {
      expect(properties.LoggingConfiguration).toMatchObject({ Level: 'ALL', IncludeExecutionData: true })
      expect(properties.TracingConfiguration).toEqual({ Enabled: true })
    }
  })

  test('TEN-03: one definition serves all tenants and datasets', () => {
    const definitions = app
      .of('AWS::StepFunctions::StateMachine')
      .map(({ properties }) => String(properties.DefinitionString))
    for (const name of ['acme', 'globex', 'orders', 'birdstrikes'])
      expect(definitions.filter((definition) => definition.includes(name))).toEqual([])
  })
})

describe('rules', () => {
  const ruleNamed = (name: string) =>
    app.of('AWS::Events::Rule').find(({ properties }) => properties.Name === name)?.properties

  test('IN-21, IN-26, IN-35: every object under landing/ starts intake, none elsewhere', () => {
    expect(ruleNamed('sluice-landed')?.EventPattern).toEqual({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: { bucket: { name: [bucketName('raw')] }, object: { key: [{ prefix: 'landing/' }] } },
    })
  })

  test('REP-06: a manifest in the replay bucket starts replay, and its result, which lies beside it, starts nothing', () => {
    expect(ruleNamed('sluice-replay')?.EventPattern).toEqual({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: { bucket: { name: [bucketName('replay')] }, object: { key: [{ wildcard: 'manifests/*.json' }] } },
    })
    const written = statements
      .filter(({ actions }) => actions.includes('s3:PutObject'))
      .flatMap(({ role, resources }) => resources.map((resource) => `${role} ${resource}`))
      .filter((place) => place.includes(bucketName('replay')))
    expect(written.map((place) => place.replace(/^.*(?=:::)/, '')).sort()).toEqual([
      `:::${bucketName('replay')}/audit/*`,
      `:::${bucketName('replay')}/manifests/*.result`,
    ])
  })

  test('REP-16: no role that a replay has writes raw', () => {
    const writes = statements.filter(
      ({ effect, actions }) => effect === 'Allow' && actions.some((one) => one.startsWith('s3:Put')),
    )
    expect(writes.flatMap(({ resources }) => resources).filter((one) => one.includes(bucketName('raw')))).toEqual([])
  })

  test('an execution of ingest that ended by itself is closed by the metadata function', () =>
    expect(ruleNamed('sluice-execution-ended')?.EventPattern).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: {
        stateMachineArn: ['arn:aws:states:us-east-2:000000000000:stateMachine:ingest'],
        status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
      },
    }))

  test('an execution that failed for good is told to the metadata function, and left in the dead-letter queue', () =>
    expect(ruleNamed('sluice-execution-ended')?.Targets).toMatchObject([
      { Arn: { Ref: expect.stringMatching(/^FunctionsMetadata/) } },
      { Arn: { 'Fn::GetAtt': [expect.stringMatching(/^DeadLetters/), 'Arn'] } },
    ]))

  test('the sweep runs on a schedule', () =>
    expect(ruleNamed('sluice-sweep')?.ScheduleExpression).toBe('rate(15 minutes)'))

  test('what cannot be delivered goes to the dead-letter queue', () => {
    for (const { properties } of app.of('AWS::Events::Rule'))
      for (const target of Array.isArray(properties.Targets) ? properties.Targets : [])
        expect(isJsonObject(target) && target.DeadLetterConfig).toEqual({ Arn: expect.anything() })
  })
})

describe('databases', () => {
  test('SEC-03: Postgres and Redshift are encrypted with the key of Sluice', () => {
    expect(app.of('AWS::RDS::DBCluster')[0]?.properties).toMatchObject({
      StorageEncrypted: true,
      KmsKeyId: expect.anything(),
    })
    expect(app.of('AWS::RedshiftServerless::Namespace')[0]?.properties.KmsKeyId).toEqual(expect.anything())
  })

  test('SEC-04: Postgres and Redshift require TLS', () => {
    expect(app.of('AWS::RDS::DBClusterParameterGroup')[0]?.properties.Parameters).toEqual({ 'rds.force_ssl': '1' })
    expect(app.of('AWS::RedshiftServerless::Workgroup')[0]?.properties.ConfigParameters).toContainEqual({
      ParameterKey: 'require_ssl',
      ParameterValue: 'true',
    })
  })

  test('the function logs in to Postgres by a token of IAM, and no environment holds a secret', () => {
    expect(app.of('AWS::RDS::DBCluster')[0]?.properties).toMatchObject({
      EnableIAMDatabaseAuthentication: true,
      ManageMasterUserPassword: true,
    })
    const environments = app.of('AWS::Lambda::Function').map(({ properties }) => JSON.stringify(properties.Environment))
    for (const environment of environments) expect(environment).not.toMatch(/password/i)
  })
})

describe('stacks', () => {
  test('DEP-01, DEP-12: four stacks hold all of it', () =>
    expect(Object.keys(app.templates).sort()).toEqual([
      'SluiceFoundation',
      'SluiceMetadata',
      'SluiceWarehouse',
      'SluiceWorkflow',
    ]))

  test('Glue has the three jobs of the design, queued and never retried by Glue', () => {
    const jobs = app.of('AWS::Glue::Job').map(({ properties }) => properties)
    expect(jobs.map(({ Name }) => Name).sort()).toEqual(['quality', 'transform-large', 'transform-small'])
    for (const job of jobs) expect(job).toMatchObject({ MaxRetries: 0, JobRunQueuingEnabled: true })
  })
})
