import type { Contract } from '../core/contract.ts'
import type { LoadOptions } from './load-options.ts'
import {
  closeLedger,
  countActions,
  dropStaging,
  forgetPublished,
  forgetSettled,
  type LoadContext,
  loadContext,
  lockLedger,
  mergeStaging,
  openLedger,
  printIdentity,
  printSameRow,
  selectLedger,
} from './load-steps.ts'
import { quoteText } from './quote.ts'
import { printNewer } from './row-order.ts'

/** The version of a source, most significant first, as the ledger keeps it. */
const SOURCE_VERSION = ['source_modified', 'source_sequencer', 'contract_version', 'mapping_version'] as const

/** A source whose key was loaded in a later version changes nothing, even if that version had no row. */
function supersede({ ledger, ledgerName }: LoadContext): string {
  const newer = printNewer(
    SOURCE_VERSION.map((name) => ({ left: `n."${name}"`, right: `${ledgerName}."${name}"`, nullable: false })),
  )
  return `UPDATE ${ledger} SET "state" = 'superseded' WHERE "state" = 'applying' AND EXISTS (SELECT 1 FROM ${ledger} AS n WHERE n."tenant_id" = ${ledgerName}."tenant_id" AND n."source_key" = ${ledgerName}."source_key" AND ${newer})`
}

const markStale = ({ staging, stagingName, ledger }: LoadContext): string =>
  `UPDATE ${staging} SET "_action" = 'stale' WHERE EXISTS (SELECT 1 FROM ${ledger} AS l WHERE l."job_id" = ${stagingName}."job_id" AND l."publication" = {publication} AND l."state" = 'superseded')`

/** A row of a keyless dataset is known by its source and its record number. */
const decideActions = (context: LoadContext): string =>
  `UPDATE ${context.staging} SET "_action" = CASE WHEN ${printSameRow(context, 't', context.stagingName)} THEN 'unchanged' ELSE 'changed' END FROM ${context.target} AS t WHERE ${context.stagingName}."_action" IS NULL AND ${printIdentity(context, 't', context.stagingName)}`

const sourceKeys = ({ options }: LoadContext): string =>
  options.jobs.map(({ sourceKey }) => quoteText(sourceKey)).join(', ')

/** Rows of the earlier version that the new one no longer has. */
const vanished = (context: LoadContext, row: string): string =>
  `${row}."tenant_id" = ${quoteText(context.options.tenantId)} AND ${row}."_source_key" IN (${sourceKeys(context)}) AND NOT EXISTS (SELECT 1 FROM ${context.staging} AS s WHERE ${printIdentity(context, 's', row)})`

const countVanished = (context: LoadContext): string =>
  `UPDATE ${context.ledger} SET "removed" = c."removed" FROM (SELECT t."_source_key", COUNT(*) AS "removed" FROM ${context.target} AS t WHERE ${vanished(context, 't')} GROUP BY t."_source_key") AS c WHERE ${context.ledgerName}."source_key" = c."_source_key" AND ${context.ledgerName}."state" = 'applying'`

/** Only under an open ledger row: a repeated load finds its staging empty, and must not take that for an empty source. */
const removeVanished = (context: LoadContext): string =>
  `DELETE FROM ${context.target} WHERE EXISTS (SELECT 1 FROM ${context.ledger} AS l WHERE l."tenant_id" = ${context.targetName}."tenant_id" AND l."source_key" = ${context.targetName}."_source_key" AND l."state" = 'applying') AND ${vanished(context, context.targetName)}`

/** The transaction of a keyless dataset: a source's rows replace those of an earlier version of its object key. */
export function printReplaceSource(contract: Contract, options: LoadOptions): readonly string[] {
  const context = loadContext(contract, options, ['tenant_id', '_source_key', 'record_number'])
  return [
    lockLedger(context),
    forgetPublished(context),
    openLedger(context),
    supersede(context),
    markStale(context),
    decideActions(context),
    countActions(context),
    countVanished(context),
    removeVanished(context),
    forgetSettled(context),
    mergeStaging(context),
    closeLedger(context),
    dropStaging(context),
    selectLedger(context),
  ]
}
