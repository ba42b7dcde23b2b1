import type { Contract, ContractColumn } from '../core/contract.ts'
import { SluiceError } from '../core/errors.ts'
import type { InputOptions, Mapping, MappingField, Transform } from '../core/mapping.ts'
import { name, text } from './sql/literals.ts'

export interface GenerateRequest {
  readonly contract: Contract
  readonly mapping: Mapping
  readonly rows: number
  /** Equal seeds give equal files. */
  readonly seed: number
  /** Share of rows (0 to 1) that are broken in one of six ways. */
  readonly defects: number
  readonly path: string
}

/** Ways to break a row: too few columns, too many, a word for a number, no key, too many decimals, an impossible date. */
const DEFECT_KINDS = 6

const draw = (seed: number, purpose: number): string => `hash(i, ${seed}, ${purpose})`
const pick = (seed: number, purpose: number, values: readonly string[]): string =>
  `([${values.map(text).join(', ')}])[1 + CAST(${draw(seed, purpose)} % ${values.length} AS INTEGER)]`

/**
 * Orders as typed rows. One row in a hundred is a later version of an earlier order; every value is a function of the row's
 * number and the seed.
 */
function ordersRows(rows: number, seed: number): string {
  const d = (purpose: number): string => draw(seed, purpose)
  return `SELECT i,
    CASE WHEN i > 100 AND ${d(1)} % 100 = 0 THEN CAST(${d(2)} % i AS BIGINT) ELSE i END AS number,
    CAST(${d(3)} % 250000 AS BIGINT) AS customer,
    CAST(1 + ${d(4)} % 9 AS INTEGER) AS quantity,
    CAST(100 + ${d(5)} % 49900 AS BIGINT) AS cents,
    TIMESTAMP '2025-01-01 00:00:00' + to_seconds(CAST(i % 20000000 AS BIGINT)) AS updated_at
    FROM range(${rows}) t(i)`
}

/** The columns of the contract as DuckDB expressions over {@link ordersRows}. */
const ordersColumns = (seed: number): Readonly<Record<string, string>> => ({
  order_id: "'o' || lpad(CAST(number AS VARCHAR), 8, '0')",
  customer_id: "'c' || CAST(customer AS VARCHAR)",
  customer_email: `CASE WHEN ${draw(seed, 6)} % 5 = 0 THEN 'c' || CAST(customer AS VARCHAR) || '@x.org' END`,
  status: pick(seed, 7, ['new', 'paid', 'packed', 'shipped', 'returned', 'cancelled']),
  quantity: 'quantity',
  unit_price: 'CAST(cents / 100 AS DECIMAL(12,2))',
  amount: 'CAST(quantity * cents / 100 AS DECIMAL(14,2))',
  currency: pick(seed, 8, ['EUR', 'USD', 'AUD']),
  discount: `CASE WHEN ${draw(seed, 9)} % 4 = 0 THEN CAST(${draw(seed, 10)} % 30 AS DOUBLE) / 100 END`,
  express: `${draw(seed, 11)} % 8 = 0`,
  ordered_on: 'CAST(updated_at AS DATE)',
  updated_at: 'updated_at',
  note: `CASE WHEN ${draw(seed, 12)} % 20 = 0 THEN ${pick(seed, 13, ['gift, please wrap', 'said "ring twice"', 'leave at door'])} END`,
})

const find = <N extends Transform['name']>(
  field: MappingField,
  wanted: N,
): Extract<Transform, { name: N }> | undefined =>
  field.transforms.find((transform): transform is Extract<Transform, { name: N }> => transform.name === wanted)

function writeNumber(value: string, column: ContractColumn, field: MappingField): string {
  const plain = `CAST(${value} AS VARCHAR)`
  const form = find(field, 'parse_number')
  if (form === undefined) return plain
  const { decimal, group } = form
  if (group === null || column.type.kind === 'double')
    return decimal === '.' ? plain : `replace(${plain}, '.', ${text(decimal)})`
  const format = column.type.kind === 'decimal' ? `{:,.${column.type.scale}f}` : '{:,}'
  return `translate(format('${format}', ${value}), ',.', ${text(group + decimal)})`
}

function writeTime(value: string, column: ContractColumn, field: MappingField, input: InputOptions): string {
  const format = find(field, 'parse_date')?.format ?? find(field, 'parse_timestamp')?.format
  const zone = find(field, 'parse_timestamp')?.timezone ?? input.timezone ?? 'UTC'
  if (column.type.kind === 'date') return `strftime(${value}, ${text(format ?? '%Y-%m-%d')})`
  if (format === undefined) return `strftime(${value}, '%Y-%m-%dT%H:%M:%SZ')`
  const local = zone === 'UTC' ? value : `timezone(${text(zone)}, timezone('UTC', ${value}))`
  return `strftime(${local}, ${text(format)})`
}

function writeText(value: string, field: MappingField): string {
  const map = find(field, 'map_values')
  if (map === undefined) return value
  const entries = Object.entries(map.values).map(([from, to]) => `${text(to)}: ${text(from)}`)
  return `(MAP {${entries.join(', ')}})[${value}]`
}

/** A typed value in the tenant's form: what the mapping's transforms turn back into it. */
function writeValue(value: string, column: ContractColumn, field: MappingField, input: InputOptions): string {
  switch (column.type.kind) {
    case 'integer':
    case 'bigint':
    case 'decimal':
    case 'double':
      return writeNumber(value, column, field)
    case 'boolean': {
      const form = find(field, 'parse_boolean')
      return `CASE WHEN ${value} THEN ${text(form?.true[0] ?? 'true')} ELSE ${text(form?.false[0] ?? 'false')} END`
    }
    case 'date':
    case 'timestamp':
      return writeTime(value, column, field, input)
    default:
      return writeText(value, field)
  }
}

const quoted = (value: string, { delimiter, quote }: InputOptions): string =>
  `CASE WHEN contains(${value}, ${text(delimiter)}) OR contains(${value}, ${text(quote)}) THEN ${text(quote)} || replace(${value}, ${text(quote)}, ${text(quote + quote)}) || ${text(quote)} ELSE ${value} END`

function breakValue(target: string, value: string): string {
  const broken = (kind: number, wrong: string): string => `CASE WHEN defect = ${kind} THEN ${wrong} ELSE ${value} END`
  if (target === 'quantity') return broken(2, "'many'")
  if (target === 'order_id') return broken(3, "''")
  if (target === 'unit_price') return broken(4, `${value} || '5'`)
  return target === 'ordered_on' ? broken(5, "'31.02.2025'") : value
}

function writeField(field: MappingField, { contract, mapping, seed }: GenerateRequest): string {
  const column = contract.columns.find(({ name: candidate }) => candidate === field.target)
  const value = ordersColumns(seed)[field.target]
  if (column === undefined || value === undefined)
    throw new SluiceError('invalid_mapping', `Cannot generate column "${field.target}"`, { found: field.target })
  const written = breakValue(field.target, writeValue(value, column, field, mapping.input))
  return `coalesce(${quoted(`(${written})`, mapping.input)}, ${text(mapping.input.nullValues[0] ?? '')})`
}

/**
 * Statements that write a file of orders in the form of a tenant's mapping (csv or tsv): deterministic, streaming, in order.
 *
 * @throws SluiceError `unsupported_format`, `invalid_mapping`
 */
export function printGenerator(request: GenerateRequest): readonly string[] {
  const { mapping, rows, seed, defects, path } = request
  const { format, delimiter } = mapping.input
  if (format !== 'csv' && format !== 'tsv')
    throw new SluiceError('unsupported_format', `Cannot generate ${format}: expected csv or tsv`, { found: format })
  const fields = mapping.fields.filter(({ sources }) => sources.length === 1)
  const values = fields.map((field) => writeField(field, request))
  const separated = (parts: readonly string[]): string => parts.join(` || ${text(delimiter)} || `)
  const defect = `CASE WHEN ${draw(seed, 20)} % 1000000 < ${Math.round(defects * 1_000_000)} THEN CAST(${draw(seed, 21)} % ${DEFECT_KINDS} AS INTEGER) ELSE -1 END AS defect`
  const header = fields.map(({ sources }) => sources[0] ?? '').join(delimiter)
  const head = `concat_ws(${text(delimiter)}, ${values.slice(0, -2).join(', ')})`
  const tail = separated(values.slice(-2))
  const line = `${head} || CASE defect WHEN 0 THEN '' WHEN 1 THEN ${text(delimiter)} || ${tail} || ${text(`${delimiter}?`)} ELSE ${text(delimiter)} || ${tail} END`
  return [
    "SET TimeZone = 'UTC'",
    `COPY (SELECT ${line} AS ${name(header)} FROM (SELECT *, ${defect} FROM (${ordersRows(rows, seed)}))) TO ${text(path)} (FORMAT csv, HEADER true, DELIMITER '\u001f', QUOTE '\u001e', ESCAPE '\u001e')`,
  ]
}
