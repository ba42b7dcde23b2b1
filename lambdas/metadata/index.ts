import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { S3Client } from '@aws-sdk/client-s3'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { environmentOf } from '../environment.ts'
import { Fields } from '../input.ts'
import { scopeOf, startLog } from '../log.ts'
import { s3ObjectStore } from '../s3-object-store.ts'
import { s3SourceInspector } from '../s3-source-inspector.ts'
import { postgresDatabase, type Queryable } from './database.ts'
import { type Migration, migrationsOf } from './migrate.ts'
import { type MetadataDeps, runOperation } from './operations.ts'
import { onOneConnection, type PostgresSettings, postgresPool } from './postgres-pool.ts'
import { parseSeed } from './seed-file.ts'

const environment = environmentOf(process.env)
const newLog = () =>
  startLog(
    'metadata',
    (line) => process.stdout.write(`${line}\n`),
    () => performance.now(),
  )
const NO_SCOPE = { tenantId: null, jobId: null, executionArn: null }

/** Where Lambda keeps Amazon's authorities, which sign the database's certificate; Node no longer loads them itself. */
const AUTHORITIES_PATH = '/var/runtime/ca-cert.pem'

const place = () => ({
  certificateAuthorities: existsSync(AUTHORITIES_PATH) ? readFileSync(AUTHORITIES_PATH, 'utf8') : null,
  host: environment('DATABASE_HOST'),
  port: Number(environment('DATABASE_PORT')),
  database: environment('DATABASE_NAME'),
})

/** A token that IAM signs for this role, host and user; no password is stored anywhere. */
async function iamToken(): Promise<string> {
  const { Signer } = await import('@aws-sdk/rds-signer')
  const { host, port } = place()
  const user = environment('DATABASE_USER')
  return new Signer({ hostname: host, port, username: user, region: environment('AWS_REGION') }).getAuthToken()
}

const appSettings = (): PostgresSettings => ({ ...place(), user: environment('DATABASE_USER'), password: iamToken })

/** Of the database's administrator, from Secrets Manager. */
async function administratorSettings(): Promise<PostgresSettings> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
  const secret = await new SecretsManagerClient({}).send(
    new GetSecretValueCommand({ SecretId: environment('DATABASE_ADMIN_SECRET_ARN') }),
  )
  const login = new Fields(JSON.parse(secret.SecretString ?? 'null'), 'secret')
  return { ...place(), user: login.text('username'), password: async () => login.text('password') }
}

async function readMigrations(): Promise<readonly Migration[]> {
  const folder = new URL('./migrations/', import.meta.url)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql'))
  return migrationsOf(
    await Promise.all(names.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), 'utf8') }))),
  )
}

const readSeed = async () =>
  parseSeed(await readFile(process.env.SEED_PATH ?? new URL('./seed.json', import.meta.url), 'utf8'))

let deps: Omit<MetadataDeps, 'log'> | undefined

/** Made at the first event and kept while the container lives. */
function connectedDeps(): Omit<MetadataDeps, 'log'> {
  if (deps !== undefined) return deps
  const s3 = new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined })
  const pool = postgresPool(appSettings(), (error) =>
    newLog()('WARN', `Idle connection lost: ${error.message}`, NO_SCOPE),
  )
  deps = {
    database: postgresDatabase(pool),
    objects: s3ObjectStore(s3),
    inspector: s3SourceInspector(s3),
    workBucket: environment('WORK_BUCKET'),
    rawBucket: environment('RAW_BUCKET'),
    now: () => new Date(),
    asAdministrator: async <T>(work: (sql: Queryable) => Promise<T>) =>
      onOneConnection(await administratorSettings(), work),
    migrations: readMigrations,
    seed: readSeed,
    stored: new Set(),
  }
  return deps
}

/** The metadata function. @throws what the operation throws, by the error's name */
export async function handler(event: unknown): Promise<unknown> {
  const log = newLog()
  try {
    return await runOperation(event, { ...connectedDeps(), log })
  } catch (thrown) {
    const code = thrown instanceof SluiceError ? thrown.code : 'unexpected'
    log('ERROR', messageOf(thrown), scopeOf(event), { code })
    throw thrown
  }
}
