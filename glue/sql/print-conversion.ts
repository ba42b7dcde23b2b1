import type { Conversion, NumberForm, RejectCode, Rounding } from '../intermediate.ts'
import { isOneOf, text } from './literals.ts'
import {
  decimalGrammar,
  doubleGrammar,
  exactDecimalGrammar,
  fullMatch,
  integerGrammar,
  plainNumber,
} from './number-grammar.ts'
import { grammarOfFormat, hasOffset, ISO_DATE, ISO_LOCAL, ISO_UTC, ISO_WITH_OFFSET } from './time-format.ts'

/** A conversion as SQL over a reference to a text column. */
export interface PrintedConversion {
  /** The typed value, NULL where the text does not fit. */
  readonly value: string
  /** The reject code of a text that does not fit (VARCHAR); evaluated for such rows only. */
  readonly code: string
}

const when = (condition: string, value: string): string => `CASE WHEN ${condition} THEN ${value} END`
const code = (value: RejectCode): string => text(value)

const INTEGER_TYPES = { 32: 'INTEGER', 64: 'BIGINT' } as const

/** Rounds decimal digits as text, exactly: the cut-off digits decide, and where they are a half, the rounding mode. */
function rounded(number: string, precision: number, scale: number, rounding: Exclude<Rounding, null>): string {
  const type = `DECIMAL(${precision},${scale})`
  const fraction = `regexp_extract(${number}, '\\.([0-9]+)$', 1)`
  const rest = `substr(${fraction}, ${scale + 1})`
  const whole = `regexp_replace(${number}, '\\.[0-9]*$', '')`
  const kept = `TRY_CAST(CASE WHEN ${whole} IN ('', '+', '-') THEN ${whole} || '0' ELSE ${whole} END || ${
    scale === 0 ? "''" : `'.' || rpad(left(${fraction}, ${scale}), ${scale}, '0')`
  } AS ${type})`
  const unit = `CAST(${text(scale === 0 ? '1' : `0.${'0'.repeat(scale - 1)}1`)} AS ${type})`
  const step = `CASE WHEN starts_with(${number}, '-') THEN -${unit} ELSE ${unit} END`
  const lastDigit = `right(rtrim(CAST(${kept} AS VARCHAR), '.'), 1)`
  const odd = isOneOf(lastDigit, ['1', '3', '5', '7', '9'])
  const up = rounding === 'half_up' ? `${rest} >= '5'` : `(${rest} >= '5' AND (rtrim(${rest}, '0') <> '5' OR ${odd}))`
  return `CASE WHEN ${up} THEN TRY_CAST(TRY(${kept} + ${step}) AS ${type}) ELSE ${kept} END`
}

function printInteger(column: string, bits: 32 | 64, form: NumberForm, rounding: Rounding): PrintedConversion {
  const type = INTEGER_TYPES[bits]
  const number = plainNumber(column, form)
  if (rounding === null)
    return {
      value: when(fullMatch(column, integerGrammar(form)), `TRY_CAST(${number} AS ${type})`),
      code: `CASE WHEN ${fullMatch(column, integerGrammar(form))} THEN ${code('out_of_range')} ELSE ${code('type_mismatch')} END`,
    }
  const grammar = fullMatch(column, decimalGrammar(form))
  return {
    value: when(grammar, `TRY_CAST(${rounded(number, 38, 0, rounding)} AS ${type})`),
    code: `CASE WHEN ${grammar} THEN ${code('out_of_range')} ELSE ${code('type_mismatch')} END`,
  }
}

function printDecimal(
  column: string,
  { precision, scale, form, rounding }: Extract<Conversion, { name: 'parse_decimal' }>,
): PrintedConversion {
  const number = plainNumber(column, form)
  const grammar = fullMatch(column, decimalGrammar(form))
  if (rounding !== null)
    return {
      value: when(grammar, rounded(number, precision, scale, rounding)),
      code: `CASE WHEN ${grammar} THEN ${code('out_of_range')} ELSE ${code('type_mismatch')} END`,
    }
  const exact = fullMatch(column, exactDecimalGrammar(form, scale))
  return {
    value: when(exact, `TRY_CAST(${number} AS DECIMAL(${precision},${scale}))`),
    code: `CASE WHEN ${exact} THEN ${code('out_of_range')} WHEN ${grammar} THEN ${code('scale_exceeded')} ELSE ${code('type_mismatch')} END`,
  }
}

function printDouble(column: string, form: NumberForm): PrintedConversion {
  const grammar = fullMatch(column, doubleGrammar(form))
  const value = `TRY_CAST(${plainNumber(column, form)} AS DOUBLE)`
  return {
    value: when(`${grammar} AND isfinite(${value})`, value),
    code: `CASE WHEN ${grammar} THEN ${code('out_of_range')} ELSE ${code('type_mismatch')} END`,
  }
}

/** Local time to UTC; a time that the zone's clocks skipped is NULL, of two instants with one local time the later is taken. */
function toUtc(local: string, timezone: string): string {
  if (timezone === 'UTC') return local
  const zone = text(timezone)
  const instant = `timezone(${zone}, ${local})`
  return `CASE WHEN timezone(${zone}, ${instant}) = ${local} THEN timezone('UTC', ${instant}) END`
}

function printTimestamp(
  column: string,
  { format, timezone, into }: Extract<Conversion, { name: 'parse_timestamp' }>,
): PrintedConversion {
  const grammar = fullMatch(column, grammarOfFormat(format))
  const parsed = `try_strptime(${column}, ${text(format)})`
  const date = {
    value: when(grammar, `CAST(${hasOffset(format) ? `timezone('UTC', ${parsed})` : parsed} AS DATE)`),
    code: `CASE WHEN ${grammar} THEN ${code('out_of_range')} ELSE ${code('type_mismatch')} END`,
  }
  if (into === 'date') return date
  if (hasOffset(format)) return { ...date, value: when(grammar, `timezone('UTC', ${parsed})`) }
  if (timezone === null)
    return {
      value: 'NULL::TIMESTAMP',
      code: `CASE WHEN ${grammar} THEN ${code('offset_missing')} ELSE ${code('type_mismatch')} END`,
    }
  return {
    value: when(grammar, toUtc(parsed, timezone)),
    code: `CASE WHEN NOT ${grammar} THEN ${code('type_mismatch')} WHEN ${parsed} IS NULL THEN ${code('out_of_range')} ELSE ${code('time_nonexistent')} END`,
  }
}

function printIso8601(column: string, timezone: string | null, into: 'timestamp' | 'date'): PrintedConversion {
  const local = fullMatch(column, ISO_LOCAL)
  const withOffset = fullMatch(column, ISO_WITH_OFFSET)
  const utc = fullMatch(column, ISO_UTC)
  const parsed = `TRY_CAST(${column} AS TIMESTAMP)`
  // The engine wants seconds before an offset, and no blank.
  const seconds = `CASE WHEN substr(${column}, 17, 1) = ':' THEN '' ELSE ':00' END`
  const complete = `left(${column}, 16) || ${seconds} || replace(substr(${column}, 17), ' ', '')`
  const instant = `timezone('UTC', TRY_CAST(${complete} AS TIMESTAMPTZ))`
  if (into === 'date')
    return {
      value: when(fullMatch(column, ISO_DATE), `TRY_CAST(${column} AS DATE)`),
      code: `CASE WHEN ${fullMatch(column, ISO_DATE)} THEN ${code('out_of_range')} ELSE ${code('type_mismatch')} END`,
    }
  if (timezone === null)
    return {
      value: `CASE WHEN ${utc} THEN ${parsed} WHEN ${withOffset} THEN ${instant} END`,
      code: `CASE WHEN ${withOffset} THEN ${code('out_of_range')} WHEN ${local} THEN ${code('offset_missing')} ELSE ${code('type_mismatch')} END`,
    }
  return {
    value: `CASE WHEN ${utc} THEN ${parsed} WHEN ${local} THEN ${toUtc(parsed, timezone)} WHEN ${withOffset} THEN ${instant} END`,
    code: `CASE WHEN ${withOffset} THEN ${code('out_of_range')} WHEN NOT ${local} THEN ${code('type_mismatch')} WHEN ${parsed} IS NULL THEN ${code('out_of_range')} ELSE ${code('time_nonexistent')} END`,
  }
}

/** Few values are compared one by one, which costs a fifth. */
const FEW_VALUES = 4

function printBoolean(column: string, yes: readonly string[], no: readonly string[]): PrintedConversion {
  const lower = `lower(${column})`
  const condition = (values: readonly string[]): string =>
    values.length > FEW_VALUES
      ? isOneOf(lower, values)
      : values.map((value) => `${lower} = ${text(value)}`).join(' OR ')
  const branch = (values: readonly string[], value: string): string =>
    values.length === 0 ? '' : ` WHEN ${condition(values.map((v) => v.toLowerCase()))} THEN ${value}`
  const branches = branch(yes, 'true') + branch(no, 'false')
  return { value: branches === '' ? 'NULL::BOOLEAN' : `CASE${branches} END`, code: code('type_mismatch') }
}

/** ISO dates by the engine's cast, which costs a fifth; the grammar was checked. */
const parseDate = (column: string, format: string): string =>
  format === '%Y-%m-%d' ? `TRY_CAST(${column} AS DATE)` : `CAST(try_strptime(${column}, ${text(format)}) AS DATE)`

/**
 * Whether the conversion takes no text with white space at its ends: then a trim before it can wait until the text as it
 * stands was refused.
 */
export function refusesOuterSpace(conversion: Conversion): boolean {
  const closed = (texts: readonly string[]): boolean => texts.every((value) => value === value.trim())
  switch (conversion.name) {
    case 'keep_text':
    case 'parse_json':
      return false
    case 'parse_boolean':
      return closed([...conversion.true, ...conversion.false])
    case 'parse_integer':
    case 'parse_decimal':
    case 'parse_double':
      return closed([conversion.form.decimal, conversion.form.group ?? '.'])
    case 'parse_date':
    case 'parse_timestamp':
      return closed([conversion.format])
    case 'parse_iso8601':
      return true
  }
}

export function printConversion(conversion: Conversion, column: string): PrintedConversion {
  switch (conversion.name) {
    case 'keep_text':
      return { value: column, code: code('type_mismatch') }
    case 'parse_integer':
      return printInteger(column, conversion.bits, conversion.form, conversion.rounding)
    case 'parse_decimal':
      return printDecimal(column, conversion)
    case 'parse_double':
      return printDouble(column, conversion.form)
    case 'parse_boolean':
      return printBoolean(column, conversion.true, conversion.false)
    case 'parse_date': {
      const grammar = fullMatch(column, grammarOfFormat(conversion.format))
      return {
        value: when(grammar, parseDate(column, conversion.format)),
        code: `CASE WHEN ${grammar} THEN ${code('out_of_range')} ELSE ${code('type_mismatch')} END`,
      }
    }
    case 'parse_timestamp':
      return printTimestamp(column, conversion)
    case 'parse_iso8601':
      return printIso8601(column, conversion.timezone, conversion.into)
    case 'parse_json':
      return { value: when(`json_valid(${column})`, column), code: code('malformed_json') }
  }
}

/** The engine's type of a value whose text, as the engine itself would write it, is always one that the grammar takes. */
function canonicalType(conversion: Conversion): string | null {
  switch (conversion.name) {
    case 'parse_integer':
      return conversion.form.decimal === '.' ? INTEGER_TYPES[conversion.bits] : null
    case 'parse_decimal':
      return conversion.form.decimal === '.' ? `DECIMAL(${conversion.precision},${conversion.scale})` : null
    case 'parse_date':
      return conversion.format === '%Y-%m-%d' ? 'DATE' : null
    case 'parse_iso8601':
      return conversion.into === 'date' ? 'DATE' : null
    default:
      return null
  }
}

/**
 * The typed value as by {@link printConversion}, cheaper for the many texts that are written as the engine would write them: of
 * those it is enough to write the value again and compare. Dates of ten characters have a year of four digits.
 *
 * @param column the name of a text column
 */
export function printQuickValue(conversion: Conversion, column: string): string {
  const exact = printConversion(conversion, column).value
  const type = canonicalType(conversion)
  if (type === null) return exact
  const quick = `TRY_CAST(${column} AS ${type})`
  const same = `CAST(${quick} AS VARCHAR) = ${column}${type === 'DATE' ? ` AND strlen(${column}) = 10` : ''}`
  return `CASE WHEN ${same} THEN ${quick} ELSE ${exact} END`
}
