import { DuckDBInstance } from '@duckdb/node-api'

/** What the executors need of a DuckDB. */
export interface Duckdb {
  run(sql: string): Promise<void>
  /** All rows of a small result; 64-bit integers as bigint. */
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  close(): void
}

export interface EngineSettings {
  readonly threads: number
  readonly memoryLimitBytes: number
  /** An existing folder for what does not fit into memory, and for intermediate files. */
  readonly tempDirectory: string
}

export type OpenDuckdb = (settings: EngineSettings) => Promise<Duckdb>

/** Opens an embedded DuckDB that keeps nothing and installs nothing. */
export const openDuckdb: OpenDuckdb = async ({ threads, memoryLimitBytes, tempDirectory }) => {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${Math.floor(memoryLimitBytes / 1024)}KiB`,
    temp_directory: tempDirectory,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'true',
  })
  const connection = await instance.connect()
  return {
    run: async (sql) => {
      await connection.run(sql)
    },
    rows: async (sql) => {
      const reader = await connection.runAndReadAll(sql)
      return reader.getRowObjectsJS()
    },
    close: () => {
      connection.closeSync()
      instance.closeSync()
    },
  }
}
