/**
 * The figures of the twenty rules by one plain statement.
 * `tsx quality-statement.ts FILE THREADS` prints one JSON line {seconds, rows, peakMb}.
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { peakMbOf } from '../processes.ts'
import { statementFor } from '../quality-case.ts'

const [file = '', threads = '2'] = process.argv.slice(2)
const instance = await DuckDBInstance.create(':memory:', { threads })
const connection = await instance.connect()
const began = performance.now()
const reader = await connection.runAndReadAll(statementFor(file))
const seconds = (performance.now() - began) / 1000
const rows = Number(reader.getRows()[0]?.[0] ?? 0)
process.stdout.write(`${JSON.stringify({ seconds, rows, peakMb: peakMbOf(process.pid) })}\n`)
connection.closeSync()
