import { isJsonObject } from '../core/json.ts'
import type { QualityColumn } from './quality-plan.ts'

/** Kinds of values that Spark treats alike in implicit casts; `int` is every whole number up to 32 bits. */
export type SparkKind = 'text' | 'int' | 'bigint' | 'decimal' | 'float' | 'double' | 'boolean' | 'date' | 'timestamp'

const OF_DUCKDB: readonly (readonly [RegExp, SparkKind])[] = [
  [/^VARCHAR$/, 'text'],
  [/^(?:TINYINT|SMALLINT|INTEGER)$/, 'int'],
  [/^BIGINT$/, 'bigint'],
  [/^DECIMAL\(/, 'decimal'],
  [/^FLOAT$/, 'float'],
  [/^DOUBLE$/, 'double'],
  [/^BOOLEAN$/, 'boolean'],
  [/^DATE$/, 'date'],
  [/^TIMESTAMP/, 'timestamp'],
]
const OF_SPARK: Readonly<Record<string, SparkKind>> = {
  string: 'text',
  text: 'text',
  var_char: 'text',
  tiny_int: 'int',
  small_int: 'int',
  int: 'int',
  big_int: 'bigint',
  decimal: 'decimal',
  float: 'float',
  double: 'double',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp',
}

/** The kind of a type in a CAST of the parsed tree. */
export const kindOfSparkType = (type: unknown): SparkKind | null =>
  isJsonObject(type) && typeof type.data_type === 'string' ? (OF_SPARK[type.data_type] ?? null) : null

/** Kinds by lower-case name of the columns of all tables; a name that means two kinds is left out. */
export function kindsOfColumns(tables: readonly (readonly QualityColumn[])[]): ReadonlyMap<string, SparkKind> {
  const kinds = new Map<string, SparkKind | null>()
  for (const { name, duckdbType } of tables.flat()) {
    const kind = OF_DUCKDB.find(([pattern]) => pattern.test(duckdbType))?.[1] ?? null
    const key = name.toLowerCase()
    kinds.set(key, kinds.has(key) && kinds.get(key) !== kind ? null : kind)
  }
  return new Map([...kinds].flatMap(([name, kind]) => (kind === null ? [] : [[name, kind] as const])))
}

export const isWhole = (kind: SparkKind | null): boolean => kind === 'int' || kind === 'bigint'
export const isApproximate = (kind: SparkKind | null): boolean => kind === 'float' || kind === 'double'
export const isNumber = (kind: SparkKind | null): boolean => isWhole(kind) || isApproximate(kind) || kind === 'decimal'

const WIDENING: readonly SparkKind[] = ['int', 'bigint', 'decimal', 'float', 'double']
/** The kind that holds values of all these kinds; `null` where one is not known or they do not go together. */
export function widest(kinds: readonly (SparkKind | null)[]): SparkKind | null {
  const [first = null] = kinds
  if (kinds.every((kind) => kind === first)) return first
  if (kinds.includes(null)) return null
  if (kinds.includes('text')) return kinds.includes('boolean') ? null : 'text'
  if (kinds.every(isNumber)) return WIDENING[Math.max(...kinds.map((kind) => WIDENING.indexOf(kind ?? 'int')))] ?? null
  return kinds.every((kind) => kind === 'date' || kind === 'timestamp') ? 'timestamp' : null
}
