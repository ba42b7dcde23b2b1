import { printPhysicalType } from '../core/column-type.ts'
import type { Contract } from '../core/contract.ts'
import { curatedColumns } from '../core/curated-columns.ts'
import type { QualityColumn } from './quality-plan.ts'

/** The columns rules see in the curated rows of a dataset: the contract's, then the operational ones. */
export const qualityColumnsOf = (contract: Contract): readonly QualityColumn[] =>
  curatedColumns(contract).map((column) => ({ name: column.name, duckdbType: printPhysicalType(column, 'duckdb') }))
