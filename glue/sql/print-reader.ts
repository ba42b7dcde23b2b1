import type { ContractLimits } from '../../core/contract.ts'
import type { InputFormat, InputOptions } from '../../core/mapping.ts'
import type { Framing } from '../program.ts'
import { name, text, texts } from './literals.ts'

/** The text of source column `index` in every layer of the printed SQL. */
export const sourceColumn = (index: number): string => `s${index}`

/** A character that JSON text may not hold unescaped: no line of JSON is ever cut by it. */
const JSON_LINE_DELIMITER = '\u001f'

const jsonPath = (source: string): string =>
  source.startsWith('$') ? source : `$."${source.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

function readText(framing: Framing, columns: readonly string[]): string {
  const options = [
    'auto_detect = false',
    `header = ${framing.header}`,
    `delim = ${text(framing.delimiter)}`,
    `quote = ${text(framing.quote ?? '')}`,
    `escape = ${text(framing.escape ?? '')}`,
    `columns = {${columns.map((column) => `${text(column)}: 'VARCHAR'`).join(', ')}}`,
    `max_line_size = ${framing.maxRecordBytes + 2}`,
    'strict_mode = true',
    ...(columns.length === 1 ? ['allow_quoted_nulls = false'] : []),
  ]
  return `read_csv({input}, ${options.join(', ')})`
}

/** Lists, structs and maps become JSON text, all else the engine's text; the type is known when the statement is bound. */
const parquetText = (column: string): string =>
  `CASE WHEN regexp_matches(typeof(${column}), '(^(STRUCT|MAP|UNION)\\(|\\]$)') THEN CAST(to_json(${column}) AS VARCHAR) ELSE CAST(${column} AS VARCHAR) END`

function readJson(documents: string, sources: readonly string[]): string {
  const checked = `SELECT line, CASE WHEN json_valid(line) THEN CASE WHEN json_type(line) = 'OBJECT' THEN line END END AS doc FROM ${documents}`
  const fields = `SELECT line, doc, json_extract_string(doc, [${texts(sources.map(jsonPath))}]) AS f FROM (${checked})`
  const columns = sources.map((_, index) => `nullif(f[${index + 1}], '') AS ${sourceColumn(index)}`)
  return `SELECT ${['line', 'doc', ...columns].join(', ')} FROM (${sources.length === 0 ? checked : fields})`
}

/**
 * The innermost SELECT: every source column as text named s0, s1, …; for JSON also `line` (the record) and `doc` (NULL where
 * the record is no JSON object).
 */
export function printReader(format: InputFormat, framing: Framing | null, sources: readonly string[]): string {
  const columns = sources.map((_, index) => sourceColumn(index))
  switch (format) {
    case 'csv':
    case 'tsv': {
      if (framing === null) throw new TypeError(`Cannot read ${format} without framing`)
      // Of one column, an empty line is no record and an empty quoted field is one; the engine reads the one as NULL, the other as ''.
      if (columns.length === 1)
        return `SELECT nullif(s0, '') AS s0 FROM ${readText(framing, columns)} WHERE s0 IS NOT NULL`
      return `SELECT ${columns.join(', ')} FROM ${readText(framing, columns)}`
    }
    case 'json_lines': {
      if (framing === null) throw new TypeError('Cannot read json_lines without framing')
      return readJson(`(SELECT line FROM ${readText(framing, ['line'])} WHERE line IS NOT NULL)`, sources)
    }
    case 'json_array':
      return readJson(
        `(SELECT CAST(json AS VARCHAR) AS line FROM read_json_objects({input}, format = 'array', maximum_object_size = 67108864))`,
        sources,
      )
    case 'parquet': {
      const texts = sources.map((source, index) => `nullif(${parquetText(name(source))}, '') AS ${sourceColumn(index)}`)
      return `SELECT ${texts.join(', ')} FROM read_parquet({input})`
    }
  }
}

/** Framing of the formats that are read as lines of text; `null` for the others. */
export function framingOf(
  input: InputOptions,
  columns: number,
  { rowBytes: maxRecordBytes, rawCharacters: maxRawBytes }: Pick<ContractLimits, 'rowBytes' | 'rawCharacters'>,
): Framing | null {
  switch (input.format) {
    case 'csv':
    case 'tsv':
      return {
        delimiter: input.delimiter,
        quote: input.quote === '' ? null : input.quote,
        escape: input.quote === '' ? null : input.escape === '' ? input.quote : input.escape,
        header: input.header,
        columns,
        maxRecordBytes,
        maxRawBytes,
        columnCode: 'column_count',
      }
    case 'json_lines':
      return {
        delimiter: JSON_LINE_DELIMITER,
        quote: null,
        escape: null,
        header: false,
        columns: 1,
        maxRecordBytes,
        maxRawBytes,
        columnCode: 'malformed_json',
      }
    default:
      return null
  }
}
