import { identifier, literal } from '../../dqdl/sql.ts'
import type { Choices } from './random.ts'

export type ColumnKind =
  | 'text'
  | 'number_text'
  | 'date_text'
  | 'integer'
  | 'floating'
  | 'decimal'
  | 'boolean'
  | 'date'
  | 'timestamp'

/** A column of test data; values are SQL expressions of DuckDB. */
export interface TestColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly duckdbType: string
  readonly values: readonly string[]
}
export interface TestTable {
  readonly name: string
  readonly columns: readonly TestColumn[]
}

export interface ColumnType {
  readonly kind: ColumnKind
  readonly duckdbType: string
  /** Values that engines treat differently, if anything. */
  readonly pool: readonly string[]
}

const texts = (...values: readonly string[]): readonly string[] => values.map(literal)
/**
 * Before the comparison starts. The reference has no clock but the machine's, so ages keep away from every operand by more
 * than a comparison takes, and days by more than one: the outcomes are the same at any hour of any day.
 */
const hoursAgo = (hours: number): string => `(TIMESTAMP '{now}' - INTERVAL ${hours * 60} MINUTE)`

export const COLUMN_TYPES: readonly ColumnType[] = [
  {
    kind: 'text',
    duckdbType: 'VARCHAR',
    pool: texts(
      'a',
      'b',
      'abc',
      'A',
      '',
      ' ',
      '   ',
      'Grüße',
      '日本',
      '😀',
      "O'Brien",
      'a b',
      ' a',
      'a ',
      'null',
      'NULL',
      '\\d',
      'x"y',
      'a.b',
      '%',
      '\t',
      ' \t ',
      'Ａ',
    ),
  },
  {
    kind: 'number_text',
    duckdbType: 'VARCHAR',
    pool: texts(
      '1',
      '2',
      '-3',
      '+5',
      ' 7 ',
      '12.5',
      '1e3',
      '0x10',
      '1_000',
      '2147483648',
      '9223372036854775808',
      'NaN',
      'Infinity',
      'true',
      'no',
      '',
      '1.5d',
      '.5',
      '5.',
      '-0',
      '١٢',
      'inf',
      '1,5',
    ),
  },
  {
    kind: 'date_text',
    duckdbType: 'VARCHAR',
    pool: texts(
      '2024-05-20',
      '2024-02-30',
      '2024-5-2',
      '2024',
      '2024-05',
      '2024-05-20 22:00:00',
      '2024-05-20T00:00:00Z',
      '20-05-2024',
      '05/20/2024',
      '20240520',
      ' 2024-05-20 ',
      '',
      'yesterday',
      '2024-05-20 25:00:00',
      '1899-12-31',
    ),
  },
  { kind: 'integer', duckdbType: 'INTEGER', pool: ['0', '1', '2', '3', '5', '-7', '2147483647', '-2147483648'] },
  {
    kind: 'integer',
    duckdbType: 'BIGINT',
    pool: ['0', '1', '2', '9007199254740993', '9223372036854775807', '-9223372036854775808', '42'],
  },
  {
    kind: 'floating',
    duckdbType: 'DOUBLE',
    pool: [
      "'NaN'::DOUBLE",
      "'Infinity'::DOUBLE",
      "'-Infinity'::DOUBLE",
      "'-0.0'::DOUBLE",
      '0.0',
      '1.5',
      '2.25',
      '0.1',
      '1e300',
      '1e-300',
      '-4.5',
    ],
  },
  { kind: 'floating', duckdbType: 'DOUBLE', pool: ['0.0', '1.5', '2.25', '0.1', '-4.5', '100.0', '7.0', '7.0'] },
  { kind: 'decimal', duckdbType: 'DECIMAL(12,2)', pool: ['0.00', '0.10', '10.50', '20.00', '-3.25', '9999999999.99'] },
  {
    kind: 'decimal',
    duckdbType: 'DECIMAL(38,10)',
    pool: [
      '0.1',
      '1234567890123456789012345678.0123456789',
      '-1234567890123456789012345678.0123456789',
      '1.0000000001',
      '1',
      '2',
    ],
  },
  { kind: 'boolean', duckdbType: 'BOOLEAN', pool: ['true', 'false'] },
  {
    kind: 'date',
    duckdbType: 'DATE',
    pool: ["DATE '2024-05-20'", "DATE '2024-05-21'", "DATE '2023-12-31'", "DATE '2024-02-29'", "DATE '1970-01-01'"],
  },
  {
    kind: 'timestamp',
    duckdbType: 'TIMESTAMP',
    pool: [
      "TIMESTAMP '2024-05-20 00:00:00'",
      "TIMESTAMP '2024-05-20 23:59:59.999999'",
      "TIMESTAMP '2024-05-21 00:00:00'",
      "TIMESTAMP '2024-05-20 22:00:00'",
      "TIMESTAMP '1969-12-31 23:59:59'",
    ],
  },
  {
    kind: 'timestamp',
    duckdbType: 'TIMESTAMP',
    pool: [hoursAgo(0.25), hoursAgo(6.25), hoursAgo(200.25), hoursAgo(500.25)],
  },
  { kind: 'floating', duckdbType: 'FLOAT', pool: ['0.5', '0.25', '-1.5', '3.0', "'NaN'::FLOAT", '100.0'] },
  { kind: 'integer', duckdbType: 'SMALLINT', pool: ['1', '2', '-32768', '32767', '0'] },
  { kind: 'decimal', duckdbType: 'DECIMAL(38,0)', pool: ['1', '99999999999999999999999999999999999999', '-5', '2'] },
]

const NAMES = [
  'id',
  'name',
  'order id',
  'Region',
  'amount',
  'a.b',
  'UPPER',
  'note',
  'größe',
  'x1',
  'key',
  'at',
  'with-dash',
  '1st',
  'select',
  'Rules',
] as const

/** A table with columns of random types and values; `rows` of them. */
export function randomTable(name: string, rows: number, choices: Choices): TestTable {
  const nullShare = choices.pick([0, 0, 0.15, 0.4])
  const columns = choices.some(NAMES, 7).map((column): TestColumn => {
    const { kind, duckdbType, pool } = choices.pick(COLUMN_TYPES)
    const usual = choices.some(pool, choices.pick([2, 4, pool.length]))
    const values = Array.from({ length: rows }, () => (choices.chance(nullShare) ? 'NULL' : choices.pick(usual)))
    return { name: column, kind, duckdbType, values }
  })
  const id: TestColumn = {
    name: 'row_key',
    kind: 'integer',
    duckdbType: 'INTEGER',
    values: Array.from({ length: rows }, (_, index) => String(index + 1)),
  }
  return { name, columns: [id, ...columns] }
}

/** One column of every type, every value of its pool and NULL in it. */
function everyValue(name: string, pick: (type: ColumnType, index: number) => readonly string[]): TestTable {
  const columns = COLUMN_TYPES.map((type, index) => ({
    ...type,
    name: `c${index}_${type.kind}`,
    values: pick(type, index),
  }))
  const rows = Math.max(...columns.map(({ values }) => values.length))
  return {
    name,
    columns: columns.map(({ kind, duckdbType, values, name: column }) => ({
      name: column,
      kind,
      duckdbType,
      values: Array.from({ length: rows }, (_, row) => values[row % Math.max(1, values.length)] ?? 'NULL'),
    })),
  }
}

const named = ({ columns }: TestTable, name: string, names: readonly string[]): TestTable => ({
  name,
  columns: columns.slice(0, names.length).map((column, index) => ({ ...column, name: names[index] ?? column.name })),
})

/** The tables that stand for the ways data can be. */
export function standingTables(): readonly TestTable[] {
  const clean = everyValue('clean', ({ pool }) => pool)
  const empty = everyValue('no_row', () => [])
  return [
    clean,
    everyValue('nulls', ({ pool }) => [...pool, 'NULL']),
    everyValue('one_row', ({ pool }) => pool.slice(0, 1)),
    everyValue('all_null', () => ['NULL', 'NULL']),
    everyValue('duplicates', ({ pool }) => [...pool.slice(0, 2), ...pool.slice(0, 2)]),
    everyValue('distinct', ({ pool }) => pool.slice(0, 2)),
    { name: 'no_row', columns: empty.columns.map((column) => ({ ...column, values: [] })) },
    named(clean, 'names', ['order id', 'a.b', 'CamelCase', 'UPPER', 'größe', 'x', 'with-dash', '1st', 'Rules', 'end']),
  ]
}

export const instantOf = (now: Date): string => now.toISOString().slice(0, 19).replace('T', ' ')

/** A SELECT of the table's rows. */
export function selectOf({ columns }: TestTable, now: Date): string {
  const rows = columns[0]?.values.length ?? 0
  const cast = (value: string, { duckdbType }: TestColumn): string =>
    `CAST(${value.replace('{now}', instantOf(now))} AS ${duckdbType})`
  const selects = Array.from(
    { length: Math.max(1, rows) },
    (_, row) =>
      `SELECT ${columns.map((column) => `${cast(column.values[row] ?? 'NULL', column)} AS ${identifier(column.name)}`).join(', ')}`,
  )
  return `SELECT * FROM (${selects.join(' UNION ALL ')})${rows === 0 ? ' WHERE false' : ''}`
}
