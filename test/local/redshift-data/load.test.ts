import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SIGHTINGS, STOCK } from '../../warehouse/contracts.ts'
import { type CuratedFile, permutations, type WarehouseFixture, warehouseFixture } from './warehouse-fixture.ts'

const job = (number: number): string => `j${String(number).padStart(24, '0')}`
const day = (number: number): string => `2026-01-0${number}T00:00:00.000Z`

let warehouse: WarehouseFixture
beforeAll(async () => {
  warehouse = await warehouseFixture()
  await warehouse.deploy([STOCK, SIGHTINGS])
}, 120_000)
afterAll(() => warehouse.close())

const empty = async (dataset: string): Promise<void> => {
  await warehouse.sql(`DELETE FROM mart.${dataset}`)
  await warehouse.sql(`DELETE FROM ops.ledger_${dataset}`)
}

describe('a dataset with a key', () => {
  const files: readonly CuratedFile[] = [
    {
      jobId: job(1),
      sourceKey: 'a',
      modifiedAt: day(1),
      rows: [
        { sku: 'apple', amount: 1 },
        { sku: 'pear', amount: 1, note: 'ripe' },
        { sku: 'plum', amount: 1 },
        { sku: 'fig', amount: 1 },
      ],
    },
    {
      jobId: job(2),
      sourceKey: 'b',
      modifiedAt: day(2),
      rows: [
        { sku: 'apple', amount: 2 },
        { sku: 'pear', amount: null },
        { sku: 'plum ', amount: 2 },
        { sku: 'fig', op: 'D' },
      ],
    },
    {
      jobId: job(3),
      sourceKey: 'a',
      modifiedAt: day(3),
      rows: [
        { sku: 'apple', amount: 1 },
        { sku: 'pear', amount: 3 },
        { sku: 'kiwi', amount: 3, extra: '{"a":1}' },
      ],
    },
  ]
  const manifests: string[] = []
  beforeAll(async () => {
    for (const file of files) manifests.push(await warehouse.writeFile(STOCK, `stock-${file.jobId}`, file))
  })
  const loadNumber = (index: number, publication = 1, tryNumber = 0) => {
    const file = files[index]
    const manifest = manifests[index]
    if (file === undefined || manifest === undefined) throw new Error('no such file')
    return warehouse.load(STOCK, manifest, file, publication, tryNumber)
  }
  const table = () => warehouse.sql('SELECT sku, amount, note, extra FROM shop_stock ORDER BY sku')
  const END = [
    ['apple', '1.00', null, null],
    ['kiwi', '3.00', null, '{"a":1}'],
    ['pear', '3.00', null, null],
    ['plum ', '2.00', null, null],
  ]

  for (const order of permutations([0, 1, 2]))
    test(`WH-03, WH-23: ends in the same table when files are loaded in the order ${order.join(', ')}`, async () => {
      await empty('shop_stock')
      for (const index of order) {
        const { inserted, updated, unchanged, stale } = await loadNumber(index)
        expect(inserted + updated + unchanged + stale).toBe(files[index]?.rows.length)
      }
      expect(await table()).toEqual(END)
    })

  test('IDEM-05, IDEM-10: loading a publication again changes nothing and answers with the first load’s counts', async () => {
    await empty('shop_stock')
    const first = await loadNumber(0)
    await loadNumber(1)
    const before = await warehouse.sql('SELECT * FROM mart.shop_stock ORDER BY sku')
    expect(await loadNumber(0, 1, 7)).toEqual(first)
    expect(await warehouse.sql('SELECT * FROM mart.shop_stock ORDER BY sku')).toEqual(before)
    expect(first).toEqual({ inserted: 4, updated: 0, unchanged: 0, stale: 0 })
  })

  test('a further publication is a load of its own that finds every row as it is', async () => {
    await empty('shop_stock')
    await loadNumber(0)
    expect(await loadNumber(0, 2)).toEqual({ inserted: 0, updated: 0, unchanged: 4, stale: 0 })
    expect(await warehouse.sql('SELECT publication, state FROM ops.ledger_shop_stock ORDER BY 1')).toEqual([
      [1, 'applied'],
      [2, 'applied'],
    ])
  })

  test('IDEM-09: the same rows in a new version are unchanged, job_id and ingested_at included, and still beat what lies between', async () => {
    await empty('shop_stock')
    const again: CuratedFile = { ...(files[0] as CuratedFile), jobId: job(4), modifiedAt: day(4) }
    const manifest = await warehouse.writeFile(STOCK, 'stock-again', again)
    await loadNumber(0)
    const before = await warehouse.sql(
      'SELECT sku, amount, job_id, record_number, ingested_at FROM shop_stock ORDER BY 1',
    )
    expect(await warehouse.load(STOCK, manifest, again)).toEqual({ inserted: 0, updated: 0, unchanged: 4, stale: 0 })
    expect(await loadNumber(1)).toEqual({ inserted: 0, updated: 0, unchanged: 0, stale: 4 })
    expect(
      await warehouse.sql('SELECT sku, amount, job_id, record_number, ingested_at FROM shop_stock ORDER BY 1'),
    ).toEqual(before)
  })

  test('WH-15: a deleted row is hidden by the view and does not come back with an older version', async () => {
    await empty('shop_stock')
    await loadNumber(1)
    await loadNumber(0)
    expect(await warehouse.sql("SELECT count(*) FROM shop_stock WHERE sku = 'fig'")).toEqual([[0]])
  })

  test('WH-04: staging is dropped after a load', async () => {
    await empty('shop_stock')
    await loadNumber(0)
    const staged = (await warehouse.engine.relations()).filter(({ schema }) => schema === 'staging')
    expect(staged).toEqual([])
  })

  test('WH-04, WH-07: a load that fails leaves the table as it was, and staging for inspection', async () => {
    await empty('shop_stock')
    await loadNumber(0)
    const twice: CuratedFile = {
      ...(files[1] as CuratedFile),
      jobId: job(5),
      rows: [{ sku: 'apple' }, { sku: 'apple ' }],
    }
    const manifest = await warehouse.writeFile(STOCK, 'stock-twice', twice)
    const before = await warehouse.sql('SELECT * FROM mart.shop_stock ORDER BY sku')
    await expect(warehouse.load(STOCK, manifest, twice)).rejects.toThrow(
      'Found multiple matches to update the same tuple.',
    )
    expect(await warehouse.sql('SELECT * FROM mart.shop_stock ORDER BY sku')).toEqual(before)
    expect(await warehouse.sql(`SELECT count(*) FROM staging.shop_stock_${job(5)}_1_0`)).toEqual([[2]])
    await warehouse.sql(`DROP TABLE staging.shop_stock_${job(5)}_1_0`)
  })
})

describe('a dataset without a key', () => {
  const files: readonly CuratedFile[] = [
    {
      jobId: job(1),
      sourceKey: 'a',
      modifiedAt: day(1),
      rows: [
        { species: 'gull', seen: 1 },
        { species: 'crow', seen: 1 },
        { species: 'crow', seen: 1 },
      ],
    },
    {
      jobId: job(2),
      sourceKey: 'a',
      modifiedAt: day(2),
      rows: [
        { species: 'gull', seen: 2 },
        { species: 'crow', seen: 1 },
      ],
    },
    { jobId: job(3), sourceKey: 'b', modifiedAt: day(1), rows: [{ species: 'kite', seen: 3 }] },
    { jobId: job(4), sourceKey: 'b', modifiedAt: day(2), rows: [] },
  ]
  const manifests: string[] = []
  beforeAll(async () => {
    for (const file of files) manifests.push(await warehouse.writeFile(SIGHTINGS, `sightings-${file.jobId}`, file))
  })
  const loadNumber = (index: number, publication = 1) => {
    const file = files[index]
    const manifest = manifests[index]
    if (file === undefined || manifest === undefined) throw new Error('no such file')
    return warehouse.load(SIGHTINGS, manifest, file, publication)
  }
  const table = () => warehouse.sql('SELECT species, seen FROM sightings ORDER BY 1, 2')

  for (const order of [
    [0, 1, 2, 3],
    [1, 0, 3, 2],
    [3, 2, 1, 0],
    [2, 3, 0, 1],
  ])
    test(`keeps the newest version of each object when loaded in the order ${order.join(', ')}`, async () => {
      await empty('sightings')
      for (const index of order) {
        const { inserted, updated, unchanged, stale } = await loadNumber(index)
        expect(inserted + updated + unchanged + stale).toBe(files[index]?.rows.length)
      }
      expect(await table()).toEqual([
        ['crow', 1],
        ['gull', 2],
      ])
    })

  test('IDEM-05: a repeated load removes nothing, though its staging is empty by then', async () => {
    await empty('sightings')
    await loadNumber(0)
    expect(await loadNumber(0)).toEqual({ inserted: 3, updated: 0, unchanged: 0, stale: 0 })
    expect(await table()).toHaveLength(3)
  })

  test('IDEM-09: the same rows in a new version are unchanged', async () => {
    await empty('sightings')
    await loadNumber(0)
    expect(await loadNumber(0, 2)).toEqual({ inserted: 0, updated: 0, unchanged: 3, stale: 0 })
  })
})
