/** Statistics of data points over periods. */

/** Values as they were put: single ones, or a set of which only sums are known. */
export interface DataPoint {
  readonly atMillis: number
  readonly unit: string
  /** Values with how often each was seen; empty for a set. */
  readonly values: readonly (readonly [value: number, count: number])[]
  readonly sampleCount: number
  readonly sum: number
  readonly minimum: number
  readonly maximum: number
}

export interface Period {
  readonly startMillis: number
  readonly points: readonly DataPoint[]
}

/** Points in periods of that length, oldest first; periods without points are left out. */
export function periodsOf(points: readonly DataPoint[], startMillis: number, periodSeconds: number): Period[] {
  const length = periodSeconds * 1000
  const byStart = new Map<number, DataPoint[]>()
  for (const point of points) {
    const start = startMillis + Math.floor((point.atMillis - startMillis) / length) * length
    byStart.set(start, [...(byStart.get(start) ?? []), point])
  }
  return [...byStart].sort(([a], [b]) => a - b).map(([start, found]) => ({ startMillis: start, points: found }))
}

const total = (points: readonly DataPoint[], of: (point: DataPoint) => number): number =>
  points.reduce((sum, point) => sum + of(point), 0)

const STATISTICS: Readonly<Record<string, (points: readonly DataPoint[]) => number>> = {
  SampleCount: (points) => total(points, ({ sampleCount }) => sampleCount),
  Sum: (points) => total(points, ({ sum }) => sum),
  Average: (points) => total(points, ({ sum }) => sum) / total(points, ({ sampleCount }) => sampleCount),
  Minimum: (points) => Math.min(...points.map(({ minimum }) => minimum)),
  Maximum: (points) => Math.max(...points.map(({ maximum }) => maximum)),
}

/** `Average` and its kin, or a percentile such as `p99.9`; `null` for anything else. */
export function statisticOf(name: string): ((points: readonly DataPoint[]) => number | null) | null {
  const plain = STATISTICS[name]
  if (plain !== undefined) return plain
  const rank = /^p(\d{1,2}(?:\.\d{1,10})?|100)$/.exec(name)?.[1]
  return rank === undefined ? null : (points) => percentile(points, Number(rank))
}

/** Between the two values nearest the rank; `null` where only sums are known. */
function percentile(points: readonly DataPoint[], rank: number): number | null {
  const values = points
    .flatMap((point) => point.values.flatMap(([value, count]) => Array.from<number>({ length: count }).fill(value)))
    .sort((a, b) => a - b)
  if (values.length === 0 || points.some((point) => point.values.length === 0)) return null
  const place = (rank / 100) * (values.length - 1)
  const [low, high] = [values[Math.floor(place)] ?? 0, values[Math.ceil(place)] ?? 0]
  return low + (high - low) * (place - Math.floor(place))
}
