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
interface KnownTexts {
  readonly allowed: boolean
  readonly texts: ReadonlySet<string>
  readonly at: Position
}

const textsOf = ({ operands }: TextCondition): ReadonlySet<string> =>
  new Set(operands.map((operand) => (operand.kind === 'text' ? `"${operand.value}"` : operand.keyword)))

function knownTexts({ condition, type, threshold, tags, at }: Rule): KnownTexts | null {
  if (condition?.kind !== 'text' || type !== 'ColumnValues' || threshold !== null || tags.length > 0) return null
  const { operator } = condition
  if (operator.endsWith('matches')) return null
  return { allowed: operator === '=' || operator === 'in', texts: textsOf(condition), at }
}

/** Blank texts may stand in a list as such or by their keyword: nothing is said of them. */
const isPlain = (text: string): boolean => text === 'NULL' || /\S/.test(text.slice(1, -1))

function excludeEachOther(one: KnownTexts, other: KnownTexts): boolean {
  if (!one.allowed && !other.allowed) return false
  const [allowing, against] = one.allowed ? [one, other] : [other, one]
  if (![...allowing.texts, ...against.texts].every((text) => isPlain(text) && text !== 'WHITESPACES_ONLY')) return false
  return [...allowing.texts].every((text) => against.texts.has(text) !== against.allowed)
}

const contradiction = (report: Report, at: Position, against: Position): void =>
  report('error', 'contradiction', `This rule and the one in line ${against.line} cannot both hold`, at)

/** Two conditions on one figure, or on the texts of one column, that cannot both hold. */
export function lintContradictions(rules: readonly RuleExpression[], memo: LintMemo, report: Report): void {
  const figures = new Map<string, KnownConditions>()
  const columns = new Map<string, KnownTexts[]>()
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

function lintTexts(rule: Rule, columns: Map<string, KnownTexts[]>, memo: LintMemo, report: Report): void {
  const texts = knownTexts(rule)
  if (texts === null) return
  const figure = memo.figureOf(rule)
  const known = columns.get(figure) ?? []
  const against = known.find((each) => excludeEachOther(each, texts))
  if (against !== undefined) contradiction(report, rule.at, against.at)
  columns.set(figure, [...known, texts])
}
