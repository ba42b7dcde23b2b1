import type { Rule } from '../ast.ts'
import { type CompiledRule, type Measures, type Surroundings, VALUE_ROWS } from '../compiled-rule.ts'
import { evaluatedRule, operandValues } from '../conditions.ts'
import { isDynamic } from '../operands.ts'
import { checkNumber, countOf, mustBeOne, ratio, rowsInScope } from './support.ts'

/** A rule that every row in scope must satisfy, or with a threshold a share of them. */
export interface RowShare {
  /** True for satisfying rows; never NULL. */
  readonly predicate: string
  /** Quoted name of the column that alone decides the predicate. */
  readonly column: string
  readonly metric: string
  readonly analyzer: string
  readonly end?: '!' | '.'
  /** SQL of the failure by the value's SQL, where the reference words it otherwise. */
  readonly failureOf?: (value: string) => string
  /** No row in scope passes, with where or without. */
  readonly emptyPasses?: boolean
}

export function checkRowShare(
  rule: Rule,
  share: RowShare,
  scope: string | null,
  measures: Measures,
  surroundings: Surroundings,
): CompiledRule {
  const satisfying = measures.aggregate(countOf(scope, share.predicate))
  const exact = judgeShare(rule, share, ratio(satisfying, rowsInScope(measures, scope)), scope, surroundings)
  if (exact.kind !== 'measured' || scope !== null) return exact
  const cheap = measures.sibling()
  const rows = cheap.valueAggregate(share.column, `sum(${VALUE_ROWS})`)
  const met = cheap.valueAggregate(
    share.column,
    `coalesce(sum(CASE WHEN ${share.predicate} THEN ${VALUE_ROWS} END), 0)`,
  )
  const quick = judgeShare(rule, share, ratio(met, rows), scope, surroundings)
  if (quick.kind !== 'measured') return exact
  return { ...exact, shortcut: { provenIf: 'true', measures: cheap, rule: quick, valuesOf: share.column } }
}

function judgeShare(
  rule: Rule,
  { predicate, metric, analyzer, end = '!', failureOf, emptyPasses = false }: RowShare,
  value: string,
  scope: string | null,
  surroundings: Surroundings,
): CompiledRule {
  const undefinedPasses = emptyPasses || rule.where !== null
  const check = { metric, value, analyzer, end, undefinedPasses, brokenBy: `NOT ${predicate}`, scope }
  const worded = failureOf === undefined ? check : { ...check, failure: failureOf(value) }
  const judged = checkNumber(rule, rule.threshold ?? mustBeOne(), worded, surroundings)
  const { condition } = rule
  if (judged.kind !== 'measured' || condition?.kind !== 'number' || !isDynamic(condition)) return judged
  if (condition.operands.some(({ kind }) => kind === 'null')) return judged
  const operands = operandValues(condition, surroundings.history(metric))
  return { ...judged, evaluatedRule: evaluatedRule(rule, condition, operands) }
}
