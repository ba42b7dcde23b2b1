import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { generateSecret } from '../../../local/secretsmanager/generate.ts'
import {
  createSecretsManagerService,
  type SecretSettings,
  type SecretsManagerService,
} from '../../../local/secretsmanager/service.ts'
import { ACCOUNT, REGION, startRuntime, type TestRuntime } from '../endpoint/runtime.ts'

let runtime: TestRuntime
let client: SecretsManagerClient
let service: SecretsManagerService
const arn = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:database-admin-AbCdEf`
const settings: SecretSettings = {
  name: 'database-admin',
  arn,
  description: 'Administrator',
  kmsKeyArn: null,
  secretString: null,
  generate: { SecretStringTemplate: '{"username":"admin"}', GenerateStringKey: 'password', ExcludePunctuation: true },
  attachment: { host: '127.0.0.1', port: 5432 },
}

beforeAll(async () => {
  runtime = await startRuntime({
    services: async ({ store, clock }) => {
      service = createSecretsManagerService({ store, clock, region: REGION, bus: () => runtime.bus })
      await service.provisionSecret(settings)
      return [service]
    },
  })
  const { url } = runtime.endpoint
  client = new SecretsManagerClient({
    endpoint: url,
    region: REGION,
    credentials: runtime.credentials.operator,
    maxAttempts: 1,
  })
})
afterAll(async () => {
  client.destroy()
  await runtime.close()
})

describe('secrets', () => {
  test('are generated once from the template and keep their value when deployed again', async () => {
    const first = await client.send(new GetSecretValueCommand({ SecretId: arn }))
    expect(JSON.parse(first.SecretString ?? '')).toEqual({
      username: 'admin',
      password: expect.stringMatching(/^[A-Za-z0-9]{32}$/),
      host: '127.0.0.1',
      port: 5432,
    })
    await service.provisionSecret(settings)
    const second = await client.send(new GetSecretValueCommand({ SecretId: 'database-admin' }))
    expect([second.SecretString, second.VersionId]).toEqual([first.SecretString, first.VersionId])
  })

  test('are described and listed without their value', async () => {
    const described = await client.send(new DescribeSecretCommand({ SecretId: 'database-admin' }))
    expect(described).toMatchObject({ ARN: arn, Name: 'database-admin', Description: 'Administrator' })
    expect((await client.send(new ListSecretsCommand({}))).SecretList?.map(({ Name }) => Name)).toEqual([
      'database-admin',
    ])
  })

  test('that are not there are said so', async () => {
    await expect(client.send(new GetSecretValueCommand({ SecretId: 'none' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret.",
    })
  })
})

describe('generated values', () => {
  const random = (limit: number): number => limit - 1
  test.each([
    { why: 'all kinds of characters', settings: {}, expected: /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[^\w\s]).{32}$/ },
    { why: 'a length', settings: { PasswordLength: 8, ExcludePunctuation: true }, expected: /^[A-Za-z0-9]{8}$/ },
    { why: 'excluded characters', settings: { ExcludeCharacters: '9~zZ' }, expected: /^[^9~zZ]{32}$/ },
  ])('honour $why', ({ settings: given, expected }) => {
    expect(generateSecret(given, random)).toMatch(expected)
    expect(generateSecret(given)).toMatch(expected)
  })
})
