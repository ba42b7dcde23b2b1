import type { PhysicalColumn } from '../core/column-type.ts'
import type { Contract } from '../core/contract.ts'
import { curatedColumns } from '../core/curated-columns.ts'
import type { LoadOptions } from './load-options.ts'
import { quoteInstant, quoteName, quoteTemplate, quoteText } from './quote.ts'
import { baseTable, ledgerTable, stagingTable, tableNameOf } from './relations.ts'
import { printSameValue } from './row-order.ts'
import { LEDGER_COLUMNS } from './tables.ts'

/** What the printed statements of one load share. */
export interface LoadContext {
  readonly contract: Contract
  readonly options: LoadOptions
  /** Qualified names, and how a statement that changes the table refers to it (Redshift's targets take no alias). */
  readonly target: string
  readonly targetName: string
  readonly staging: string
  readonly stagingName: string
  readonly ledger: string
  readonly ledgerName: string
  /** What identifies a row in table and staging: the tenant and the key, or the source and the record's number. */
  readonly identity: readonly string[]
}

export const loadContext = (contract: Contract, options: LoadOptions, identity: readonly string[]): LoadContext => {
  const name = tableNameOf(contract.dataset)
  return {
    contract,
    options,
    target: baseTable(contract.dataset),
    targetName: quoteName(name),
    staging: stagingTable(contract.dataset),
    stagingName: quoteName(`${name}_{run}`),
    ledger: ledgerTable(contract.dataset),
    ledgerName: quoteName(`ledger_${name}`),
    identity,
  }
}

/** `a."x" = b."x" AND …` */
export const printIdentity = (context: LoadContext, left: string, right: string): string =>
  context.identity.map((name) => `${left}.${quoteName(name)} = ${right}.${quoteName(name)}`).join(' AND ')

/** Every value an analyst can tell apart, and whether the row is a deletion. */
export const printSameRow = ({ contract }: LoadContext, left: string, right: string): string => {
  const compared = curatedColumns(contract)
    .filter(({ role }) => role === 'contract' || role === 'rescued')
    .map((column): PhysicalColumn => (contract.key.includes(column.name) ? column : { ...column, nullable: true }))
  const values = compared.map((column) => printSameValue(column, left, right))
  return [...values, `(${left}."op" = 'D') = (${right}."op" = 'D')`].join(' AND ')
}

const jobIds = ({ options }: LoadContext): string => options.jobs.map(({ jobId }) => quoteText(jobId)).join(', ')

/** One load of the dataset at a time: nothing else keeps two of them from both finding the ledger without the row. */
export const lockLedger = ({ ledger }: LoadContext): string => `LOCK TABLE ${ledger}`

/** The guard: a job whose publication is in the ledger has no staged row left, so every later statement is a no-op. */
export const forgetPublished = ({ staging, stagingName, ledger }: LoadContext): string =>
  `DELETE FROM ${staging} WHERE EXISTS (SELECT 1 FROM ${ledger} AS l WHERE l."job_id" = ${stagingName}."job_id" AND l."publication" = {publication})`

/** Opens the ledger rows of those jobs that have none for this publication. */
export function openLedger(context: LoadContext): string {
  const { contract, options, ledger } = context
  const rows = options.jobs.map((job) =>
    [
      `${quoteText(options.tenantId)} AS "tenant_id"`,
      `${quoteText(job.jobId)} AS "job_id"`,
      '{publication} AS "publication"',
      `${quoteTemplate('{runId}')} AS "run_id"`,
      `${quoteTemplate('{executionArn}')} AS "execution_arn"`,
      `'applying' AS "state"`,
      '0 AS "inserted", 0 AS "updated", 0 AS "unchanged", 0 AS "stale", 0 AS "removed"',
      `${quoteInstant(job.registeredAt)} AS "loaded_at"`,
      `${quoteText(job.sourceKey)} AS "source_key"`,
      `${quoteInstant(job.sourceModifiedAt)} AS "source_modified"`,
      `${quoteText(job.sequencer)} AS "source_sequencer"`,
      `${contract.version} AS "contract_version"`,
      `${job.mappingVersion} AS "mapping_version"`,
      `CAST(${options.waivers === null ? 'NULL' : quoteText(options.waivers)} AS VARCHAR(4096)) AS "waivers"`,
    ].join(', '),
  )
  const names = LEDGER_COLUMNS.map((column) => quoteName(column.name)).join(', ')
  const picked = LEDGER_COLUMNS.map((column) => `j.${quoteName(column.name)}`).join(', ')
  return `INSERT INTO ${ledger} (${names}) SELECT ${picked} FROM (${rows.map((row) => `SELECT ${row}`).join(' UNION ALL ')}) AS j LEFT JOIN ${ledger} AS l ON l."job_id" = j."job_id" AND l."publication" = j."publication" WHERE l."job_id" IS NULL`
}

/** Counts the decided rows of each job into its open ledger row. */
export function countActions({ staging, ledger, ledgerName }: LoadContext): string {
  const count = (alias: string, condition: string): string => `COUNT(CASE WHEN ${condition} THEN 1 END) AS "${alias}"`
  const counts = [
    count('inserted', '"_action" IS NULL'),
    count('updated', `"_action" = 'changed'`),
    count('unchanged', `"_action" = 'unchanged' OR "_action" = 'newer'`),
    count('stale', `"_action" = 'stale'`),
  ].join(', ')
  const set = ['inserted', 'updated', 'unchanged', 'stale'].map((name) => `"${name}" = c."${name}"`).join(', ')
  return `UPDATE ${ledger} SET ${set} FROM (SELECT "job_id", ${counts} FROM ${staging} GROUP BY "job_id") AS c WHERE ${ledgerName}."job_id" = c."job_id" AND ${ledgerName}."publication" = {publication}`
}

/** Leaves in staging what the table must take. */
export const forgetSettled = ({ staging }: LoadContext): string =>
  `DELETE FROM ${staging} WHERE "_action" IN ('unchanged', 'newer', 'stale')`

/** Staging is unique by identity: MERGE would insert unmatched duplicates silently and refuse matched ones. */
export function mergeStaging(context: LoadContext): string {
  const { contract, target, targetName, staging } = context
  const copied = curatedColumns(contract).map(({ name }) => ({ name: quoteName(name), value: `s.${quoteName(name)}` }))
  const versions = [
    { name: '"_version_record"', value: 's."record_number"' },
    { name: '"_version_contract"', value: 's."contract_version"' },
    { name: '"_version_mapping"', value: 's."mapping_version"' },
  ]
  const all = [...copied, ...versions]
  const set = all.map(({ name, value }) => `${name} = ${value}`).join(', ')
  const names = all.map(({ name }) => name).join(', ')
  const values = all.map(({ value }) => value).join(', ')
  return `MERGE INTO ${target} USING ${staging} AS s ON ${printIdentity(context, targetName, 's')} WHEN MATCHED THEN UPDATE SET ${set} WHEN NOT MATCHED THEN INSERT (${names}) VALUES (${values})`
}

/** Ends the load in the ledger. */
export const closeLedger = ({ ledger }: LoadContext): string =>
  `UPDATE ${ledger} SET "state" = 'applied' WHERE "state" = 'applying'`

export const dropStaging = ({ staging }: LoadContext): string => `DROP TABLE ${staging}`

/** The answer: the ledger row of each job, in the order of their ids. */
export const selectLedger = (context: LoadContext): string =>
  `SELECT "inserted", "updated", "unchanged", "stale", "job_id", "publication", "run_id", "state", "removed" FROM ${context.ledger} WHERE "job_id" IN (${jobIds(context)}) AND "publication" = {publication} ORDER BY "job_id"`
