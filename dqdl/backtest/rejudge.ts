import type { RuleResult as Outcome } from '../../core/run-documents.ts'
import { leavesOf, type NumberCondition, type RuleExpression } from '../ast.ts'
import type { GlueResult, GlueRuleResult } from '../glue-result.ts'
import { evaluateNumber, isDynamic, type MetricHistory, OperandError } from '../operands.ts'
import { parseRuleset } from '../parse.ts'
import { printRule } from '../print.ts'

/** What a rule would say, as far as results tell; `null`: they do not. */
export type Rejudged = { readonly result: Outcome; readonly message: string | null } | null

const ONE: NumberCondition = { kind: 'number', operator: '=', operands: [{ kind: 'literal', text: '1.0' }] }
/** Types that demand 1.0 of a figure that another type compares. */
const BOOLEAN_TYPES: Readonly<Record<string, string>> = { IsComplete: 'Completeness', IsUnique: 'Uniqueness' }
/** Types whose one metric is what their condition is about. */
const FIGURE_TYPES: ReadonlySet<string> = new Set([
  'RowCount',
  'ColumnCount',
  'Completeness',
  'Uniqueness',
  'UniqueValueRatio',
  'DistinctValuesCount',
  'Mean',
  'Sum',
  'StandardDeviation',
  'Variance',
  'Entropy',
  'ColumnCorrelation',
  'RowCountMatch',
  'ReferentialIntegrity',
  'DatasetMatch',
  'AggregateMatch',
])

/** A figure and the condition on it. */
interface Judgement {
  /** Equal for rules that measure the same. */
  readonly figure: string
  readonly condition: NumberCondition
}

/** What it says depends on earlier runs. */
const isDynamicRule = (rule: RuleExpression): boolean =>
  leavesOf(rule).some(({ condition, threshold }) =>
    [condition, threshold].some((each) => each?.kind === 'number' && isDynamic(each)),
  )

function judgementOf(rule: RuleExpression): Judgement | null {
  if (rule.kind !== 'rule') return null
  const type = BOOLEAN_TYPES[rule.type] ?? rule.type
  const about = [type, rule.parameters.map(({ text }) => text), rule.where]
  if (rule.threshold !== null) {
    const share = printRule({ ...rule, threshold: null, labels: null })
    return { figure: JSON.stringify([share]), condition: rule.threshold }
  }
  if (!FIGURE_TYPES.has(type)) return null
  const condition = rule.type === type ? rule.condition : ONE
  return condition?.kind === 'number' ? { figure: JSON.stringify(about), condition } : null
}

const ruleOf = (text: string): RuleExpression | undefined => parseRuleset(`Rules = [ ${text} ]`).ruleset.rules[0]

function meets(value: number, { operator, operands }: NumberCondition, history: readonly number[]): boolean {
  const numbers = operands.map((operand) => evaluateNumber(operand, history))
  const [first = Number.NaN, second = Number.NaN] = numbers
  switch (operator) {
    case '>':
      return value > first
    case '>=':
      return value >= first
    case '<':
      return value < first
    case '<=':
      return value <= first
    case '=':
      return Object.is(value, first) || value === first
    case '!=':
      return !(Object.is(value, first) || value === first)
    case 'in':
      return numbers.includes(value)
    case 'not in':
      return !numbers.includes(value)
    case 'between':
      return value > first && value < second
    case 'not between':
      return value <= first || value >= second
  }
}

function judge(value: number, condition: NumberCondition, history: readonly number[]): Rejudged {
  try {
    if (meets(value, condition, history)) return { result: 'PASS', message: null }
    return { result: 'FAIL', message: `Value: ${value} does not meet the constraint requirement!` }
  } catch (thrown) {
    if (!(thrown instanceof OperandError)) throw thrown
    return { result: 'ERROR', message: `Can't execute the assertion: ${thrown.message}!` }
  }
}

const asKept = ({ Result, EvaluationMessage }: GlueRuleResult): Rejudged => ({
  result: Result,
  message: EvaluationMessage ?? null,
})

/** The only metric of a result, with its name. */
function onlyMetric({ EvaluatedMetrics }: GlueRuleResult): readonly [name: string, value: number] | null {
  const [first, second] = Object.entries(EvaluatedMetrics)
  return first === undefined || second !== undefined ? null : [first[0], Number(first[1])]
}

/**
 * What a rule would have said of data that are gone, from the result that was kept: the same rule says the same, and a rule
 * about the same figure is held against the metric.
 * @param history values of earlier runs, for `last(k)`
 */
export function rejudge(rule: RuleExpression, kept: GlueResult, history: MetricHistory): Rejudged {
  const text = printRule(rule)
  const same = kept.RuleResults.find(({ Description }) => Description === text)
  if (same !== undefined && !isDynamicRule(rule)) return asKept(same)
  const wanted = judgementOf(rule)
  if (wanted === null) return null
  for (const result of kept.RuleResults) {
    const measured = ruleOf(result.Description)
    const metric = measured !== undefined && judgementOf(measured)?.figure === wanted.figure ? onlyMetric(result) : null
    if (metric !== null) return judge(metric[1], wanted.condition, history(metric[0]))
  }
  return null
}
