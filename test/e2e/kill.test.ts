import { readFileSync } from 'node:fs'
import { ListTablesCommand } from '@aws-sdk/client-redshift-data'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { executionArnOf } from '../../cli/follow.ts'
import { ingestInput, land, metadata } from './faulty-runtime.ts'
import { deployedState, imbalanceOf, jobOf, type RunningRuntime, rowsOf, scratchFolder, up } from './harness.ts'
import { executionsOf, historyOf } from './history.ts'
import { type DroppedFile, fileFor, KNOWN_CONTENT, killAssembly, LANDED, STATES, seededFiles } from './kill-files.ts'
import { type DurableEvent, watchLogs } from './kill-watch.ts'
import { allObjects } from './observed.ts'
import { administratorRows, machineArn, sleep } from './operator.ts'

/** `SLUICE_KILLS=200 npm run test:kill` hits every state five times. */
const MOMENTS = Number(process.env.SLUICE_KILLS ?? 50)
const SEED = Number(process.env.SLUICE_SEED ?? 20_261_121)
const HITS = Math.floor(MOMENTS / STATES.length)
const KNOWN: DroppedFile = {
  ...fileFor(LANDED, 0, 0),
  name: 'known.csv',
  content: KNOWN_CONTENT,
}

const scratch = [scratchFolder('killed'), scratchFolder('control')]
/** Kills by the state that the log on disk ended in. */
const hits = new Map<string, number>()
const files: DroppedFile[] = [KNOWN]
/** What of a history was on disk at the kill. */
const durable = new Map<string, readonly DurableEvent[]>()

async function drop(runtime: RunningRuntime, { name, tenant, dataset, content }: DroppedFile): Promise<string> {
  const source = await land(runtime, `${tenant}/${dataset}/${name}`, content, true)
  return executionArnOf(runtime.clients.states, source)
}

/** A tenant whose only slot a job holds that never ends, and one whose files COPY may not read. */
async function prepare(runtime: RunningRuntime): Promise<void> {
  const mapping = readFileSync('test/e2e/fixtures/narrow.events.yaml', 'utf8')
  for (const [tenantId, maxActiveJobs] of [
    ['narrow', 1],
    ['deadlock', 10],
  ] as const) {
    await metadata(runtime, { operation: 'createTenant', tenantId, maxActiveJobs })
    await metadata(runtime, {
      operation: 'putMapping',
      mapping: mapping.replace('tenant: narrow', `tenant: ${tenantId}`),
    })
  }
  const source = await land(runtime, 'acme/events/known.csv', KNOWN_CONTENT, true)
  const held = { ...source, key: 'landing/narrow/events/held.csv' }
  const executionArn = (await executionArnOf(runtime.clients.states, source)).replace(/[^:]+$/, 'held')
  const at = new Date().toISOString()
  await metadata(runtime, { operation: 'registerJob', input: ingestInput(held), executionArn, at })
  executionsByFile(runtime).set(KNOWN.name, await executionArnOf(runtime.clients.states, source))
  await jobOf(runtime, executionsByFile(runtime).get(KNOWN.name) ?? '')
}

const executions = new Map<string, Map<string, string>>()
function executionsByFile({ state }: RunningRuntime): Map<string, string> {
  const known = executions.get(state) ?? new Map<string, string>()
  executions.set(state, known)
  return known
}

interface Remains {
  readonly jobs: Readonly<Record<string, unknown>>
  readonly histories: Readonly<Record<string, readonly string[]>>
  readonly executions: number
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

/** States in order with the end; how often the warehouse was asked depends on its speed. */
async function wayOf(runtime: RunningRuntime, executionArn: string): Promise<readonly string[]> {
  const events = await historyOf(runtime.clients.states, executionArn)
  const states = events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? [])
  const unpolled = states
    .filter((name) => name !== 'AwaitStatement')
    .filter((name, index, all) => !['DescribeStatement', 'StatementFinished'].includes(name) || name !== all[index - 2])
  return [...unpolled, events.at(-1)?.type ?? '']
}

/** What the runtime holds in the end, with the names of jobs instead of their ids, which hold random versions. */
async function remainsOf(runtime: RunningRuntime): Promise<Remains> {
  const names = new Map<string, string>()
  const jobs: Record<string, unknown> = {}
  const histories: Record<string, readonly string[]> = {}
  for (const [name, executionArn] of executionsByFile(runtime)) {
    const job = await jobOf(runtime, executionArn)
    expect(imbalanceOf(job)).toBeNull()
    names.set(job.jobId, name)
    jobs[name] = { status: job.status, reasonCode: job.reasonCode, counts: job.counts }
    histories[name] = await wayOf(runtime, executionArn)
  }
  // A run that a kill interrupted may leave its own prefix behind: nothing reads it, and it expires.
  const named = (key: string): string =>
    key
      .replaceAll(
        /(j[0-9a-f]{24})([-_]1[-_]\d+)?/g,
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
  const ran = await executionsOf(runtime.clients.states, await machineArn(runtime.clients.states, 'ingest'))
  return {
    jobs,
    histories,
    executions: ran.length,
    tables,
    ledger,
    staging: staging.map(({ name = '' }) => named(name)).sort(),
    objects: [...new Set(objects)].sort(),
  }
}

/** Kills the runtime, notes what was on disk, and starts it again. */
async function killIn(runtime: RunningRuntime, assembly: string, file: DroppedFile): Promise<RunningRuntime> {
  const watch = watchLogs(runtime.state)
  const executionArn = await drop(runtime, file)
  executionsByFile(runtime).set(file.name, executionArn)
  await watch.entered(executionArn, file.killIn)
  if (file.delayMillis > 0) await sleep(file.delayMillis)
  await runtime.kill()
  const state = watch.stateOf(executionArn)
  hits.set(state, (hits.get(state) ?? 0) + 1)
  durable.set(executionArn, watch.eventsOf(executionArn))
  await watch.close()
  return up(runtime.state, { assembly })
}

/** States that fewer kills found than wanted. */
const missed = (): readonly string[] => STATES.filter((state) => (hits.get(state) ?? 0) < HITS)

async function disturbed(): Promise<Remains> {
  const assembly = await killAssembly(scratch[0]?.path ?? '')
  let runtime = await up(await deployedState(scratch[0]?.path ?? '', assembly), { assembly })
  try {
    await prepare(runtime)
    const kill = async (file: DroppedFile): Promise<void> => {
      files.push(file)
      runtime = await killIn(runtime, assembly, file)
      await jobOf(runtime, executionsByFile(runtime).get(file.name) ?? '')
    }
    for (const file of seededFiles(MOMENTS, SEED)) await kill(file)
    // On a busy machine a state may be over before the signal arrives: aimed at again, right at its entry.
    for (let more = 0; more < MOMENTS && missed().length > 0; more += 1)
      await kill(fileFor(missed()[0] ?? LANDED, MOMENTS + more, 0))
    return await remainsOf(runtime)
  } finally {
    await runtime.stop()
  }
}

async function undisturbed(): Promise<Remains> {
  const assembly = await killAssembly(scratch[1]?.path ?? '')
  const runtime = await up(await deployedState(scratch[1]?.path ?? '', assembly), { assembly })
  try {
    await prepare(runtime)
    for (const file of files.slice(1)) {
      const executionArn = await drop(runtime, file)
      await jobOf(runtime, executionArn)
      executionsByFile(runtime).set(file.name, executionArn)
    }
    return await remainsOf(runtime)
  } finally {
    await runtime.stop()
  }
}

let control: Remains
let killed: Remains
/** Executions whose history is not the one that was on disk at the kill, continued. */
const rewritten: string[] = []

async function compareHistories(): Promise<void> {
  const runtime = await up(`${scratch[0]?.path}/state`, { assembly: `${scratch[0]?.path}/assembly` })
  for (const [executionArn, before] of durable) {
    const after = await historyOf(runtime.clients.states, executionArn)
    const found = after.slice(0, before.length).map(
      ({ id = 0, previousEventId = 0, timestamp }): DurableEvent => ({
        id,
        prev: previousEventId,
        atMillis: timestamp?.getTime() ?? 0,
      }),
    )
    if (JSON.stringify(found) !== JSON.stringify(before)) rewritten.push(executionArn)
  }
  await runtime.stop()
}

beforeAll(async () => {
  killed = await disturbed()
  await compareHistories()
  process.stdout.write(`kills by state: ${JSON.stringify(Object.fromEntries([...hits].sort()))}\n`)
  control = await undisturbed()
}, 7_200_000)

afterAll(async () => {
  await Promise.all(scratch.map((folder) => folder.remove()))
})

describe(`kill -9 at ${MOMENTS} moments spread over the states of a job`, () => {
  test(`IDEM-06 each state was killed in at least ${HITS} times`, () => {
    expect(Object.fromEntries(missed().map((state) => [state, hits.get(state) ?? 0]))).toEqual({})
  })

  test('IDEM-06 TEST-16 every job ends with the status and the counts of an undisturbed run', () => {
    expect(killed.jobs).toEqual(control.jobs)
  })

  test('every execution goes the way of an undisturbed run, and there is one a source', () => {
    expect(killed.histories).toEqual(control.histories)
    expect(killed.executions).toBe(control.executions)
  })

  test('a resumed execution continues its history: what was on disk stays as it was', () => {
    expect(rewritten).toEqual([])
  })

  test('IDEM-05 IDEM-08 no row is lost or doubled, and each publication stands in the ledger once', () => {
    expect(killed.tables).toEqual(control.tables)
    expect(killed.ledger).toEqual(control.ledger)
    expect(killed.staging).toEqual(control.staging)
  })

  test('the same objects are there', () => {
    expect(killed.objects).toEqual(control.objects)
  })
})
