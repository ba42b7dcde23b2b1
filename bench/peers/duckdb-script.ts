/**
 * What one would write by hand for orders: the work of the workflow in plain DuckDB, without contract, plan or zones.
 * `tsx duckdb-script.ts FILE FOLDER THREADS` prints one JSON line {seconds, rows, stages, peakMb}.
 */
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { peakMbOf } from '../processes.ts'

const SOURCE_COLUMNS = 'OrderId Customer Email State Qty Price Total Currency Discount Express OrderDate Updated Note'
const sources = SOURCE_COLUMNS.split(' ').map((name, index) => ({ name, column: `s${index}` }))

/** Text columns as they come, then typed; a column that does not convert is NULL. */
const TYPED = `trim(s0) AS order_id, trim(s1) AS customer_id, lower(trim(s2)) AS customer_email, lower(trim(s3)) AS status,
  TRY_CAST(trim(s4) AS INTEGER) AS quantity, TRY_CAST(trim(s5) AS DECIMAL(12,2)) AS unit_price,
  TRY_CAST(trim(s6) AS DECIMAL(14,2)) AS amount, upper(trim(s7)) AS currency, TRY_CAST(trim(s8) AS DOUBLE) AS discount,
  TRY_CAST(trim(s9) AS BOOLEAN) AS express, TRY_CAST(trim(s10) AS DATE) AS ordered_on,
  TRY_CAST(trim(s11) AS TIMESTAMP) AS updated_at, s12 AS note`

const COLUMNS = `order_id, customer_id, customer_email, status, quantity, unit_price, amount, currency, discount, express,
  ordered_on, updated_at, note, record_number`

/** What is wrong with a row: a comma-separated list of columns. */
const PROBLEMS = `concat_ws(',',
  CASE WHEN order_id IS NULL OR length(order_id) > 32 THEN 'order_id' END,
  CASE WHEN customer_id IS NULL OR length(customer_id) > 32 THEN 'customer_id' END,
  CASE WHEN length(customer_email) > 254 THEN 'customer_email' END,
  CASE WHEN status IS NULL OR status NOT IN ('new', 'paid', 'packed', 'shipped', 'returned', 'cancelled') THEN 'status' END,
  CASE WHEN quantity IS NULL OR NOT regexp_full_match(trim(s4), '[+-]?[0-9]+') THEN 'quantity' END,
  CASE WHEN unit_price IS NULL OR NOT regexp_full_match(trim(s5), '[+-]?[0-9]+([.][0-9]{1,2})?') THEN 'unit_price' END,
  CASE WHEN amount IS NULL OR NOT regexp_full_match(trim(s6), '[+-]?[0-9]+([.][0-9]{1,2})?') THEN 'amount' END,
  CASE WHEN currency IS NULL OR NOT regexp_full_match(currency, '[A-Z]{3}') THEN 'currency' END,
  CASE WHEN discount IS NULL AND s8 IS NOT NULL THEN 'discount' END,
  CASE WHEN express IS NULL AND s9 IS NOT NULL THEN 'express' END,
  CASE WHEN ordered_on IS NULL THEN 'ordered_on' END,
  CASE WHEN updated_at IS NULL THEN 'updated_at' END,
  CASE WHEN length(note) > 400 THEN 'note' END)`

const RAW = `CAST({${sources.map(({ name, column }) => `'${name}': ${column}`).join(', ')}}::JSON AS VARCHAR)`

const TARGET = `order_id VARCHAR, customer_id VARCHAR, customer_email VARCHAR, status VARCHAR, quantity INTEGER,
  unit_price DECIMAL(12,2), amount DECIMAL(14,2), currency VARCHAR, discount DOUBLE, express BOOLEAN, ordered_on DATE,
  updated_at TIMESTAMP, note VARCHAR, record_number BIGINT, tenant_id VARCHAR, job_id VARCHAR, ingested_at TIMESTAMP`

type Stage = readonly [name: string, statements: readonly string[]]

function stagesFor(csv: string, folder: string): readonly Stage[] {
  const columns = `{${sources.map(({ column }) => `${column}: 'VARCHAR'`).join(', ')}}`
  const raw = `read_csv('${csv}', header = true, columns = ${columns}, store_rejects = true)`
  const parsed = `SELECT *, ${PROBLEMS} AS problems FROM (SELECT *, ${TYPED} FROM ${raw})`
  const curated = `SELECT ${COLUMNS}, 'acme' AS tenant_id, 'j1' AS job_id, TIMESTAMP '2026-01-01' AS ingested_at FROM checked
    WHERE problems = '' QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY updated_at DESC, record_number DESC) = 1`
  return [
    [
      'parse',
      [
        `CREATE TEMP TABLE parsed AS SELECT * EXCLUDE (${sources.map(({ column }) => column).join(', ')}),
          CASE WHEN problems <> '' THEN ${RAW} END AS raw FROM (${parsed})`,
        'CREATE TEMP VIEW checked AS SELECT *, rowid + 1 AS record_number FROM parsed',
      ],
    ],
    [
      'write',
      [
        `COPY (SELECT record_number, problems, raw FROM checked WHERE problems <> '' UNION ALL
          SELECT line, CAST(error_type AS VARCHAR), csv_line FROM reject_errors)
          TO '${folder}/rejects.parquet' (FORMAT parquet, COMPRESSION zstd)`,
        `COPY (${curated}) TO '${folder}/curated.parquet' (FORMAT parquet, COMPRESSION zstd)`,
        'DROP VIEW checked',
        'DROP TABLE parsed',
      ],
    ],
    [
      'quality',
      [
        `SELECT count(*), count(DISTINCT order_id), count(customer_id), count_if(quantity > 0), count_if(unit_price >= 0), avg(amount), sum(amount),
          count_if(regexp_full_match(customer_email, '[^@ ]+@[^@ ]+')) FROM '${folder}/curated.parquet'`,
      ],
    ],
    [
      'load',
      [
        'BEGIN',
        `CREATE TABLE staging AS SELECT * FROM '${folder}/curated.parquet'`,
        `CREATE TABLE orders (${TARGET})`,
        `MERGE INTO orders USING staging AS s ON orders.tenant_id = s.tenant_id AND orders.order_id = s.order_id
          WHEN MATCHED AND s.updated_at > orders.updated_at THEN UPDATE WHEN NOT MATCHED THEN INSERT`,
        'DROP TABLE staging',
        'COMMIT',
        'CHECKPOINT',
      ],
    ],
  ]
}

function sync(file: string): void {
  const descriptor = openSync(file, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

async function main([csv = '', folder = '', threads = '2']: readonly string[]): Promise<void> {
  const began = performance.now()
  const database = join(folder, 'peer.duckdb')
  const instance = await DuckDBInstance.create(database, { threads, temp_directory: join(folder, 'temporary') })
  const connection = await instance.connect()
  const stages: { name: string; millis: number }[] = []
  for (const [name, statements] of stagesFor(csv, folder)) {
    const start = performance.now()
    for (const sql of statements) await connection.run(sql)
    stages.push({ name, millis: Math.round(performance.now() - start) })
  }
  for (const file of ['rejects.parquet', 'curated.parquet', 'peer.duckdb']) sync(join(folder, file))
  const seconds = (performance.now() - began) / 1000
  const rows = Number((await connection.runAndReadAll('SELECT count(*) FROM orders')).getRows()[0]?.[0])
  process.stdout.write(`${JSON.stringify({ seconds, rows, stages, peakMb: peakMbOf(process.pid) })}\n`)
}

await main(process.argv.slice(2))
