import type { DataType } from 'apache-arrow'
import { arrowTypeOf, type ColumnType, MAX_VARCHAR_BYTES, maxBytesOf, type PhysicalColumn } from './column-type.ts'
import type { Contract } from './contract.ts'

/** A column of curated Parquet, of staging and of the target table, in file order. */
export interface CuratedColumn extends PhysicalColumn {
  /** `contract`, `rescued`, `provenance` (where the row came from) or `version` (which row is newer). */
  readonly role: 'contract' | 'rescued' | 'provenance' | 'version'
}

const text = (maxBytes: number): { arrow: DataType; maxBytes: number } => ({
  arrow: arrowTypeOf({ kind: 'string', maxCharacters: maxBytes }),
  maxBytes,
})
const typed = (
  kind: Exclude<ColumnType['kind'], 'string' | 'decimal'>,
): { arrow: DataType; maxBytes: number | null } => ({
  arrow: arrowTypeOf({ kind }),
  maxBytes: kind === 'json' ? MAX_VARCHAR_BYTES : null,
})

/** Where a row came from, and which of two rows of one key is newer. S3 keys have at most 1,024 bytes. */
const OPERATIONAL: readonly CuratedColumn[] = [
  { name: '_rescued', role: 'rescued', nullable: true, ...typed('json') },
  { name: 'tenant_id', role: 'provenance', nullable: false, ...text(24) },
  { name: 'job_id', role: 'provenance', nullable: false, ...text(64) },
  { name: 'record_number', role: 'provenance', nullable: false, ...typed('bigint') },
  { name: 'dataset', role: 'provenance', nullable: false, ...text(24) },
  { name: 'contract_version', role: 'provenance', nullable: false, ...typed('integer') },
  { name: 'mapping_version', role: 'provenance', nullable: false, ...typed('integer') },
  { name: 'source_system', role: 'provenance', nullable: false, ...text(64) },
  { name: 'replay_id', role: 'provenance', nullable: true, ...text(64) },
  { name: 'op', role: 'provenance', nullable: false, ...text(1) },
  { name: 'ingested_at', role: 'provenance', nullable: false, ...typed('timestamp') },
  { name: '_source_key', role: 'provenance', nullable: false, ...text(1024) },
  { name: '_event_time', role: 'version', nullable: true, ...typed('timestamp') },
  { name: '_source_modified', role: 'version', nullable: false, ...typed('timestamp') },
  { name: '_sequencer', role: 'version', nullable: false, ...text(64) },
]

/** Names that a contract may not use for its own columns. */
export const OPERATIONAL_NAMES: ReadonlySet<string> = new Set(OPERATIONAL.map((column) => column.name))

/** All columns of a curated file, in the order of file, staging and target table: contract columns, then the operational ones. */
export function curatedColumns(contract: Contract): readonly CuratedColumn[] {
  const own = contract.columns.map(
    ({ name, type, required }): CuratedColumn => ({
      name,
      role: 'contract',
      arrow: arrowTypeOf(type),
      maxBytes: maxBytesOf(type),
      nullable: !required,
    }),
  )
  return [...own, ...OPERATIONAL]
}

/** Columns of the analyst views beside the contract's. */
export const VIEW_COLUMNS = ['tenant_id', '_rescued', 'job_id', 'record_number', 'ingested_at'] as const
