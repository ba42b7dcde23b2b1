import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Fields } from '../../../lambdas/input.ts'
import { closeJob } from '../../../lambdas/metadata/close-job.ts'
import { listMappingErrors } from '../../../lambdas/metadata/mapping-errors.ts'
import { registerJob } from '../../../lambdas/metadata/register-job.ts'
import { seedDatabase } from '../../../lambdas/metadata/seed.ts'
import { ENGINES, type TestDatabase } from './databases.ts'
import { AT, closing, inputOf, MemoryObjects, SEED, sourceOf } from './fixtures.ts'

const NEXT_DAY = '2026-03-02T00:30:00.000Z'

describe.each(ENGINES)('errors of mappings on $name', ({ open }) => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await open()
    await seedDatabase(opened.database, SEED, AT)
    const deps = { database: opened.database, objects: new MemoryObjects(), workBucket: 'work' }
    const run = async (key: string, at: string, rejected: number, status: 'COMPLETED' | 'QUARANTINED') => {
      const input = inputOf(sourceOf(key))
      const { result } = await registerJob(opened.database, { input, executionArn: `arn:${key}`, at, now: at })
      const counts = { input: 8 + rejected, curated: 8, rejected, duplicates: 0 }
      await closeJob(
        closing(result, status, { counts, reasonCode: status === 'COMPLETED' ? null : 'too_many_rejects' }),
        deps,
      )
    }
    await run('landing/acme/orders/1.csv', AT, 2, 'COMPLETED')
    await run('landing/acme/orders/2.csv', AT, 5, 'QUARANTINED')
    await run('landing/acme/orders/3.csv', NEXT_DAY, 0, 'COMPLETED')
    await run('landing/globex/orders/4.csv', AT, 1, 'COMPLETED')
  })
  afterAll(() => opened.close())

  const list = (filter: Record<string, unknown>) => listMappingErrors(opened.database, new Fields(filter))

  test('QUA-10: rejected rows and quarantined jobs are counted by mapping and day, newest first', async () => {
    expect(await list({ tenantId: 'acme' })).toMatchObject([
      { day: '2026-03-02', mappingVersion: 1, jobs: 1, quarantinedJobs: 0, inputRows: 8, rejectedRows: 0 },
      { day: '2026-03-01', mappingVersion: 1, jobs: 2, quarantinedJobs: 1, inputRows: 23, rejectedRows: 7 },
    ])
  })

  test('QUA-10: errors are asked for by dataset and time, over all tenants', async () => {
    const found = await list({ dataset: 'orders', until: NEXT_DAY })
    expect(found.map(({ tenantId, rejectedRows }) => [tenantId, rejectedRows])).toEqual([
      ['acme', 7],
      ['globex', 1],
    ])
    expect(await list({ dataset: 'refunds' })).toEqual([])
  })
})
