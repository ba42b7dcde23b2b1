import type { Condition, DateOperand, NumberCondition, Position, Rule, RuleExpression, TextCondition } from '../ast.ts'
import type { Report } from './finding.ts'
import { ANY, type Interval, intersection, interval, intervalOf, isEmpty } from './intervals.ts'
import type { LintMemo } from './lint-memo.ts'

/** The conditions on one figure so far and what is left of the line when all of them hold. */
interface KnownConditions {
  common: Interval
  readonly conditions: { readonly interval: Interval; readonly at: Position }[]
}

const ONE = interval(1, false, 1, false)
const MILLIS_A_DAY = 86_400_000

const dayNumber = (operand: DateOperand): number | null =>
  operand.kind === 'day' ? new Date(`${operand.text}T00:00:00Z`).getTime() / MILLIS_A_DAY : null

/** Days as numbers; `null` for days that depend on the time. */
function daysAsNumbers({ operator, operands }: Extract<Condition, { kind: 'date' }>): NumberCondition | null {
  const days = operands.map(dayNumber)
  if (days.some((day) => day === null || Number.isNaN(day))) return null
  return { kind: 'number', operator, operands: days.map((day) => ({ kind: 'literal', text: String(day) })) }
}

/** What a rule demands of its figure as one interval, or `null` when it is none. */
function demandOf({ type, condition, threshold }: Rule): Interval | null {
  if (threshold !== null || type === 'CustomSql') return null
  // Boolean types demand all of what another type compares.
  if (condition === null) return type === 'IsComplete' || type === 'IsUnique' ? ONE : null
  if (condition.kind === 'number') return intervalOf(condition)
  const days = condition.kind === 'date' ? daysAsNumbers(condition) : null
  return days === null ? null : intervalOf(days)
}

/** Texts that a rule lets a column have, or that it refuses. */
interface TextDemand {
  readonly allowed: boolean
  readonly texts: ReadonlySet<string>
  readonly at: Position
}

const textsOf = ({ operands }: TextCondition): ReadonlySet<string> =>
  new Set(operands.map((operand) => (operand.kind === 'text' ? `"${operand.value}"` : operand.keyword)))

/** Blank texts may stand in a list as such or by their keyword: nothing is said of them. */
const isPlain = (text: string): boolean => text === 'NULL' || (text.startsWith('"') && /\S/.test(text.slice(1, -1)))

function textDemandOf({ condition, type, threshold, tags, at }: Rule): TextDemand | null {
  if (condition?.kind !== 'text' || type !== 'ColumnValues' || threshold !== null || tags.length > 0) return null
  const { operator } = condition
  if (operator.endsWith('matches')) return null
  const texts = textsOf(condition)
  return [...texts].every(isPlain) ? { allowed: operator === '=' || operator === 'in', texts, at } : null
}

function excludeEachOther(one: TextDemand, other: TextDemand): boolean {
  if (!one.allowed && !other.allowed) return false
  const [allowing, against] = one.allowed ? [one, other] : [other, one]
  return [...allowing.texts].every((text) => against.texts.has(text) !== against.allowed)
}

/** The demands on one column so far, and the texts that meet them all; `null`: any but the refused ones. */
interface KnownTexts {
  left: ReadonlySet<string> | null
  readonly refused: Set<string>
  readonly demands: TextDemand[]
}

function leftBy({ allowed, texts }: TextDemand, { left, refused }: KnownTexts): ReadonlySet<string> | null {
  if (!allowed) return left === null ? null : new Set([...left].filter((text) => !texts.has(text)))
  return new Set([...texts].filter((text) => (left === null ? !refused.has(text) : left.has(text))))
}

const contradiction = (report: Report, at: Position, against: Position): void =>
  report('error', 'contradiction', `This rule and the one in line ${against.line} cannot both hold`, at)

/** Two conditions on one figure, or on the texts of one column, that cannot both hold. */
export function lintContradictions(rules: readonly RuleExpression[], memo: LintMemo, report: Report): void {
  const figures = new Map<string, KnownConditions>()
  const columns = new Map<string, KnownTexts>()
  for (const rule of rules) {
    if (rule.kind === 'composite') continue
    lintFigure(rule, figures, memo, report)
    lintTexts(rule, columns, memo, report)
  }
}

function lintFigure(rule: Rule, figures: Map<string, KnownConditions>, memo: LintMemo, report: Report): void {
  const met = demandOf(rule)
  if (met === null || isEmpty(met)) return
  const figure = `${rule.condition?.kind === 'date' ? 'days ' : ''}${memo.figureOf(rule)}`
  const known = figures.get(figure) ?? { common: ANY, conditions: [] }
  const common = intersection(known.common, met)
  // Intervals that meet in pairs meet in one point, so pairs are looked at only when none is left.
  const against = isEmpty(common)
    ? known.conditions.find((each) => isEmpty(intersection(each.interval, met)))
    : undefined
  if (against !== undefined) contradiction(report, rule.at, against.at)
  else known.common = common
  known.conditions.push({ interval: met, at: rule.at })
  figures.set(figure, known)
}

function lintTexts(rule: Rule, columns: Map<string, KnownTexts>, memo: LintMemo, report: Report): void {
  const demand = textDemandOf(rule)
  if (demand === null) return
  const figure = memo.figureOf(rule)
  const known = columns.get(figure) ?? { left: null, refused: new Set<string>(), demands: [] }
  const left = leftBy(demand, known)
  // Pairs are looked at only when no text is left.
  const against = left?.size === 0 ? known.demands.find((each) => excludeEachOther(each, demand)) : undefined
  if (against !== undefined) contradiction(report, rule.at, against.at)
  else if (left === null || left.size > 0) known.left = left
  if (!demand.allowed) for (const text of demand.texts) known.refused.add(text)
  known.demands.push(demand)
  columns.set(figure, known)
}
