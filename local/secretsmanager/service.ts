/** Secrets Manager: the template's secrets, generated once and kept. */

import { randomUUID } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { type Input, readInput } from '../input.ts'
import { AwsError, type Clock, type Operation, type Permission, type Service, type Store } from '../service.ts'
import { generateSecret } from './generate.ts'

interface SecretRecord {
  readonly name: string
  readonly arn: string
  readonly description: string
  readonly kmsKeyArn: string | null
  readonly value: string
  readonly versionId: string
  readonly createdAt: string
  readonly changedAt: string
}

/** A secret as the template declares it. */
export interface SecretSettings {
  readonly name: string
  readonly arn: string
  readonly description: string
  readonly kmsKeyArn: string | null
  /** A value in the template itself. */
  readonly secretString: string | null
  /** `GenerateSecretString`; used once. */
  readonly generate: JsonObject | null
  /** Members that an attachment adds to the value, e.g. the database's host. */
  readonly attachment: JsonObject | null
}

export interface SecretsManagerService extends Service {
  /** Makes a secret or brings it to these settings; a generated value stays as it is. */
  provisionSecret(settings: SecretSettings): Promise<void>
}

export interface SecretsManagerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly region: string
  /** Makes deployed values local as they are read, e.g. the host and port of the database. */
  readonly localValue?: (secretString: string) => string
}

/** Secrets in the store; by name, ARN or ARN without its random end. */
export function createSecretsManagerService(options: SecretsManagerOptions): SecretsManagerService {
  const secrets = options.store.collection<SecretRecord>('secretsmanager.secrets')
  const all = (): SecretRecord[] => [...secrets.range([])].map(({ value }) => value)
  /** @throws AwsError `ResourceNotFoundException` */
  const find = (id: string): SecretRecord => {
    const found = all().find(({ name, arn }) => id === name || id === arn || id === arn.slice(0, -7))
    if (found !== undefined) return found
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  }
  const onSecret = (
    action: string,
    run: (secret: SecretRecord, input: Input) => unknown,
    decrypts = false,
  ): Operation => ({
    permissions: (raw): Permission[] => {
      const { arn, kmsKeyArn } = find(readInput(raw).text('SecretId'))
      const context = { 'kms:ViaService': `secretsmanager.${options.region}.amazonaws.com` }
      const key = decrypts && kmsKeyArn !== null ? [{ action: 'kms:Decrypt', resource: kmsKeyArn, context }] : []
      return [{ action, resource: arn }, ...key]
    },
    run: async (raw) => {
      const input = readInput(raw)
      return run(find(input.text('SecretId')), input)
    },
  })
  return {
    id: 'secretsmanager',
    operations: {
      GetSecretValue: onSecret(
        'secretsmanager:GetSecretValue',
        (secret, input) => secretValue(secret, input, options),
        true,
      ),
      DescribeSecret: onSecret('secretsmanager:DescribeSecret', describe),
      ListSecrets: {
        permissions: () => [{ action: 'secretsmanager:ListSecrets', resource: '*' }],
        run: async () => ({ SecretList: all().map(describe) }),
      },
    },
    provisionSecret: async (settings) => {
      await options.store.transaction(() => {
        const former = secrets.get([settings.name])
        secrets.put([settings.name], provisioned(settings, former, options.clock.now()))
      })
    },
  }
}

function provisioned(settings: SecretSettings, former: SecretRecord | undefined, now: Date): SecretRecord {
  const { name, arn, description, kmsKeyArn } = settings
  const value = attached(settings.secretString ?? former?.value ?? generateSecret(settings.generate ?? {}), settings)
  const unchanged = former !== undefined && former.value === value
  return {
    name,
    arn,
    description,
    kmsKeyArn,
    value,
    versionId: unchanged ? former.versionId : randomUUID(),
    createdAt: former?.createdAt ?? now.toISOString(),
    changedAt: unchanged ? former.changedAt : now.toISOString(),
  }
}

function attached(value: string, { attachment }: SecretSettings): string {
  if (attachment === null) return value
  const members: unknown = JSON.parse(value)
  return JSON.stringify({ ...(isJsonObject(members) ? members : {}), ...attachment })
}

function secretValue(secret: SecretRecord, input: Input, { localValue }: SecretsManagerOptions): unknown {
  const stage = input.textOr('VersionStage', 'AWSCURRENT')
  const versionId = input.textOr('VersionId', secret.versionId)
  if (stage !== 'AWSCURRENT' || versionId !== secret.versionId) {
    const message = `Secrets Manager can't find the specified secret value for staging label: ${stage}`
    throw new AwsError('ResourceNotFoundException', message)
  }
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: secret.versionId,
    SecretString: localValue === undefined ? secret.value : localValue(secret.value),
    VersionStages: ['AWSCURRENT'],
    CreatedDate: new Date(secret.changedAt),
  }
}

const describe = (secret: SecretRecord): unknown => ({
  ARN: secret.arn,
  Name: secret.name,
  ...(secret.description === '' ? {} : { Description: secret.description }),
  ...(secret.kmsKeyArn === null ? {} : { KmsKeyId: secret.kmsKeyArn }),
  CreatedDate: new Date(secret.createdAt),
  LastChangedDate: new Date(secret.changedAt),
  VersionIdsToStages: { [secret.versionId]: ['AWSCURRENT'] },
  SecretVersionsToStages: { [secret.versionId]: ['AWSCURRENT'] },
})
