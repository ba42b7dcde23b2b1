import type { RuleExpression } from '../ast.ts'
import type { Evaluated } from '../evaluate.ts'
import type { GlueRuleResult } from '../glue-result.ts'
import type { KeptResult } from '../history.ts'
import { type Interval, intervalOf } from '../lint/intervals.ts'
import { distributionChart, historyChart, type MetricPoint } from './charts.ts'
import type { Distribution } from './distributions.ts'
import { columnsOfRule, type FailingRows } from './failing-rows.ts'
import { escapeHtml, figure } from './html-text.ts'
import { STYLE } from './style.ts'

/** Everything that the page shows. */
export interface Report {
  readonly evaluated: Evaluated
  readonly rulesFile: string
  readonly dataFile: string
  readonly at: Date
  /** Rows of the data. */
  readonly rows: number
  /** Earlier results, newest first. */
  readonly history: readonly KeptResult[]
  readonly failing: readonly FailingRows[]
  readonly distributions: readonly Distribution[]
}

/** Evaluations that a chart shows. */
const MAX_POINTS = 60
/** Distributions beside one rule. */
const MAX_DISTRIBUTIONS = 2

const shownOutcome = (result: GlueRuleResult['Result'], severity: string): string =>
  result !== 'PASS' && severity === 'warn' ? 'WARN' : result

/** The condition on the metric, and on the values where the rule is about values. */
function intervalsOf(rule: RuleExpression | undefined): { metric: Interval | null; values: Interval | null } {
  if (rule?.kind !== 'rule' || rule.condition?.kind !== 'number') return { metric: null, values: null }
  const met = rule.threshold === null ? intervalOf(rule.condition) : null
  return rule.type === 'ColumnValues' ? { metric: met, values: met } : { metric: met, values: null }
}

function pointsOf(name: string, current: number, { history, at }: Report): readonly MetricPoint[] {
  const earlier = history.slice(0, MAX_POINTS - 1).flatMap(({ at: when, result }): MetricPoint[] => {
    const holder = [...result.RuleResults, ...result.AnalyzerResults].find(
      (each) => each.EvaluatedMetrics[name] !== undefined,
    )
    return holder === undefined ? [] : [{ at: when, value: Number(holder.EvaluatedMetrics[name]) }]
  })
  return [...earlier.reverse(), { at: at.toISOString(), value: current }]
}

const shortName = (metric: string): string => metric.split('.').slice(2).join('.') || metric

function metricFigure(name: string, value: number | string, met: Interval | null, report: Report): string {
  const caption = `<div class="caption"><span title="${escapeHtml(name)}">${escapeHtml(shortName(name))}</span><span class="number">${escapeHtml(figure(Number(value)))}</span></div>`
  const points = pointsOf(name, Number(value), report)
  return `<figure>${caption}${points.length > 1 ? historyChart(shortName(name), points, met) : ''}</figure>`
}

function failingTable({ columns, rows }: FailingRows): string {
  const head = ['row', ...columns].map((name) => `<th>${escapeHtml(name)}</th>`).join('')
  const body = rows.map(({ number, values }) => {
    const cells = values.map((value) =>
      value === null ? '<td class="null">NULL</td>' : `<td>${escapeHtml(value)}</td>`,
    )
    return `<tr><td>${number}</td>${cells.join('')}</tr>`
  })
  return `<details open><summary>first rows that break it</summary><div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div></details>`
}

function ruleRow(result: GlueRuleResult, index: number, report: Report): string {
  const { evaluated, failing, distributions } = report
  const rule = evaluated.ruleset.rules[index]
  const severity = evaluated.plan.rules[index]?.severity ?? 'gate'
  const outcome = shownOutcome(result.Result, severity)
  const met = intervalsOf(rule)
  const rows = failing.find(({ name }) => name === result.Name)
  const labels = Object.entries(result.Labels).map(([key, value]) => `${key}=${value}`)
  const metrics = Object.entries(result.EvaluatedMetrics).map(([name, value]) =>
    metricFigure(name, value, met.metric, report),
  )
  const named = rule === undefined ? [] : columnsOfRule(rule, evaluated)
  const beside = distributions.filter(({ column }) => named.includes(column)).slice(0, MAX_DISTRIBUTIONS)
  return [
    `<section class="rule ${severity}"><div><span class="chip ${outcome}">${outcome}</span></div>`,
    `<div><div class="text mono">${escapeHtml(result.Description)}</div>`,
    `<div class="meta">${escapeHtml([result.Name, severity, ...labels.filter((label) => !label.startsWith('severity='))].join(' · '))}</div>`,
    result.EvaluatedRule === undefined ? '' : `<div class="meta mono">${escapeHtml(result.EvaluatedRule)}</div>`,
    result.EvaluationMessage === undefined ? '' : `<div class="message">${escapeHtml(result.EvaluationMessage)}</div>`,
    rows === undefined ? '' : failingTable(rows),
    `</div><div>${metrics.join('')}</div>`,
    `<div>${beside.map((each) => distributionChart(each, met.values)).join('')}</div></section>`,
  ].join('')
}

const tile = (label: string, value: string, kind = ''): string =>
  `<div class="tile ${kind}"><b>${escapeHtml(value)}</b><span>${escapeHtml(label)}</span></div>`

function tiles({ evaluated, rows, history }: Report): string {
  const { result, plan } = evaluated
  const severityOf = new Map(plan.rules.map(({ name, severity }) => [name, severity]))
  const count = (severity: string, outcome: readonly string[]): number =>
    result.RuleResults.filter(({ Name, Result }) => severityOf.get(Name) === severity && outcome.includes(Result))
      .length
  const passed = result.RuleResults.filter(({ Result }) => Result === 'PASS').length
  const [failed, errors] = [count('gate', ['FAIL']), count('gate', ['ERROR'])]
  const warnings = count('warn', ['FAIL', 'ERROR'])
  return [
    tile('score, of 1', result.Score.toFixed(2)),
    tile(`of ${result.RuleResults.length} rules passed`, String(passed)),
    tile('gate rules failed', String(failed), failed > 0 ? 'bad' : ''),
    tile('gate rules not evaluated', String(errors), errors > 0 ? 'bad' : ''),
    tile('warnings', String(warnings), warnings > 0 ? 'look' : ''),
    tile('rows', rows.toLocaleString('en-US')),
    ...(history.length === 0 ? [] : [tile('earlier results', String(history.length))]),
  ].join('')
}

function analyzers(report: Report): string {
  const { AnalyzerResults } = report.evaluated.result
  if (AnalyzerResults.length === 0) return ''
  const rows = AnalyzerResults.map(({ Description, EvaluatedMetrics, EvaluationMessage }) => {
    const metrics = Object.entries(EvaluatedMetrics).map(([name, value]) => metricFigure(name, value, null, report))
    return `<section class="rule"><div></div><div class="text mono">${escapeHtml(Description)}<div class="meta">${escapeHtml(EvaluationMessage ?? '')}</div></div><div>${metrics.slice(0, 6).join('')}</div><div>${metrics.slice(6, 12).join('')}</div></section>`
  })
  return `<h2>Analyzers</h2><div class="rules">${rows.join('')}</div>`
}

const VERDICTS = {
  PASS: 'The gate passed',
  FAIL: 'The gate failed',
  ERROR: 'A gate rule could not be evaluated',
} as const

/** One self-contained page: no script, and nothing is requested from anywhere. */
export function printHtml(report: Report): string {
  const { evaluated, rulesFile, dataFile, at } = report
  const title = `Data quality of ${dataFile}`
  const when = at.toISOString().slice(0, 16).replace('T', ' ')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><header><div><h1>${escapeHtml(dataFile)}</h1><p class="sub">Rules of <code>${escapeHtml(rulesFile)}</code>, evaluated ${when} UTC</p></div>
<div class="verdict ${evaluated.gate}">${VERDICTS[evaluated.gate]}</div></header>
<div class="tiles">${tiles(report)}</div>
<h2>Rules</h2><div class="rules">${evaluated.result.RuleResults.map((result, index) => ruleRow(result, index, report)).join('')}</div>
${analyzers(report)}
<footer>Metrics are those of AWS Glue Data Quality. The shaded band of a chart is where the rule holds; red marks what lies outside.</footer>
</main></body></html>
`
}
