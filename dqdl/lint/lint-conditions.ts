import type { Condition, DateOperand, NumberCondition, NumberExpression, Rule } from '../ast.ts'
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

function lintRange(condition: NumberCondition, domain: Interval, rule: Rule, report: Report): void {
  const met = intervalOf(condition)
  if (met === null) return
  const text = printCondition(condition)
  if (isEmpty(met)) report('error', 'never_true', `"${text}" is never true: no number lies in it`, rule.at)
  else if (isEmpty(intersection(met, domain)))
    report(
      'error',
      'never_true',
      `"${text}" is never true: the value lies between ${domain.low} and ${domain.high}`,
      rule.at,
    )
  else if (condition.operator !== 'in' && contains(met, domain))
    report(
      'warning',
      'always_true',
      `"${text}" is always true: the value lies between ${domain.low} and ${domain.high}`,
      rule.at,
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

function lintNumbers(condition: NumberCondition, rule: Rule, report: Report): void {
  for (const expression of condition.operands.flatMap(expressionsOf)) {
    if (expression.kind === 'call' && !FUNCTIONS.includes(expression.name))
      report(
        'error',
        'unknown_function',
        withHint(`Function "${expression.name}" is unknown`, nearestHint(expression.name, FUNCTIONS)),
        rule.at,
      )
    if (looksLikeDate(expression))
      report('warning', 'unquoted_date', 'A date without quotes is a subtraction: put it in double quotes', rule.at)
    if (expression.kind === 'null' && rule.type !== 'ColumnValues')
      report('error', 'null_operand', `NULL cannot be compared with a ${rule.type}`, rule.at)
  }
}

function lintPattern(pattern: string, rule: Rule, report: Report): void {
  const problem = patternProblem(pattern)
  if (problem !== null) report('error', 'pattern', `Pattern "${pattern}" cannot be used: ${problem}`, rule.at)
}

function lintDays(operands: readonly DateOperand[], rule: Rule, report: Report): void {
  for (const operand of operands) {
    if (operand.kind !== 'day') continue
    try {
      evaluateDay(operand, new Date(0), [])
    } catch (thrown) {
      if (!(thrown instanceof OperandError)) throw thrown
      report('error', 'impossible_date', thrown.message, rule.at)
    }
  }
}

function lintDateOrder(condition: Extract<Condition, { kind: 'date' }>, rule: Rule, report: Report): void {
  const [low, high] = condition.operands
  if (condition.operator !== 'between' || low?.kind !== 'day' || high?.kind !== 'day') return
  if (low.text >= high.text)
    report('error', 'never_true', `"${printCondition(condition)}" is never true: the bounds are reversed`, rule.at)
}

function lintDataType(rule: Rule, report: Report): void {
  if (rule.condition?.kind !== 'text') return
  if (rule.condition.operator !== '=' && rule.condition.operator !== '!=')
    report('error', 'data_type_operator', 'ColumnDataType takes = and != only', rule.at)
  for (const operand of rule.condition.operands) {
    const name = operand.kind === 'text' ? operand.value : operand.keyword
    const known = DATA_TYPES.some((type) => type.toLowerCase() === name.toLowerCase())
    if (!known && !/^decimal\(\d{1,2},\s*\d{1,2}\)$/i.test(name))
      report(
        'error',
        'data_type',
        withHint(`"${name}" is no data type`, nearestHint(name, DATA_TYPES) ?? `Types are ${DATA_TYPES.join(', ')}`),
        rule.at,
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
  const { condition, threshold, type } = rule
  if (condition?.kind === 'number') {
    lintNumbers(condition, rule, report)
    lintRange(condition, DOMAINS[type] ?? ANY, rule, report)
    if (type === 'CustomSql' && threshold !== null)
      report('warning', 'threshold_ignored', 'CustomSql with a condition ignores its threshold', rule.at)
  }
  if (threshold !== null) {
    lintNumbers(threshold, rule, report)
    lintRange(threshold, RATIO, rule, report)
  }
  if (condition?.kind === 'date') {
    lintDays(condition.operands, rule, report)
    lintDateOrder(condition, rule, report)
  }
  if (type === 'ColumnDataType') lintDataType(rule, report)
  else if (condition?.kind === 'text' && condition.operator.endsWith('matches')) {
    const [pattern] = condition.operands
    if (pattern?.kind === 'text') lintPattern(pattern.value, rule, report)
  }
  if (type === 'ColumnNamesMatchPattern') lintPattern(rule.parameters[0]?.text ?? '', rule, report)
  lintTags(rule, report)
}

export const nearestLabel = (key: string): string | null => {
  const found = nearest(key, ['severity'])
  return found !== null && found !== key ? found : null
}
