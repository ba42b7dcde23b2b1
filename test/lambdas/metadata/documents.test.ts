import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readCatalogue, seedDocumentOf } from '../../../infra/catalogue.ts'
import type { RegisterJobResult } from '../../../lambdas/messages.ts'
import { closeJob } from '../../../lambdas/metadata/close-job.ts'
import type { Database, Queryable } from '../../../lambdas/metadata/database.ts'
import { type MetadataDeps, runOperation } from '../../../lambdas/metadata/operations.ts'
import { ENGINES, MIGRATIONS, type TestDatabase } from './databases.ts'
import { AT, closing, inputOf, MemoryInspector, MemoryObjects, SEED, sourceOf } from './fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-documents-'))
const rulesFile = join(folder, 'dq-rules', 'orders.dqdl')
const [engine] = ENGINES
let opened: TestDatabase
let objects: MemoryObjects
let deps: MetadataDeps

beforeAll(async () => {
  for (const part of ['contracts', 'dq-rules']) cpSync(part, join(folder, part), { recursive: true })
  if (engine === undefined) throw new Error('no engine')
  opened = await engine.open()
  objects = new MemoryObjects()
  deps = {
    database: opened.database,
    objects,
    workBucket: 'work',
    rawBucket: 'sluice-raw',
    inspector: new MemoryInspector(),
    now: () => new Date(AT),
    log: () => undefined,
    asAdministrator: (work) => work(opened.admin),
    migrations: async () => MIGRATIONS,
    seed: async () =>
      seedDocumentOf(
        await readCatalogue({
          root: folder,
          contractsFolder: join(folder, 'contracts'),
          rulesFolder: join(folder, 'dq-rules'),
        }),
      ),
    stored: new Set(),
  }
})
afterAll(async () => {
  await opened.close()
  rmSync(folder, { recursive: true, force: true })
})

const register = async (name: string): Promise<RegisterJobResult> => {
  const input = inputOf(sourceOf(`landing/acme/orders/${name}`))
  const answer: unknown = await runOperation(
    { operation: 'registerJob', input, executionArn: `arn:${name}`, at: AT },
    deps,
  )
  return answer as RegisterJobResult
}

test('DQ-06: a ruleset file is the only definition of its rules, and an edit of it changes the next run', async () => {
  const rulesOfNextRun = async (name: string): Promise<string> => {
    await runOperation({ operation: 'seed' }, deps)
    const { configuration } = await register(name)
    return JSON.parse(String(objects.stored.get(`work/${configuration?.ruleset.key}`))).dqdl
  }
  const before = readFileSync(rulesFile, 'utf8')
  expect(await rulesOfNextRun('a.csv')).toBe(before)
  const after = before.replace('ColumnValues "quantity" > 0,', 'ColumnValues "quantity" > 1,')
  expect(after).not.toBe(before)
  writeFileSync(rulesFile, after)
  expect(await rulesOfNextRun('b.csv')).toBe(after)
})

/** Counts the statements that go through a database. */
function counting(database: Database) {
  const sent: string[] = []
  const count = (sql: Queryable): Queryable => ({
    query: (text, values) => {
      sent.push(text)
      return sql.query(text, values)
    },
  })
  const counted: Database = {
    asTenant: (tenantId, work) => database.asTenant(tenantId, (sql) => work(count(sql))),
    asOperator: (work) => database.asOperator((sql) => work(count(sql))),
  }
  return { sent, counted }
}

test('WH-05: a job with a thousand rejects is closed with as many statements as one with a single reject', async () => {
  deps = { ...deps, seed: async () => SEED }
  await runOperation({ operation: 'seed' }, deps)
  const statementsFor = async (name: string, rejects: number): Promise<number> => {
    const job = await register(name)
    const sample = Array.from({ length: rejects }, (_, index) => ({
      record_number: index + 2,
      codes: 'type_mismatch',
      columns: 'quantity',
      errors: [],
      raw: '{}',
    }))
    await objects.put('work', `runs/acme/${job.job.jobId}-1-0/reject-sample.json`, JSON.stringify(sample))
    const { sent, counted } = counting(opened.database)
    await closeJob(closing(job, 'COMPLETED'), { database: counted, objects, workBucket: 'work' })
    return sent.length
  }
  expect(await statementsFor('many.csv', 1000)).toBe(await statementsFor('one.csv', 1))
})
