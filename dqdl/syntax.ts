import type { Analyzer, Condition, Label, Operator, Position, Rule, TextOperand } from './ast.ts'

/** A condition before variables are replaced and its kind is held against the rule type. */
export type SyntaxCondition =
  | Exclude<Condition, { kind: 'text' }>
  | { readonly kind: 'text'; readonly operator: Operator; readonly operands: readonly (TextOperand | VariableUse)[] }
export interface VariableUse {
  readonly kind: 'variable'
  readonly name: string
  readonly at: Position
}
export interface SyntaxRule
  extends Omit<Rule, 'condition' | 'conditionAt' | 'threshold' | 'thresholdAt' | 'tags' | 'labels'> {
  readonly condition: SyntaxCondition | null
  /** Where it stands or is missing. */
  readonly conditionAt: Position
  readonly tags: readonly SyntaxTag[]
  readonly labels: SyntaxLabels | null
}
export interface SyntaxTag {
  readonly name: string
  readonly condition: Extract<SyntaxCondition, { kind: 'number' | 'text' }>
  readonly at: Position
}
export interface SyntaxLabels {
  readonly pairs: readonly (Label & { readonly at: Position })[]
  readonly at: Position
}
export interface SyntaxComposite {
  readonly kind: 'composite'
  readonly operator: 'and' | 'or'
  readonly parts: readonly SyntaxExpression[]
  readonly labels: SyntaxLabels | null
  readonly parenthesised: boolean
  readonly at: Position
}
export type SyntaxExpression = SyntaxRule | SyntaxComposite
export interface SyntaxPair {
  readonly key: string
  readonly values: readonly string[]
  readonly list: boolean
  readonly at: Position
}
export interface SyntaxVariable {
  readonly name: string
  readonly list: boolean
  readonly operands: readonly TextOperand[]
  readonly at: Position
}
/** What the grammar alone says; `check.ts` makes a ruleset of it. */
export interface SyntaxDocument {
  metadata: readonly SyntaxPair[] | null
  metadataAt: Position | null
  sources: readonly SyntaxPair[] | null
  sourcesAt: Position | null
  variables: SyntaxVariable[]
  defaultLabels: SyntaxLabels | null
  rules: SyntaxExpression[]
  /** Labels of rules in parentheses that the labels behind the parentheses replace; they must be sound all the same. */
  readonly replacedLabels: SyntaxLabels[]
  analyzers: Analyzer[]
  bodyAt: Position
}
