import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import type { Contract } from '../../core/contract.ts'
import type { Mapping } from '../../core/mapping.ts'
import type { ReasonCode } from '../../core/reason-codes.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { printGenerator } from '../../glue/generate.ts'

/** One file that the demo drops, and what must become of it. */
export interface DemoCase {
  readonly title: string
  readonly tenant: string
  readonly dataset: string
  /** Last part of the key, as stored. */
  readonly name: string
  readonly path: string
  readonly status: 'COMPLETED' | 'QUARANTINED' | 'SKIPPED'
  readonly reasonCode: ReasonCode | null
}

interface Orders {
  readonly contract: Contract
  readonly mapping: Mapping
}

const ROWS = 5_000
/** The file that is mended at the end: what its column of totals is called of a sudden. */
export const RENAMED_COLUMN = 'Gesamtbetrag'
export const RENAMED_TITLE = 'a required column was renamed, mended below'
const BROKEN_SHARE = 0.004

async function generate(
  { contract, mapping }: Orders,
  path: string,
  rows: number,
  seed: number,
  defects: number,
): Promise<void> {
  const engine = await openDuckdb({ threads: 2, memoryLimitBytes: 512 * 1024 ** 2, tempDirectory: `${path}.tmp` })
  try {
    for (const sql of printGenerator({ contract, mapping, rows, seed, defects, path })) await engine.run(sql)
  } finally {
    engine.close()
  }
}

type Records = Record<string, string>[]

/** A copy of a file in the tenant's form with its records changed. */
function rewrite({ mapping }: Orders, from: string, to: string, change: (records: Records) => Records): void {
  const { delimiter, quote } = mapping.input
  const records: Records = parse(readFileSync(from), { columns: true, delimiter, quote })
  writeFileSync(to, stringify(change(records), { header: true, delimiter, quote }))
}

/** The tenant's own name of a column. */
export const sourceOf = ({ mapping }: Orders, target: string): string =>
  mapping.fields.find((field) => field.target === target)?.sources[0] ?? target

/** Other orders than those of the tenant's first file, with another name for the column of their totals. */
function renameTotal(orders: Orders, from: string, to: string): void {
  const [id, total] = [sourceOf(orders, 'order_id'), sourceOf(orders, 'amount')]
  rewrite(orders, from, to, (records) =>
    records.map(({ [total]: amount = '', ...kept }) => ({ ...kept, [id]: `x${kept[id]}`, [RENAMED_COLUMN]: amount })),
  )
}

/** A byte of Latin-1 text in a file that is UTF-8 otherwise. */
function spoilEncoding(from: string, to: string): void {
  const bytes = Buffer.from(readFileSync(from))
  bytes.fill(0xe9, bytes.length >> 1, (bytes.length >> 1) + 1)
  writeFileSync(to, bytes)
}

/** Ends in the middle of the last record. */
function cutOff(from: string, to: string): void {
  const text = readFileSync(from, 'utf8').trimEnd()
  writeFileSync(to, text.slice(0, text.lastIndexOf('\n') + 12))
}

/** Writes every file of the demo into a folder: good ones of two tenants, real reports, and one for each way to fail. */
export async function writeCases(
  first: Orders,
  second: Orders,
  reports: Mapping | null,
  dataFolder: string,
  folder: string,
): Promise<DemoCase[]> {
  const at = (name: string): string => join(folder, name)
  const tenant = first.mapping.tenantId
  await generate(first, at('first.csv'), ROWS, 1, BROKEN_SHARE)
  await generate(second, at('second.csv'), ROWS, 2, BROKEN_SHARE)
  await generate(first, at('small.csv'), 200, 3, 0)
  await generate(second, at('second-small.csv'), 200, 4, 0)
  const small = at('small.csv')
  rewrite(first, small, at('missing.csv'), (records) =>
    records.map(({ [sourceOf(first, 'amount')]: _, ...kept }) => kept),
  )
  renameTotal(second, at('second-small.csv'), at('renamed.csv'))
  rewrite(first, small, at('rejects.csv'), (records) =>
    records.map((record, row) => (row % 2 === 0 ? { ...record, [sourceOf(first, 'quantity')]: 'many' } : record)),
  )
  rewrite(first, small, at('gate.csv'), (records) =>
    records.map((record, row) => (row === 7 ? { ...record, [sourceOf(first, 'quantity')]: '-3' } : record)),
  )
  spoilEncoding(small, at('encoding.csv'))
  cutOff(small, at('cut.csv'))
  writeFileSync(at('empty.csv'), '')
  if (reports !== null) copyFileSync(join(dataFolder, 'birdstrikes.csv'), at('reports.csv'))
  const orders = (title: string, file: string, name: string, reasonCode: ReasonCode | null): DemoCase => ({
    title,
    tenant,
    dataset: 'orders',
    name,
    path: at(file),
    status: reasonCode === null ? 'COMPLETED' : reasonCode === 'already_processed' ? 'SKIPPED' : 'QUARANTINED',
    reasonCode,
  })
  return [
    orders('good file, a key with every kind of character', 'first.csv', 'orders 2026+11 #1 100% café.csv', null),
    {
      ...orders('good file of another tenant, in its own form', 'second.csv', 'auftraege.csv', null),
      tenant: second.mapping.tenantId,
    },
    ...(reports === null
      ? []
      : [
          {
            ...orders('10,000 real reports without a key', 'reports.csv', 'birdstrikes.csv', null),
            tenant: reports.tenantId,
            dataset: reports.dataset,
          },
        ]),
    { ...orders('unknown tenant', 'small.csv', 'orders.csv', 'unknown_tenant'), tenant: 'nobody' },
    { ...orders('unknown dataset', 'small.csv', 'orders.csv', 'unknown_dataset'), dataset: 'invoices' },
    orders('empty file', 'empty.csv', 'empty.csv', 'empty_object'),
    orders('bytes that are no text', 'encoding.csv', 'undecodable.csv', 'bad_encoding'),
    orders('a required column is missing', 'missing.csv', 'missing-column.csv', 'missing_required_column'),
    orders('half of the rows are broken', 'rejects.csv', 'too-many-rejects.csv', 'too_many_rejects'),
    orders('a quality rule is not met', 'gate.csv', 'failed-gate.csv', 'gate_failed'),
    orders('cut off in the middle of a row', 'cut.csv', 'cut-off.csv', 'truncated_upload'),
    {
      ...orders(RENAMED_TITLE, 'renamed.csv', 'umbenannt.csv', 'missing_required_column'),
      tenant: second.mapping.tenantId,
    },
  ]
}

/** The same bytes once more under another name, dropped when the first file was loaded. */
export const duplicateOf = (loaded: DemoCase): DemoCase => ({
  ...loaded,
  title: 'the first file once more, under another name',
  name: 'second-delivery.csv',
  status: 'SKIPPED',
  reasonCode: 'already_processed',
})
