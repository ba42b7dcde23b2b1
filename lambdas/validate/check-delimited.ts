import type { Contract } from '../../core/contract.ts'
import type { Mapping } from '../../core/mapping.ts'
import { type ColumnFacts, DRIFT_SAMPLE_RECORDS, describeDrift, factsOfRecords } from './drift.ts'
import { checkHeaderColumns, checkHeaderNames, matchedNames } from './header.ts'
import { type Dialect, splitRecords } from './records.ts'
import { isRefusal, type Refusal, refusal } from './refusal.ts'
import type { SeenColumns, TextSample } from './text-sample.ts'

const CANDIDATES = [',', ';', '\t', '|'] as const
/** Header and first record. */
const FIRST_RECORDS = 2
/** Share of the complete records at the end that must have the header's width before an end is judged. */
const TRUSTED_SHARE = 0.9

const dialectOf = ({ input }: Mapping): Dialect => ({
  delimiter: input.delimiter,
  quote: input.quote,
  escape: input.escape,
})

const firstRecordOf = (text: string, dialect: Dialect): readonly string[] => {
  const { records, unterminated } = splitRecords(text, dialect, 1)
  return records[0] ?? unterminated?.fields ?? []
}

/** Of another delimiter the mapping would know more names, or the columns would be as many as declared. */
function suggestDelimiter(text: string, mapping: Mapping, declared: readonly string[]): string | null {
  const scoreOf = (record: readonly string[]): number =>
    mapping.input.header ? matchedNames(record, mapping) : record.length === mapping.input.columns.length ? 1 : 0
  const [best] = CANDIDATES.filter((delimiter) => delimiter !== mapping.input.delimiter)
    .map((delimiter) => {
      const record = firstRecordOf(text, { ...dialectOf(mapping), delimiter })
      return { delimiter, score: record.length > 1 ? scoreOf(record) : 0, width: record.length }
    })
    .toSorted((one, other) => other.score - one.score || other.width - one.width)
  if (best === undefined || best.score <= scoreOf(declared)) return suggestByWidth(best, mapping, declared)
  return best.delimiter
}

/** No name is known either way, but one column under the declared delimiter is several under another. */
const suggestByWidth = (
  best: { readonly delimiter: string; readonly width: number } | undefined,
  mapping: Mapping,
  declared: readonly string[],
): string | null =>
  best !== undefined && mapping.input.header && mapping.fields.length > 1 && declared.length === 1 && best.width > 2
    ? matchedNames(declared, mapping) === 0
      ? best.delimiter
      : null
    : null

function checkDelimiter(text: string, mapping: Mapping, first: readonly string[]): Refusal | null {
  const suggestion = suggestDelimiter(text, mapping, first)
  if (suggestion === null) return null
  const { delimiter } = mapping.input
  return refusal(
    'delimiter_mismatch',
    `The mapping declares ${JSON.stringify(delimiter)} as delimiter, the header is separated by ${JSON.stringify(suggestion)}`,
    { declared: delimiter, suggestion },
  )
}

/**
 * Whether the last record was cut off. Only of content without a final line end: one with an open quote, or with fewer columns
 * than the header, was; one that merely lacks its line end was not.
 */
const isCutOff = (
  unterminated: { readonly fields: readonly string[]; readonly inQuote: boolean },
  width: number,
): boolean => unterminated.inQuote || unterminated.fields.length < width

const CUT_OFF = 'The content ends inside a record'

function checkWholeEnd(text: string, dialect: Dialect, width: number): Refusal | null {
  const { unterminated, records } = splitRecords(text, dialect, Number.POSITIVE_INFINITY)
  if (unterminated === null || /[\r\n]$/.test(text) || !isCutOff(unterminated, width)) return null
  return refusal('truncated_upload', CUT_OFF, {
    openQuote: unterminated.inQuote,
    columns: unterminated.fields.length,
    expectedColumns: width,
    completeRecords: records.length,
  })
}

/** The end of a long file starts somewhere, maybe inside quotes: the reading under which more records have the right width is taken. */
function checkSampledEnd(end: string, dialect: Dialect, width: number): Refusal | null {
  if (/[\r\n]$/.test(end)) return null
  const readings = [false, true].map((insideQuote) => {
    const { records, unterminated } = splitRecords(end, dialect, Number.POSITIVE_INFINITY, insideQuote)
    const whole = records.slice(1)
    return { unterminated, whole: whole.length, fitting: whole.filter(({ length }) => length === width).length }
  })
  const [best] = readings.toSorted((one, other) => other.fitting - one.fitting)
  if (best === undefined || best.whole === 0 || best.fitting < best.whole * TRUSTED_SHARE) return null
  if (best.unterminated === null || !isCutOff(best.unterminated, width)) return null
  return refusal('truncated_upload', CUT_OFF, {
    openQuote: best.unterminated.inQuote,
    columns: best.unterminated.fields.length,
    expectedColumns: width,
  })
}

function checkEnd(sample: TextSample, dialect: Dialect, width: number): Refusal | null {
  if (sample.complete) return checkWholeEnd(sample.beginning, dialect, width)
  return sample.end === null ? null : checkSampledEnd(sample.end, dialect, width)
}

function checkRowLength(sample: TextSample, dialect: Dialect, contract: Contract): Refusal | null {
  const { longest } = splitRecords(sample.beginning, dialect, FIRST_RECORDS)
  const { rowBytes } = contract.limits
  if (longest <= rowBytes) return null
  return refusal('row_too_long', `A record is longer than ${rowBytes} bytes`, { maxRowBytes: rowBytes })
}

/** Braces in a first column are no JSON file where the rest is as the mapping says. */
function fitsMapping(text: string, mapping: Mapping): boolean {
  const first = firstRecordOf(text, dialectOf(mapping))
  const { header, columns } = mapping.input
  return header ? matchedNames(first, mapping) > 0 : columns.length > 1 && first.length === columns.length
}

/** Other formats under a delimited name: parsed as columns they would be garbage. */
function otherFormatOf(text: string): string | null {
  const start = text.trimStart()
  if (/^<(\?xml|!doctype|html|[a-z]+[\s>])/i.test(start)) return 'markup'
  if (!/^[{[]/.test(start)) return null
  const line = start.slice(0, start.search(/[\r\n]|$/))
  try {
    const value: unknown = JSON.parse(line)
    return Array.isArray(value) ? 'json_array' : 'json_lines'
  } catch {
    return /^\{\s*("|\r?\n)|^\[\s*(\{|\r?\n)/.test(start) ? 'json' : null
  }
}

/** The first records behind the header. */
function sampledFacts(
  sample: TextSample,
  header: readonly string[],
  { input }: Mapping,
  dialect: Dialect,
): ColumnFacts {
  const { records, unterminated } = splitRecords(sample.beginning, dialect, DRIFT_SAMPLE_RECORDS)
  const last = sample.complete && unterminated?.inQuote === false ? [unterminated.fields] : []
  const all = [...records, ...last].slice(input.header ? 1 : 0)
  return factsOfRecords(
    header,
    all.filter(({ length }) => length === header.length),
  )
}

function columnsSeen(sample: TextSample, contract: Contract, mapping: Mapping): SeenColumns | Refusal {
  const { input } = mapping
  const dialect = dialectOf(mapping)
  const first = firstRecordOf(sample.beginning, dialect)
  const mismatch = checkDelimiter(sample.beginning, mapping, first)
  if (mismatch !== null) return mismatch
  // Without a header the mapping itself names the columns: only their types can have drifted.
  const header = input.header ? first : input.columns
  const wrongNames = input.header ? checkHeaderNames(header, contract) : null
  if (wrongNames !== null) return wrongNames
  const drift = describeDrift(header, contract, mapping, sampledFacts(sample, header, mapping, dialect))
  const wrong = input.header ? checkHeaderColumns(header, contract, mapping, drift) : null
  return wrong ?? { header: header.map((name) => name.trim()), drift }
}

/** Checks delimited text: format, first records, dialect, header, end. */
export function checkDelimited(sample: TextSample, contract: Contract, mapping: Mapping): SeenColumns | Refusal {
  const other = fitsMapping(sample.beginning, mapping) ? null : otherFormatOf(sample.beginning)
  if (other !== null)
    return refusal('unsupported_format', `The mapping says ${mapping.input.format}, the content is ${other}`, {
      expected: mapping.input.format,
      found: other,
    })
  const tooLong = checkRowLength(sample, dialectOf(mapping), contract)
  if (tooLong !== null) return tooLong
  const seen = columnsSeen(sample, contract, mapping)
  if (isRefusal(seen)) return seen
  return checkEnd(sample, dialectOf(mapping), seen.header.length) ?? seen
}
