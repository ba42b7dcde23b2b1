/** All services of one runtime, made of one assembly and one state folder, and knowing each other through the bus. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { isJsonObject } from '../../core/json.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import type { Assembly, GlueJobModel } from '../assembly/model.ts'
import { createServiceBus } from '../bus.ts'
import { targetCall } from '../events/deliveries.ts'
import { createEventsService, type EventsService } from '../events/service.ts'
import { inProcessEngine } from '../glue/job-engine.ts'
import { createGlueService, type GlueService } from '../glue/service.ts'
import { createAuthorizer } from '../iam/authorizer.ts'
import { type CredentialStore, operatorCaller, roleCaller } from '../iam/credentials.ts'
import { deployPolicies } from '../iam/from-assembly.ts'
import { createGrantObserver, type GrantObserver } from '../iam/grant-uses.ts'
import { type PolicyRegistry, policyRegistry } from '../iam/policy-registry.ts'
import { createLambdaService, type LambdaService } from '../lambda/service.ts'
import { createLogsService, type LogsService } from '../logs/service.ts'
import { createMonitoringService } from '../monitoring/service.ts'
import { createRedshiftDataService, type RedshiftDataService } from '../redshift-data/service.ts'
import { createListedObjectAccess, createObjectAccess } from '../s3/object-access.ts'
import { createS3Service, type S3Service } from '../s3/service.ts'
import { createSecretsManagerService, type SecretsManagerService } from '../secretsmanager/service.ts'
import type { CallContext, Caller, Clock, Service, ServiceBus, Store } from '../service.ts'
import { createSnsService, type SnsService } from '../sns/service.ts'
import { createSqsService, type SqsService } from '../sqs/service.ts'
import { createSsmService, type SsmService } from '../ssm/service.ts'
import { createStatesService, type StatesService } from '../states/service.ts'
import { createStsService } from '../sts/service.ts'
import type { FunctionLogs } from './function-logs.ts'
import type { DurableNumbers } from './version-numbers.ts'

export interface RuntimeServices {
  readonly bus: ServiceBus
  readonly s3: S3Service
  readonly events: EventsService
  readonly lambda: LambdaService
  readonly states: StatesService
  readonly glue: GlueService
  readonly redshiftData: RedshiftDataService
  readonly secrets: SecretsManagerService
  readonly sqs: SqsService
  readonly sns: SnsService
  readonly ssm: SsmService
  readonly cloudWatchLogs: LogsService
  /** Names of the operations that are implemented, by service. */
  readonly operations: Readonly<Record<string, readonly string[]>>
  /** Policies in force; changing one takes effect on the next call. */
  readonly policies: PolicyRegistry
  /** Calls an operation as the operator. */
  call(service: string, operation: string, input: unknown): Promise<unknown>
}

export interface ServicesOptions {
  readonly assembly: Assembly
  readonly store: Store
  readonly stateDirectory: string
  readonly clock: Clock
  readonly credentials: CredentialStore
  readonly logs: FunctionLogs
  /** Numbers of published versions. */
  readonly numbers: DurableNumbers
  /** Told of what roles are allowed and denied, beside what is recorded for `sluice iam report`. */
  readonly grantObserver?: GrantObserver
  /** Known once the endpoint listens. */
  readonly endpointUrl: () => string
  /** Known once the database listens. */
  readonly localValue: (value: string) => string
  readonly log: (message: string) => void
}

const MIB = 1024 * 1024
/** What one run of an entry may use; the whole runtime stays below 1.5 GB. */
const RUN_MEMORY_BYTES: Readonly<Record<string, number>> = { transform_small: 256 * MIB }
const LARGE_RUN_MEMORY_BYTES = 512 * MIB
const WAREHOUSE_MEMORY_BYTES = 400 * MIB
/** Runs at a time: small ones overlap, a large one has the machine to itself. */
const PARALLEL_SMALL_RUNS = 2

export function createServices(options: ServicesOptions): RuntimeServices {
  const { assembly, store, stateDirectory, clock, credentials, log } = options
  const { accountId, region } = assembly
  const place = { accountId, region }
  const ids = (): string => randomUUID()
  const random = (): number => Math.random()

  const policies = policyRegistry()
  deployPolicies(policies, assembly)
  const authorizer = createAuthorizer(policies, accountId, [
    createGrantObserver({ store, clock, log }),
    ...(options.grantObserver === undefined ? [] : [options.grantObserver]),
  ])
  let made: ServiceBus | null = null
  const bus: ServiceBus = {
    call: (...call) => theBus(made).call(...call),
    authorize: (...permission) => theBus(made).authorize(...permission),
  }
  const contextFor = (caller: Caller): CallContext => ({
    caller,
    requestId: ids(),
    signal: new AbortController().signal,
  })
  const operator = operatorCaller(accountId)
  const call = (service: string, operation: string, input: unknown): Promise<unknown> =>
    bus.call(service, operation, input, contextFor(operator))

  const events = createEventsService({ ...place, store, bus: () => bus, clock, random, ids, log })
  const s3 = createS3Service({
    ...place,
    store,
    stateDirectory,
    clock,
    authorizer,
    policies,
    emit: (event) => events.emitEnvelope(event),
    report: log,
  })
  const cloudWatchLogs = createLogsService({ ...place, store, clock, report: log })
  const lambda = createLambdaService({
    ...place,
    store,
    stateDirectory,
    clock,
    ids,
    endpointUrl: options.endpointUrl,
    credentialsFor: (roleArn, sessionName) => credentials.credentialsFor(roleArn, sessionName),
    localValue: options.localValue,
    sendToDestination: async (destinationArn, roleArn, record) => {
      const { service, operation, input } = targetCall(destinationArn, record)
      await bus.call(service, operation, input, contextFor(roleCaller(roleArn, 'lambda')))
    },
    logLine: (functionName, line, { group, stream }) => {
      options.logs.write(functionName, line)
      cloudWatchLogs.write(group, stream, line)
    },
    platformLine: (line, { group, stream }) => cloudWatchLogs.write(group, stream, line),
    versionNumber: async (functionArn, key) => {
      const number = options.numbers.numberOf(functionArn, key)
      await options.numbers.saved()
      return number
    },
    random,
    log,
  })
  const states = createStatesService({
    ...place,
    store,
    bus,
    clock,
    random,
    ids: { uuid: ids },
    emit: (event) => events.emitEnvelope(event),
    wants: (event) => events.wants(event),
    log: (message) => log(`states: ${message}`),
  })
  const objectsAs = (roleArn: string, session: string) => createObjectAccess(s3, bus, roleCaller(roleArn, session))
  const glue = createGlueService({
    ...place,
    store,
    clock,
    ids,
    engine: inProcessEngine({
      objects: (roleArn) => objectsAs(roleArn, 'GlueJobRunnerSession'),
      openDuckdb,
      now: () => performance.now(),
      tempDirectory: temporaryFolder(stateDirectory, 'runs'),
      threads: availableParallelism(),
      memoryLimitBytes: (entry) => RUN_MEMORY_BYTES[entry] ?? LARGE_RUN_MEMORY_BYTES,
    }),
    parallelRuns: (job) => (isSmall(job) ? PARALLEL_SMALL_RUNS : 1),
    readDocument: async ({ bucket, key }) => {
      const text = await createObjectAccess(s3, bus, operator).readText(`s3://${bucket}/${key}`)
      return JSON.parse(text) as unknown
    },
    log,
  })
  const secrets = createSecretsManagerService({
    store,
    clock,
    region,
    bus: () => bus,
    localValue: options.localValue,
  })
  const redshiftData = createRedshiftDataService({
    ...place,
    store,
    statePath: stateDirectory,
    clock,
    ids,
    objectsAs: (roleArn) => createListedObjectAccess(s3, bus, roleCaller(roleArn, 'RedshiftIamRoleSession')),
    secretPermissions: async (SecretId) => (await secrets.operations.GetSecretValue?.permissions({ SecretId })) ?? [],
    emit: (event) => events.emit(event),
    log,
    memoryLimitBytes: WAREHOUSE_MEMORY_BYTES,
    threads: availableParallelism(),
  })
  redshiftData.deploy(assembly.warehouse)
  const sqs = createSqsService({ ...place, store, clock, endpointUrl: options.endpointUrl, policies })
  const sns = createSnsService({ ...place, store, clock, ids, bus: () => bus, policies, log })
  const ssm = createSsmService({ ...place, store, clock })
  const named = { s3, events, lambda, states, glue, redshiftData, secrets, sqs, sns, ssm, cloudWatchLogs }
  const services: readonly Service[] = [
    ...Object.values(named),
    createMonitoringService({ store, clock }),
    createStsService({ accountId }),
  ]
  made = createServiceBus({ services, authorizer })
  const operations = Object.fromEntries(services.map((service) => [service.id, Object.keys(service.operations).sort()]))
  return { ...named, bus, operations, policies, call }
}

const theBus = (bus: ServiceBus | null): ServiceBus => {
  if (bus === null) throw new Error('Cannot call a service before all of them are made')
  return bus
}

const isSmall = (job: GlueJobModel): boolean => job.defaultArguments['--entry'] === 'transform_small'

function temporaryFolder(stateDirectory: string, name: string): string {
  const folder = join(stateDirectory, 'tmp', name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** Name and password in the value of an administrator's secret. */
export function administratorIn(secretString: unknown): { username: string; password: string } | null {
  const value: unknown = typeof secretString === 'string' ? JSON.parse(secretString) : null
  if (!isJsonObject(value)) return null
  const { username, password } = value
  return typeof username === 'string' && typeof password === 'string' ? { username, password } : null
}
