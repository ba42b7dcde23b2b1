import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { TenantId } from '../../../core/identifiers.ts'
import { analystSession } from '../../../warehouse/analyst-session.ts'
import { analystUserOf } from '../../../warehouse/deploy.ts'
import { STOCK } from '../../warehouse/contracts.ts'
import { type CuratedFile, LOADER, type WarehouseFixture, warehouseFixture } from './warehouse-fixture.ts'

const ACME = analystUserOf('acme' as TenantId)
const GLOBEX = analystUserOf('globex' as TenantId)

let warehouse: WarehouseFixture
beforeAll(async () => {
  warehouse = await warehouseFixture()
  await warehouse.deploy([STOCK])
  await warehouse.deploy([STOCK])
  const file: CuratedFile = {
    jobId: `j${'1'.repeat(24)}`,
    sourceKey: 'a',
    modifiedAt: '2026-01-01T00:00:00.000Z',
    rows: [
      { sku: 'apple', amount: 1, extra: '{"ripe": true}' },
      { sku: 'pear', amount: 2, tenant_id: 'globex' },
      { sku: 'plum', amount: 3, tenant_id: 'globex' },
    ],
  }
  await warehouse.load(STOCK, await warehouse.writeFile(STOCK, 'both', file), file)
}, 120_000)
afterAll(() => warehouse.close())

describe('analysts', () => {
  test('TEN-17: see the rows of their tenant and no other, in whatever form they ask', async () => {
    expect(await warehouse.sql('SELECT sku FROM shop_stock', ACME)).toEqual([['apple']])
    expect(await warehouse.sql('SELECT count(*) FROM analytics.shop_stock AS x', GLOBEX)).toEqual([[2]])
    expect(
      await warehouse.sql(
        "SELECT count(*) FROM shop_stock a JOIN analytics.shop_stock b ON a.sku <> b.sku WHERE b.tenant_id = 'globex'",
        ACME,
      ),
    ).toEqual([[0]])
    expect(
      await warehouse.sql(
        'WITH x AS (SELECT * FROM shop_stock) SELECT count(*) FROM x UNION ALL SELECT count(*) FROM shop_stock',
        ACME,
      ),
    ).toEqual([[1], [1]])
    expect(await warehouse.sql('SELECT (SELECT count(*) FROM shop_stock)', ACME)).toEqual([[1]])
  })

  test('a common table of the view’s name does not open the view elsewhere', async () => {
    const sql = 'SELECT * FROM (WITH shop_stock AS (SELECT 1 AS a) SELECT * FROM shop_stock) AS x, shop_stock'
    expect(await warehouse.errorOf(sql, ACME)).toMatch(/does not exist/)
  })

  for (const sql of [
    'SELECT * FROM mart.shop_stock',
    'SELECT * FROM ops.analyst_tenant',
    'SELECT * FROM ops.ledger_shop_stock',
    "INSERT INTO ops.analyst_tenant VALUES ('x', 'globex')",
    'DELETE FROM mart.shop_stock',
    'CREATE TABLE analytics.mine AS SELECT 1 AS a',
    'DROP VIEW analytics.shop_stock',
    `SET SESSION AUTHORIZATION '${GLOBEX}'`,
    'ALTER TABLE analytics.shop_stock ROW LEVEL SECURITY OFF',
    'GRANT SELECT ON mart.shop_stock TO PUBLIC',
  ])
    test(`TEN-17: may not run ${sql}`, async () =>
      expect(await warehouse.errorOf(sql, ACME)).toMatch(/permission denied|must be owner/))

  test('a user without a role sees nothing, and one without a tenant no row', async () => {
    expect(await warehouse.errorOf('SELECT * FROM shop_stock', 'IAMR:nobody')).toMatch(/permission denied/)
    await warehouse.sql('GRANT ROLE sluice_analyst TO "IAMR:newcomer"')
    expect(await warehouse.sql('SELECT count(*) FROM shop_stock', 'IAMR:newcomer')).toEqual([[0]])
  })

  test('the loader loads, and neither reads views nor changes rights', async () => {
    expect(await warehouse.errorOf('SELECT * FROM analytics.shop_stock', LOADER)).toMatch(/permission denied/)
    expect(await warehouse.errorOf('GRANT SELECT ON mart.shop_stock TO PUBLIC', LOADER)).toMatch(/permission denied/)
  })
})

describe('the operator', () => {
  const asAnalyst = async (tenant: string | null, sql: string) =>
    (await warehouse.batch([...analystSession(tenant as TenantId | null), sql])).at(-1)

  test('takes an analyst’s session, or the reader’s, who sees all tenants', async () => {
    expect((await asAnalyst('acme', 'SELECT count(*) FROM shop_stock'))?.result?.pages).toEqual([[[{ longValue: 1 }]]])
    expect((await asAnalyst(null, 'SELECT count(*) FROM shop_stock'))?.result?.pages).toEqual([[[{ longValue: 3 }]]])
  })
  test('may only read in such a session', async () => {
    expect((await asAnalyst(null, 'DELETE FROM mart.shop_stock'))?.error).toMatch(/permission denied/)
    expect((await asAnalyst('acme', 'DROP TABLE mart.shop_stock'))?.error).toMatch(/must be owner/)
  })
  test('reads JSON columns as SUPER', async () => {
    expect(await warehouse.sql("SELECT extra FROM shop_stock WHERE sku = 'apple'")).toEqual([['{"ripe":true}']])
  })
})
