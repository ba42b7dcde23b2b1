import { stringify } from 'csv-stringify/sync'
import { type ParquetField, ParquetSchema, ParquetWriter } from '../parquet-file.ts'
import type { ErrorRow } from './error-rows.ts'

const CSV_COLUMNS = ['record_number', 'code', 'column', 'value', 'message', 'raw'] as const

/**
 * The error report for people. A cell that a spreadsheet would take for a formula (it starts with = + - @, tab, CR, LF or the
 * wide forms of the first four) gets an apostrophe before it.
 */
export function errorsCsv(rows: readonly ErrorRow[]): string {
  const records = rows.map(({ recordNumber, code, column, value, message, raw }) => [
    recordNumber === null ? '' : String(recordNumber),
    ...[code, column, value, message, raw].map((cell) => neutralised(cell ?? '')),
  ])
  return stringify([[...CSV_COLUMNS], ...records], { quoted_string: true, record_delimiter: 'windows' })
}

const FORMULA_START = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/

export const neutralised = (cell: string): string => (FORMULA_START.test(cell) ? `'${cell}` : cell)

const text: ParquetField = { type: 'UTF8', optional: true, compression: 'GZIP' }

const SCHEMA = {
  tenant_id: { type: 'UTF8', compression: 'GZIP' },
  job_id: { type: 'UTF8', compression: 'GZIP' },
  dataset: { type: 'UTF8', compression: 'GZIP' },
  record_number: { type: 'INT64', optional: true, compression: 'GZIP' },
  code: { type: 'UTF8', compression: 'GZIP' },
  column: text,
  value: text,
  message: text,
  raw: text,
  raw_sha256: text,
} as const satisfies Record<string, ParquetField>

/** Whose errors they are; in every row. */
export interface ErrorOwner {
  readonly tenantId: string
  readonly jobId: string
  readonly dataset: string
}

/** The same rows as Parquet, values as they are. */
export async function errorsParquet(owner: ErrorOwner, rows: readonly ErrorRow[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const writer = await ParquetWriter.openStream(new ParquetSchema(SCHEMA), {
    write: (bytes, done) => {
      chunks.push(Uint8Array.from(bytes))
      done()
    },
    end: (done) => done(),
  })
  for (const { recordNumber, ...row } of rows)
    await writer.appendRow({
      tenant_id: owner.tenantId,
      job_id: owner.jobId,
      dataset: owner.dataset,
      record_number: recordNumber ?? undefined,
      code: row.code,
      column: row.column ?? undefined,
      value: row.value ?? undefined,
      message: row.message ?? undefined,
      raw: row.raw ?? undefined,
      raw_sha256: row.rawSha256 ?? undefined,
    })
  await writer.close()
  return Buffer.concat(chunks)
}
