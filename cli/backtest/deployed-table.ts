import type { RedshiftDataClient } from '@aws-sdk/client-redshift-data'
import type { Contract } from '../../core/contract.ts'
import type { TenantId } from '../../core/identifiers.ts'
import { quoteName, quoteText } from '../../warehouse/quote.ts'
import { baseTable, ledgerTable } from '../../warehouse/relations.ts'
import { rowsOf } from '../commands/query.ts'
import { CommandError, EXIT } from '../output.ts'
import { runBatch } from '../warehouse-client.ts'

/** Rows as text by column; timestamps in ISO 8601 UTC. */
export type TextRow = Readonly<Record<string, string | number | boolean | null>>

/** Below what the Data API takes of one statement. */
const MAX_STATEMENT_BYTES = 90_000

/** The rows that a query of the warehouse's administrator answers; `null` when the relation is not there. */
async function select(client: RedshiftDataClient, sql: string): Promise<readonly TextRow[] | null> {
  const end = await runBatch(client, [sql])
  if ('lastId' in end) return (await rowsOf(client, end.lastId)).rows
  if (/does not exist|not found/i.test(end.error)) return null
  throw new CommandError(EXIT.impossible, 'query_failed', end.error)
}

/** The identities that the curated rows of a run have, as texts in the order of the contract's key. */
export type Keys = readonly (readonly string[])[]

const printKey = ({ key }: Contract, values: readonly string[]): string =>
  key.length === 1
    ? quoteText(values[0] ?? '')
    : `(${key.map((name, index) => `${quoteName(name)} = ${quoteText(values[index] ?? '')}`).join(' AND ')})`

const printKeys = (contract: Contract, keys: readonly string[]): string =>
  contract.key.length === 1 ? `${quoteName(contract.key[0] ?? '')} IN (${keys.join(', ')})` : `(${keys.join(' OR ')})`

/** Conditions that together name all keys, each short enough for a statement. */
export function keyConditions(contract: Contract, keys: Keys): readonly string[] {
  const conditions: string[] = []
  let batch: string[] = []
  let bytes = 0
  for (const key of keys.map((values) => printKey(contract, values))) {
    bytes += Buffer.byteLength(key) + 4
    if (bytes > MAX_STATEMENT_BYTES && batch.length > 0) {
      conditions.push(printKeys(contract, batch))
      batch = []
      bytes = Buffer.byteLength(key)
    }
    batch.push(key)
  }
  return batch.length === 0 ? conditions : [...conditions, printKeys(contract, batch)]
}

export interface TableSlice {
  readonly contract: Contract
  readonly tenantId: TenantId
  readonly sourceKey: string
  readonly keys: Keys
}

/** Pages of the table's rows that a load of these keys, or of this source, could touch; reads only. */
export async function* readTable(
  client: RedshiftDataClient,
  { contract, tenantId, sourceKey, keys }: TableSlice,
): AsyncGenerator<readonly TextRow[]> {
  const replaces = contract.load === 'replace_source'
  const conditions = replaces ? [`"_source_key" = ${quoteText(sourceKey)}`] : keyConditions(contract, keys)
  for (const condition of conditions) {
    const found = await select(
      client,
      `SELECT * FROM ${baseTable(contract.dataset)} WHERE "tenant_id" = ${quoteText(tenantId)} AND ${condition}`,
    )
    if (found === null) return
    yield found
  }
}

/** The ledger's rows of one source key, on which the load of a dataset without a key depends. */
export async function* readLedger(
  client: RedshiftDataClient,
  { contract, tenantId, sourceKey }: TableSlice,
): AsyncGenerator<readonly TextRow[]> {
  if (contract.load !== 'replace_source') return
  const found = await select(
    client,
    `SELECT * FROM ${ledgerTable(contract.dataset)} WHERE "tenant_id" = ${quoteText(tenantId)} AND "source_key" = ${quoteText(sourceKey)}`,
  )
  if (found !== null) yield found
}
