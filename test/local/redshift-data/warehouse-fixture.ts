import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { printPhysicalType } from '../../../core/column-type.ts'
import type { Contract } from '../../../core/contract.ts'
import { curatedColumns } from '../../../core/curated-columns.ts'
import type { JobId, TenantId } from '../../../core/identifiers.ts'
import type { WarehouseObjects } from '../../../local/engines/warehouse/copy.ts'
import { openWarehouse, type StatementOutcome, type WarehouseEngine } from '../../../local/engines/warehouse/engine.ts'
import { deploymentStatements } from '../../../warehouse/deploy.ts'
import { compileLoad } from '../../../warehouse/load.ts'

export const COPY_ROLE = 'arn:aws:iam::000000000000:role/copy'
export const LOADER = 'IAMR:sluice-ingest'

export type Cell = string | number | boolean | null

/** A curated file: the rows of one source version. */
export interface CuratedFile {
  readonly jobId: string
  readonly sourceKey: string
  readonly modifiedAt: string
  /** @default '00' */
  readonly sequencer?: string
  /** Contract columns and `op`; record numbers count from 1 unless given. */
  readonly rows: readonly Readonly<Record<string, Cell>>[]
}

export interface Ledger {
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  readonly stale: number
}

export interface WarehouseFixture {
  readonly folder: string
  readonly engine: WarehouseEngine
  readonly objects: WarehouseObjects
  /** Runs one statement as a user; throws its error. */
  sql(text: string, user?: string): Promise<readonly (readonly Cell[])[]>
  /** Runs statements as one transaction. */
  batch(sqls: readonly string[], user?: string): Promise<readonly StatementOutcome[]>
  /** The statement's error, or `null`. */
  errorOf(text: string, user?: string): Promise<string | null>
  /** Writes SQL's rows as Parquet and its manifest; answers the manifest's URI. */
  writeParquet(name: string, select: string): Promise<string>
  writeFile(contract: Contract, name: string, file: CuratedFile): Promise<string>
  load(contract: Contract, manifest: string, file: CuratedFile, publication?: number, run?: number): Promise<Ledger>
  /** Loads a run that carries several jobs; answers their ledger rows by job. */
  loadJobs(
    contract: Contract,
    manifest: string,
    files: readonly CuratedFile[],
    publication?: number,
    run?: number,
  ): Promise<ReadonlyMap<string, Ledger>>
  deploy(contracts: readonly Contract[], tenants?: readonly string[]): Promise<void>
  close(): void
}

const literal = (value: Cell | undefined): string =>
  value === null || value === undefined
    ? 'NULL'
    : typeof value === 'string'
      ? `'${value.replaceAll("'", "''")}'`
      : String(value)

function rowOf(contract: Contract, file: CuratedFile, row: Readonly<Record<string, Cell>>, number: number): string {
  const operational: Readonly<Record<string, Cell>> = {
    tenant_id: 'acme',
    job_id: file.jobId,
    record_number: number,
    dataset: contract.dataset,
    contract_version: contract.version,
    mapping_version: 1,
    source_system: 'test',
    op: 'I',
    ingested_at: file.modifiedAt.replace('T', ' ').replace('Z', ''),
    _source_key: file.sourceKey,
    _source_modified: file.modifiedAt.replace('T', ' ').replace('Z', ''),
    _sequencer: file.sequencer ?? '00',
  }
  return `(${curatedColumns(contract)
    .map(({ name }) => literal(row[name] ?? operational[name]))
    .join(', ')})`
}

let requests = 0

/**
 * A warehouse in a folder of its own, with objects that are files of it.
 * @param segmentRows from how many rows on COPY takes files over as they are
 */
export async function warehouseFixture(segmentRows = 1_000_000): Promise<WarehouseFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-warehouse-'))
  const files = (uri: string): string => join(folder, uri.replace('s3://curated/', ''))
  const { readFile } = await import('node:fs/promises')
  const objects: WarehouseObjects = {
    readText: (uri) => readFile(files(uri), 'utf8'),
    localPath: async (uri) => {
      statSync(files(uri))
      return files(uri)
    },
  }
  const engine = await openWarehouse({
    path: join(folder, 'warehouse.duckdb'),
    temporaryDirectory: join(folder, 'tmp'),
    threads: 1,
    memoryLimitBytes: 200_000_000,
    segments: { directory: join(folder, 'segments'), minRows: segmentRows },
    searchPath: ['analytics', 'public'],
    attachedRoles: () => [COPY_ROLE],
    objectsAs: () => objects,
  })
  const writer = await (await DuckDBInstance.create(':memory:')).connect()
  const run = (sqls: readonly string[], user: string, mode: 'transaction' | 'single') => {
    requests += 1
    return engine.execute({ id: `request-${requests}`, sqls, user, mode })
  }
  const rowsOf = (outcome: StatementOutcome | undefined): readonly (readonly Cell[])[] => {
    if (outcome?.status !== 'FINISHED') throw new Error(outcome?.error ?? 'aborted')
    return (outcome.result?.pages ?? []).flat().map((row) =>
      row.map((field): Cell => {
        if ('isNull' in field) return null
        if ('stringValue' in field) return field.stringValue
        if ('longValue' in field) return Number(field.longValue)
        return 'doubleValue' in field ? field.doubleValue : field.booleanValue
      }),
    )
  }
  const fixture: WarehouseFixture = {
    folder,
    engine,
    objects,
    sql: async (text, user = 'admin') => rowsOf((await run([text], user, 'single'))[0]),
    batch: (sqls, user = 'admin') => run(sqls, user, 'transaction'),
    errorOf: async (text, user = 'admin') => (await run([text], user, 'single'))[0]?.error ?? null,
    async writeParquet(name, select) {
      const path = join(folder, `${name}.parquet`)
      await writer.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`)
      const entry = {
        url: `s3://curated/${name}.parquet`,
        mandatory: true,
        meta: { content_length: statSync(path).size },
      }
      writeFileSync(join(folder, `${name}.json`), JSON.stringify({ entries: [entry] }))
      return `s3://curated/${name}.json`
    },
    writeFile(contract, name, file) {
      const columns = curatedColumns(contract)
      const rows = file.rows.map((row, index) => rowOf(contract, file, row, index + 1)).join(', ')
      const types = columns.map(
        (column, index) => `CAST(col${index} AS ${printPhysicalType(column, 'duckdb')}) AS "${column.name}"`,
      )
      const empty = `(${columns.map(() => 'NULL').join(', ')})`
      const values = file.rows.length === 0 ? `(VALUES ${empty}) LIMIT 0` : `(VALUES ${rows})`
      return fixture.writeParquet(name, `SELECT ${types.join(', ')} FROM ${values}`)
    },
    async load(contract, manifest, file, publication = 1, tryNumber = 0) {
      const ledgers = await fixture.loadJobs(contract, manifest, [file], publication, tryNumber)
      return ledgers.get(file.jobId) ?? { inserted: -1, updated: -1, unchanged: -1, stale: -1 }
    },
    async loadJobs(contract, manifest, files, publication = 1, tryNumber = 0) {
      const plan = compileLoad(contract, {
        copyRoleArn: COPY_ROLE,
        tenantId: 'acme' as TenantId,
        waivers: null,
        jobs: files.map((file) => ({
          jobId: file.jobId as JobId,
          registeredAt: file.modifiedAt,
          sourceKey: file.sourceKey,
          sourceModifiedAt: file.modifiedAt,
          sequencer: file.sequencer ?? '00',
          mappingVersion: 1,
        })),
      })
      const runId = `${files[0]?.jobId}-1-${tryNumber}`
      const fill = (sql: string): string =>
        sql
          .replaceAll('{run}', runId.replaceAll('-', '_'))
          .replaceAll('{runId}', runId)
          .replaceAll('{manifest}', manifest)
          .replaceAll('{publication}', String(publication))
          .replaceAll('{executionArn}', 'arn:aws:states:us-east-2:000000000000:execution:ingest:x')
      const staged = await run(plan.stage.map(fill), LOADER, 'transaction')
      staged.forEach(rowsOf)
      const outcomes = await run(plan.transaction.map(fill), LOADER, 'transaction')
      const rows = outcomes.map(rowsOf).at(-1) ?? []
      return new Map(
        rows.map(([inserted, updated, unchanged, stale, jobId]) => [
          String(jobId),
          { inserted: Number(inserted), updated: Number(updated), unchanged: Number(unchanged), stale: Number(stale) },
        ]),
      )
    },
    async deploy(contracts, tenants = ['acme', 'globex']) {
      const options = { loaderUser: LOADER, tenants: tenants as unknown as readonly TenantId[] }
      for (const { sqls, tolerate } of deploymentStatements(contracts, options)) {
        const error =
          (await run(sqls, 'admin', sqls.length === 1 ? 'single' : 'transaction')).find(
            ({ status }) => status === 'FAILED',
          )?.error ?? null
        if (error !== null && (tolerate === null || !error.includes(tolerate))) throw new Error(error)
      }
    },
    close() {
      engine.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return fixture
}

/** All orders of a list. */
export const permutations = <T>(items: readonly T[]): readonly (readonly T[])[] =>
  items.length <= 1
    ? [items]
    : items.flatMap((item, index) =>
        permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
      )
