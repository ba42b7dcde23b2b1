import type { RedshiftDataClient } from '@aws-sdk/client-redshift-data'
import type { Contract } from '../../core/contract.ts'
import type { TenantId } from '../../core/identifiers.ts'
import { isJsonObject } from '../../core/json.ts'
import { literal } from '../../dqdl/sql.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { quoteName, quoteText } from '../../warehouse/quote.ts'
import { baseTable, SCHEMAS } from '../../warehouse/relations.ts'
import { type Keys, readLedger, readTable, type TableSlice } from './deployed-table.ts'
import type { RanSource } from './run-source.ts'
import type { Scratch } from './scratch.ts'
import type { ScratchWarehouse } from './scratch-warehouse.ts'

/** What the load would do to the table as it is now. */
export interface LoadEffect {
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  readonly stale: number
  /** Rows of an earlier version of the same object that would go; datasets without a key only. */
  readonly removed: number
  /** The first rows that would differ, by identity. */
  readonly differences: readonly RowDifference[]
}

export interface RowDifference {
  readonly change: 'inserted' | 'updated'
  readonly identity: Readonly<Record<string, string | null>>
  /** The contract's columns that differ; of an inserted row those that have a value. */
  readonly columns: readonly {
    readonly column: string
    readonly table: string | null
    readonly replay: string | null
  }[]
}

type Load = NonNullable<RanSource['load']>

const BEFORE = `${quoteName(SCHEMAS.staging)}."before"`

/** Each identity of the run's curated rows once. */
async function keysOf({ manifestUri }: Load, contract: Contract, scratch: Scratch): Promise<Keys> {
  if (contract.key.length === 0) return []
  const manifest: unknown = JSON.parse(await scratch.readText(manifestUri))
  const entries = isJsonObject(manifest) && Array.isArray(manifest.entries) ? manifest.entries : []
  const uris = entries.flatMap((entry: unknown) => (isJsonObject(entry) ? [String(entry.url)] : []))
  const paths = await Promise.all(uris.map((uri) => scratch.localPath(uri)))
  if (paths.length === 0) return []
  const engine = await openDuckdb({ threads: 2, memoryLimitBytes: 256 * 1024 ** 2, tempDirectory: scratch.folder })
  try {
    const columns = contract.key.map((name) => `CAST(${quoteName(name)} AS VARCHAR) AS ${quoteName(name)}`).join(', ')
    const rows = await engine.rows(
      `SELECT DISTINCT ${columns} FROM read_parquet([${paths.map((path) => literal(path)).join(', ')}])`,
    )
    return rows.map((row) => contract.key.map((name) => String(row[name])))
  } finally {
    engine.close()
  }
}

const identityOf = ({ key }: Contract): readonly string[] => (key.length === 0 ? ['_source_key', 'record_number'] : key)

const number = (text: string | null | undefined): number => Number(text ?? 0)

/** The rows that the load wrote carry its job's id; what they were before is beside them. */
async function differencesOf(contract: Contract, { jobId }: Load, warehouse: ScratchWarehouse, atMost: number) {
  const identity = ['tenant_id', ...identityOf(contract)]
  const columns = contract.columns.map(({ name }) => name)
  const texts = (alias: string, names: readonly string[]) =>
    names.map((name, index) => `CAST(${alias}.${quoteName(name)} AS VARCHAR) AS "${alias}${index}"`)
  const on = identity.map((name) => `a.${quoteName(name)} = b.${quoteName(name)}`).join(' AND ')
  const rows = await warehouse.rows(
    `SELECT ${[`CASE WHEN b."tenant_id" IS NULL THEN 'inserted' ELSE 'updated' END AS "change"`, ...texts('a', [...identity, ...columns]), ...texts('b', columns)].join(', ')} FROM ${baseTable(contract.dataset)} AS a LEFT JOIN ${BEFORE} AS b ON ${on} WHERE a."job_id" = ${quoteText(jobId)} ORDER BY ${identity.map((name) => `a.${quoteName(name)}`).join(', ')} LIMIT ${atMost}`,
  )
  return rows.map(([change, ...values]): RowDifference => {
    const after = values.slice(identity.length, identity.length + columns.length)
    const before = values.slice(identity.length + columns.length)
    return {
      change: change === 'inserted' ? 'inserted' : 'updated',
      identity: Object.fromEntries(identity.slice(1).map((name, index) => [name, values[index + 1] ?? null])),
      columns: columns.flatMap((column, index) => {
        const [table, replay] = [before[index] ?? null, after[index] ?? null]
        return table === replay ? [] : [{ column, table, replay }]
      }),
    }
  })
}

/** The statements of a load with their placeholders filled in, as the ingest machine does. */
function statementsOf({ plan, manifestUri, runId }: Load): {
  stage: readonly string[]
  transaction: readonly string[]
} {
  const fill = (sql: string): string =>
    sql
      .replaceAll('{run}', runId.replaceAll('-', '_'))
      .replaceAll('{runId}', runId)
      .replaceAll('{manifest}', manifestUri)
      .replaceAll('{publication}', '1')
      .replaceAll('{executionArn}', 'backtest')
  return { stage: plan.stage.map(fill), transaction: plan.transaction.map(fill) }
}

export interface TryLoadDeps {
  readonly client: RedshiftDataClient
  readonly scratch: Scratch
  readonly warehouse: ScratchWarehouse
  /** Of {@link LoadEffect.differences} */
  readonly differences: number
}

/**
 * Loads a run into a copy of the rows that it could touch, by the very statements that the workflow would send, and says what
 * that did. The deployed table is read, never written.
 */
export async function tryLoad(
  load: Load,
  contract: Contract,
  { tenantId, sourceKey }: { readonly tenantId: TenantId; readonly sourceKey: string },
  { client, scratch, warehouse, differences }: TryLoadDeps,
): Promise<LoadEffect> {
  const slice: TableSlice = { contract, tenantId, sourceKey, keys: await keysOf(load, contract, scratch) }
  await warehouse.create(contract)
  await warehouse.fill(contract, 'base', readTable(client, slice))
  await warehouse.fill(contract, 'ledger', readLedger(client, slice))
  await warehouse.run([
    `DROP TABLE IF EXISTS ${BEFORE}`,
    `CREATE TABLE ${BEFORE} AS SELECT * FROM ${baseTable(contract.dataset)}`,
  ])
  const { stage, transaction } = statementsOf(load)
  await warehouse.run(stage)
  await warehouse.run(transaction.slice(0, -1))
  const [ledger = []] = await warehouse.rows(transaction.at(-1) ?? 'SELECT 1')
  const [inserted, updated, unchanged, stale, , , , , removed] = ledger
  return {
    inserted: number(inserted),
    updated: number(updated),
    unchanged: number(unchanged),
    stale: number(stale),
    removed: number(removed),
    differences: differences === 0 ? [] : await differencesOf(contract, load, warehouse, differences),
  }
}
