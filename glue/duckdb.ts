import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** What the executors need of a DuckDB. */
export interface Duckdb {
  run(sql: string): Promise<void>
  /** All rows of a small result; 64-bit integers as bigint. */
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Another connection to the same data, with session settings and temporary tables of its own. Its `close` closes it alone. */
  connect(): Promise<Duckdb>
  close(): void
}

export interface EngineSettings {
  readonly threads: number
  readonly memoryLimitBytes: number
  /** An existing folder for what does not fit into memory, and for intermediate files. */
  readonly tempDirectory: string
  /** How much text of a large input is taken at a time; the executor's own choice by default. */
  readonly segmentBytes?: number
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
  const opened = connected(instance, connection)
  return {
    ...opened,
    close: () => {
      opened.close()
      instance.closeSync()
    },
  }
}

const connected = (instance: DuckDBInstance, connection: DuckDBConnection): Duckdb => ({
  run: async (sql) => {
    await connection.run(sql)
  },
  rows: async (sql) => {
    const reader = await connection.runAndReadAll(sql)
    return reader.getRowObjectsJS()
  },
  connect: async () => connected(instance, await instance.connect()),
  close: () => connection.closeSync(),
})
