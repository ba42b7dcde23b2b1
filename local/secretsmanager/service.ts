/** Secrets Manager: the template's secrets, generated once and kept. */

import { randomUUID } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import {
  AwsError,
  type Clock,
  type Operation,
  type Permission,
  type Service,
  type ServiceBus,
  type Store,
} from '../service.ts'
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
  /** Known once all services are made. */
  readonly bus: () => ServiceBus
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
      ListSecretVersionIds: onSecret('secretsmanager:ListSecretVersionIds', (secret) => ({
        ARN: secret.arn,
        Name: secret.name,
        Versions: [
          { VersionId: secret.versionId, VersionStages: ['AWSCURRENT'], CreatedDate: new Date(secret.changedAt) },
        ],
      })),
      ListSecrets: {
        permissions: () => [{ action: 'secretsmanager:ListSecrets', resource: '*' }],
        run: async (raw) => {
          const input = readInput(raw)
          const accepts = filtersOf(input)
          const wanted = all().filter((secret) => accepts.every((accept) => accept(secret)))
          const { page, next } = pageOf(wanted, input, { size: 100, invalidToken: 'InvalidNextTokenException' })
          return { SecretList: page.map(listed), ...(next === undefined ? {} : { NextToken: next }) }
        },
      },
      BatchGetSecretValue: {
        permissions: () => [{ action: 'secretsmanager:BatchGetSecretValue', resource: '*' }],
        run: async (raw, call) => {
          const input = readInput(raw)
          const ids = input.list('SecretIdList').map(String)
          const accepts = filtersOf(input)
          const wanted =
            ids.length > 0
              ? ids
              : all()
                  .filter((s) => accepts.every((accept) => accept(s)))
                  .map(({ arn }) => arn)
          return batchOf(wanted, (SecretId) =>
            options.bus().call('secretsmanager', 'GetSecretValue', { SecretId }, call),
          )
        },
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

/** @throws AwsError `InvalidParameterException` for filters that are not there */
const filtersOf = (input: Input): ((secret: SecretRecord) => boolean)[] =>
  input.structures('Filters').map((filter) => {
    const key = filter.text('Key')
    const values = filter.list('Values').map(String)
    if (key === 'name') return ({ name }) => values.some((value) => name.startsWith(value))
    if (key === 'description') return ({ description }) => values.some((value) => description.startsWith(value))
    if (key === 'all')
      return ({ name, description }) => values.some((value) => `${name} ${description}`.includes(value))
    throw new AwsError('InvalidParameterException', `Filters by ${key} are not implemented by this runtime.`)
  })

/** Each secret is allowed or denied by itself: what cannot be had is listed under `Errors`. */
async function batchOf(ids: readonly string[], get: (id: string) => Promise<unknown>): Promise<unknown> {
  const values: unknown[] = []
  const errors: unknown[] = []
  for (const id of ids) {
    try {
      values.push(await get(id))
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown
      errors.push({ SecretId: id, ErrorCode: thrown.code, Message: thrown.message })
    }
  }
  return { SecretValues: values, Errors: errors }
}

const listed = (secret: SecretRecord): Record<string, unknown> => {
  const { VersionIdsToStages: stages, ...members } = describe(secret)
  return { ...members, SecretVersionsToStages: stages }
}

const describe = (secret: SecretRecord): Record<string, unknown> => ({
  ARN: secret.arn,
  Name: secret.name,
  ...(secret.description === '' ? {} : { Description: secret.description }),
  ...(secret.kmsKeyArn === null ? {} : { KmsKeyId: secret.kmsKeyArn }),
  CreatedDate: new Date(secret.createdAt),
  LastChangedDate: new Date(secret.changedAt),
  VersionIdsToStages: { [secret.versionId]: ['AWSCURRENT'] },
})
