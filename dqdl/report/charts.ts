import type { Interval } from '../lint/intervals.ts'
import type { Distribution } from './distributions.ts'
import { attribute, dayOf, escapeHtml, figure } from './html-text.ts'

const WIDTH = 220
const HEIGHT = 56
const PAD = 4

export interface MetricPoint {
  /** ISO 8601 UTC. */
  readonly at: string
  readonly value: number
}

const scaled = (value: number, low: number, high: number, size: number): number =>
  high === low ? size / 2 : ((value - low) / (high - low)) * size
const px = (value: number): string => value.toFixed(1)
const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))

/** Ends of the axis: the values, and the bounds that lie near them. */
function axisOf(values: readonly number[], { low, high }: Interval): { low: number; high: number } {
  const least = Math.min(...values)
  const most = Math.max(...values)
  const reach = (most - least || Math.abs(most) || 1) * 1.5
  const near = [low, high].filter((bound) => bound > least - reach && bound < most + reach)
  const ends = [...values, ...near]
  const margin = (Math.max(...ends) - Math.min(...ends)) * 0.08 || Math.abs(most) * 0.08 || 1
  return { low: Math.min(...ends) - margin, high: Math.max(...ends) + margin }
}

const svg = (label: string, inner: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${attribute(label)}" preserveAspectRatio="none">${inner}</svg>`

/**
 * A metric over its evaluations, oldest first, over a band of the values that meet the condition.
 * @param met the condition as one interval; `null` when it is none
 */
export function historyChart(name: string, points: readonly MetricPoint[], met: Interval | null): string {
  const finite = points.filter(({ value }) => Number.isFinite(value))
  const last = finite.at(-1)
  if (last === undefined) return ''
  const band = met ?? { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, lowOpen: false, highOpen: false }
  const axis = axisOf(
    finite.map(({ value }) => value),
    band,
  )
  const y = (value: number): number =>
    HEIGHT - PAD - scaled(clamp(value, axis.low, axis.high), axis.low, axis.high, HEIGHT - 2 * PAD)
  const x = (index: number): number =>
    finite.length === 1 ? WIDTH / 2 : PAD + scaled(index, 0, finite.length - 1, WIDTH - 2 * PAD)
  const top = y(band.high)
  const bottom = y(band.low)
  const shade =
    met === null
      ? ''
      : `<rect class="band" x="0" y="${px(top)}" width="${WIDTH}" height="${px(Math.max(bottom - top, 1.5))}"/>`
  const line = finite.map(({ value }, index) => `${px(x(index))},${px(y(value))}`).join(' ')
  const inside = ({ value }: MetricPoint): boolean => value >= band.low && value <= band.high
  const dots = finite.map(
    (point, index) =>
      `<circle class="${inside(point) ? 'dot' : 'dot out'}" cx="${px(x(index))}" cy="${px(y(point.value))}" r="${index === finite.length - 1 ? 3.2 : 1.8}"><title>${escapeHtml(`${point.at.slice(0, 16).replace('T', ' ')}: ${figure(point.value)}`)}</title></circle>`,
  )
  const label = `${name} over ${finite.length} evaluations, last ${figure(last.value)}`
  return svg(label, `${shade}<polyline class="line" points="${line}"/>${dots.join('')}`)
}

function bins({ column, kind, bars, range }: Distribution, met: Interval | null): string {
  const most = Math.max(...bars.map(({ rows }) => rows), 1)
  const width = WIDTH / bars.length
  const { low, high } = range ?? { low: 0, high: 0 }
  const step = (high - low) / bars.length
  const text = (value: number): string => (kind === 'days' ? dayOf(value) : figure(value))
  const drawn = bars.map(({ rows }, index) => {
    const height = rows === 0 ? 0 : Math.max(1.5, (rows / most) * (HEIGHT - PAD))
    const [from, to] = [low + index * step, low + (index + 1) * step]
    const outside = met !== null && kind === 'numbers' && (to <= met.low || from >= met.high)
    return `<rect class="${outside ? 'bar out' : 'bar'}" x="${px(index * width + 0.6)}" y="${px(HEIGHT - height)}" width="${px(Math.max(width - 1.2, 1))}" height="${px(height)}"><title>${escapeHtml(`${text(from)} to ${text(to)}: ${rows} rows`)}</title></rect>`
  })
  const ends = `<div class="ends"><span>${escapeHtml(text(low))}</span><span>${escapeHtml(text(high))}</span></div>`
  return svg(`Distribution of ${column}`, drawn.join('')) + ends
}

/** Share of rows that the most frequent value must have for its bar to say anything. */
const TELLING_SHARE = 0.02

function values({ bars, rows }: Distribution): string {
  const [first] = bars
  if (first === undefined) return ''
  if (first.rows < rows * TELLING_SHARE) return '<p class="plain">hardly a value repeats</p>'
  const most = Math.max(...bars.map((bar) => bar.rows), 1)
  const items = bars.map(
    ({ label, rows: count }) =>
      `<li><span class="fill" style="width:${((count / most) * 100).toFixed(1)}%"></span><span class="value">${label === '' ? '<i>empty</i>' : escapeHtml(label)}</span><span class="share">${((count / Math.max(rows, 1)) * 100).toFixed(count / rows < 0.1 ? 1 : 0)}%</span></li>`,
  )
  return `<ol class="values">${items.join('')}</ol>`
}

/** How a column's values lie; bins outside of the condition of a rule on them are marked. */
export function distributionChart(distribution: Distribution, met: Interval | null): string {
  const { column, nulls, rows, kind } = distribution
  const missing = nulls === 0 ? '' : `<span class="nulls">${((nulls / rows) * 100).toFixed(1)}% NULL</span>`
  const head = `<div class="caption"><code>${escapeHtml(column)}</code>${missing}</div>`
  return `<figure>${head}${kind === 'texts' ? values(distribution) : bins(distribution, met)}</figure>`
}
