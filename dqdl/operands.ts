import {
  type DateOperand,
  type Duration,
  leavesOf,
  type NumberCondition,
  type NumberExpression,
  type Ruleset,
  type Tag,
} from './ast.ts'
import { printNumber } from './print.ts'
import { offsetMinutesAt } from './time-zone.ts'

/** Why an operand has no value: the rule that holds it is ERROR. */
export class OperandError extends Error {}

/** Values of one metric in earlier runs, newest first. */
export type MetricHistory = (metric: string) => readonly number[]

type Value = number | readonly number[]

const MAX_ARGUMENTS: Readonly<Record<string, number>> = { last: 1, index: 2, abs: 1 }
const AGGREGATES: Readonly<Record<string, (values: readonly number[]) => number>> = {
  avg: (values) => sum(values) / values.length,
  median,
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  sum,
  std: (values) => {
    const mean = sum(values) / values.length
    return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / values.length)
  },
}
export const FUNCTIONS: readonly string[] = [...Object.keys(AGGREGATES), ...Object.keys(MAX_ARGUMENTS)]

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** @throws OperandError for lists that are not aggregated, unknown functions, NULL and wrong arguments */
export function evaluateNumber(expression: NumberExpression, history: readonly number[]): number {
  const value = evaluate(expression, history)
  if (typeof value === 'number') return value
  // `last(1)` is a number; a longer list has to be aggregated.
  const [only] = value
  if (value.length === 1 && only !== undefined) return only
  throw new OperandError(
    `${printNumber(expression)} is a list: aggregate it, for example avg(${printNumber(expression)})`,
  )
}

function evaluate(expression: NumberExpression, history: readonly number[]): Value {
  switch (expression.kind) {
    case 'literal':
      return Number(expression.text)
    case 'group':
      return evaluate(expression.inner, history)
    case 'null':
      throw new OperandError('NULL is no number')
    case 'arithmetic': {
      const left = evaluateNumber(expression.left, history)
      const right = evaluateNumber(expression.right, history)
      return { '+': left + right, '-': left - right, '*': left * right, '/': left / right }[expression.operator]
    }
    case 'call':
      return call(expression, history)
  }
}

function call(expression: NumberExpression & { kind: 'call' }, history: readonly number[]): Value {
  const { name } = expression
  const [first, second] = expression.arguments
  const aggregate = AGGREGATES[name]
  const maximum = MAX_ARGUMENTS[name]
  if (aggregate === undefined && maximum === undefined) throw new OperandError(`function ${name} is unknown`)
  if (maximum !== undefined && expression.arguments.length > maximum)
    throw new OperandError(`function ${name} takes ${maximum} arguments, found ${expression.arguments.length}`)
  if (name === 'last') return lastValues(first === undefined ? 1 : evaluateNumber(first, history), history)
  if (first === undefined) throw new OperandError(`function ${name} needs an argument`)
  if (name === 'abs') return Math.abs(evaluateNumber(first, history))
  const values =
    expression.arguments.length > 1 && aggregate !== undefined
      ? expression.arguments.map((each) => evaluateNumber(each, history))
      : listOf(evaluate(first, history))
  if (aggregate !== undefined) return aggregate(values)
  if (second === undefined) throw new OperandError('function index needs a list and a position')
  const position = evaluateNumber(second, history)
  const value = values[position]
  if (value === undefined) throw new OperandError(`index ${position} is beyond a list of ${values.length}`)
  return value
}
const listOf = (value: Value): readonly number[] => (typeof value === 'number' ? [value] : value)
const lastValues = (count: number, history: readonly number[]): readonly number[] => {
  if (!Number.isInteger(count) || count < 1) throw new OperandError(`last(${count}) needs a whole number above 0`)
  return history.length === 0 ? [0] : history.slice(0, count)
}

const hasCall = (expression: NumberExpression): boolean => {
  switch (expression.kind) {
    case 'call':
      return true
    case 'group':
      return hasCall(expression.inner)
    case 'arithmetic':
      return hasCall(expression.left) || hasCall(expression.right)
    default:
      return false
  }
}
/** True for conditions whose operands depend on earlier runs or call functions. */
export const isDynamic = (condition: NumberCondition): boolean => condition.operands.some(hasCall)

/** Earlier runs that are read at most. */
export const MAX_DEPTH = 1000

/** How many earlier runs an operand looks back. A depth that is computed counts as {@link MAX_DEPTH}. */
function depthOfNumber(expression: NumberExpression): number {
  switch (expression.kind) {
    case 'group':
      return depthOfNumber(expression.inner)
    case 'arithmetic':
      return Math.max(depthOfNumber(expression.left), depthOfNumber(expression.right))
    case 'call': {
      const inner = Math.max(0, ...expression.arguments.map(depthOfNumber))
      if (expression.name !== 'last') return inner
      const [count] = expression.arguments
      const own = count === undefined ? 1 : count.kind === 'literal' ? Number(count.text) : MAX_DEPTH
      return Math.min(MAX_DEPTH, Math.max(inner, own))
    }
    default:
      return 0
  }
}

/** How many earlier runs the rules of a ruleset look back; 0 where none does. */
export const depthOf = ({ rules }: Pick<Ruleset, 'rules'>): number =>
  Math.max(
    0,
    ...rules
      .flatMap(leavesOf)
      .flatMap(({ condition, threshold }) => [condition, threshold])
      .flatMap((condition) => (condition?.kind === 'number' ? condition.operands.map(depthOfNumber) : [])),
  )

const UNIT_MINUTES = { days: 24 * 60, hours: 60, minutes: 1 } as const
export const durationMinutes = ({ amount, unit }: Duration): number => amount * UNIT_MINUTES[unit]

/**
 * The calendar day (UTC) a date operand means, `YYYY-MM-DD`, or `null` for NULL: times of day are cut, as conditions on
 * columns compare days.
 * @throws OperandError for an impossible date
 */
export function evaluateDay(operand: DateOperand, now: Date, tags: readonly Tag[]): string | null {
  const instant = evaluateInstant(operand, now, tags)
  return instant === null ? null : instant.toISOString().slice(0, 10)
}

/** @throws OperandError for an impossible date */
export function evaluateInstant(operand: DateOperand, now: Date, tags: readonly Tag[]): Date | null {
  const minute = new Date(Math.floor(now.getTime() / 60_000) * 60_000)
  switch (operand.kind) {
    case 'null':
      return null
    case 'now':
      return minute
    case 'offset': {
      const shift = durationMinutes(operand.duration) * (operand.sign === '-' ? -60_000 : 60_000)
      return new Date(minute.getTime() + shift)
    }
    case 'time':
      return timeToday(operand.hours * 60 + operand.minutes, now, zoneOf(tags))
    case 'day': {
      const day = new Date(`${operand.text}T00:00:00Z`)
      if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== operand.text)
        throw new OperandError(`"${operand.text}" is no day of the calendar`)
      return day
    }
  }
}

const zoneOf = (tags: readonly Tag[]): string => {
  const value = tags.find(({ name }) => name === 'timeZone')?.value
  return value?.kind === 'text' ? value.value : 'UTC'
}

function timeToday(minutes: number, now: Date, zone: string): Date {
  const localNow = new Date(now.getTime() + offsetMinutesAt(zone, now) * 60_000)
  const localMidnight = Date.UTC(localNow.getUTCFullYear(), localNow.getUTCMonth(), localNow.getUTCDate())
  const local = localMidnight + minutes * 60_000
  // The offset at that time, not now: the day may have a change of clocks in it.
  const guess = new Date(local - offsetMinutesAt(zone, now) * 60_000)
  return new Date(local - offsetMinutesAt(zone, guess) * 60_000)
}
