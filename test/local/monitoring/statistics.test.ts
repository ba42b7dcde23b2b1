import { describe, expect, test } from '@jest/globals'
import { type DataPoint, periodsOf, statisticOf } from '../../../local/monitoring/statistics.ts'

const point = (atMillis: number, values: readonly (readonly [number, number])[]): DataPoint => ({
  atMillis,
  unit: 'Count',
  values,
  sampleCount: values.reduce((sum, [, count]) => sum + count, 0),
  sum: values.reduce((sum, [value, count]) => sum + value * count, 0),
  minimum: Math.min(...values.map(([value]) => value)),
  maximum: Math.max(...values.map(([value]) => value)),
})
const POINTS = [
  point(0, [[1, 2]]),
  point(59_999, [[4, 1]]),
  point(60_000, [
    [10, 1],
    [20, 1],
  ]),
]

describe('statistics of metrics', () => {
  test('periods begin at multiples of their length and leave out empty ones', () => {
    const periods = periodsOf([...POINTS, point(240_000, [[1, 1]])], 0, 60)
    expect(periods.map(({ startMillis, points }) => [startMillis, points.length])).toEqual([
      [0, 2],
      [60_000, 1],
      [240_000, 1],
    ])
  })

  test.each<[string, number | null]>([
    ['SampleCount', 5],
    ['Sum', 36],
    ['Average', 7.2],
    ['Minimum', 1],
    ['Maximum', 20],
    ['p0', 1],
    ['p50', 4],
    ['p75', 10],
    ['p100', 20],
  ])('%s of values with counts', (name, expected) => {
    expect(statisticOf(name)?.(POINTS)).toBe(expected)
  })

  test('a percentile needs values, and another name is no statistic', () => {
    expect(statisticOf('p50')?.([{ ...point(0, [[1, 1]]), values: [] }])).toBeNull()
    expect(statisticOf('Median')).toBeNull()
  })
})
