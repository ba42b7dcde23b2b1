import { arrowTypeOf, type PhysicalColumn, printPhysicalType } from '../core/column-type.ts'
import type { Contract, Distribution } from '../core/contract.ts'
import { type CuratedColumn, curatedColumns } from '../core/curated-columns.ts'
import { quoteName } from './quote.ts'
import { baseTable, ledgerTable, stagingTable } from './relations.ts'

const bigint = (name: string, nullable = false): PhysicalColumn => ({
  name,
  arrow: arrowTypeOf({ kind: 'bigint' }),
  maxBytes: null,
  nullable,
})
const integer = (name: string): PhysicalColumn => ({
  name,
  arrow: arrowTypeOf({ kind: 'integer' }),
  maxBytes: null,
  nullable: false,
})
const timestamp = (name: string): PhysicalColumn => ({
  name,
  arrow: arrowTypeOf({ kind: 'timestamp' }),
  maxBytes: null,
  nullable: false,
})
const text = (name: string, maxBytes: number, nullable = false): PhysicalColumn => ({
  name,
  arrow: arrowTypeOf({ kind: 'string', maxCharacters: maxBytes }),
  maxBytes,
  nullable,
})

/**
 * The rest of a row's version, kept beside the curated columns: `record_number`, `contract_version` and
 * `mapping_version` say where a row's values came from, and stay when an equal, newer row arrives; these advance.
 */
const TARGET_VERSION_COLUMNS = [
  bigint('_version_record'),
  integer('_version_contract'),
  integer('_version_mapping'),
] as const

/** What the load decides about a staged row; NULL: it is new. */
const ACTION_COLUMN = text('_action', 9, true)

/** One row a publication of a job. `state` is `applying` inside the load's transaction only. */
export const LEDGER_COLUMNS: readonly PhysicalColumn[] = [
  text('tenant_id', 24),
  text('job_id', 64),
  integer('publication'),
  text('run_id', 64),
  text('execution_arn', 512),
  text('state', 10),
  bigint('inserted'),
  bigint('updated'),
  bigint('unchanged'),
  bigint('stale'),
  bigint('removed'),
  timestamp('loaded_at'),
  text('source_key', 1024),
  timestamp('source_modified'),
  text('source_sequencer', 64),
  integer('contract_version'),
  integer('mapping_version'),
  text('waivers', 4096, true),
]

const printColumn = (column: PhysicalColumn): string =>
  `${quoteName(column.name)} ${printPhysicalType(column, 'redshift')}${column.nullable ? '' : ' NOT NULL'}`

const printColumns = (columns: readonly PhysicalColumn[]): string => columns.map(printColumn).join(', ')

export const printDistribution = (distribution: Distribution): string =>
  distribution.style === 'key'
    ? `DISTSTYLE KEY DISTKEY(${quoteName(distribution.column)})`
    : `DISTSTYLE ${distribution.style.toUpperCase()}`

export const printSort = (columns: readonly string[]): string =>
  columns.length === 0 ? 'SORTKEY AUTO' : `COMPOUND SORTKEY(${columns.map(quoteName).join(', ')})`

/**
 * The curated columns as Redshift has them. Of the contract's only the key is NOT NULL: the transform has rejected what
 * lacks a required value, a deleted row (`op = 'D'`) carries nothing but its key, and a later contract may relax a column.
 */
export function warehouseColumns(contract: Contract): readonly CuratedColumn[] {
  return curatedColumns(contract).map((column) =>
    column.role === 'contract' ? { ...column, nullable: !contract.key.includes(column.name) } : column,
  )
}

/** All columns of the base table: the curated ones, then those only the table has. */
export const targetColumns = (contract: Contract): readonly PhysicalColumn[] => [
  ...warehouseColumns(contract),
  ...TARGET_VERSION_COLUMNS,
]

/** The base table. Columns are `ENCODE AUTO`, Redshift's default, which naming one column's encoding would switch off. */
export const createBaseTable = (contract: Contract): string =>
  `CREATE TABLE IF NOT EXISTS ${baseTable(contract.dataset)} (${printColumns(targetColumns(contract))}) ${printDistribution(contract.warehouse.distribution)} ${printSort(contract.warehouse.sort)}`

/** The ledger: small, read and locked by every load. */
export const createLedgerTable = (contract: Contract): string =>
  `CREATE TABLE IF NOT EXISTS ${ledgerTable(contract.dataset)} (${printColumns(LEDGER_COLUMNS)}) DISTSTYLE ALL COMPOUND SORTKEY("loaded_at")`

/** The ledger's columns that tables of the first version do not have. */
export const addLedgerColumn = (contract: Contract): string =>
  `ALTER TABLE ${ledgerTable(contract.dataset)} ADD COLUMN ${LEDGER_COLUMNS.slice(-1).map(printColumn).join('')}`

/** The staging table of a run: the curated columns in file order, as COPY fills them, and the action. */
export const createStagingTable = (contract: Contract): string =>
  `CREATE TABLE ${stagingTable(contract.dataset)} (${printColumns([...warehouseColumns(contract), ACTION_COLUMN])}) ${printDistribution(contract.warehouse.distribution)}`

/** A column that a newer contract adds: Redshift appends it, and every load names its columns. */
export const addBaseColumn = (contract: Contract, column: PhysicalColumn): string =>
  `ALTER TABLE ${baseTable(contract.dataset)} ADD COLUMN ${printColumn({ ...column, nullable: true })}`

/** Widens a VARCHAR column; the one change of type that Redshift knows. Not inside a transaction. */
export const widenBaseColumn = (contract: Contract, column: PhysicalColumn): string =>
  `ALTER TABLE ${baseTable(contract.dataset)} ALTER COLUMN ${quoteName(column.name)} TYPE ${printPhysicalType(column, 'redshift')}`
