import { ListTablesCommand } from '@aws-sdk/client-redshift-data'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { executionArnOf } from '../../cli/follow.ts'
import { fixturesAssembly } from './assembly.ts'
import { land } from './faulty-runtime.ts'
import { deployedState, imbalanceOf, jobOf, type RunningRuntime, rowsOf, scratchFolder, up } from './harness.ts'
import { historyOf } from './history.ts'
import { allObjects } from './observed.ts'
import { administratorRows, sleep } from './operator.ts'
import { seeded } from './seeded.ts'

/** Fewer are spread as well. */
const MOMENTS = Number(process.env.SLUICE_KILLS ?? 50)
const SEED = 20_261_121
const LANDED = 'landed'
/** Every state of a job that ends well; a kill aims at the time right after one is entered. */
const STATES = [
  LANDED,
  'RegisterJob',
  'ValidateFile',
  'ClaimContent',
  'StageValidated',
  'Transform',
  'ReadSummary',
  'EvaluateQuality',
  'ReadVerdict',
  'ReadLoadPlan',
  'ReadManifest',
  'RegisterPartition',
  'StageFiles',
  'DescribeStatement',
  'AwaitStatement',
  'ReadTransaction',
  'LoadWarehouse',
  'ReadLedger',
  'CompleteJob',
  'PublishCompleted',
] as const

interface DroppedFile {
  readonly name: string
  readonly dataset: 'events' | 'lines' | 'strict'
  readonly content: string
  readonly killIn: string
  readonly delayMillis: number
}

const random = seeded(SEED)

/** Each file corrects a row of an earlier one and brings rows of its own. */
function contentOf(dataset: DroppedFile['dataset'], index: number): string {
  const ids = [index - 3, index, index + 1000].map((id) => `k${id}`)
  const at = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString()
  if (dataset === 'lines') return ids.map((id) => `${JSON.stringify({ id, reading: index })}\n`).join('')
  if (dataset === 'strict') return `id,reading\n${ids.map((id) => `${id},${index}\n`).join('')}`
  return `id,amount,at,note\n${ids.map((id) => `${id},${index}.50,${at},\n`).join('')}`
}

/** States are visited in turn, from a seeded start; only a large file has its quality evaluated apart. */
function fileOf(index: number): DroppedFile {
  const killIn = STATES[(index * 7 + 3) % STATES.length] ?? LANDED
  const dataset = killIn === 'EvaluateQuality' ? 'strict' : index % 4 === 1 ? 'lines' : 'events'
  const suffix = dataset === 'lines' ? 'json' : 'csv'
  const delayMillis = Math.floor(random() * 15)
  return { name: `k${index}.${suffix}`, dataset, content: contentOf(dataset, index), killIn, delayMillis }
}

const FILES = Array.from({ length: MOMENTS }, (_, index) => fileOf(index))

const scratch = [scratchFolder('killed'), scratchFolder('control')]
const killedIn = new Set<string>()

async function drop(runtime: RunningRuntime, { name, dataset, content }: DroppedFile): Promise<string> {
  const source = await land(runtime, `acme/${dataset}/${name}`, content, true)
  return executionArnOf(runtime.clients.states, source)
}

/** Resolves right after the state was entered, or when the execution ended before it was seen. */
async function entered(runtime: RunningRuntime, executionArn: string, state: string): Promise<void> {
  if (state === LANDED) return
  for (;;) {
    const events = await historyOf(runtime.clients.states, executionArn).catch((thrown: unknown) => {
      if (thrown instanceof Error && thrown.name === 'ExecutionDoesNotExist') return []
      throw thrown
    })
    if (events.some(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === state)) return
    if (events.some(({ type }) => type === 'ExecutionSucceeded' || type === 'ExecutionFailed')) return
  }
}

interface Remains {
  readonly jobs: Readonly<Record<string, unknown>>
  readonly tables: Readonly<Record<string, unknown>>
  readonly ledger: Readonly<Record<string, unknown>>
  readonly staging: unknown
  readonly objects: readonly string[]
}

const QUERIES = {
  events: 'select id, amount, "at", note, record_number from events order by id',
  lines: 'select id, reading, record_number from lines order by id, reading',
  strict: 'select id, reading, record_number from strict order by id',
} as const

/** What the runtime holds in the end, with the names of jobs instead of their ids, which hold random versions. */
async function remainsOf(runtime: RunningRuntime, executions: ReadonlyMap<string, string>): Promise<Remains> {
  const names = new Map<string, string>()
  const jobs: Record<string, unknown> = {}
  for (const [name, executionArn] of executions) {
    const job = await jobOf(runtime, executionArn)
    expect(imbalanceOf(job)).toBeNull()
    names.set(job.jobId, name)
    jobs[name] = { status: job.status, reasonCode: job.reasonCode, counts: job.counts }
  }
  // A run that a kill interrupted may leave its own prefix behind: nothing reads it, and it expires.
  const named = (key: string): string =>
    key
      .replaceAll(
        /(j[0-9a-f]{24})(-1-\d+)?/g,
        (_, id: string, run?: string) => `${names.get(id) ?? id}${run === undefined ? '' : ' run'}`,
      )
      .replaceAll(/\/[0-9a-f]{64}\//g, '/hash/')
      .replaceAll(/ingest_date=[\d-]+/g, 'ingest_date')
      // A history's key begins with the time at which its job was registered.
      .replaceAll(/\/history\/\d+-/g, '/history/')
  const objects = (await allObjects(runtime.clients.s3)).map(({ bucket, key }) => `${bucket} ${named(key)}`)
  const tables: Record<string, unknown> = {}
  const ledger: Record<string, unknown> = {}
  for (const [dataset, sql] of Object.entries(QUERIES)) {
    tables[dataset] = await rowsOf(runtime, sql, 'acme')
    const rows = await administratorRows(
      runtime.clients,
      `select job_id, publication, inserted, updated, unchanged, stale from ops.ledger_${dataset}`,
    )
    ledger[dataset] = rows.map(([id = '', ...rest]) => [names.get(id), ...rest].join(' ')).sort()
  }
  const { Tables: staging = [] } = await runtime.clients.warehouse.send(
    new ListTablesCommand({ WorkgroupName: 'sluice', Database: 'sluice', SchemaPattern: 'staging' }),
  )
  return { jobs, tables, ledger, staging: staging.map(({ name }) => name), objects: [...new Set(objects)].sort() }
}

async function undisturbed(): Promise<Remains> {
  const assembly = await fixturesAssembly({})
  const runtime = await up(await deployedState(scratch[1]?.path ?? '', assembly), { assembly })
  try {
    const executions = new Map<string, string>()
    for (const file of FILES) {
      const executionArn = await drop(runtime, file)
      await jobOf(runtime, executionArn)
      executions.set(file.name, executionArn)
    }
    return await remainsOf(runtime, executions)
  } finally {
    await runtime.stop()
  }
}

async function disturbed(): Promise<Remains> {
  const assembly = await fixturesAssembly({})
  const state = await deployedState(scratch[0]?.path ?? '', assembly)
  let runtime = await up(state, { assembly })
  const executions = new Map<string, string>()
  try {
    for (const file of FILES) {
      const executionArn = await drop(runtime, file)
      executions.set(file.name, executionArn)
      await entered(runtime, executionArn, file.killIn)
      await sleep(file.delayMillis)
      await runtime.kill()
      runtime = await up(state, { assembly })
      killedIn.add(await stateAtKill(runtime, executionArn))
      await jobOf(runtime, executionArn)
    }
    return await remainsOf(runtime, executions)
  } finally {
    await runtime.stop()
  }
}

/** The state that was entered last before the restarted runtime went on; not exact where it was faster than this question. */
async function stateAtKill(runtime: RunningRuntime, executionArn: string): Promise<string> {
  const events = await historyOf(runtime.clients.states, executionArn).catch(() => [])
  return (
    events.findLast((event) => event.stateEnteredEventDetails !== undefined)?.stateEnteredEventDetails?.name ?? LANDED
  )
}

let control: Remains
let killed: Remains

beforeAll(async () => {
  control = await undisturbed()
  killed = await disturbed()
}, 1_800_000)

afterAll(async () => {
  await Promise.all(scratch.map((folder) => folder.remove()))
})

describe(`kill -9 at ${MOMENTS} moments spread over the states of a job`, () => {
  test('IDEM-06 TEST-16 every job completes with the counts of an undisturbed run', () => {
    expect(killed.jobs).toEqual(control.jobs)
  })

  test('IDEM-05 IDEM-08 no row is lost or doubled, and each publication stands in the ledger once', () => {
    expect(killed.tables).toEqual(control.tables)
    expect(killed.ledger).toEqual(control.ledger)
    expect(killed.staging).toEqual(control.staging)
  })

  test('the same objects are there', () => {
    expect(killed.objects).toEqual(control.objects)
  })

  test('kills landed in many states', () => {
    expect(killedIn.size).toBeGreaterThanOrEqual(Math.min(6, MOMENTS / 2))
  })
})
