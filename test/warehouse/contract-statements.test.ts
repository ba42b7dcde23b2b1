import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Contract } from '../../core/contract.ts'
import { contractStatements } from '../../warehouse/contract-statements.ts'
import { type WarehouseFixture, warehouseFixture } from '../local/redshift-data/warehouse-fixture.ts'
import { column, STOCK } from './contracts.ts'

const WIDER: Contract = {
  ...STOCK,
  version: 2,
  columns: [
    column('sku', { kind: 'string', maxCharacters: 12 }, true),
    column('amount', { kind: 'decimal', precision: 12, scale: 2 }),
    column('note', { kind: 'string', maxCharacters: 40 }),
    column('extra', { kind: 'json' }),
    column('colour', { kind: 'string', maxCharacters: 8 }),
  ],
}

describe('what a change of contract asks of the warehouse', () => {
  test('is nothing where nothing changed', () => {
    expect(contractStatements(STOCK, STOCK)).toEqual({ deployment: [], operator: [], rebuild: [] })
  })

  test('is a size, a column and a new view where it adds', () => {
    const { deployment, operator, rebuild } = contractStatements(STOCK, WIDER)
    expect(deployment.slice(0, 3)).toEqual([
      'ALTER TABLE "mart"."shop_stock" ALTER COLUMN "sku" TYPE VARCHAR(48)',
      'ALTER TABLE "mart"."shop_stock" ALTER COLUMN "note" TYPE VARCHAR(160)',
      'ALTER TABLE "mart"."shop_stock" ADD COLUMN "colour" VARCHAR(32)',
    ])
    expect(deployment.slice(3).some((sql) => sql.startsWith('CREATE VIEW "analytics"."shop_stock"'))).toBe(true)
    expect({ operator, rebuild }).toEqual({ operator: [], rebuild: [] })
  })

  test('is a new column that takes the old one’s name where a type changes', () => {
    const now: Contract = {
      ...STOCK,
      columns: STOCK.columns.map((each) => (each.name === 'amount' ? column('amount', { kind: 'double' }) : each)),
    }
    expect(contractStatements(STOCK, now).operator).toEqual([
      'ALTER TABLE "mart"."shop_stock" ADD COLUMN "amount__next" DOUBLE PRECISION',
      'UPDATE "mart"."shop_stock" SET "amount__next" = CAST("amount" AS DOUBLE PRECISION)',
      'ALTER TABLE "mart"."shop_stock" DROP COLUMN "amount"',
      'ALTER TABLE "mart"."shop_stock" RENAME COLUMN "amount__next" TO "amount"',
    ])
  })

  test('is a table built anew where the key changes or has another type', () => {
    const number: Contract = { ...STOCK, columns: [column('sku', { kind: 'bigint' }, true), ...STOCK.columns.slice(1)] }
    expect(contractStatements(STOCK, number).rebuild).toEqual([expect.stringContaining('column sku from VARCHAR(40)')])
    expect(contractStatements(STOCK, { ...STOCK, key: ['sku', 'note'] }).rebuild).toEqual([
      expect.stringContaining('key from (sku) to (sku, note)'),
    ])
  })

  test('is an ALTER of the layout where only that changed', () => {
    const now: Contract = { ...STOCK, warehouse: { distribution: { style: 'even' }, sort: ['tenant_id', 'sku'] } }
    expect(contractStatements(STOCK, now).operator).toEqual([
      'ALTER TABLE "mart"."shop_stock" ALTER DISTSTYLE EVEN',
      'ALTER TABLE "mart"."shop_stock" ALTER COMPOUND SORTKEY("tenant_id", "sku")',
    ])
  })
})

describe('a deployment of a wider contract', () => {
  let warehouse: WarehouseFixture
  beforeAll(async () => {
    warehouse = await warehouseFixture()
  })
  afterAll(() => warehouse.close())

  test('widens the texts of the table that stands, and again changes nothing', async () => {
    const file = {
      jobId: 'j000000000000000000000001',
      sourceKey: 'landing/acme/shop-stock/a.csv',
      modifiedAt: '2026-01-01T00:00:00Z',
      rows: [{ sku: 'one', amount: 1, note: 'short', extra: null }],
    }
    await warehouse.deploy([STOCK])
    await warehouse.load(STOCK, await warehouse.writeFile(STOCK, 'a', file), file)
    await warehouse.deploy([WIDER])
    await warehouse.deploy([WIDER])
    const later = {
      ...file,
      jobId: 'j000000000000000000000002',
      sourceKey: 'landing/acme/shop-stock/b.csv',
      rows: [{ sku: 'two', amount: 2, note: 'n'.repeat(160), extra: null, colour: 'red' }],
    }
    await warehouse.load(WIDER, await warehouse.writeFile(WIDER, 'b', later), later)
    expect(await warehouse.sql('SELECT sku, length(note), colour FROM mart.shop_stock ORDER BY sku')).toEqual([
      ['one', 5, null],
      ['two', 160, 'red'],
    ])
    expect(await warehouse.errorOf('ALTER TABLE mart.shop_stock ALTER COLUMN note TYPE VARCHAR(10)')).toMatch(
      /target column size should be larger or equal to current maximum column size \(160\)/,
    )
  })
})
