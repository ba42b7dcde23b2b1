import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { keyConditions, type TextRow } from '../../cli/backtest/deployed-table.ts'
import { openScratch, type Scratch } from '../../cli/backtest/scratch.ts'
import { openScratchFolder } from '../../cli/backtest/scratch-folder.ts'
import { openScratchWarehouse, type ScratchWarehouse } from '../../cli/backtest/scratch-warehouse.ts'
import type { Contract } from '../../core/contract.ts'
import { parseContract } from '../../core/parse-contract.ts'

const parsed = parseContract(
  `contract: 1
dataset: stock
version: 1
description: Stock by shop and article.
columns:
  - { name: shop, type: string(20), required: true, description: Where. }
  - { name: article, type: bigint, required: true, description: What. }
  - { name: counted_at, type: timestamp, description: When. }
  - { name: price, type: "decimal(10,2)", description: Each. }
  - { name: note, type: string(40), description: Free text. }
key: [shop, article]
event_time: counted_at
drift: { additive: rescue, missing_required: quarantine, type_coercion: limited }
reject_tolerance: 0.05
limits: { bytes: 1000000, min_bytes: 1, row_bytes: 10000, columns: 20, compression_ratio: 10 }
warehouse: { distribution: { key: shop }, sort: [tenant_id] }
`,
  'stock.yaml',
)
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
const STOCK: Contract = parsed.value

/** A row as the Data API answers it; the deployed table has no column `note` yet. */
const row = (shop: string, article: string, price: string | null): TextRow => ({
  shop,
  article,
  counted_at: '2026-01-01T10:00:00.5Z',
  price,
  tenant_id: 'acme',
  job_id: 'j1',
  record_number: 1,
  dataset: 'stock',
  contract_version: 1,
  mapping_version: 1,
  source_system: 'till',
  op: 'I',
  ingested_at: '2026-01-01T11:00:00Z',
  _source_key: 'landing/acme/stock/a.csv',
  _source_modified: '2026-01-01T10:59:00Z',
  _sequencer: '00',
  _version_record: '1',
  _version_contract: 1,
  _version_mapping: 1,
})

describe('the folder of a backtest', () => {
  const parent = mkdtempSync(join(tmpdir(), 'sluice-test-'))
  afterAll(() => rmSync(parent, { recursive: true }))
  const left = () => readdirSync(parent).filter((name) => !name.startsWith(`sluice-backtest-${process.pid}-`))
  /** In another process, which then waits with its folder filled. */
  const holding = async (): Promise<ChildProcess> => {
    const script = join(import.meta.dirname, 'scratch-holder.ts')
    const child = spawn(process.execPath, ['--import', 'tsx', script, parent], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    return child
  }
  const ended = async (child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> => {
    const exit = once(child, 'exit')
    child.kill(signal)
    return (await exit)[1]
  }

  test('is gone when its process is told to end, and where that was killed, when the next backtest begins', async () => {
    const [told, killed, running] = await Promise.all([holding(), holding(), holding()])
    expect(left()).toHaveLength(3)
    expect([await ended(told, 'SIGINT'), left().length]).toEqual(['SIGINT', 2])
    expect([await ended(killed, 'SIGKILL'), left().length]).toEqual(['SIGKILL', 2])
    const next = await openScratchFolder(parent)
    expect(left()).toEqual([expect.stringContaining(`-${running.pid}-`)])
    await next.remove()
    expect([await ended(running, 'SIGTERM'), readdirSync(parent)]).toEqual(['SIGTERM', []])
  })
})

describe('the scratch copy of a table', () => {
  let scratch: Scratch
  let warehouse: ScratchWarehouse
  beforeAll(async () => {
    scratch = await openScratch()
    warehouse = await openScratchWarehouse(scratch)
  })
  afterAll(async () => {
    warehouse.close()
    await scratch.remove()
  })

  async function* pages() {
    yield [row("O'Hara", '1', '1.50'), row("O'Hara", '2', null)]
    yield [row('Kyoto {b}', '1', '3.00')]
  }

  test('holds the deployed rows with their types, and NULL where the deployed table lacks a column', async () => {
    await warehouse.create(STOCK)
    await warehouse.fill(STOCK, 'base', pages())
    expect(
      await warehouse.rows(
        'SELECT shop, article + 1, CAST(counted_at AS VARCHAR), price * 2, note FROM mart.stock ORDER BY shop, article',
      ),
    ).toEqual([
      ['Kyoto {b}', '2', '2026-01-01 10:00:00.5', '6.00', null],
      ["O'Hara", '2', '2026-01-01 10:00:00.5', '3.00', null],
      ["O'Hara", '3', '2026-01-01 10:00:00.5', null, null],
    ])
  })

  test('is asked for exactly the keys of a run, of several columns and of any text', async () => {
    await warehouse.create(STOCK)
    await warehouse.fill(STOCK, 'base', pages())
    const [condition, ...others] = keyConditions(STOCK, [
      ["O'Hara", '2'],
      ['Kyoto {b}', '1'],
      ['Kyoto {b}', '9'],
    ])
    expect(others).toEqual([])
    expect(await warehouse.rows(`SELECT shop, article FROM mart.stock WHERE ${condition} ORDER BY shop`)).toEqual([
      ['Kyoto {b}', '1'],
      ["O'Hara", '2'],
    ])
  })

  test('names many keys in as many statements as the Data API takes', () => {
    const one: Contract = { ...STOCK, key: ['article'] }
    const keys = Array.from({ length: 20_000 }, (_, index) => [String(index)])
    const conditions = keyConditions(one, keys)
    expect(conditions.length).toBeGreaterThan(1)
    expect(Math.max(...conditions.map((text) => text.length))).toBeLessThan(100_000)
    expect(conditions.flatMap((text) => text.match(/'\d+'/g) ?? [])).toEqual(keys.map(([key]) => `'${key}'`))
  })
})
