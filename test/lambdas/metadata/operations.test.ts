import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { digestOfJson } from '../../../core/digest.ts'
import type { LogScope } from '../../../lambdas/log.ts'
import type { RegisterJobResult } from '../../../lambdas/messages.ts'
import { type MetadataDeps, runOperation } from '../../../lambdas/metadata/operations.ts'
import { seedDatabase } from '../../../lambdas/metadata/seed.ts'
import { parseSeed } from '../../../lambdas/metadata/seed-file.ts'
import { ENGINES, MIGRATIONS, type TestDatabase } from './databases.ts'
import { AT, inputOf, MemoryInspector, MemoryObjects, mappingText, SEED, sourceOf } from './fixtures.ts'

interface Line {
  readonly level: string
  readonly message: string
  readonly scope: LogScope
}

describe.each(ENGINES)('the metadata function on $name', ({ open }) => {
  let opened: TestDatabase
  let objects: MemoryObjects
  let deps: MetadataDeps
  let lines: Line[]
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.close())
  beforeEach(async () => {
    await opened.reset()
    objects = new MemoryObjects()
    lines = []
    deps = {
      database: opened.database,
      objects,
      workBucket: 'work',
      rawBucket: 'sluice-raw',
      inspector: new MemoryInspector(),
      now: () => new Date(AT),
      log: (level, message, scope) => lines.push({ level, message, scope }),
      asAdministrator: (work) => work(opened.admin),
      migrations: async () => MIGRATIONS,
      seed: async () => SEED,
      stored: new Set(),
    }
    await runOperation({ operation: 'seed' }, deps)
  })

  const register = async (executionArn = 'arn:1', key = 'landing/acme/orders/a.csv'): Promise<RegisterJobResult> => {
    const request = { operation: 'registerJob', input: inputOf(sourceOf(key)), executionArn, at: AT }
    const answer: unknown = await runOperation(request, deps)
    return answer as RegisterJobResult
  }

  test('IDEM-07: migrating and seeding what is there already changes nothing and says so', async () => {
    expect(await runOperation({ operation: 'migrate' }, deps)).toEqual({
      applied: [],
      alreadyApplied: MIGRATIONS.length,
    })
    expect(await runOperation({ operation: 'seed' }, deps)).toEqual({
      tenants: [],
      contracts: [],
      rulesets: [],
      mappings: [],
      kept: [],
    })
  })

  test('SCH-35: what a job pins is stored once, content-addressed, where validation reads it', async () => {
    const { configuration } = await register()
    if (configuration === null) throw new Error('refused')
    for (const { key, hash } of [configuration.contract, configuration.mapping, configuration.ruleset]) {
      expect(key).toContain(hash)
      expect(digestOfJson(JSON.parse(String(objects.stored.get(`work/${key}`))))).toBe(hash)
    }
    await register('arn:2', 'landing/acme/orders/b.csv')
    expect(objects.puts).toHaveLength(3)
  })

  test('JOB-15: the last state of an object version is found by bucket, key and version, or by execution', async () => {
    const { job, source } = await register()
    const { bucket, key, versionId } = source
    const expected = { jobId: job.jobId, status: 'PROCESSING' }
    expect(await runOperation({ operation: 'getJob', source: { bucket, key, versionId } }, deps)).toMatchObject(
      expected,
    )
    expect(await runOperation({ operation: 'getJob', executionArn: 'arn:1' }, deps)).toMatchObject(expected)
    await expect(
      runOperation({ operation: 'getJob', source: { bucket, key, versionId: 'v9' } }, deps),
    ).rejects.toMatchObject({ name: 'UnknownJob' })
  })

  test('OBS-01: each line of the log says tenant, job and execution', async () => {
    const { job } = await register()
    expect(lines.at(-1)?.scope).toEqual({ tenantId: 'acme', jobId: job.jobId, executionArn: 'arn:1' })
  })

  const input = inputOf(sourceOf('landing/acme/orders/a.csv'))
  const without = (member: keyof typeof input.source) => ({
    ...input,
    source: { ...input.source, [member]: undefined },
  })
  const BROKEN = [
    { why: 'no input', request: { operation: 'registerJob', executionArn: 'arn', at: AT }, path: '$.input' },
    ...(['bucket', 'key', 'versionId', 'sizeBytes', 'etag', 'sequencer', 'landedAt'] as const).map((member) => ({
      why: `no ${member} of the source`,
      request: { operation: 'registerJob', input: without(member), executionArn: 'arn', at: AT },
      path: `$.input.source.${member}`,
    })),
    {
      why: 'no source type',
      request: { operation: 'registerJob', input: { ...input, sourceType: undefined }, executionArn: 'arn', at: AT },
      path: '$.input.sourceType',
    },
    {
      why: 'an unknown trigger',
      request: { operation: 'registerJob', input: { ...input, trigger: 'cron' }, executionArn: 'arn', at: AT },
      path: '$.input.trigger',
    },
    { why: 'no execution', request: { operation: 'registerJob', input, at: AT }, path: '$.executionArn' },
    {
      why: 'a time that is none',
      request: { operation: 'registerJob', input, executionArn: 'arn', at: 'now' },
      path: '$.at',
    },
    { why: 'no operation', request: {}, path: '$.operation' },
    { why: 'no object', request: [], path: '$' },
  ]
  for (const { why, request, path } of BROKEN)
    test(`IN-10: ${why} fails with InvalidInput, names the place and writes nothing`, async () => {
      await expect(runOperation(request, deps)).rejects.toMatchObject({ name: 'InvalidInput', where: { path } })
      expect(objects.puts).toEqual([])
      expect(await runOperation({ operation: 'listJobs' }, deps)).toEqual({ jobs: [], nextToken: null })
    })

  test('an operation that is unknown fails with UnknownOperation', async () => {
    await expect(runOperation({ operation: 'toString' }, deps)).rejects.toMatchObject({ name: 'UnknownOperation' })
  })

  test('JOB-01: tenants are created once, listed, suspended and resumed', async () => {
    const created = await runOperation({ operation: 'createTenant', tenantId: 'initech', maxActiveJobs: 3 }, deps)
    expect(created).toMatchObject({
      created: true,
      tenant: { tenantId: 'initech', status: 'active', maxActiveJobs: 3 },
    })
    expect(await runOperation({ operation: 'createTenant', tenantId: 'initech' }, deps)).toMatchObject({
      created: false,
    })
    await runOperation({ operation: 'suspendTenant', tenantId: 'initech' }, deps)
    const { tenants } = (await runOperation({ operation: 'listTenants' }, deps)) as { tenants: unknown[] }
    expect(tenants).toMatchObject([
      { tenantId: 'acme' },
      { tenantId: 'globex' },
      { tenantId: 'initech', status: 'suspended' },
    ])
    expect(await runOperation({ operation: 'resumeTenant', tenantId: 'initech' }, deps)).toMatchObject({
      tenant: { status: 'active' },
    })
    for (const tenantId of ['Initech', 'unknown'])
      await expect(runOperation({ operation: 'createTenant', tenantId }, deps)).rejects.toMatchObject({
        code: 'invalid_tenant',
      })
    await expect(runOperation({ operation: 'suspendTenant', tenantId: 'nobody' }, deps)).rejects.toMatchObject({
      code: 'unknown_tenant',
    })
  })

  test('SCH-01: a tenant’s changed mapping is pinned by the next job, and seeding never replaces it', async () => {
    const before = await register()
    const mapping = mappingText('acme', 'orders')
      .replace('version: 1', 'version: 2')
      .replace('source: Qty', 'source: Quantity')
    expect(await runOperation({ operation: 'putMapping', mapping }, deps)).toMatchObject({
      outcome: 'changed',
      version: 2,
    })
    const after = await register('arn:2', 'landing/acme/orders/b.csv')
    expect(after.configuration?.mapping.version).toBe(2)
    expect(after.configuration?.mapping.hash).not.toBe(before.configuration?.mapping.hash)
    expect(await seedDatabase(opened.database, SEED, AT)).toMatchObject({ mappings: [], kept: ['acme/orders@1'] })
    expect((await register('arn:3', 'landing/acme/orders/c.csv')).configuration?.mapping.version).toBe(2)
  })

  test('VAL-20: a mapping that leaves a required column unmapped is not saved, and the column is named', async () => {
    const mapping = mappingText('acme', 'orders').replace(/^.*target: quantity.*$/m, '')
    await expect(runOperation({ operation: 'putMapping', mapping }, deps)).rejects.toMatchObject({
      code: 'invalid_mapping',
      message: expect.stringContaining('"quantity"'),
    })
  })

  test('SCH-08: a mapping with a transform that nobody knows is not saved, and the transform is named', async () => {
    const mapping = mappingText('acme', 'orders').replace('uppercase', 'eval_python')
    await expect(runOperation({ operation: 'putMapping', mapping }, deps)).rejects.toMatchObject({
      code: 'invalid_mapping',
      message: expect.stringContaining('eval_python'),
    })
  })

  test('the event of an ended execution names no operation and closes the job', async () => {
    const { job } = await register()
    const event = {
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      detail: { executionArn: 'arn:1', status: 'TIMED_OUT', input: null, startDate: 0, error: null, cause: null },
    }
    expect(await runOperation(event, deps)).toMatchObject({ jobId: job.jobId, closed: { status: 'FAILED' } })
    const found = await runOperation({ operation: 'getJob', jobId: job.jobId }, deps)
    expect(found).toMatchObject({ status: 'FAILED', reasonCode: 'execution_timed_out' })
  })

  test('a seed that is none is refused by name', () => {
    expect(() => parseSeed('{"contracts": [{"dataset": "Orders!"}]}')).toThrow(/Cannot read seed.json/)
  })
})
