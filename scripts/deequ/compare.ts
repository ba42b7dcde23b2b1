import { leavesOf, type RuleExpression } from '../../dqdl/ast.ts'
import type { GlueRuleResult } from '../../dqdl/glue-result.ts'
import type { ReferenceOutcome } from './reference.ts'
import type { TestTable } from './tables.ts'

/** One rule with what both engines say of it. */
export interface Compared {
  readonly rule: RuleExpression
  readonly text: string
  readonly table: TestTable
  readonly own: GlueRuleResult
  readonly reference: ReferenceOutcome
}

/** Relative difference up to which two metrics are equal: engines add in another order. */
const TOLERANCE = 1e-9
/** Below this, two metrics are as good as zero: a correlation of nothing keeps no digits. */
const NEGLIGIBLE = 1e-12

const numberOf = (metric: number | string): number => Number(metric)

export function metricsEqual(one: number | string, other: number | string): boolean {
  const [first, second] = [numberOf(one), numberOf(other)]
  if (Number.isNaN(first) || Number.isNaN(second)) return Number.isNaN(first) && Number.isNaN(second)
  if (first === second) return true
  return Math.abs(first - second) <= Math.max(NEGLIGIBLE, TOLERANCE * Math.max(Math.abs(first), Math.abs(second)))
}

/** ERROR is a failure to the reference, which knows no other. */
export const verdictsAgree = ({ own, reference }: Compared): boolean => (own.Result === 'PASS') === reference.passed

/** Whether several parts of a composite rule report a metric of that name, of which either engine keeps one. */
function isShared(name: string, rule: RuleExpression): boolean {
  const reporting = leavesOf(rule).filter(({ type, parameters }) =>
    type === 'CustomSql' ? name.startsWith('Dataset.*.CustomSQL') : name.includes(parameters[0]?.text ?? ' '),
  )
  return new Set(reporting.map(({ type }) => type)).size < reporting.length
}

/** Metrics of the reference that are absent here or have another value. */
export const differingMetrics = ({ own, reference, rule }: Compared): readonly string[] =>
  Object.entries(reference.metrics).flatMap(([name, value]) => {
    if (isShared(name, rule)) return []
    const mine = own.EvaluatedMetrics[name]
    if (mine !== undefined && metricsEqual(mine, value)) return []
    return [`${name}: ${mine ?? 'absent'} here, ${value} there`]
  })

export const agrees = (compared: Compared): boolean =>
  verdictsAgree(compared) && differingMetrics(compared).length === 0
