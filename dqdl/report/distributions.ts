import type { QualityConnection } from '../execute.ts'
import type { QualityColumn } from '../quality-plan.ts'
import { familyOf, identifier, isNumeric } from '../sql.ts'

/** How the values of one column lie. */
export interface Distribution {
  readonly column: string
  readonly rows: number
  readonly nulls: number
  /** `numbers` and `days` in bins of one width, `texts` by their most frequent values. */
  readonly kind: 'numbers' | 'days' | 'texts'
  readonly bars: readonly {
    /** Of a text: the value. Of a bin: empty. */
    readonly label: string
    readonly rows: number
  }[]
  /** Ends of the first and the last bin: numbers, or seconds since 1970 for days. `null` for texts. */
  readonly range: { readonly low: number; readonly high: number } | null
}

const BINS = 28
const TOP_VALUES = 6

interface Extent {
  readonly column: string
  readonly kind: 'numbers' | 'days'
  readonly value: string
  readonly low: number
  readonly high: number
  readonly nulls: number
  readonly rows: number
}

const positionOf = ({ name, duckdbType }: QualityColumn): string => {
  const family = familyOf(duckdbType)
  const column = identifier(name)
  if (family === 'floating') return `CASE WHEN isfinite(${column}) THEN ${column}::DOUBLE END`
  if (isNumeric(family)) return `${column}::DOUBLE`
  return `CASE WHEN isfinite(${column}) THEN epoch(${column}) END`
}
const isOnLine = ({ duckdbType }: QualityColumn): boolean => {
  const family = familyOf(duckdbType)
  return isNumeric(family) || family === 'date' || family === 'timestamp'
}

/** Least and greatest values of all columns in one scan. */
async function extentsOf(columns: readonly QualityColumn[], connection: QualityConnection): Promise<readonly Extent[]> {
  if (columns.length === 0) return []
  const figures = columns.map((column, index) => {
    const value = positionOf(column)
    return `min(${value}) AS low${index}, max(${value}) AS high${index}, count(*) - count(${identifier(column.name)}) AS nulls${index}`
  })
  const [row = {}] = await connection.rows(`SELECT count(*) AS row_count, ${figures.join(', ')} FROM sluice_data`)
  return columns.flatMap((column, index): Extent[] => {
    const [low, high] = [row[`low${index}`], row[`high${index}`]]
    if (typeof low !== 'number' || typeof high !== 'number') return []
    // Values that lie further apart than a number can tell have no bins.
    if (!Number.isFinite(high - low)) return []
    const kind = isNumeric(familyOf(column.duckdbType)) ? 'numbers' : 'days'
    const value = positionOf(column)
    return [
      { column: column.name, kind, value, low, high, nulls: Number(row[`nulls${index}`]), rows: Number(row.row_count) },
    ]
  })
}

/** Bins of all columns in one scan. */
async function binned(extents: readonly Extent[], connection: QualityConnection): Promise<readonly Distribution[]> {
  if (extents.length === 0) return []
  const indexOf = ({ value, low, high }: Extent): string =>
    high > low
      ? `least(floor((${value} - (${low})) / (${(high - low) / BINS})), ${BINS - 1})::INTEGER`
      : `CASE WHEN ${value} IS NOT NULL THEN 0 END`
  const counts = extents.map((extent, index) => `to_json(histogram(${indexOf(extent)}))::VARCHAR AS h${index}`)
  const [row = {}] = await connection.rows(`SELECT ${counts.join(', ')} FROM sluice_data`)
  return extents.map(({ column, kind, low, high, nulls, rows }, index) => {
    const parsed: unknown = JSON.parse(String(row[`h${index}`] ?? '{}'))
    const counted = new Map(Object.entries(parsed ?? {}).map(([bin, count]) => [Number(bin), Number(count)]))
    const bins = high > low ? BINS : 1
    const bars = Array.from({ length: bins }, (_, bin) => ({ label: '', rows: counted.get(bin) ?? 0 }))
    return { column, kind, rows, nulls, bars, range: { low, high } }
  })
}

async function topValues({ name }: QualityColumn, connection: QualityConnection): Promise<Distribution> {
  const column = identifier(name)
  const found = await connection.rows(
    `SELECT value, n, sum(n) OVER () AS shown FROM (SELECT CAST(${column} AS VARCHAR) AS value, count(*) AS n FROM sluice_data WHERE ${column} IS NOT NULL GROUP BY 1 ORDER BY n DESC, value LIMIT ${TOP_VALUES}) ORDER BY n DESC, value`,
  )
  const [total = {}] = await connection.rows(
    `SELECT count(*) AS row_count, count(*) - count(${column}) AS nulls FROM sluice_data`,
  )
  const rows = Number(total.row_count)
  const nulls = Number(total.nulls)
  const others = rows - nulls - Number(found[0]?.shown ?? 0)
  const bars = found.map(({ value, n }) => ({ label: String(value), rows: Number(n) }))
  return {
    column: name,
    kind: 'texts',
    rows,
    nulls,
    bars: others > 0 ? [...bars, { label: 'others', rows: others }] : bars,
    range: null,
  }
}

/** How the values of some columns of `sluice_data` lie: two scans for all numbers and days, two for each text column. */
export async function distributionsOf(
  columns: readonly QualityColumn[],
  connection: QualityConnection,
): Promise<readonly Distribution[]> {
  const onLine = await binned(await extentsOf(columns.filter(isOnLine), connection), connection)
  const texts: Distribution[] = []
  for (const column of columns)
    if (!isOnLine(column) && familyOf(column.duckdbType) !== 'other') texts.push(await topValues(column, connection))
  return [...onLine, ...texts]
}
