import { appendFile, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type PhysicalColumn, printPhysicalType } from '../../core/column-type.ts'
import type { Contract } from '../../core/contract.ts'
import { literal } from '../../dqdl/sql.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { openWarehouse, type StatementOutcome } from '../../local/engines/warehouse/engine.ts'
import { quoteName, quoteText } from '../../warehouse/quote.ts'
import { baseTable, ledgerTable, SCHEMAS } from '../../warehouse/relations.ts'
import { createBaseTable, createLedgerTable, LEDGER_COLUMNS, targetColumns } from '../../warehouse/tables.ts'
import type { TextRow } from './deployed-table.ts'
import { COPY_ROLE } from './run-source.ts'
import type { Scratch } from './scratch.ts'

/** The laptop's warehouse engine on a file of the scratch folder: loads are tried in it with the statements that are deployed. */
export interface ScratchWarehouse {
  /** Begins a dataset's tables anew, empty. */
  create(contract: Contract): Promise<void>
  /** Puts rows of the deployed table, or of its ledger, into the scratch one. */
  fill(contract: Contract, table: 'base' | 'ledger', rows: AsyncIterable<readonly TextRow[]>): Promise<void>
  /** Runs statements as one transaction. @throws Error with the first statement's error */
  run(sqls: readonly string[]): Promise<void>
  /** The rows of a query as texts. */
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>
  close(): void
}

const MEMORY_BYTES = 512 * 1024 ** 2

/** The scratch tables are small: no COPY leaves its files beside them. */
const NO_SEGMENTS = Number.MAX_SAFE_INTEGER

const nameOf = (contract: Contract, table: 'base' | 'ledger'): string =>
  table === 'base' ? baseTable(contract.dataset) : ledgerTable(contract.dataset)

const columnsOf = (contract: Contract, table: 'base' | 'ledger'): readonly PhysicalColumn[] =>
  table === 'base' ? targetColumns(contract) : LEDGER_COLUMNS

/** Writes rows of texts as Parquet with the table's physical types; a column that the deployed table lacks is NULL. */
async function writeParquet(from: string, to: string, columns: readonly PhysicalColumn[], tempDirectory: string) {
  const engine = await openDuckdb({ threads: 2, memoryLimitBytes: MEMORY_BYTES, tempDirectory })
  const texts = columns.map(({ name }) => `${quoteName(name)}: 'VARCHAR'`).join(', ')
  const typed = columns.map(
    (column) =>
      `CAST(${quoteName(column.name)} AS ${printPhysicalType(column, 'duckdb')}) AS ${quoteName(column.name)}`,
  )
  try {
    await engine.run(
      `COPY (SELECT ${typed.join(', ')} FROM read_json(${literal(from)}, format = 'newline_delimited', columns = {${texts}})) TO ${literal(to)} (FORMAT parquet)`,
    )
  } finally {
    engine.close()
  }
}

const textOf = (value: string | number | boolean | null): string | null => (value === null ? null : String(value))

const lineOf = (row: TextRow): string =>
  `${JSON.stringify(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, textOf(value)])))}\n`

function requireFinished(outcomes: readonly StatementOutcome[]): readonly StatementOutcome[] {
  const failed = outcomes.find(({ status }) => status !== 'FINISHED')
  if (failed !== undefined) throw new Error(failed.error ?? 'the statement was aborted')
  return outcomes
}

/** Opens an empty warehouse in the scratch folder. */
export async function openScratchWarehouse(scratch: Scratch): Promise<ScratchWarehouse> {
  const temporaryDirectory = join(scratch.folder, 'warehouse.tmp')
  await mkdir(temporaryDirectory, { recursive: true })
  const engine = await openWarehouse({
    path: join(scratch.folder, 'warehouse.duckdb'),
    threads: 2,
    memoryLimitBytes: MEMORY_BYTES,
    temporaryDirectory,
    segments: { directory: join(scratch.folder, 'segments'), minRows: NO_SEGMENTS },
    searchPath: [SCHEMAS.views],
    attachedRoles: () => [COPY_ROLE],
    objectsAs: () => scratch,
  })
  let requests = 0
  const execute = async (sqls: readonly string[]): Promise<readonly StatementOutcome[]> => {
    requests += 1
    const mode = sqls.length === 1 ? 'single' : 'transaction'
    return requireFinished(await engine.execute({ id: `backtest-${requests}`, sqls, user: 'admin', mode }))
  }
  await execute(Object.values(SCHEMAS).map((schema) => `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`))

  const copy = async (contract: Contract, table: 'base' | 'ledger', lines: string): Promise<void> => {
    const uri = `s3://scratch/${table}-${requests}`
    await scratch.putText(`${uri}.parquet`, '')
    const path = await scratch.localPath(`${uri}.parquet`)
    const columns = columnsOf(contract, table)
    await writeParquet(lines, path, columns, temporaryDirectory)
    const entry = { url: `${uri}.parquet`, mandatory: true, meta: { content_length: (await stat(path)).size } }
    await scratch.putText(`${uri}.json`, JSON.stringify({ entries: [entry] }))
    const names = columns.map(({ name }) => quoteName(name)).join(', ')
    await execute([
      `COPY ${nameOf(contract, table)} (${names}) FROM '${uri}.json' IAM_ROLE ${quoteText(COPY_ROLE)} FORMAT AS PARQUET MANIFEST`,
    ])
  }
  return {
    create: async (contract) => {
      const tables = [baseTable(contract.dataset), ledgerTable(contract.dataset)]
      await execute([
        ...tables.map((table) => `DROP TABLE IF EXISTS ${table}`),
        createBaseTable(contract),
        createLedgerTable(contract),
      ])
    },
    fill: async (contract, table, pages) => {
      const lines = join(scratch.folder, `${table}.jsonl`)
      await writeFile(lines, '')
      let count = 0
      for await (const rows of pages) {
        count += rows.length
        await appendFile(lines, rows.map(lineOf).join(''))
      }
      if (count > 0) await copy(contract, table, lines)
    },
    run: async (sqls) => {
      await execute(sqls)
    },
    rows: async (sql) => {
      const [outcome] = await execute([sql])
      return (outcome?.result?.pages ?? []).flat().map((row) =>
        row.map((field) => {
          if ('isNull' in field) return null
          return textOf(Object.values(field)[0] ?? null)
        }),
      )
    },
    close: () => engine.close(),
  }
}
