import type { Contract } from '../../core/contract.ts'
import type { Rule, RuleExpression } from '../ast.ts'
import { qualityColumnsOf } from '../contract-columns.ts'
import { Generations } from '../generations.ts'
import { printRule } from '../print.ts'
import type { PlacedFinding } from './finding.ts'
import { ColumnIndex } from './lint-columns.ts'

/** Types that demand all of the figure that another type compares. */
const COMPARED: Readonly<Record<string, string>> = { IsComplete: 'Completeness', IsUnique: 'Uniqueness' }

/** What two rules must share so that their conditions are about the same figure. */
const figureOf = ({ type, parameters, where, threshold }: Rule): string =>
  `${COMPARED[type] ?? type}\n${parameters.map(({ text }) => text).join('\n')}\n${where ?? ''}\n${threshold === null}`

/** What is known of one rule. */
interface Facts {
  findings?: readonly PlacedFinding[]
  text?: string
  figure?: string
}

/** What lints find out about single rules, which a memo of the parse hands on as the same objects. For one contract. */
export class LintMemo {
  readonly #facts = new Generations<RuleExpression, Facts>()
  readonly #keeps: boolean
  #columns: ColumnIndex | null = null

  /** @param keeps false: for one lint only, of which nothing is remembered */
  constructor(keeps = true) {
    this.#keeps = keeps
  }

  /** Before a ruleset is linted. */
  begin(): void {
    this.#facts.begin()
  }

  columnsOf(contract: Contract | undefined): ColumnIndex | null {
    if (contract !== undefined) this.#columns ??= new ColumnIndex(qualityColumnsOf(contract))
    return this.#columns
  }

  #factsOf(rule: RuleExpression): Facts {
    const known = this.#facts.get(rule)
    if (known !== undefined) return known
    const facts: Facts = {}
    this.#facts.set(rule, facts)
    return facts
  }

  findings(rule: RuleExpression, lint: () => readonly PlacedFinding[]): readonly PlacedFinding[] {
    if (!this.#keeps) return lint()
    const facts = this.#factsOf(rule)
    facts.findings ??= lint()
    return facts.findings
  }
  textOf(rule: RuleExpression): string {
    if (!this.#keeps) return printRule(rule)
    const facts = this.#factsOf(rule)
    facts.text ??= printRule(rule)
    return facts.text
  }
  /** Equal for rules about the same figure. */
  figureOf(rule: Rule): string {
    if (!this.#keeps) return figureOf(rule)
    const facts = this.#factsOf(rule)
    facts.figure ??= figureOf(rule)
    return facts.figure
  }
}
