import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { transitionsOf } from '../../asl/transitions.ts'
import { isJsonObject } from '../../core/json.ts'
import { createIngest, type IngestMachine, type Outcome, type Scenario, sentTo } from './ingest-scenario.ts'
import { definitionOf } from './repository-definitions.ts'

const LARGE = { engine: 'large', sizeBytes: 1_001 }
const INVALID = {
  valid: false,
  reasonCode: 'empty_object',
  message: 'The object has no bytes.',
  details: {},
  drift: null,
  breaking: 'quarantine',
}
const REFUSED = {
  outcome: 'refused',
  reasonCode: 'too_many_rejects',
  message: 'Too many rows are rejects.',
  quality: null,
}
const CONFLICT = { Status: 'FAILED', Error: 'ERROR: 1023 Serializable isolation violation on table' }
const FINISHED = { Status: 'FINISHED' }

interface Case {
  readonly title: string
  readonly scenario: Scenario
  readonly status: 'SUCCEEDED' | 'FAILED'
  /** Of the last closeJob call; `null` where there is none. */
  readonly closedAs: string | null
  readonly reasonCode?: string
}

const CASES: readonly Case[] = [
  { title: 'ORC-01: a small good file is completed', scenario: {}, status: 'SUCCEEDED', closedAs: 'COMPLETED' },
  {
    title: 'a large file is copied in parts, transformed by Spark and evaluated by the quality job',
    scenario: { validate: LARGE, summary: { quality: null } },
    status: 'SUCCEEDED',
    closedAs: 'COMPLETED',
  },
  {
    title: 'content with a SHA-256 that nobody had is claimed and processed',
    scenario: { validate: { sha256: 'a' } },
    status: 'SUCCEEDED',
    closedAs: 'COMPLETED',
  },
  {
    title: 'large content with a SHA-256 that nobody had is copied in parts',
    scenario: { validate: { ...LARGE, sha256: 'a' } },
    status: 'SUCCEEDED',
    closedAs: 'COMPLETED',
  },
  {
    title: 'IDEM-10: content that a completed job had is skipped',
    scenario: { validate: { sha256: 'a' }, claim: { decision: 'duplicate', duplicateOf: 'j1' } },
    status: 'SUCCEEDED',
    closedAs: 'SKIPPED',
    reasonCode: 'already_processed',
  },
  {
    title: 'IDEM-02: a source that was processed ends at once',
    scenario: { register: { decision: 'duplicate', duplicateOf: 'j1' } },
    status: 'SUCCEEDED',
    closedAs: null,
  },
  {
    title: 'a job over quota is asked again, then deferred',
    scenario: { register: { decision: 'wait' } },
    status: 'SUCCEEDED',
    closedAs: 'DEFERRED',
  },
  {
    title: 'TEN-07: an unknown tenant is quarantined in the first state',
    scenario: { register: { decision: 'refuse', reasonCode: 'unknown_tenant', message: 'No such tenant' } },
    status: 'SUCCEEDED',
    closedAs: 'QUARANTINED',
    reasonCode: 'unknown_tenant',
  },
  {
    title: 'ORC-16: an invalid file is quarantined',
    scenario: { validate: INVALID },
    status: 'SUCCEEDED',
    closedAs: 'QUARANTINED',
    reasonCode: 'empty_object',
  },
  {
    title: 'ORC-16: a refused run is quarantined, though its Glue run succeeded',
    scenario: { summary: REFUSED },
    status: 'SUCCEEDED',
    closedAs: 'QUARANTINED',
    reasonCode: 'too_many_rejects',
  },
  {
    title: 'WH-13: a run that lost records on the way fails the job, as the file is not at fault',
    scenario: { summary: { ...REFUSED, reasonCode: 'counts_do_not_reconcile' } },
    status: 'FAILED',
    closedAs: 'FAILED',
    reasonCode: 'counts_do_not_reconcile',
  },
  {
    title: 'SCH-34: a breaking change fails the job where the contract says so',
    scenario: { validate: { ...INVALID, reasonCode: 'missing_required_column', breaking: 'fail' } },
    status: 'FAILED',
    closedAs: 'FAILED',
    reasonCode: 'breaking_change',
  },
  {
    title: 'SCH-34: so does one that only the transform can see',
    scenario: { validate: { breaking: 'fail' }, summary: { ...REFUSED, reasonCode: 'type_drift' } },
    status: 'FAILED',
    closedAs: 'FAILED',
    reasonCode: 'breaking_change',
  },
  {
    title: 'DQ-16: a run that left nothing below its curated prefix is quarantined before its rows are measured',
    scenario: { listing: { KeyCount: 0 } },
    status: 'SUCCEEDED',
    closedAs: 'QUARANTINED',
    reasonCode: 'no_output',
  },
  {
    title: 'ORC-16: a gate that failed stops the load',
    scenario: { verdict: { gate: 'FAIL', score: 0 } },
    status: 'SUCCEEDED',
    closedAs: 'QUARANTINED',
    reasonCode: 'gate_failed',
  },
  {
    title: 'ORC-16: a gate that could not be evaluated stops the load',
    scenario: { verdict: { gate: 'ERROR', score: 0 } },
    status: 'SUCCEEDED',
    closedAs: 'QUARANTINED',
    reasonCode: 'gate_error',
  },
  {
    title: 'files in another order than the table are quarantined before a statement is sent',
    scenario: { manifest: { schema: { elements: [{ name: 'tenant_id', type: 'string' }] } } },
    status: 'SUCCEEDED',
    closedAs: 'QUARANTINED',
    reasonCode: 'schema_mismatch',
  },
  {
    title: 'a run without a manifest is quarantined',
    scenario: { failing: [8], failWith: 'NoSuchKey' },
    status: 'SUCCEEDED',
    closedAs: 'QUARANTINED',
    reasonCode: 'no_output',
  },
  {
    title: 'IDEM-11: a partition that is there already is no error',
    scenario: { failing: [9], failWith: 'AlreadyExistsException' },
    status: 'SUCCEEDED',
    closedAs: 'COMPLETED',
  },
  {
    title: 'statements are polled until they have finished',
    scenario: { statements: [{ Status: 'STARTED' }, { Status: 'PICKED' }, FINISHED] },
    status: 'SUCCEEDED',
    closedAs: 'COMPLETED',
  },
  {
    title: 'a load that lost against another is sent again with another client token',
    scenario: { statements: [FINISHED, CONFLICT, FINISHED] },
    status: 'SUCCEEDED',
    closedAs: 'COMPLETED',
  },
  {
    title: 'ORC-03: a statement that can never succeed fails the job at once',
    scenario: { statements: [{ Status: 'FAILED', Error: 'ERROR: relation does not exist' }] },
    status: 'FAILED',
    closedAs: 'FAILED',
    reasonCode: 'load_failed',
  },
  {
    title: 'WH-13: counts that do not reconcile fail the job',
    scenario: { closed: { status: 'FAILED', reasonCode: 'counts_do_not_reconcile' } },
    status: 'FAILED',
    closedAs: 'COMPLETED',
  },
]

const closings = ({ calls }: Outcome): readonly Record<string, unknown>[] =>
  calls
    .filter(({ service }) => service === 'lambda')
    .map(sentTo)
    .filter(({ operation }) => operation === 'closeJob')

const publishedTypes = ({ calls }: Outcome): readonly string[] =>
  calls
    .filter(({ operation }) => operation === 'PutEvents')
    .flatMap(({ input }) => (Array.isArray(input.Entries) ? input.Entries : []))
    .map((entry: unknown) => (isJsonObject(entry) ? String(entry.DetailType) : ''))

const keyOf = (from: string, to: string, caught: boolean): string => `${from} -${caught ? 'catch' : ''}-> ${to}`
const taken = new Set<string>()
let machine: IngestMachine

beforeAll(async () => {
  machine = await createIngest()
})
afterAll(() => machine.close())

async function run(scenario: Scenario): Promise<Outcome> {
  const outcome = await machine.run(scenario)
  for (const { from, to, caught } of outcome.transitions) taken.add(keyOf(from, to, caught))
  return outcome
}

/** Scenarios whose calls fail one by one; together they pass through every task. */
const FAILING: readonly Scenario[] = [
  { validate: { ...LARGE, sha256: 'a' }, summary: { quality: null } },
  {},
  { register: { decision: 'wait' } },
  { validate: { sha256: 'a' }, claim: { decision: 'duplicate', duplicateOf: 'j1' } },
  { validate: INVALID },
]

describe('ingest/v1 on the executor', () => {
  for (const { title, scenario, status, closedAs, reasonCode } of CASES)
    test(title, async () => {
      const outcome = await run(scenario)
      expect({ status: outcome.status, cause: outcome.cause }).toEqual({
        status,
        cause: status === 'SUCCEEDED' ? null : expect.any(String),
      })
      const closing = closings(outcome).at(-1)
      expect(closing?.status ?? null).toBe(closedAs)
      if (reasonCode !== undefined) expect(closing?.reasonCode).toBe(reasonCode)
    })

  for (const [number, scenario] of FAILING.entries())
    test(`ORC-04, IDEM-06: whichever call fails for good in scenario ${number + 1}, the job’s end is recorded or the execution fails`, async () => {
      const { calls } = await run(scenario)
      const count = calls.filter(({ operation }) => operation !== 'GetJobRun').length
      for (let call = 0; call < count; call += 1) {
        const outcome = await run({ ...scenario, failing: [call] })
        const ends = closings(outcome).map((closing) => closing.status)
        expect({ call, recorded: outcome.status === 'FAILED' || ends.length > 0 }).toEqual({ call, recorded: true })
        if (outcome.status === 'SUCCEEDED') expect(ends.at(-1)).toMatch(/^(SKIPPED|QUARANTINED|COMPLETED|DEFERRED)$/)
      }
    })

  test('ORC-04: a job that cannot even be recorded as failed, and one whose event is lost, fail the execution', async () => {
    const { calls } = await run({ failing: [1] })
    const last = calls.length - 1
    expect((await run({ failing: [1, 3] })).status).toBe('FAILED')
    expect(await run({ failing: [1, last] })).toMatchObject({ status: 'FAILED', error: 'infrastructure_failed' })
  })

  test('QUA-01, QUA-09: a failure that cannot even be kept is recorded all the same', async () => {
    const outcome = await run({ failing: [1, 2] })
    expect(closings(outcome)).toMatchObject([
      { status: 'FAILED', objects: expect.not.objectContaining({ quarantine: expect.any(String) }) },
    ])
  })

  test('an upload that cannot even be given back fails the job all the same', async () => {
    const outcome = await run({ validate: LARGE, failing: [6, 7] })
    expect(outcome.calls.map(({ operation }) => operation)).toContain('AbortMultipartUpload')
    expect(closings(outcome).at(-1)).toMatchObject({ status: 'FAILED', reasonCode: 'infrastructure_failed' })
  })

  test('every transition of the definition was taken above', () => {
    const inMap = new Set(['CopyPart'])
    const all = transitionsOf(definitionOf('ingest/v1').definition)
      .filter(({ from }) => !inMap.has(from))
      .map(({ from, to, kind }) => keyOf(from, to, kind.startsWith('catch')))
    expect(all.filter((transition) => !taken.has(transition))).toEqual([])
  })
})

describe('what ingest/v1 sends', () => {
  test('OBS-35, NOTE-04: each end publishes what happened, each occurrence once', async () => {
    expect(publishedTypes(await run({}))).toEqual([
      'ValidationPassed',
      'GlueJobSucceeded',
      'DQPassed',
      'IngestionJobCompleted',
    ])
    expect(publishedTypes(await run({ validate: INVALID }))).toEqual(['ValidationFailed', 'IngestionJobQuarantined'])
    expect(publishedTypes(await run({ verdict: { gate: 'FAIL', score: 0 } }))).toEqual([
      'ValidationPassed',
      'GlueJobSucceeded',
      'DQFailed',
      'IngestionJobQuarantined',
    ])
    expect(publishedTypes(await run({ failing: [3] }))).toEqual([
      'ValidationPassed',
      'GlueJobFailed',
      'IngestionJobFailed',
    ])
  })

  test('NOTE-05, TEN-05: the event of completion names tenant, job and run, and holds the counts and what was waived', async () => {
    const { calls } = await run({})
    const [call] = calls.filter(({ operation }) => operation === 'PutEvents')
    const entry: unknown = Array.isArray(call?.input.Entries) ? call.input.Entries.at(-1) : null
    const detail: unknown = JSON.parse(isJsonObject(entry) ? String(entry.Detail) : 'null')
    expect(detail).toMatchObject({
      tenantId: 'acme',
      dataset: 'orders',
      jobId: 'j000000000000000000000001',
      runId: 'j000000000000000000000001-1-0',
      completedAt: expect.any(String),
      waivers: { acceptRejects: true, overrideGate: ['RowCount > 0'] },
      counts: { input: 3, curated: 2, rejected: 1, duplicates: 0, inserted: 1, updated: 1, unchanged: 0, stale: 0 },
    })
  })

  test('IN-32: a key with blanks, plus, percent and accents is copied by its version, encoded', async () => {
    const { calls } = await run({})
    expect(calls.find(({ operation }) => operation === 'CopyObject')?.input).toMatchObject({
      CopySource: 'raw%2Flanding%2Facme%2Forders%2F%C3%A9%20%2B%25.csv?versionId=v1',
    })
  })

  test('a large version is copied in ranges that leave nothing out', async () => {
    const { calls } = await run({ validate: LARGE })
    const ranges = calls
      .filter(({ operation }) => operation === 'UploadPartCopy')
      .map(({ input }) => input.CopySourceRange)
    expect(ranges.sort()).toEqual(['bytes=0-399', 'bytes=400-799', 'bytes=800-1000'])
    const [complete] = calls.filter(({ operation }) => operation === 'CompleteMultipartUpload')
    expect(complete?.input.MultipartUpload).toEqual({
      Parts: [1, 2, 3].map((PartNumber) => ({ ETag: `"${PartNumber}"`, PartNumber })),
    })
  })

  test('WH-27, IDEM-05: a Glue run that failed is tried again under another run id, and that one is loaded', async () => {
    const { calls, status } = await run({ failing: [3], failWith: 'InternalServiceException' })
    const runs = calls
      .filter(({ operation }) => operation === 'StartJobRun')
      .map(({ input }) => (isJsonObject(input.Arguments) ? input.Arguments['--run_id'] : null))
    expect(runs).toEqual(['j000000000000000000000001-1-0', 'j000000000000000000000001-1-1'])
    expect(status).toBe('SUCCEEDED')
    const partition = calls.find(({ operation }) => operation === 'CreatePartition')
    expect(JSON.stringify(partition?.input)).toContain('j000000000000000000000001-1-1')
  })

  test('each try of a load has a client token of its own', async () => {
    const { calls } = await run({ statements: [FINISHED, CONFLICT, FINISHED] })
    const tokens = calls
      .filter(({ operation }) => operation === 'BatchExecuteStatement')
      .map(({ input }) => String(input.ClientToken))
    expect(new Set(tokens).size).toBe(4)
    for (const token of tokens) expect(token).toMatch(/^[0-9a-f]{64}$/)
  })

  test('ORC-09: a small file takes no more transitions than the definition declares', async () => {
    const budget = Number(/at most (\d+) transitions/.exec(definitionOf('ingest/v1').definition.comment)?.[1])
    expect((await run({ validate: { sha256: 'a' } })).transitions.length + 1).toBeLessThanOrEqual(budget)
    expect((await run({})).transitions.length).toBeLessThan(budget)
  })

  test('ORC-08: with 60 columns, 131 rules and a load of 90 KB no state passes 16 KB on, the load’s SQL aside', async () => {
    const schema = Array.from({ length: 75 }, (_, number) => ({
      name: `a_rather_long_column_name_${number}`,
      type: 'decimal(38,10)',
    }))
    const columns = schema.map(({ name }) => `${name} VARCHAR(65535)`).join(', ')
    const notPassed = Array.from({ length: 20 }, (_, number) => ({
      name: `Rule_${number}`,
      rule: 'R'.repeat(60),
      result: 'FAIL',
      severity: 'warn',
      message: 'M'.repeat(60),
    }))
    const rejectCodes = Array.from({ length: 10 }, () => ({ code: 'type_mismatch', column: 'c'.repeat(60), rows: 1 }))
    const { status, largestPayloadBytes } = await run({
      load: {
        schema,
        stage: [`CREATE TABLE staging.orders_{run} (${columns})`, "COPY staging.orders_{run} FROM '{manifest}'"],
        transaction: Array.from({ length: 9 }, () => 'S'.repeat(10_000)),
      },
      manifest: { schema: { elements: schema } },
      verdict: { rules: { passed: 111, failed: 20, errors: 0, warnings: 20 }, notPassed },
      summary: { rejectCodes },
    })
    expect(status).toBe('SUCCEEDED')
    expect(largestPayloadBytes).toBeLessThanOrEqual(16 * 1024)
  })
})
