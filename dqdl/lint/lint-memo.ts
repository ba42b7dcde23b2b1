import type { Contract } from '../../core/contract.ts'
import type { Rule, RuleExpression } from '../ast.ts'
import { qualityColumnsOf } from '../contract-columns.ts'
import { printRule } from '../print.ts'
import type { Finding } from './finding.ts'
import { ColumnIndex } from './lint-columns.ts'

/** Types that demand all of the figure that another type compares. */
const COMPARED: Readonly<Record<string, string>> = { IsComplete: 'Completeness', IsUnique: 'Uniqueness' }

/** What two rules must share so that their conditions are about the same figure. */
const figureOf = ({ type, parameters, where, threshold }: Rule): string =>
  JSON.stringify([COMPARED[type] ?? type, parameters.map(({ text }) => text), where, threshold === null])

/** What lints find out about single rules, which a memo of the parse hands on as the same objects. For one contract. */
export class LintMemo {
  readonly #findings = new WeakMap<RuleExpression, readonly Finding[]>()
  readonly #texts = new WeakMap<RuleExpression, string>()
  readonly #figures = new WeakMap<Rule, string>()
  #columns: ColumnIndex | null = null

  columnsOf(contract: Contract | undefined): ColumnIndex | null {
    if (contract !== undefined) this.#columns ??= new ColumnIndex(qualityColumnsOf(contract))
    return this.#columns
  }

  findings(rule: RuleExpression, lint: () => readonly Finding[]): readonly Finding[] {
    return remembered(this.#findings, rule, lint)
  }
  textOf(rule: RuleExpression): string {
    return remembered(this.#texts, rule, () => printRule(rule))
  }
  /** Equal for rules about the same figure. */
  figureOf(rule: Rule): string {
    return remembered(this.#figures, rule, () => figureOf(rule))
  }
}

function remembered<K extends object, V>(memo: WeakMap<K, V>, key: K, make: () => V): V {
  const known = memo.get(key)
  if (known !== undefined) return known
  const made = make()
  memo.set(key, made)
  return made
}
