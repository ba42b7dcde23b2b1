import { SluiceError } from '../../core/errors.ts'
import { parseJobId } from '../../core/identifiers.ts'
import { firstRunIdOf } from '../../core/run-documents.ts'
import { Fields } from '../input.ts'
import type { Log, LogScope } from '../log.ts'
import type { RegisterJobResult } from '../messages.ts'
import type { ObjectStore } from '../object-store.ts'
import type { SeedDocument } from '../seed-document.ts'
import type { SourceInspector } from '../source-inspector.ts'
import { claimContent } from './claim-content.ts'
import { closeExecution, parseEndedExecution } from './close-execution.ts'
import { closeJob } from './close-job.ts'
import type { LoadedConfiguration } from './configuration.ts'
import type { Database, Queryable } from './database.ts'
import { parseIngestInput } from './ingest-input.ts'
import { getJob, getJobOfExecution, getJobOfSource, listErrors, listJobs, parseJobsRequest } from './jobs.ts'
import { listMappingErrors } from './mapping-errors.ts'
import { type Migration, migrate } from './migrate.ts'
import { parseClaimContent, parseCloseJob, parseSweep } from './parse-requests.ts'
import { tenantScore } from './quality-score.ts'
import { listQuarantine, parseQuarantineRequest } from './quarantine-list.ts'
import { discardQuarantine } from './quarantine-records.ts'
import { registerJob } from './register-job.ts'
import { seedDatabase } from './seed.ts'
import { showQuarantine } from './show-quarantine.ts'
import { sweep } from './sweep.ts'
import { createTenant, listTenants, setTenantStatus } from './tenants.ts'

export interface MetadataDeps {
  readonly database: Database
  readonly objects: ObjectStore
  readonly workBucket: string
  readonly rawBucket: string
  readonly inspector: SourceInspector
  readonly now: () => Date
  readonly log: Log
  /** Runs work on a connection of the database's administrator; for `migrate` only. */
  readonly asAdministrator: <T>(work: (sql: Queryable) => Promise<T>) => Promise<T>
  readonly migrations: () => Promise<readonly Migration[]>
  readonly seed: () => Promise<SeedDocument>
  /** Keys of documents that this container has stored already. */
  readonly stored: Set<string>
}

type Operation = (request: Fields, deps: MetadataDeps) => Promise<unknown>

const nowOf = (deps: MetadataDeps): string => deps.now().toISOString()

/** Puts what was pinned where validate reads it; content-addressed, so putting it again changes nothing. */
async function storeConfiguration({ pinned, documents }: LoadedConfiguration, deps: MetadataDeps): Promise<void> {
  const put = async (key: string, document: unknown): Promise<void> => {
    if (deps.stored.has(key)) return
    await deps.objects.put(deps.workBucket, key, JSON.stringify(document), 'application/json')
    deps.stored.add(key)
  }
  await Promise.all([
    put(pinned.contract.key, documents.contract),
    put(pinned.mapping.key, documents.mapping),
    put(pinned.ruleset.key, documents.ruleset),
  ])
}

async function register(request: Fields, deps: MetadataDeps): Promise<RegisterJobResult> {
  const input = parseIngestInput(request.unknown('input'))
  const executionArn = request.text('executionArn')
  const registering = { input, executionArn, at: request.time('at'), now: nowOf(deps) }
  const { result, configuration } = await registerJob(deps.database, registering)
  if (configuration !== null) await storeConfiguration(configuration, deps)
  const scope: LogScope = { tenantId: result.job.tenantId, jobId: result.job.jobId, executionArn }
  deps.log('INFO', `Registration decided: ${result.decision}`, scope, {
    reasonCode: result.reasonCode,
    runId: result.decision === 'run' ? firstRunIdOf(result.job) : null,
  })
  return result
}

async function close(request: Fields, deps: MetadataDeps) {
  const parsed = parseCloseJob(request)
  const { result, executionArn } = await closeJob(parsed, deps)
  const scope = { tenantId: parsed.tenantId, jobId: parsed.jobId, executionArn }
  deps.log('INFO', `Job closed as ${result.status}`, scope, { reasonCode: result.reasonCode, runId: parsed.runId })
  return result
}

async function closeByExecution(event: unknown, deps: MetadataDeps) {
  const now = nowOf(deps)
  const execution = parseEndedExecution(event, now)
  const result = await closeExecution(execution, now, deps)
  const scope = { tenantId: result.tenantId, jobId: result.jobId, executionArn: execution.executionArn }
  const status = result.closed?.status ?? null
  if (result.jobId === null && execution.input === null)
    deps.log('ERROR', `Execution ended as ${execution.status} with an input that names no source`, scope)
  else deps.log('INFO', `Execution ended as ${execution.status}`, scope, { status })
  return result
}

/** By its id, by the execution that ran it, or by the object version. */
function findJob(request: Fields, { database }: MetadataDeps) {
  if (request.has('executionArn')) return getJobOfExecution(database, request.text('executionArn'))
  const source = request.objectOrNull('source')
  if (source === null) return getJob(database, parseJobId(request.text('jobId')))
  const [bucket, key, versionId] = [source.text('bucket'), source.text('key'), source.text('versionId')]
  return getJobOfSource(database, { bucket, key, versionId })
}

const setStatus =
  (status: 'active' | 'suspended'): Operation =>
  (request, deps) =>
    setTenantStatus(deps.database, request.text('tenantId'), status, nowOf(deps))

/** Replays bring a schema checker, which no other operation needs. */
const replays = () => import('./replays/operations.ts')

const OPERATIONS: Readonly<Record<string, Operation>> = {
  registerJob: register,
  claimContent: (request, deps) => claimContent(deps.database, parseClaimContent(request)),
  closeJob: close,
  sweep: (request, deps) => sweep(deps.database, parseSweep(request)),
  migrate: async (_, deps) => {
    const migrations = await deps.migrations()
    return deps.asAdministrator((sql) => migrate(sql, migrations, nowOf(deps)))
  },
  seed: async (_, deps) => seedDatabase(deps.database, await deps.seed(), nowOf(deps)),
  createTenant: (request, deps) => createTenant(deps.database, request, nowOf(deps)),
  listTenants: async (_, deps) => ({ tenants: await listTenants(deps.database) }),
  suspendTenant: setStatus('suspended'),
  resumeTenant: setStatus('active'),
  tenantScore: (request, deps) => tenantScore(deps.database, request),
  listJobs: (request, deps) => listJobs(deps.database, parseJobsRequest(request)),
  listQuarantine: (request, deps) => listQuarantine(deps.database, parseQuarantineRequest(request)),
  listMappingErrors: async (request, deps) => ({ mappings: await listMappingErrors(deps.database, request) }),
  showQuarantine: (request, deps) => showQuarantine(deps.database, parseJobId(request.text('jobId'))),
  discardQuarantine: (request, deps) =>
    discardQuarantine(deps.database, {
      jobId: parseJobId(request.text('jobId')),
      by: request.text('by'),
      why: request.text('why'),
      at: nowOf(deps),
    }),
  planReplay: async (request, deps) => (await replays()).plan(request, deps),
  closeReplay: async (request, deps) => (await replays()).close(request, deps),
  previewReplay: async (request, deps) => (await replays()).previewReplay(request, deps),
  backtestSources: async (request, deps) => (await replays()).backtestSources(request, deps),
  readConfiguration: async (request, deps) => (await replays()).readConfiguration(request, deps.database),
  replayLines: async (request, deps) => (await replays()).replayLines(request, deps),
  getReplay: async (request, deps) => (await replays()).describe(request, deps),
  getJob: findJob,
  listErrors: (request, deps) => listErrors(deps.database, request),
  putMapping: async (request, deps) => {
    // The parser brings a YAML reader and a schema checker, which no other operation needs.
    const { saveMapping } = await import('./put-mapping.ts')
    return saveMapping(deps.database, request.text('mapping'), nowOf(deps))
  },
}

/**
 * Runs the operation that the event names; an EventBridge event of an ended execution names none and is `closeExecution`.
 * @throws SluiceError `invalid_input`, `unknown_operation`, and what the operation throws
 */
export async function runOperation(event: unknown, deps: MetadataDeps): Promise<unknown> {
  const request = new Fields(event)
  if (request.unknown('detail-type') === 'Step Functions Execution Status Change') return closeByExecution(event, deps)
  const name = request.text('operation')
  if (name === 'closeExecution') return closeByExecution(event, deps)
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
  if (operation === undefined)
    throw new SluiceError('unknown_operation', `Cannot do "${name}": the metadata function knows no such operation`, {
      expected: `one of ${Object.keys(OPERATIONS).join(', ')}`,
      found: name,
    })
  return operation(request, deps)
}
