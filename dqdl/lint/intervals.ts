import type { NumberCondition, NumberExpression } from '../ast.ts'

/** Numbers between two ends; an open end is excluded. */
export interface Interval {
  readonly low: number
  readonly lowOpen: boolean
  readonly high: number
  readonly highOpen: boolean
}

export const interval = (low: number, lowOpen: boolean, high: number, highOpen: boolean): Interval => ({
  low,
  lowOpen,
  high,
  highOpen,
})
const INFINITE = Number.POSITIVE_INFINITY
export const ANY: Interval = interval(-INFINITE, false, INFINITE, false)

/** The value of an operand without functions, or `null`. */
export function constantOf(expression: NumberExpression): number | null {
  switch (expression.kind) {
    case 'literal':
      return Number(expression.text)
    case 'group':
      return constantOf(expression.inner)
    case 'arithmetic': {
      const left = constantOf(expression.left)
      const right = constantOf(expression.right)
      if (left === null || right === null) return null
      return { '+': left + right, '-': left - right, '*': left * right, '/': left / right }[expression.operator]
    }
    default:
      return null
  }
}

/** The numbers that meet a condition as one interval, or `null` when they are none, or depend on earlier runs. */
export function intervalOf({ operator, operands }: NumberCondition): Interval | null {
  const known: number[] = []
  for (const operand of operands) {
    const value = constantOf(operand)
    if (value === null) return null
    known.push(value)
  }
  const [first, second] = known
  if (first === undefined) return null
  switch (operator) {
    case '>':
      return interval(first, true, INFINITE, false)
    case '>=':
      return interval(first, false, INFINITE, false)
    case '<':
      return interval(-INFINITE, false, first, true)
    case '<=':
      return interval(-INFINITE, false, first, false)
    case '=':
      return interval(first, false, first, false)
    case 'in':
      return interval(Math.min(...known), false, Math.max(...known), false)
    case 'between':
      return interval(first, true, second ?? first, true)
    default:
      return null
  }
}

export const isEmpty = ({ low, lowOpen, high, highOpen }: Interval): boolean =>
  low > high || (low === high && (lowOpen || highOpen))

export function intersection(one: Interval, other: Interval): Interval {
  const low = Math.max(one.low, other.low)
  const high = Math.min(one.high, other.high)
  return interval(
    low,
    [one, other].some((each) => each.low === low && each.lowOpen),
    high,
    [one, other].some((each) => each.high === high && each.highOpen),
  )
}

export const contains = (outer: Interval, inner: Interval): boolean => {
  const common = intersection(outer, inner)
  return (
    common.low === inner.low &&
    common.high === inner.high &&
    common.lowOpen === inner.lowOpen &&
    common.highOpen === inner.highOpen
  )
}
