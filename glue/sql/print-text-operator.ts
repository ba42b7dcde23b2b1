import type { RejectCode, TextOperator } from '../intermediate.ts'
import { isOneOf, regexLiteral, text } from './literals.ts'

/** A text operator as SQL over a column reference; `failure` is true where the value makes the row a reject. */
export interface PrintedText {
  readonly value: string
  readonly failure: { readonly when: string; readonly code: RejectCode } | null
}

const plain = (value: string): PrintedText => ({ value, failure: null })
/** White space of Unicode that people type or paste: blanks, tabs, line ends, no-break spaces. */
const SPACE = '[\\s\\x{00A0}\\x{2000}-\\x{200A}\\x{202F}\\x{205F}\\x{3000}\\x{FEFF}]'

const emptyIsNone = (value: string): string => `nullif(${value}, '')`

const trimmed = (column: string): string => `regexp_replace(${column}, ${text(`^${SPACE}+|${SPACE}+$`)}, '', 'g')`

/** Text without white space at its ends, NULL where nothing is left. */
export const printTrim = (column: string): string => emptyIsNone(trimmed(column))

/** As {@link printTrim}, cheap for the many texts that have none: only what may begin or end in white space is searched for it. */
function printQuickTrim(column: string): string {
  const ends = [' ', '\t', '\n', '\r', '\f'].map((end) => `suffix(${column}, ${text(end)})`)
  const suspect = [`${column} < '!'`, ...ends, `strlen(${column}) <> length(${column})`].join(' OR ')
  return `CASE WHEN ${suspect} THEN ${printTrim(column)} ELSE ${column} END`
}

const mapOf = (values: Readonly<Record<string, string>>): string =>
  `MAP {${Object.entries(values)
    .map(([from, to]) => `${text(from)}: ${text(to)}`)
    .join(', ')}}`

function printMap(
  column: string,
  values: Readonly<Record<string, string>>,
  otherwise: 'reject' | 'keep' | 'null',
  code: RejectCode,
): PrintedText {
  const entries = Object.keys(values).length
  const found = entries === 0 ? 'NULL::VARCHAR' : `(${mapOf(values)})[${column}]`
  if (otherwise === 'keep') return plain(emptyIsNone(`coalesce(${found}, ${column})`))
  const missed = entries === 0 ? 'true' : `NOT ${isOneOf(column, Object.keys(values))}`
  return {
    value: emptyIsNone(found),
    failure: otherwise === 'reject' ? { when: `${column} IS NOT NULL AND ${missed}`, code } : null,
  }
}

const longestFirst = (values: readonly string[]): readonly string[] =>
  [...values].sort((a, b) => b.length - a.length || (a < b ? -1 : 1))

/** `AU$ 1,234.5`, `1234.50 EUR`, `-$5`: sign, symbol or code in front or behind, number with `,` as grouping mark. */
function printCurrency(
  column: string,
  part: 'amount' | 'code',
  symbols: Readonly<Record<string, string>>,
): PrintedText {
  const known = longestFirst(Object.keys(symbols)).map(regexLiteral)
  const unit = `(${[...known, '[A-Za-z]{3}'].join('|')})?`
  const number = '((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\\.[0-9]+)?)'
  const pattern = `${SPACE}*([+-]?)${SPACE}*${unit}${SPACE}*([+-]?)${number}${SPACE}*${unit}${SPACE}*`
  const group = (index: number): string => `regexp_extract(${column}, ${text(`^${pattern}$`)}, ${index})`
  const failure = {
    when: `${column} IS NOT NULL AND NOT regexp_full_match(${column}, ${text(pattern)})`,
    code: 'type_mismatch' as const,
  }
  if (part === 'amount') {
    const amount = `${group(1)} || ${group(3)} || replace(${group(4)}, ',', '')`
    return { value: emptyIsNone(amount), failure }
  }
  const symbol = `${group(2)} || ${group(5)}`
  const mapped = known.length === 0 ? 'NULL::VARCHAR' : `(${mapOf(symbols)})[${symbol}]`
  return { value: emptyIsNone(`coalesce(${mapped}, upper(${symbol}))`), failure }
}

/** Prints one operator over a reference to a text column. `concat` is printed by the reader of its sources. */
export function printTextOperator(operator: TextOperator, column: string): PrintedText {
  switch (operator.name) {
    case 'trim':
      return plain(printQuickTrim(column))
    case 'collapse_whitespace':
      return plain(emptyIsNone(`trim(regexp_replace(${column}, ${text(`${SPACE}+`)}, ' ', 'g'))`))
    case 'uppercase':
      return plain(`upper(${column})`)
    case 'lowercase':
      return plain(`lower(${column})`)
    case 'null_if':
    case 'null_texts':
      return plain(
        operator.values.length === 0
          ? column
          : `CASE WHEN ${isOneOf(column, operator.values)} THEN NULL ELSE ${column} END`,
      )
    case 'map_values':
      return printMap(column, operator.values, operator.otherwise, 'not_in_map')
    case 'lookup':
      return printMap(column, operator.table, operator.otherwise, 'reference_miss')
    case 'default':
      return plain(`coalesce(${column}, ${text(operator.value)})`)
    case 'constant':
      return plain(emptyIsNone(text(operator.value)))
    case 'concat':
      return plain(column)
    case 'regex_extract':
      return plain(emptyIsNone(`regexp_extract(${column}, ${text(operator.pattern)}, ${operator.group})`))
    case 'hash':
      return plain(`sha256(${column})`)
    case 'mask':
      return plain(
        `CASE WHEN length(${column}) > ${operator.keepLast} THEN repeat('*', length(${column}) - ${operator.keepLast}) || ${
          operator.keepLast === 0 ? "''" : `right(${column}, ${operator.keepLast})`
        } ELSE repeat('*', length(${column})) END`,
      )
    case 'normalize_currency':
      return printCurrency(column, operator.part, operator.symbols)
  }
}
