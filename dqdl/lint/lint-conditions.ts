import type { Condition, DateOperand, NumberCondition, NumberExpression, Position, Rule } from '../ast.ts'
import { DATA_TYPES } from '../castable.ts'
import { evaluateDay, FUNCTIONS, OperandError } from '../operands.ts'
import { patternProblem } from '../pattern.ts'
import { printCondition } from '../print.ts'
import { nearest, nearestHint } from '../problem.ts'
import { type Report, withHint } from './finding.ts'
import { ANY, contains, type Interval, intersection, interval, intervalOf, isEmpty } from './intervals.ts'

const RATIO = interval(0, false, 1, false)
const COUNT = interval(0, false, Number.POSITIVE_INFINITY, false)
const CORRELATION = interval(-1, false, 1, false)
/** The values a metric can have. */
const DOMAINS: Readonly<Record<string, Interval>> = {
  RowCount: COUNT,
  ColumnCount: COUNT,
  DistinctValuesCount: COUNT,
  RowCountMatch: COUNT,
  StandardDeviation: COUNT,
  Variance: COUNT,
  Entropy: COUNT,
  ColumnLength: COUNT,
  Completeness: RATIO,
  Uniqueness: RATIO,
  UniqueValueRatio: RATIO,
  ReferentialIntegrity: RATIO,
  DatasetMatch: RATIO,
  SchemaMatch: RATIO,
  ColumnCorrelation: CORRELATION,
}

function lintRange(condition: NumberCondition, domain: Interval, at: Position, report: Report): void {
  const met = intervalOf(condition)
  if (met === null) return
  const text = printCondition(condition)
  if (isEmpty(met)) report('error', 'never_true', `"${text}" is never true: no number lies in it`, at)
  else if (isEmpty(intersection(met, domain)))
    report(
      'error',
      'never_true',
      `"${text}" is never true: the value lies between ${domain.low} and ${domain.high}`,
      at,
    )
  else if (condition.operator !== 'in' && contains(met, domain))
    report(
      'warning',
      'always_true',
      `"${text}" is always true: the value lies between ${domain.low} and ${domain.high}`,
      at,
    )
}

function expressionsOf(expression: NumberExpression): readonly NumberExpression[] {
  switch (expression.kind) {
    case 'group':
      return [expression, ...expressionsOf(expression.inner)]
    case 'arithmetic':
      return [expression, ...expressionsOf(expression.left), ...expressionsOf(expression.right)]
    case 'call':
      return [expression, ...expression.arguments.flatMap(expressionsOf)]
    default:
      return [expression]
  }
}

/** `> 2031-05-06` is a subtraction. */
const looksLikeDate = (expression: NumberExpression): boolean =>
  expression.kind === 'arithmetic' &&
  expression.operator === '-' &&
  expression.left.kind === 'arithmetic' &&
  expression.left.operator === '-' &&
  [expression.left.left, expression.left.right, expression.right].every(
    (part, index) => part.kind === 'literal' && new RegExp(index === 0 ? /^\d{4}$/ : /^\d{1,2}$/).test(part.text),
  )

function lintNumbers(condition: NumberCondition, type: string, at: Position, report: Report): void {
  if (condition.operands.every(({ kind }) => kind === 'literal')) return
  for (const expression of condition.operands.flatMap(expressionsOf)) {
    if (expression.kind === 'call' && !FUNCTIONS.includes(expression.name))
      report(
        'error',
        'unknown_function',
        withHint(`Function "${expression.name}" is unknown`, nearestHint(expression.name, FUNCTIONS)),
        at,
      )
    if (looksLikeDate(expression))
      report('warning', 'unquoted_date', 'A date without quotes is a subtraction: put it in double quotes', at)
    if (expression.kind === 'null' && type !== 'ColumnValues')
      report('error', 'null_operand', `NULL cannot be compared with a ${type}`, at)
  }
}

/** Patterns that every text of one line matches. */
const MATCHES_ALL: ReadonlySet<string> = new Set(['.*', '^.*$', '(.*)', '.{0,}', '[\\s\\S]*', '(?s).*'])

function lintPattern(pattern: string, at: Position, report: Report): void {
  const problem = patternProblem(pattern)
  if (problem !== null) report('error', 'pattern', `Pattern "${pattern}" cannot be used: ${problem}`, at)
}

function lintDays(operands: readonly DateOperand[], at: Position, report: Report): void {
  for (const operand of operands) {
    if (operand.kind !== 'day') continue
    try {
      evaluateDay(operand, new Date(0), [])
    } catch (thrown) {
      if (!(thrown instanceof OperandError)) throw thrown
      report('error', 'impossible_date', thrown.message, at)
    }
  }
}

function lintDateOrder(condition: Extract<Condition, { kind: 'date' }>, at: Position, report: Report): void {
  const [low, high] = condition.operands
  if (condition.operator !== 'between' || low?.kind !== 'day' || high?.kind !== 'day') return
  if (low.text >= high.text)
    report('error', 'never_true', `"${printCondition(condition)}" is never true: the bounds are reversed`, at)
}

function lintDataType(condition: Rule['condition'], at: Position, report: Report): void {
  if (condition?.kind !== 'text') return
  if (condition.operator !== '=' && condition.operator !== '!=')
    report('error', 'data_type_operator', 'ColumnDataType takes = and != only', at)
  for (const operand of condition.operands) {
    const name = operand.kind === 'text' ? operand.value : operand.keyword
    const known = DATA_TYPES.some((type) => type.toLowerCase() === name.toLowerCase())
    if (!known && !/^decimal\(\d{1,2},\s*\d{1,2}\)$/i.test(name))
      report(
        'error',
        'data_type',
        withHint(`"${name}" is no data type`, nearestHint(name, DATA_TYPES) ?? `Types are ${DATA_TYPES.join(', ')}`),
        at,
      )
  }
}

/** Names of tags that have a meaning. */
export const TAGS: readonly string[] = [
  'threshold',
  'timeZone',
  'format',
  'ignoreCase',
  'recentFiles',
  'uriRegex',
  'matchFileName',
  'hashAlgorithm',
]

function lintTags(rule: Rule, report: Report): void {
  for (const { name, at } of rule.tags) {
    if (name.toLowerCase() === 'threshold')
      report('error', 'threshold_text', 'A threshold in quotes has no effect: write the number without quotes', at)
    else if (!TAGS.includes(name))
      report(
        'warning',
        'unknown_tag',
        withHint(`Tag "${name}" is unknown and has no effect`, nearestHint(name, TAGS)),
        at,
      )
  }
}

/** Everything about one rule's condition, threshold and tags. */
export function lintConditions(rule: Rule, report: Report): void {
  const { condition, type } = rule
  const at = rule.conditionAt ?? rule.at
  if (condition?.kind === 'number') {
    lintNumbers(condition, type, at, report)
    lintRange(condition, DOMAINS[type] ?? ANY, at, report)
  }
  lintThreshold(rule, report)
  if (condition?.kind === 'date') {
    lintDays(condition.operands, at, report)
    lintDateOrder(condition, at, report)
  }
  if (type === 'ColumnDataType') lintDataType(condition, at, report)
  else if (condition?.kind === 'text' && condition.operator.endsWith('matches')) {
    const [pattern] = condition.operands
    if (pattern?.kind === 'text') lintPattern(pattern.value, at, report)
    if (condition.operator === 'matches' && pattern?.kind === 'text' && MATCHES_ALL.has(pattern.value))
      report(
        'warning',
        'always_true',
        `Every text matches "${pattern.value}": the rule says nothing but that there is one`,
        at,
      )
  }
  const [parameter] = rule.parameters
  if (type === 'ColumnNamesMatchPattern' && parameter !== undefined) lintPattern(parameter.text, parameter.at, report)
  lintTags(rule, report)
}

function lintThreshold({ type, condition, threshold, thresholdAt, at: ruleAt }: Rule, report: Report): void {
  if (threshold === null) return
  const at = thresholdAt ?? ruleAt
  lintNumbers(threshold, type, at, report)
  lintRange(threshold, RATIO, at, report)
  if (type === 'CustomSql' && condition !== null)
    report('warning', 'threshold_ignored', 'CustomSql with a condition ignores its threshold', at)
}

export const nearestLabel = (key: string): string | null => {
  const found = nearest(key, ['severity', 'cadence'])
  return found !== null && found !== key ? found : null
}
