import type { Rule } from '../ast.ts'
import type { CompiledRule, Measures, Surroundings } from '../compiled-rule.ts'
import { checkNumber, countOf, mustBeOne, ratio, rowsInScope } from './support.ts'

/** A rule that every row in scope must satisfy, or with a threshold a share of them. */
export interface RowShare {
  /** True for satisfying rows; never NULL. */
  readonly predicate: string
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
  { predicate, metric, analyzer, end = '!', failureOf, emptyPasses = false }: RowShare,
  scope: string | null,
  measures: Measures,
  surroundings: Surroundings,
): CompiledRule {
  const satisfying = measures.aggregate(countOf(scope, predicate))
  const value = ratio(satisfying, rowsInScope(measures, scope))
  const undefinedPasses = emptyPasses || rule.where !== null
  const check = { metric, value, analyzer, end, undefinedPasses, brokenBy: `NOT ${predicate}`, scope }
  const worded = failureOf === undefined ? check : { ...check, failure: failureOf(value) }
  return checkNumber(rule, rule.threshold ?? mustBeOne(), worded, surroundings)
}
