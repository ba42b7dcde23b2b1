/** CloudWatch metrics: kept as they are put, and told in statistics. */
import { digestOf } from '../../core/digest.ts'
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Clock, type Operation, type Service, type Store } from '../service.ts'
import { type DataPoint, periodsOf, statisticOf } from './statistics.ts'

export interface MonitoringOptions {
  readonly store: Store
  readonly clock: Clock
}

interface Metric {
  readonly namespace: string
  readonly name: string
  /** By name. */
  readonly dimensions: readonly (readonly [name: string, value: string])[]
}

interface MetricRecord extends Metric {
  readonly lastAtMillis: number
}

interface Metrics {
  list(): readonly MetricRecord[]
  put(metric: Metric, points: readonly DataPoint[]): Promise<void>
  /** End exclusive. */
  points(metric: Metric, fromMillis: number, toMillis: number): readonly DataPoint[]
}

const keyOf = ({ namespace, name, dimensions }: Metric): readonly string[] => [
  namespace,
  name,
  digestOf(JSON.stringify(dimensions)),
]

function openMetrics(store: Store): Metrics {
  const metrics = store.collection<MetricRecord>('monitoring.metrics')
  const data = store.collection<DataPoint>('monitoring.data')
  const counters = store.collection<number>('monitoring.counters')
  return {
    list: () => [...metrics.range([])].map(({ value }) => value),
    put: (metric, points) =>
      store.transaction(() => {
        let sequence = counters.get(['sequence']) ?? 0
        for (const point of points) {
          sequence += 1
          void data.put([...keyOf(metric), point.atMillis, sequence], point)
        }
        void counters.put(['sequence'], sequence)
        const former = metrics.get(keyOf(metric))?.lastAtMillis ?? 0
        const lastAtMillis = Math.max(former, ...points.map(({ atMillis }) => atMillis))
        void metrics.put(keyOf(metric), { ...metric, lastAtMillis })
      }),
    points: (metric, fromMillis, toMillis) => {
      const found: DataPoint[] = []
      const after = [...keyOf(metric), fromMillis - 1, Number.MAX_SAFE_INTEGER]
      for (const { value } of data.range(keyOf(metric), { after })) {
        if (value.atMillis >= toMillis) break
        found.push(value)
      }
      return found
    },
  }
}

/** PutMetricData, GetMetricStatistics, GetMetricData, ListMetrics; DescribeAlarms, of which there are none. */
export function createMonitoringService({ store, clock }: MonitoringOptions): Service {
  const metrics = openMetrics(store)
  const operation = (action: string, run: (input: Input) => unknown): Operation => ({
    permissions: (raw) => {
      const namespace = readInput(raw).textOr('Namespace', null)
      const named = action === 'PutMetricData' && namespace !== null
      const condition = named ? { context: { 'cloudwatch:namespace': namespace } } : {}
      return [{ action: `cloudwatch:${action}`, resource: '*', ...condition }]
    },
    run: async (raw) => (await run(readInput(raw))) ?? {},
  })
  return {
    id: 'monitoring',
    operations: {
      PutMetricData: operation('PutMetricData', (input) => putMetricData(metrics, clock, input)),
      GetMetricStatistics: operation('GetMetricStatistics', (input) => getMetricStatistics(metrics, input)),
      GetMetricData: operation('GetMetricData', (input) => getMetricData(metrics, input)),
      ListMetrics: operation('ListMetrics', (input) => listMetrics(metrics, input, clock.now())),
      DescribeAlarms: operation('DescribeAlarms', () => ({ MetricAlarms: [], CompositeAlarms: [] })),
    },
  }
}

const invalid = (message: string): AwsError => new AwsError('InvalidParameterValue', message)

function metricOf(input: Input, namespace: string): Metric {
  const dimensions = input
    .structures('Dimensions')
    .map((dimension) => [dimension.text('Name'), dimension.text('Value')] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return { namespace, name: input.text('MetricName'), dimensions }
}

const MAX_METRICS = 1000
const MAX_DIMENSIONS = 30

async function putMetricData(metrics: Metrics, clock: Clock, input: Input): Promise<void> {
  const namespace = input.text('Namespace')
  if (namespace.startsWith('AWS/')) throw invalid('The value AWS/ for parameter Namespace is invalid.')
  const given = input.structures('MetricData')
  if (given.length > MAX_METRICS)
    throw invalid(`The collection MetricData must not have a size greater than ${MAX_METRICS}.`)
  const points = given.map((datum) => ({ metric: metricOf(datum, namespace), point: pointOf(datum, clock.now()) }))
  const crowded = points.find(({ metric }) => metric.dimensions.length > MAX_DIMENSIONS)
  if (crowded !== undefined) throw invalid(`A metric has at most ${MAX_DIMENSIONS} dimensions.`)
  for (const { metric, point } of points) await metrics.put(metric, [point])
}

/** @throws AwsError `MissingParameter`, `InvalidParameterValue` */
function pointOf(datum: Input, now: Date): DataPoint {
  const at = datum.dateOr('Timestamp', now)
  const place = { atMillis: at.getTime(), unit: datum.textOr('Unit', 'None') }
  if (datum.has('StatisticValues')) {
    const set = datum.structure('StatisticValues')
    const number = (name: string): number => set.numberOr(name, 0)
    const sums = { sampleCount: number('SampleCount'), sum: number('Sum') }
    return { ...place, ...sums, values: [], minimum: number('Minimum'), maximum: number('Maximum') }
  }
  const given = datum.list('Values').map(Number)
  const counts = datum.list('Counts').map(Number)
  const single = datum.numberOr('Value', null)
  const values = given.length > 0 ? given : single === null ? [] : [single]
  if (values.length === 0)
    throw new AwsError(
      'MissingParameter',
      'At least one of the parameters must be specified: Value, Values, StatisticValues.',
    )
  if (counts.length > 0 && counts.length !== values.length)
    throw invalid('The parameters Values and Counts must have the same size.')
  const counted = values.map((value, index) => [value, counts[index] ?? 1] as const)
  return {
    ...place,
    values: counted,
    sampleCount: counted.reduce((sum, [, count]) => sum + count, 0),
    sum: counted.reduce((sum, [value, count]) => sum + value * count, 0),
    minimum: Math.min(...values),
    maximum: Math.max(...values),
  }
}

interface Span {
  readonly fromMillis: number
  readonly toMillis: number
}

/** @throws AwsError `MissingParameter`, `InvalidParameterValue` */
function spanOf(input: Input): Span {
  const [from, to] = [input.dateOr('StartTime', null), input.dateOr('EndTime', null)]
  if (from === null || to === null)
    throw new AwsError('MissingParameter', 'The parameters StartTime and EndTime are required.')
  if (from >= to) throw invalid('The parameter StartTime must be less than the parameter EndTime.')
  return { fromMillis: from.getTime(), toMillis: to.getTime() }
}

function periodSecondsOf(input: Input): number {
  const seconds = input.numberOr('Period', 60)
  if (Number.isInteger(seconds) && (seconds % 60 === 0 ? seconds > 0 : [1, 5, 10, 20, 30].includes(seconds)))
    return seconds
  throw invalid('The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.')
}

/** Periods begin at multiples of their length. */
const alignedPeriods = (points: readonly DataPoint[], { fromMillis }: Span, seconds: number) =>
  periodsOf(points, Math.floor(fromMillis / (seconds * 1000)) * seconds * 1000, seconds)

function getMetricStatistics(metrics: Metrics, input: Input): unknown {
  const span = spanOf(input)
  const seconds = periodSecondsOf(input)
  const metric = metricOf(input, input.text('Namespace'))
  const unit = input.textOr('Unit', null)
  const points = metrics.points(metric, span.fromMillis, span.toMillis)
  const wanted = points.filter((point) => unit === null || point.unit === unit)
  const names = input.list('Statistics').map(String)
  const extended = input.list('ExtendedStatistics').map(String)
  if (names.length + extended.length === 0)
    throw new AwsError('MissingParameter', 'The parameter Statistics or ExtendedStatistics is required.')
  return {
    Label: metric.name,
    Datapoints: alignedPeriods(wanted, span, seconds).map((period) => ({
      Timestamp: new Date(period.startMillis),
      Unit: period.points[0]?.unit ?? 'None',
      ...Object.fromEntries(names.map((name) => [name, computed(name, period.points)])),
      ...(extended.length === 0
        ? {}
        : { ExtendedStatistics: Object.fromEntries(extended.map((name) => [name, computed(name, period.points)])) }),
    })),
  }
}

/** @throws AwsError `InvalidParameterValue` */
function computed(name: string, points: readonly DataPoint[]): number | undefined {
  const statistic = statisticOf(name)
  if (statistic === null) throw invalid(`The value ${name} for parameter Statistics is invalid.`)
  return statistic(points) ?? undefined
}

/** @throws AwsError `ValidationError` for metric math */
function getMetricData(metrics: Metrics, input: Input): unknown {
  const span = spanOf(input)
  const newestFirst = input.textOr('ScanBy', 'TimestampDescending') === 'TimestampDescending'
  const results = input.structures('MetricDataQueries').map((query) => {
    if (query.has('Expression'))
      throw new AwsError('ValidationError', 'Metric math expressions are not implemented by this runtime.')
    const stat = query.structure('MetricStat')
    const given = stat.structure('Metric')
    const metric = metricOf(given, given.text('Namespace'))
    const unit = stat.textOr('Unit', null)
    const points = metrics
      .points(metric, span.fromMillis, span.toMillis)
      .filter((point) => unit === null || point.unit === unit)
    const periods = alignedPeriods(points, span, periodSecondsOf(stat))
    if (newestFirst) periods.reverse()
    return {
      Id: query.text('Id'),
      Label: query.textOr('Label', metric.name),
      Timestamps: periods.map(({ startMillis }) => new Date(startMillis)),
      Values: periods.map((period) => computed(stat.text('Stat'), period.points)),
      StatusCode: 'Complete',
    }
  })
  return { MetricDataResults: results, Messages: [] }
}

const THREE_HOURS_MILLIS = 3 * 3_600_000

function listMetrics(metrics: Metrics, input: Input, now: Date): unknown {
  const namespace = input.textOr('Namespace', null)
  const name = input.textOr('MetricName', null)
  const wanted = input
    .structures('Dimensions')
    .map((dimension) => [dimension.text('Name'), dimension.textOr('Value', null)] as const)
  const recent = input.textOr('RecentlyActive', null) === 'PT3H'
  const listed = metrics
    .list()
    .filter(
      (metric) =>
        (namespace === null || metric.namespace === namespace) &&
        (name === null || metric.name === name) &&
        (!recent || metric.lastAtMillis >= now.getTime() - THREE_HOURS_MILLIS) &&
        wanted.every(([key, value]) =>
          metric.dimensions.some(([own, of]) => own === key && (value === null || of === value)),
        ),
    )
  const { page, next } = pageOf(listed, input, { size: 500, invalidToken: 'InvalidParameterValue' })
  return {
    Metrics: page.map((metric) => ({
      Namespace: metric.namespace,
      MetricName: metric.name,
      Dimensions: metric.dimensions.map(([Name, Value]) => ({ Name, Value })),
    })),
    ...(next === undefined ? {} : { NextToken: next }),
  }
}
