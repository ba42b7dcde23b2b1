import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { openWarehouse, type StatementOutcome } from '../../../local/engines/warehouse/engine.ts'
import { seeded } from '../../e2e/seeded.ts'
import { STOCK } from '../../warehouse/contracts.ts'
import { COPY_ROLE, type CuratedFile, type WarehouseFixture, warehouseFixture } from './warehouse-fixture.ts'

/** Every COPY leaves its rows in the files. */
let warehouse: WarehouseFixture
/** The same statements where every COPY writes its rows into the table. */
let plain: WarehouseFixture
beforeAll(async () => {
  warehouse = await warehouseFixture(1)
  plain = await warehouseFixture(Number.POSITIVE_INFINITY)
  for (const each of [warehouse, plain]) await each.sql('CREATE SCHEMA s')
}, 120_000)
afterAll(() => {
  warehouse.close()
  plain.close()
})

const TABLE = 'CREATE TABLE s.t (k VARCHAR(8) NOT NULL, v INTEGER, note VARCHAR(8))'
const copy = (manifest: string, table = 's.t (k, v)'): string =>
  `COPY ${table} FROM '${manifest}' IAM_ROLE '${COPY_ROLE}' FORMAT AS PARQUET MANIFEST`
const rows = (first: number, count: number): string =>
  `SELECT 'k' || range AS a, range::INTEGER AS b FROM range(${first}, ${first + count})`
const segmentsOf = (fixture: WarehouseFixture): readonly string[] => readdirSync(join(fixture.folder, 'segments'))

describe('a table whose rows COPY has left in their files', () => {
  beforeEach(async () => {
    await warehouse.sql('DROP TABLE IF EXISTS s.t')
    await warehouse.sql(TABLE)
    await warehouse.sql(copy(await warehouse.writeParquet('first', rows(0, 10))))
  })

  test('answers like any other, and what INSERT adds stands beside it', async () => {
    expect(segmentsOf(warehouse)).toHaveLength(1)
    await warehouse.sql("INSERT INTO s.t VALUES ('more', 1, 'x')")
    await warehouse.sql(copy(await warehouse.writeParquet('second', rows(10, 5))))
    expect(segmentsOf(warehouse)).toHaveLength(2)
    expect(await warehouse.sql('SELECT count(*), sum(v), count(note) FROM s.t')).toEqual([[16, '106', 1]])
    expect((await warehouse.engine.relations()).filter(({ schema }) => schema === 's')).toMatchObject([
      { name: 't', kind: 'table', columns: [{ name: 'k', nullable: false }, { name: 'v' }, { name: 'note' }] },
    ])
  })

  test('takes them in for a statement that changes one of them, and for no other', async () => {
    expect(
      (await warehouse.batch(["UPDATE s.t SET v = 9 WHERE k = 'none'", 'DELETE FROM s.t WHERE v = 99'])).map(
        ({ rows: count }) => count,
      ),
    ).toEqual([0, 0])
    expect(segmentsOf(warehouse)).toHaveLength(1)
    expect((await warehouse.batch(["UPDATE s.t SET v = 90 WHERE k = 'k9'"]))[0]?.rows).toBe(1)
    expect(segmentsOf(warehouse)).toEqual([])
    expect(await warehouse.sql('SELECT count(*), max(v) FROM s.t')).toEqual([[10, 90]])
  })

  test('keeps its limits: what the files hold is refused where it does not fit', async () => {
    const long = await warehouse.writeParquet('long', "SELECT 'ééééé' AS a, 1::INTEGER AS b")
    expect(await warehouse.errorOf(copy(long))).toBe(
      'ERROR: Value too long for type character varying(8) in column "k"',
    )
    const missing = await warehouse.writeParquet('missing', 'SELECT NULL::VARCHAR AS a, 1::INTEGER AS b')
    expect(await warehouse.errorOf(copy(missing))).toBe('ERROR: Cannot insert a NULL value into column k')
    expect(await warehouse.errorOf("INSERT INTO s.t VALUES ('123456789', 1, '')")).toMatch(/varying\(8\) in column "k"/)
    expect(await warehouse.errorOf('INSERT INTO s.t VALUES (NULL, 1, NULL)')).toBe(
      'ERROR: Cannot insert a NULL value into column k',
    )
    expect(segmentsOf(warehouse)).toHaveLength(1)
  })

  test('is a table to DDL, and what lies behind it cannot be named', async () => {
    await warehouse.sql(TABLE.replace('CREATE TABLE', 'CREATE TABLE IF NOT EXISTS'))
    expect(await warehouse.errorOf(TABLE)).toBe('ERROR: Relation "t" already exists')
    expect(await warehouse.errorOf('CREATE OR REPLACE VIEW s.t AS SELECT 1 AS a')).toBe('ERROR: "t" is not a view')
    expect(await warehouse.errorOf('DROP VIEW s.t')).toBe('ERROR: "t" is not a view')
    expect(await warehouse.errorOf('SELECT * FROM s."t (rows)"')).toBe('ERROR: relation "s.t (rows)" does not exist')
    await warehouse.sql('ALTER TABLE s.t ALTER COLUMN k TYPE VARCHAR(20)')
    expect(await warehouse.errorOf('ALTER TABLE s.t ADD COLUMN v INTEGER')).toMatch(/already exists/)
    expect(segmentsOf(warehouse)).toHaveLength(1)
    await warehouse.sql("INSERT INTO s.t (k) VALUES ('123456789')")
    await warehouse.sql('ALTER TABLE s.t ADD COLUMN extra INTEGER')
    expect(await warehouse.sql('SELECT count(*), count(extra), max(length(k)) FROM s.t')).toEqual([[11, 0, 9]])
  })

  test('WH-07: a transaction that fails leaves neither rows nor files, and the rest as it was', async () => {
    const second = await warehouse.writeParquet('second', rows(10, 5))
    const outcomes = await warehouse.batch([copy(second), "DELETE FROM s.t WHERE k = 'k3'", 'SELECT * FROM s.nothing'])
    expect(outcomes.map(({ status }) => status)).toEqual(['FINISHED', 'FINISHED', 'FAILED'])
    expect(segmentsOf(warehouse)).toHaveLength(1)
    expect(await warehouse.sql('SELECT count(*) FROM s.t')).toEqual([[10]])
  })

  test('lets its files go with TRUNCATE and DROP', async () => {
    await warehouse.sql('TRUNCATE s.t')
    expect(await warehouse.sql('SELECT count(*) FROM s.t')).toEqual([[0]])
    await warehouse.sql(copy(await warehouse.writeParquet('second', rows(0, 5))))
    await warehouse.sql('DROP TABLE s.t')
    expect(segmentsOf(warehouse)).toEqual([])
  })
})

describe('a load', () => {
  const job = (number: number): string => `j${String(number).padStart(24, '0')}`
  const file = (number: number, skus: readonly string[], amount: number): CuratedFile => ({
    jobId: job(number),
    sourceKey: 'a',
    modifiedAt: `2026-01-0${number}T00:00:00.000Z`,
    rows: skus.map((sku) => ({ sku, amount })),
  })
  const load = async (fixture: WarehouseFixture, loaded: CuratedFile) =>
    fixture.load(STOCK, await fixture.writeFile(STOCK, `stock-${loaded.jobId}`, loaded), loaded)

  test('WH-04, IDEM-05: passes the staged files on where nothing matches, survives a kill and a move, and takes them in for an update', async () => {
    await warehouse.sql('DROP TABLE IF EXISTS s.t')
    await warehouse.deploy([STOCK])
    const first = file(1, ['apple', 'pear'], 1)
    expect(await load(warehouse, first)).toEqual({ inserted: 2, updated: 0, unchanged: 0, stale: 0 })
    expect(segmentsOf(warehouse)).toHaveLength(1)
    expect(await load(warehouse, first)).toEqual({ inserted: 2, updated: 0, unchanged: 0, stale: 0 })
    expect(await load(warehouse, file(2, ['fig'], 2))).toEqual({ inserted: 1, updated: 0, unchanged: 0, stale: 0 })
    expect(segmentsOf(warehouse)).toHaveLength(2)

    const moved = mkdtempSync(join(tmpdir(), 'sluice-moved-'))
    // As a kill leaves it: the log is not yet in the database.
    cpSync(warehouse.folder, moved, { recursive: true })
    const reopened = await openWarehouse({
      path: join(moved, 'warehouse.duckdb'),
      temporaryDirectory: join(moved, 'tmp'),
      segments: { directory: join(moved, 'segments'), minRows: 1 },
      threads: 1,
      memoryLimitBytes: 200_000_000,
      searchPath: ['analytics'],
      attachedRoles: () => [],
      objectsAs: () => warehouse.objects,
    })
    const run = (sql: string): Promise<readonly StatementOutcome[]> =>
      reopened.execute({ id: 'after', sqls: [sql], user: 'admin', mode: 'single' })
    const [outcome] = await run('SELECT sku FROM shop_stock ORDER BY sku')
    expect(outcome?.result?.pages.flat(2)).toEqual(['apple', 'fig', 'pear'].map((stringValue) => ({ stringValue })))
    expect((await run("DELETE FROM mart.shop_stock WHERE sku = 'fig'"))[0]).toMatchObject({
      status: 'FINISHED',
      rows: 1,
    })
    reopened.close()
    rmSync(moved, { recursive: true, force: true })

    expect(await load(warehouse, file(3, ['apple', 'kiwi'], 3))).toEqual({
      inserted: 1,
      updated: 1,
      unchanged: 0,
      stale: 0,
    })
    expect(segmentsOf(warehouse)).toEqual([])
    expect(await warehouse.sql('SELECT sku, amount FROM shop_stock ORDER BY sku')).toEqual([
      ['apple', '3.00'],
      ['fig', '2.00'],
      ['kiwi', '3.00'],
      ['pear', '1.00'],
    ])
  }, 60_000)
})

test('any sequence of statements ends as where COPY writes the rows into the table', async () => {
  const made = seeded(11)
  const pick = (below: number): number => Math.floor(made() * below)
  /** TRUNCATE does not say how many rows there were. */
  const told = ({ status, error, rows: count }: StatementOutcome) => ({ status, error, count })
  const both = async (sql: string): Promise<void> => {
    const [left, right] = await Promise.all([warehouse.batch([sql]), plain.batch([sql])])
    if (sql.startsWith('TRUNCATE')) return
    expect([sql, ...left.map(told)]).toEqual([sql, ...right.map(told)])
  }
  const STATEMENTS: readonly (() => Promise<string>)[] = [
    async () => {
      const [name, select, table] = [`f${pick(1e9)}`, rows(pick(30), 1 + pick(5)), pick(2) === 0 ? 's.t' : 's.u']
      await Promise.all([warehouse.writeParquet(name, select), plain.writeParquet(name, select)])
      return copy(`s3://curated/${name}.json`, `${table} (k, v)`)
    },
    async () => `INSERT INTO s.t VALUES ('k${pick(30)}', ${pick(9)}, 'n')`,
    async () => `UPDATE s.t SET v = ${pick(9)} WHERE k = 'k${pick(60)}'`,
    async () => `UPDATE s.t SET note = 'u' FROM s.u AS o WHERE o.k = t.k AND o.v < ${pick(40)}`,
    async () => `DELETE FROM s.u WHERE v > ${pick(60)}`,
    async () => `DELETE FROM s.t WHERE EXISTS (SELECT 1 FROM s.u WHERE u.k = t.k AND u.v = ${pick(60)})`,
    async () =>
      'MERGE INTO s.t USING s.u AS o ON t.k = o.k WHEN MATCHED THEN UPDATE SET k = o.k, v = o.v, note = o.note WHEN NOT MATCHED THEN INSERT (k, v, note) VALUES (o.k, o.v, o.note)',
    async () => 'TRUNCATE s.u',
    async () => `TRUNCATE ${pick(4) === 0 ? 's.t' : 's.u'}`,
  ]
  for (const table of [TABLE, TABLE.replace('s.t', 's.u')]) await both(table)
  for (let step = 0; step < 80; step += 1) {
    await both(await (STATEMENTS[pick(STATEMENTS.length)] ?? (async () => 'SELECT 1'))())
    for (const table of ['s.t', 's.u']) {
      const all = `SELECT k, v, note FROM ${table} ORDER BY 1, 2, 3`
      expect(await warehouse.sql(all)).toEqual(await plain.sql(all))
    }
  }
}, 60_000)
