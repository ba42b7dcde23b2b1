import type { NumberCondition, Rule } from './ast.ts'
import { evaluateNumber, isDynamic } from './operands.ts'
import { double } from './sql.ts'

const isNan = (operand: number): boolean => Number.isNaN(operand)
const MAX_DECIMALS = 20
/** DQDL knows no exponents. */
const shown = (operand: number): string => {
  if (Object.is(operand, -0)) return '-0'
  const text = String(operand)
  if (!text.includes('e')) return text
  return Math.abs(operand) < 1 ? operand.toFixed(MAX_DECIMALS) : BigInt(operand).toString()
}

/**
 * SQL that is true when the double `value` meets the condition: comparisons are false for NaN, NaN equals NaN, `between`
 * excludes its bounds and `not between` includes them.
 */
export function numberHolds(value: string, operator: NumberCondition['operator'], operands: readonly number[]): string {
  const [first = Number.NaN, second = Number.NaN] = operands
  const ordered = (sql: string): string => `(NOT isnan(${value}) AND ${sql})`
  switch (operator) {
    case '>':
    case '>=':
    case '<':
    case '<=':
      return isNan(first) ? 'false' : ordered(`${value} ${operator} ${double(first)}`)
    case '=':
      return `(${value} = ${double(first)})`
    case '!=':
      return `(${value} <> ${double(first)})`
    case 'in':
    case 'not in':
      return `(${value} ${operator.toUpperCase()} (${operands.map(double).join(', ')}))`
    case 'between':
      if (isNan(first) || isNan(second)) return 'false'
      return ordered(`${value} > ${double(first)} AND ${value} < ${double(second)}`)
    case 'not between': {
      const outside = [
        isNan(first) ? 'false' : `${value} <= ${double(first)}`,
        isNan(second) ? 'false' : `${value} >= ${double(second)}`,
      ]
      return ordered(`(${outside.join(' OR ')})`)
    }
  }
}

/** @throws OperandError */
export const operandValues = (condition: NumberCondition, history: readonly number[]): readonly number[] =>
  condition.operands.map((operand) => evaluateNumber(operand, history))

/** The rule with dynamic operands replaced by numbers, or `null` when nothing is dynamic. */
export function evaluatedRule(rule: Rule, condition: NumberCondition, operands: readonly number[]): Rule | null {
  if (!isDynamic(condition)) return null
  const settled: NumberCondition = {
    ...condition,
    operands: operands.map((operand) => ({ kind: 'literal', text: shown(operand) })),
  }
  return rule.threshold === condition ? { ...rule, threshold: settled } : { ...rule, condition: settled }
}
