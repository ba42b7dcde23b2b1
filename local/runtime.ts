/** The laptop runtime: one cloud assembly on embedded engines, one state folder, one loopback port. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import type { Assembly } from './assembly/model.ts'
import { readAssembly } from './assembly/read-assembly.ts'
import { startEndpoint } from './endpoint/server.ts'
import { type CredentialStore, openCredentialStore } from './iam/credentials.ts'
import { type GrantObserver, recordRoles } from './iam/grant-uses.ts'
import { databaseAuthenticate } from './postgres/authenticate.ts'
import { openEmbeddedDatabase } from './postgres/embedded-database.ts'
import type { Authenticate } from './postgres/login.ts'
import { startDatabaseProxy } from './postgres/proxy.ts'
import { startDatabaseServer } from './postgres/server.ts'
import { provision, runDeployWorkflow, startFailure } from './runtime/deployment.ts'
import { keepWebAssemblyAtBaseline } from './runtime/engine-flags.ts'
import { openFunctionLogs } from './runtime/function-logs.ts'
import { administratorIn, createServices, type RuntimeServices } from './runtime/services.ts'
import { durableNumbers } from './runtime/version-numbers.ts'
import type { Clock, Store } from './service.ts'
import { openStore } from './store.ts'
import { systemClock } from './system-clock.ts'

export interface RuntimeOptions extends Partial<RuntimeSettings> {
  /** Folder of `cdk synth`; read as it is. */
  readonly assemblyDirectory: string
  /** Made where it is missing. */
  readonly stateDirectory: string
  /** Told of what roles are allowed and denied. */
  readonly grantObserver?: GrantObserver
}

/** What a runtime that is only given its folders has: a free port, everything embedded, and nobody who reads its log. */
export interface RuntimeSettings {
  /** 0 takes a free one. */
  readonly port: number
  readonly clock: Clock
  /** `embedded`: plans run in process; `spark`: the Glue scripts themselves. */
  readonly engine: 'embedded' | 'spark'
  /** A PostgreSQL server instead of the embedded one. */
  readonly databaseUrl: string | null
  readonly log: (line: string) => void
}

const DEFAULTS: RuntimeSettings = {
  port: 0,
  clock: systemClock,
  engine: 'embedded',
  databaseUrl: null,
  log: () => undefined,
}

type Settings = RuntimeSettings & RuntimeOptions

export interface Runtime {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string
  readonly region: string
  readonly assembly: Assembly
  readonly services: RuntimeServices
  /** Steps of the start with the milliseconds each took. */
  readonly startSteps: readonly { readonly name: string; readonly millis: number }[]
  /** Stops everything in order; what runs is taken up by the next start. */
  close(): Promise<void>
}

/** Stands in deployed values for the port of the embedded database, which each start chooses. */
const DATABASE_PORT = '{{local:database-port}}'
const DATABASE_HOST = '127.0.0.1'

/**
 * Brings up what the assembly declares and takes up what an earlier process left.
 * @throws SluiceError `assembly_missing`, `unsupported_resource_type`, `state_in_use`, `port_in_use`, `deployment_failed` …
 */
export async function startRuntime(given: RuntimeOptions): Promise<Runtime> {
  const options: Settings = { ...DEFAULTS, ...given }
  if (options.engine === 'spark') throw notYet('--engine spark')
  keepWebAssemblyAtBaseline()
  const closers: Closer[] = []
  try {
    return await start(options, closers)
  } catch (thrown) {
    await closeAll(closers)
    throw thrown
  }
}

/** Undo of one step of the start. */
type Closer = () => Promise<void> | void

const notYet = (what: string): SluiceError =>
  new SluiceError('engine_unavailable', `Cannot start with ${what}: this engine is not available`, {
    hint: 'Leave the option out to use the embedded engines.',
  })

/** Last opened, first closed; one failure does not keep the others open. */
async function closeAll(closers: Closer[]): Promise<void> {
  const failures: unknown[] = []
  for (const close of closers.splice(0).reverse()) {
    try {
      await close()
    } catch (thrown) {
      failures.push(thrown)
    }
  }
  if (failures.length > 0) throw failures[0]
}

async function start(options: Settings, closers: Closer[]): Promise<Runtime> {
  const { stateDirectory, clock, log } = options
  const steps: { name: string; millis: number }[] = []
  const step = async <T>(name: string, work: () => Promise<T> | T): Promise<T> => {
    const began = performance.now()
    try {
      return await work()
    } catch (thrown) {
      throw startFailure(name, thrown)
    } finally {
      const millis = Math.round(performance.now() - began)
      steps.push({ name, millis })
      log(`start: ${name} ${millis} ms`)
    }
  }

  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 })
  const store = await step('state', () => openStore(stateDirectory))
  closers.push(() => store.close())
  const numbers = durableNumbers(store)
  const assembly = await step('assembly', () =>
    readAssembly(options.assemblyDirectory, {
      numbers,
      local: { databaseHost: DATABASE_HOST, databasePort: DATABASE_PORT },
    }),
  )
  const embedded = assembly.databases.length > 0 && options.databaseUrl === null
  // Opened beside the other steps, as it takes longest; its failure is met where it is awaited.
  const opening = embedded ? openEmbeddedDatabase(join(stateDirectory, 'postgres')) : null
  opening?.catch(() => undefined)
  // When the start fails before it is awaited, it would keep the process alive.
  if (opening !== null)
    closers.push(() =>
      opening.then(
        (database) => database.close(),
        () => undefined,
      ),
    )
  await numbers.saved()
  await recordRoles(store, assembly.roles)
  const credentials = openCredentialStore(stateDirectory, assembly.accountId)
  const logs = openFunctionLogs(join(stateDirectory, 'logs'), clock)
  closers.push(() => logs.close())

  const local = { endpointUrl: '', databasePort: 0 }
  const services = createServices({
    assembly,
    store,
    stateDirectory,
    clock,
    credentials,
    logs,
    numbers,
    ...(options.grantObserver === undefined ? {} : { grantObserver: options.grantObserver }),
    endpointUrl: () => local.endpointUrl,
    localValue: (value) => value.replaceAll(DATABASE_PORT, String(local.databasePort)),
    log,
  })
  closers.push(() => closeServices(services))
  /** What the services work with is closed after them, so that no task fails for the stop. */
  const closeAfterServices = (closer: Closer): void => void closers.splice(-1, 0, closer)

  const endpoint = await step('endpoint', () =>
    startEndpoint({ bus: services.bus, credentials, region: assembly.region, clock, port: options.port }),
  )
  closeAfterServices(() => endpoint.close())
  local.endpointUrl = endpoint.url
  const serving = { port: 0, log, authenticate: authenticateWith({ assembly, services, credentials, clock, local }) }
  if (opening !== null) {
    const database = await step('database', () => opening)
    const server = await startDatabaseServer(database, serving)
    closeAfterServices(() => server.close())
    local.databasePort = server.port
  }
  const { databaseUrl } = options
  if (databaseUrl !== null) {
    const proxy = await step('database', () => startDatabaseProxy(databaseUrl, serving))
    closeAfterServices(() => proxy.close())
    local.databasePort = proxy.port
  }

  const deployed = deployedDigest(store)
  const changed = deployed.get() !== assembly.digest
  if (changed) await step('provision', () => provision(assembly, services))
  const warming = services.lambda.warm(assembly.functions)
  await step('resume', async () => {
    await services.glue.recover()
    await services.redshiftData.resume()
    await services.states.resume()
  })
  if (changed) {
    const name = `${assembly.digest.slice(0, 16)}-${randomUUID().slice(0, 8)}`
    await step('deploy', () => runDeployWorkflow(assembly, services, name))
    await deployed.put(assembly.digest)
  }
  await step('serve', async () => {
    await services.s3.start()
    services.lambda.resume()
    services.sns.resume()
    await services.cloudWatchLogs.expire()
    services.events.start()
    await warming
  })

  const file = join(stateDirectory, 'runtime.json')
  writeRuntimeFile(file, {
    endpoint: endpoint.url,
    region: assembly.region,
    ...credentials.operator,
    operations: services.operations,
  })
  closers.push(() => rmSync(file, { force: true }))
  return {
    endpoint: endpoint.url,
    region: assembly.region,
    assembly,
    services,
    startSteps: steps,
    close: () => closeAll(closers),
  }
}

interface DatabaseContext {
  readonly assembly: Assembly
  readonly services: RuntimeServices
  readonly credentials: CredentialStore
  readonly clock: Clock
  readonly local: { readonly databasePort: number }
}

/** Lets in whom RDS would let in. */
const authenticateWith = ({ assembly, services, credentials, clock, local }: DatabaseContext): Authenticate =>
  databaseAuthenticate({
    clock,
    region: assembly.region,
    accountId: assembly.accountId,
    databaseResourceId: assembly.databases[0]?.resourceId ?? '',
    address: () => ({ host: DATABASE_HOST, port: local.databasePort }),
    findKey: (accessKeyId) => credentials.find(accessKeyId),
    authorize: (caller, permission) => services.bus.authorize(caller, permission),
    administrator: () => databaseAdministrator(assembly, services),
  })

/** First what starts new work, then what does it. */
async function closeServices({
  events,
  sns,
  lambda,
  states,
  glue,
  redshiftData,
  s3,
  cloudWatchLogs,
}: RuntimeServices): Promise<void> {
  await events.close()
  await sns.close()
  await states.close()
  await Promise.all([lambda.close(), glue.close()])
  await redshiftData.close()
  await s3.close()
  await cloudWatchLogs.close()
}

interface DigestRecord {
  readonly digest: string
}

/** Which assembly the state is at. */
function deployedDigest(store: Store): { get(): string | null; put(digest: string): Promise<void> } {
  const kept = store.collection<DigestRecord>('assembly.deployed')
  return {
    get: () => kept.get(['current'])?.digest ?? null,
    put: (digest) => kept.put(['current'], { digest }),
  }
}

/** The secret that the database made for its administrator. */
async function databaseAdministrator(
  assembly: Assembly,
  services: RuntimeServices,
): Promise<{ username: string; password: string } | null> {
  const secret = assembly.secrets.find(({ arn }) => arn.includes(':secret:rds!'))
  if (secret === undefined) return null
  const value = await services.call('secretsmanager', 'GetSecretValue', { SecretId: secret.arn })
  return administratorIn(isJsonObject(value) ? value.SecretString : null)
}

/** For the command line on this machine: endpoint and the operator's keys, readable by their owner only. */
function writeRuntimeFile(file: string, facts: Readonly<Record<string, unknown>>): void {
  if (existsSync(file)) rmSync(file)
  writeFileSync(file, `${JSON.stringify({ pid: process.pid, ...facts }, null, 2)}\n`, { mode: 0o600 })
}
