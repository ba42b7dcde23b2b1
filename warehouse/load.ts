import { printPhysicalType } from '../core/column-type.ts'
import type { Contract } from '../core/contract.ts'
import { curatedColumns } from '../core/curated-columns.ts'
import { SluiceError } from '../core/errors.ts'
import { printMerge } from './load-merge.ts'
import type { LoadOptions } from './load-options.ts'
import type { LoadPlan } from './load-plan.ts'
import { printReplaceSource } from './load-replace.ts'
import { quoteName, quoteText } from './quote.ts'
import { stagingTable } from './relations.ts'
import { createStagingTable } from './tables.ts'

/** The largest SQL that one state may carry, in bytes. `sluice check` refuses a contract whose load is larger. */
export const MAX_LOAD_SQL_BYTES = 90_000

/** Positional, by the run's manifest: files a late engine writes are not in it. The column list leaves `_action` NULL. */
const printCopy = (contract: Contract, copyRoleArn: string): string => {
  const columns = curatedColumns(contract).map((column) => quoteName(column.name))
  return `COPY ${stagingTable(contract.dataset)} (${columns.join(', ')}) FROM '{manifest}' IAM_ROLE ${quoteText(copyRoleArn)} FORMAT AS PARQUET MANIFEST STATUPDATE OFF`
}

export type { LoadJob, LoadOptions } from './load-options.ts'

/** The placeholders at their longest: a run id has 39 characters, an ARN and a manifest's URI not more than 256. */
const fillIn = (sql: string): string =>
  sql
    .replaceAll('{run}', 'r'.repeat(39))
    .replaceAll('{runId}', 'r'.repeat(39))
    .replaceAll(/\{(?:manifest|executionArn)\}/g, 'r'.repeat(256))

/**
 * Prints the load of one run, in Redshift's dialect: staging outside any transaction, then one guarded transaction.
 * Loading the same publication again changes nothing and answers with the first load's ledger row; loading files and
 * versions in any order ends in the same table (docs/decisions/warehouse-row-order.md).
 * @throws SluiceError `load_too_wide` when the SQL exceeds {@link MAX_LOAD_SQL_BYTES}; `invalid_load` without a job
 */
export function compileLoad(contract: Contract, options: LoadOptions): LoadPlan {
  if (options.jobs.length === 0) throw new SluiceError('invalid_load', 'Cannot print a load without a job')
  const staging = stagingTable(contract.dataset)
  const stage = [
    `DROP TABLE IF EXISTS ${staging}`,
    createStagingTable(contract),
    printCopy(contract, options.copyRoleArn),
  ]
  const transaction =
    contract.load === 'replace_source' ? printReplaceSource(contract, options) : printMerge(contract, options)
  const bytes = Buffer.byteLength(fillIn([...stage, ...transaction].join('\n')))
  if (bytes > MAX_LOAD_SQL_BYTES)
    throw new SluiceError('load_too_wide', `Cannot load "${contract.dataset}" as its SQL is too long for a state`, {
      expected: `at most ${MAX_LOAD_SQL_BYTES} bytes`,
      found: `${bytes} bytes`,
      hint: 'Use fewer columns, or shorter names of columns',
    })
  const schema = curatedColumns(contract).map((column) => ({
    name: column.name,
    type: printPhysicalType(column, 'glue'),
  }))
  return { loadPlanVersion: 1, stagingTable: staging, stage, transaction, schema }
}
