import {
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Float64,
  Int32,
  Int64,
  TimestampMicrosecond,
  Type,
  Utf8,
} from 'apache-arrow'
import { SluiceError } from './errors.ts'

/**
 * The project's type language: `string(n) integer bigint decimal(p,s) double boolean date timestamp json`.
 * `string(n)` counts characters (Unicode code points). Timestamps are UTC instants with microseconds.
 */
export type ColumnType =
  | { readonly kind: 'string'; readonly maxCharacters: number }
  | { readonly kind: 'integer' }
  | { readonly kind: 'bigint' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'double' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'date' }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'json' }

/** Redshift's widest VARCHAR, in bytes. */
export const MAX_VARCHAR_BYTES = 65_535
const SIMPLE = ['integer', 'bigint', 'double', 'boolean', 'date', 'timestamp', 'json'] as const

const refuse = (text: string, expected: string): never => {
  throw new SluiceError('invalid_type', `Cannot read column type "${text}": expected ${expected}`, {
    expected,
    found: text,
  })
}

/** @throws SluiceError `invalid_type` */
export function parseColumnType(text: string): ColumnType {
  const simple = SIMPLE.find((kind) => kind === text)
  if (simple !== undefined) return { kind: simple }
  const string = /^string\((\d{1,5})\)$/.exec(text)
  if (string !== null) {
    const maxCharacters = Number(string[1])
    if (maxCharacters < 1 || maxCharacters > MAX_VARCHAR_BYTES)
      return refuse(text, `string(n) with n from 1 to ${MAX_VARCHAR_BYTES}`)
    return { kind: 'string', maxCharacters }
  }
  const decimal = /^decimal\((\d{1,2}),\s?(\d{1,2})\)$/.exec(text)
  if (decimal !== null) {
    const precision = Number(decimal[1])
    const scale = Number(decimal[2])
    if (precision < 1 || precision > 38 || scale > precision)
      return refuse(text, 'decimal(p,s) with p from 1 to 38 and s up to p')
    return { kind: 'decimal', precision, scale }
  }
  return refuse(text, 'string(n), integer, bigint, decimal(p,s), double, boolean, date, timestamp or json')
}

export const printColumnType = (type: ColumnType): string => {
  if (type.kind === 'string') return `string(${type.maxCharacters})`
  if (type.kind === 'decimal') return `decimal(${type.precision},${type.scale})`
  return type.kind
}

/** The canonical (Arrow) type; lengths of strings are not part of it. */
export function arrowTypeOf(type: ColumnType): DataType {
  switch (type.kind) {
    case 'string':
    case 'json':
      return new Utf8()
    case 'integer':
      return new Int32()
    case 'bigint':
      return new Int64()
    case 'decimal':
      return new Decimal(type.scale, type.precision, 128)
    case 'double':
      return new Float64()
    case 'boolean':
      return new Bool()
    case 'date':
      return new DateDay()
    case 'timestamp':
      return new TimestampMicrosecond()
  }
}

/** A column of a table or file: the Arrow type, and for text how many bytes of UTF-8 it may hold. */
export interface PhysicalColumn {
  readonly name: string
  readonly arrow: DataType
  /** Only for Utf8: the widest value in bytes; at most {@link MAX_VARCHAR_BYTES}. */
  readonly maxBytes: number | null
  readonly nullable: boolean
}

/** UTF-8 needs up to four bytes a character; `json` takes all that a VARCHAR holds. */
export const maxBytesOf = (type: ColumnType): number | null => {
  if (type.kind === 'json') return MAX_VARCHAR_BYTES
  if (type.kind === 'string') return Math.min(type.maxCharacters * 4, MAX_VARCHAR_BYTES)
  return null
}

type Dialect = 'duckdb' | 'redshift' | 'glue'

const DECIMAL: Record<Dialect, string> = { duckdb: 'DECIMAL', redshift: 'DECIMAL', glue: 'decimal' }
const NAMES: Partial<Record<Type, Record<Dialect, string>>> = {
  [Type.Int32]: { duckdb: 'INTEGER', redshift: 'INTEGER', glue: 'int' },
  [Type.Int64]: { duckdb: 'BIGINT', redshift: 'BIGINT', glue: 'bigint' },
  [Type.Float64]: { duckdb: 'DOUBLE', redshift: 'DOUBLE PRECISION', glue: 'double' },
  [Type.Bool]: { duckdb: 'BOOLEAN', redshift: 'BOOLEAN', glue: 'boolean' },
  [Type.DateDay]: { duckdb: 'DATE', redshift: 'DATE', glue: 'date' },
  [Type.TimestampMicrosecond]: { duckdb: 'TIMESTAMP', redshift: 'TIMESTAMP', glue: 'timestamp' },
}

/** Arrow's `typeId` says Int, Float, … ; its concrete classes carry the width, which `NAMES` is keyed by. */
const concreteType = (arrow: DataType): Type => {
  for (const [type, id] of [
    [Int32, Type.Int32],
    [Int64, Type.Int64],
    [Float64, Type.Float64],
    [Bool, Type.Bool],
    [DateDay, Type.DateDay],
    [TimestampMicrosecond, Type.TimestampMicrosecond],
  ] as const) {
    if (arrow instanceof type) return id
  }
  return arrow.typeId
}

/** Prints a column's type for DuckDB, Redshift or the Glue catalog: the one place in which dialects are printed. */
export function printPhysicalType(column: Pick<PhysicalColumn, 'arrow' | 'maxBytes'>, dialect: Dialect): string {
  const { arrow } = column
  if (arrow instanceof Decimal) return `${DECIMAL[dialect]}(${arrow.precision},${arrow.scale})`
  if (arrow instanceof Utf8) {
    if (dialect === 'redshift') return `VARCHAR(${column.maxBytes ?? MAX_VARCHAR_BYTES})`
    return dialect === 'duckdb' ? 'VARCHAR' : 'string'
  }
  const names = NAMES[concreteType(arrow)]
  if (names === undefined)
    throw new SluiceError('invalid_type', `Cannot print Arrow type ${String(arrow)} for ${dialect}`)
  return names[dialect]
}
