import type { QualityPlan, QualityStatement } from './quality-plan.ts'

/** A statement of a quality plan as people read it. */
export interface Scan {
  /** What it measures. */
  readonly measures: string
  /** Passes over the rows; 0 for a statement that was not needed. */
  readonly scans: number
  /** `Rule_1`, `Analyzer_1`, …: those that share it. */
  readonly rules: readonly string[]
  /** When it is needed, where that depends on the rows. */
  readonly onlyIf: string | null
}

const READS = /\b(?:FROM|JOIN)\s+"?(?:sluice_data|primary)\b/gi

/** Names of the rules and analyzers that a statement serves; parts of composite rules have the name of the whole. */
function namesOf({ rules }: QualityStatement, plan: QualityPlan): readonly string[] {
  const named = new Map([...plan.rules, ...(plan.analyzers ?? [])].map(({ index, name }) => [index, name] as const))
  const wholes = new Map(
    plan.statements.flatMap(({ parts = [], rules: [whole = -1] }) => parts.map((part) => [part, whole] as const)),
  )
  const names = rules.map((index) => named.get(index) ?? named.get(wholes.get(index) ?? -1) ?? `part ${index}`)
  return [...new Set(names)]
}

/**
 * Which rules share a scan, and how many there are.
 * @param ran positions of the statements that ran; all of them by default
 */
export function scansOf(plan: QualityPlan, ran?: ReadonlySet<number>): readonly Scan[] {
  return plan.statements.flatMap((statement, position): Scan[] => {
    const { measures, onlyIf = null, sql } = statement
    if (measures === undefined) return []
    const reads = sql.match(READS)?.length ?? 0
    const scans = ran === undefined || ran.has(position) ? reads : 0
    return [{ measures, scans, rules: namesOf(statement, plan), onlyIf }]
  })
}

/** The scans as lines, with their number first. */
export function printScans(scans: readonly Scan[]): readonly string[] {
  const total = scans.reduce((sum, each) => sum + each.scans, 0)
  return [
    `${total} ${total === 1 ? 'scan' : 'scans'} of the rows`,
    ...scans.map(({ measures, scans: count, rules, onlyIf }) => {
      const condition = onlyIf === null ? '' : count === 0 ? `, not needed: only if ${onlyIf}` : `, as ${onlyIf}`
      return `  ${count}  ${measures}: ${rules.join(', ')}${condition}`
    }),
  ]
}
