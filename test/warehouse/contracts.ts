import type { ColumnType } from '../../core/column-type.ts'
import type { Contract, ContractColumn, LoadMode } from '../../core/contract.ts'
import { parseDatasetName } from '../../core/identifiers.ts'

export const column = (name: string, type: ColumnType, required = false): ContractColumn => ({
  name,
  type,
  required,
  description: null,
  pattern: null,
  values: null,
})

export const contractOf = (
  dataset: string,
  columns: readonly ContractColumn[],
  load: LoadMode = 'merge',
): Contract => ({
  dataset: parseDatasetName(dataset),
  version: 1,
  description: null,
  columns,
  key: load === 'merge' ? [columns[0]?.name ?? ''] : [],
  load,
  eventTime: null,
  drift: {
    additive: 'rescue',
    missingRequired: 'quarantine',
    typeCoercion: 'limited',
    quarantineOnBreakingChange: true,
  },
  rejectTolerance: 0,
  limits: { bytes: 1e9, minBytes: 0, rowBytes: 1e6, columns: 100, rawCharacters: 65_536, compressionRatio: 100 },
  warehouse: { distribution: { style: 'key', column: columns[0]?.name ?? '' }, sort: ['tenant_id'] },
  largeFromBytes: 1e9,
})

/** Stock of a shop: a text key, a value that may be missing, and JSON. */
export const STOCK = contractOf('shop-stock', [
  column('sku', { kind: 'string', maxCharacters: 10 }, true),
  column('amount', { kind: 'decimal', precision: 12, scale: 2 }),
  column('note', { kind: 'string', maxCharacters: 20 }),
  column('extra', { kind: 'json' }),
])

/** Sightings have no key: a source's rows replace those of an earlier version of its object. */
export const SIGHTINGS = contractOf(
  'sightings',
  [column('species', { kind: 'string', maxCharacters: 20 }, true), column('seen', { kind: 'integer' })],
  'replace_source',
)
