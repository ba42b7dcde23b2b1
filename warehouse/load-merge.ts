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
import { type ComparedColumn, printNewer } from './row-order.ts'

/** Row version on both sides, most significant first; the configuration settles what one source's row became. */
const VERSION: readonly { readonly staged: string; readonly target: string; readonly nullable: boolean }[] = [
  { staged: '"_event_time"', target: '"_event_time"', nullable: true },
  { staged: '"_source_modified"', target: '"_source_modified"', nullable: false },
  { staged: '"_sequencer"', target: '"_sequencer"', nullable: false },
  { staged: '"record_number"', target: '"_version_record"', nullable: false },
  { staged: '"contract_version"', target: '"_version_contract"', nullable: false },
  { staged: '"mapping_version"', target: '"_version_mapping"', nullable: false },
]

const compared = (staged: string, target: string, newer: 'staged' | 'target'): readonly ComparedColumn[] =>
  VERSION.map((column) => {
    const sides = { staged: `${staged}.${column.staged}`, target: `${target}.${column.target}` }
    return newer === 'staged'
      ? { left: sides.staged, right: sides.target, nullable: column.nullable }
      : { left: sides.target, right: sides.staged, nullable: column.nullable }
  })

/**
 * Decides about each staged row that the table knows: `newer` (equal values, later version), `unchanged` (equal values),
 * `stale` (lost against a later version), `changed`. Rows the table does not know keep NULL.
 */
function decideActions(context: LoadContext): string {
  const { target, staging, stagingName } = context
  const stagedNewer = printNewer(compared(stagingName, 't', 'staged'))
  const targetNewer = printNewer(compared(stagingName, 't', 'target'))
  return `UPDATE ${staging} SET "_action" = CASE WHEN ${printSameRow(context, 't', stagingName)} THEN CASE WHEN ${stagedNewer} THEN 'newer' ELSE 'unchanged' END WHEN ${targetNewer} THEN 'stale' ELSE 'changed' END FROM ${target} AS t WHERE ${printIdentity(context, 't', stagingName)}`
}

/** An equal row of a later version leaves values and provenance alone and advances the version, so that what lies between loses. */
function advanceVersions(context: LoadContext): string {
  const set = VERSION.map(({ staged, target }) => `${target} = s.${staged}`).join(', ')
  return `UPDATE ${context.target} SET ${set} FROM ${context.staging} AS s WHERE s."_action" = 'newer' AND ${printIdentity(context, context.targetName, 's')}`
}

/** The transaction of a dataset with a key: newer rows replace those of their key. */
export function printMerge(contract: Contract, options: LoadOptions): readonly string[] {
  const context = loadContext(contract, options, ['tenant_id', ...contract.key])
  return [
    lockLedger(context),
    forgetPublished(context),
    openLedger(context),
    decideActions(context),
    countActions(context),
    advanceVersions(context),
    forgetSettled(context),
    mergeStaging(context),
    closeLedger(context),
    dropStaging(context),
    selectLedger(context),
  ]
}
