import type { Contract } from '../../core/contract.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Mapping } from '../../core/mapping.ts'
import type { Drift } from '../messages.ts'
import { type ColumnFacts, DRIFT_SAMPLE_RECORDS, describeDrift } from './drift.ts'
import { checkHeaderColumns } from './header.ts'
import { isRefusal, type Refusal, refusal } from './refusal.ts'
import type { SeenColumns, TextSample } from './text-sample.ts'

/** Records of the sample whose members are looked at. */
const SAMPLE_RECORDS = 1000

const malformed = (message: string): Refusal => refusal('malformed_json', message)

const parsed = (text: string): { readonly value: unknown } | null => {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null
    throw thrown
  }
}

type JsonRecord = Readonly<Record<string, unknown>>

const otherFormat = (expected: string, found: string): Refusal =>
  refusal('unsupported_format', `The mapping says ${expected}, the content is ${found}`, { expected, found })

/** The records of the sample's complete lines; the first one must be an object, later ones are for the transform to judge. */
function lineRecords(sample: TextSample): readonly JsonRecord[] | Refusal {
  if (sample.beginning.trimStart().startsWith('[')) return otherFormat('json_lines', 'json_array')
  const lines = sample.beginning.split(/\r\n|\n|\r/)
  const complete = sample.complete ? lines : lines.slice(0, -1)
  const filled = complete.filter((line) => line.trim() !== '').slice(0, SAMPLE_RECORDS)
  const [first] = filled
  if (first === undefined) return []
  const value = parsed(first)
  if (value === null) {
    const whole = sample.complete ? parsed(sample.beginning) : null
    if (whole !== null) return otherFormat('json_lines', 'one JSON document over several lines')
    if (
      filled.length === 1 &&
      sample.complete &&
      !/[\r\n]\s*$/.test(sample.beginning) &&
      first.trimStart().startsWith('{')
    )
      return refusal('truncated_upload', 'The content ends inside its only record')
    return malformed('The first line is no JSON value')
  }
  if (!isJsonObject(value.value)) return malformed('The first line is no JSON object')
  return filled.flatMap((line) => {
    const record = parsed(line)
    return record !== null && isJsonObject(record.value) ? [record.value] : []
  })
}

/** The end of the JSON value that starts at `start`, or -1 when the text ends before. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  let inText = false
  for (let index = start; index < text.length; index += 1) {
    const character = text.charAt(index)
    if (inText) {
      if (character === '\\') index += 1
      else if (character === '"') inText = false
    } else if (character === '"') inText = true
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') {
      depth -= 1
      if (depth === 0) return index + 1
    }
  }
  return -1
}

/** The complete objects at the beginning of an array. */
function arrayRecords(sample: TextSample): readonly JsonRecord[] | Refusal {
  const text = sample.beginning
  const open = text.search(/\S/)
  if (text.charAt(open) === '{') return otherFormat('json_array', 'json_lines')
  if (text.charAt(open) !== '[') return malformed('The content is no JSON array')
  const records: JsonRecord[] = []
  let at = open + 1
  while (records.length < SAMPLE_RECORDS) {
    const start = at + text.slice(at).search(/[^\s,]/)
    if (start < at || text.charAt(start) === ']') break
    if (text.charAt(start) !== '{')
      return records.length > 0 ? records : malformed('The first element is no JSON object')
    const end = endOfValue(text, start)
    if (end < 0) break
    const record = parsed(text.slice(start, end))
    if (record === null || !isJsonObject(record.value)) {
      if (records.length === 0) return malformed('The first element cannot be parsed')
      break
    }
    records.push(record.value)
    at = end
  }
  return records
}

function checkEnd(sample: TextSample, format: 'json_lines' | 'json_array'): Refusal | null {
  const end = sample.complete ? sample.beginning : sample.end
  if (end === null) return null
  const cutOff = refusal('truncated_upload', 'The content ends inside a record')
  if (format === 'json_array') return end.trimEnd().endsWith(']') ? null : cutOff
  const lastLineEnd = Math.max(end.lastIndexOf('\n'), end.lastIndexOf('\r'))
  if (lastLineEnd < 0 && !sample.complete) return null
  const last = end.slice(lastLineEnd + 1).trim()
  return last === '' || parsed(last) !== null ? null : cutOff
}

/** Objects and lists where the contract wants a single value. */
function isStructural(records: readonly JsonRecord[], contract: Contract, mapping: Mapping): boolean {
  const scalars = mapping.fields
    .filter(({ target }) => contract.columns.some(({ name, type }) => name === target && type.kind !== 'json'))
    .flatMap(({ sources }) => sources)
  return records.some((record) =>
    scalars.some((source) => typeof record[source] === 'object' && record[source] !== null),
  )
}

/** A value as the transform reads it. */
const textOf = (value: unknown): string | null => {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const sampledFacts = (records: readonly JsonRecord[]): ColumnFacts => {
  const sampled = records.slice(0, DRIFT_SAMPLE_RECORDS)
  return {
    texts: (column) => sampled.map((record) => textOf(record[column])),
    declared: () => null,
  }
}

const rowTooLong = (contract: Contract): Refusal =>
  refusal('row_too_long', `A record is longer than ${contract.limits.rowBytes} bytes`, {
    maxRowBytes: contract.limits.rowBytes,
  })

/** Checks JSON lines or a JSON array: first record, members against the mapping, end. */
export function checkJson(sample: TextSample, contract: Contract, mapping: Mapping): SeenColumns | Refusal {
  const format = mapping.input.format === 'json_array' ? 'json_array' : 'json_lines'
  const records = format === 'json_array' ? arrayRecords(sample) : lineRecords(sample)
  if (isRefusal(records)) return records
  const sources = mapping.fields.flatMap((field) => field.sources)
  if (records.length === 0 && !sample.complete && sample.beginning.length > contract.limits.rowBytes)
    return rowTooLong(contract)
  // Members that no sampled record has may come later; with no record at all there is nothing to hold against the mapping.
  const seen =
    records.length === 0 ? [...new Set(sources)] : [...new Set(records.flatMap((record) => Object.keys(record)))]
  if (seen.length > contract.limits.columns)
    return refusal('too_many_columns', `The records have ${seen.length} members`, {
      columns: seen.length,
      maxColumns: contract.limits.columns,
    })
  const structural = isStructural(records, contract, mapping)
  const described = describeDrift(seen, contract, mapping, sampledFacts(records), structural)
  // Members of an object have no order.
  const drift: Drift = described.class === 'reordered' ? { ...described, class: 'none' } : described
  const wrong = checkHeaderColumns(seen, contract, mapping, drift) ?? checkEnd(sample, format)
  if (wrong !== null) return wrong
  return { header: [...new Set([...seen, ...sources])], drift }
}
