import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { quoteLiteral } from './segments.ts'

/** The warehouse's file, open in this process. */
export interface WarehouseDatabase {
  connect(): Promise<DuckDBConnection>
  /** Writes the log into the file. */
  close(): void
}

export interface DatabaseSettings {
  /** The database's file; made where it is missing. */
  readonly path: string
  readonly threads: number
  readonly memoryLimitBytes: number
  readonly temporaryDirectory: string
}

const NAME = 'warehouse'

/** Opens the file as an attached database: as the first one, DuckDB could not replay a log in which a table with checks was altered. */
export async function openDatabase(settings: DatabaseSettings): Promise<WarehouseDatabase> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(settings.threads),
    memory_limit: `${Math.floor(settings.memoryLimitBytes / 1_000_000)}MB`,
    temp_directory: settings.temporaryDirectory,
    preserve_insertion_order: 'false',
    // A file is loaded once: kept, thousands of small ones would fill the memory that the engine may take.
    enable_external_file_cache: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const first = await instance.connect()
  await first.run(`ATTACH ${quoteLiteral(settings.path)} AS ${NAME} (STORAGE_VERSION 'v1.5.0')`)
  return {
    async connect() {
      const connection = await instance.connect()
      await connection.run(`USE ${NAME}`)
      return connection
    },
    close() {
      first.closeSync()
      instance.closeSync()
    },
  }
}
