/** Items out of the texts and bytes that an ItemReader gets. */
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { isJsonObject, type Json } from '../../core/json.ts'
import { ItemReaderFailure } from './item-reader-failure.ts'

/** @throws ItemReaderFailure for text that is no JSON */
export function parseText(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (cause) {
    throw new ItemReaderFailure(cause instanceof Error ? cause.message : String(cause))
  }
}

/** The array at a JSON pointer, or the root. @throws ItemReaderFailure */
export function jsonItems(root: Json, pointer: unknown): readonly Json[] {
  const value = typeof pointer === 'string' ? pointed(root, pointer) : root
  if (Array.isArray(value)) return value
  throw new ItemReaderFailure('Attempting to map over non-iterable node.')
}

/** RFC 6901 */
function pointed(root: Json, pointer: string): unknown {
  let value: unknown = root
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    value = Array.isArray(value) ? value[Number(key)] : isJsonObject(value) ? value[key] : undefined
  }
  return value
}

export function jsonLines(text: string): readonly Json[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseText)
}

const DELIMITERS: Readonly<Record<string, string>> = { COMMA: ',', PIPE: '|', SEMICOLON: ';', SPACE: ' ', TAB: '\t' }

/** The rows below the header, or all where headers are given; every value is text. @throws ItemReaderFailure */
export function csvItems(text: string, config: Record<string, unknown>): readonly Json[] {
  const delimiter = DELIMITERS[String(config.CSVDelimiter ?? 'COMMA')]
  const rows: string[][] = parse(text, { delimiter, relax_column_count: true, skip_empty_lines: true, bom: true })
  const given = config.CSVHeaderLocation === 'GIVEN'
  const headers = given && Array.isArray(config.CSVHeaders) ? config.CSVHeaders.map(String) : (rows[0] ?? [])
  if (new Set(headers).size !== headers.length) throw new ItemReaderFailure('CSV headers cannot contain duplicates.')
  return (given ? rows : rows.slice(1)).map((row) => rowItem(headers, row))
}

/** A row as an object: cells beyond the headers are dropped, missing ones are empty. */
export const rowItem = (headers: readonly string[], row: readonly string[]): Json =>
  Object.fromEntries(headers.map((header, index) => [header, row[index] ?? '']))

/** The rows of an inventory's file, which has no header. */
export const headlessRows = (text: string): readonly string[][] => parse(text, { relax_column_count: true })

const GZIP_MAGIC = 0x1f8b
/** What the bytes hold, compressed or not. */
export const gunzipped = (bytes: Buffer): Buffer =>
  bytes.length > 1 && bytes.readUInt16BE(0) === GZIP_MAGIC ? gunzipSync(bytes) : bytes

/** By the name of the file; UNLOAD's files without an ending are Parquet, its default. */
export function formatOf(key: string): 'JSONL' | 'CSV' | 'PARQUET' {
  if (/\.(jsonl?|ndjson)(\.gz)?$/i.test(key)) return 'JSONL'
  return /\.(csv|txt)(\.gz)?$/i.test(key) ? 'CSV' : 'PARQUET'
}
